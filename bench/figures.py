"""The arithmetic: pairs, their ratio, and how cost grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

GOAL_RATIO = 1.05  # of the time of ours to the floor's, from GOAL_NODES on
GOAL_RESOURCES = 5  # Kubernetes objects of one node, beside those that all share
GOAL_NODES = 100
GOAL_GROWTH = 1.2  # of what a node costs in a large plan to what it costs in one of GOAL_NODES


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run of `pulumi` took.

    Args:
        seconds: By the clock on the wall.
        cpu: CPU seconds of the CLI and everything it started: language host, program, provider; not the API server.
        program_seconds: By the clock on the wall, the Python program alone.
        program_cpu: CPU seconds of the Python program alone.
        program_peak: The most memory the Python program ever had resident, in bytes.
    """

    seconds: float
    cpu: float
    program_seconds: float
    program_cpu: float
    program_peak: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Ours and the floor, measured one right after the other."""

    ours: Usage
    floor: Usage


@dataclass(frozen=True, slots=True)
class Spread:
    """Several measurements of one thing."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Their median and extremes.

        Raises:
            statistics.StatisticsError: There are none.
        """
        return cls(median(values), min(values), max(values))


def ratio(pairs: Sequence[Pair], of: Callable[[Usage], float]) -> Spread:
    """Ours by the floor, pair by pair: whatever else the machine did meanwhile, it did to both halves of a pair.

    Args:
        pairs: At least one.
        of: What is compared, as the seconds.
    """
    return Spread.of([of(pair.ours) / of(pair.floor) for pair in pairs])


def each(pairs: Sequence[Pair], of: Callable[[Usage], float]) -> tuple[Spread, Spread]:
    """Ours, and the floor, each for itself."""
    return Spread.of([of(pair.ours) for pair in pairs]), Spread.of([of(pair.floor) for pair in pairs])


def growth(by_nodes: Mapping[int, float]) -> float | None:
    """What one more node costs between the two largest sizes, by what it costs between the two before them.

    About 1 where the cost is linear, however large the part that does not depend on nodes; None for too few sizes.

    Args:
        by_nodes: Seconds by number of nodes.
    """
    sizes = sorted(by_nodes)[-3:]
    if len(sizes) < 3:  # noqa: PLR2004 - two slopes take three points
        return None
    first, second, third = sizes
    before = (by_nodes[second] - by_nodes[first]) / (second - first)
    last = (by_nodes[third] - by_nodes[second]) / (third - second)
    return last / before if before > 0 else None
