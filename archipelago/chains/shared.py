"""What several organisations' stacks hold in common, and no outsider may know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from archipelago.problems import Problem


@dataclass(frozen=True, slots=True)
class Shared:
    """Secrets that several organisations hold in common, as the key of a swarm.

    An item is named for what it is, with its generation where that is not the first (`swarm/archive/2`): then partners
    that have not counted up yet keep what they hold, and nobody has to run at the same time.

    Args:
        items: What this stack holds, by item.
        to: Partners that may have it, by item, as the settings alone tell: not whoever gave it. It is sealed to those
            of them that are in the stack file, signed what they gave and have a sealing key.
        taken: Whose it is, by item, where a partner gave it: what he sealed is kept, and he may be away later.
        givers: Partners that secrets come from, whether they have given them yet or not.
        problems: Why something that was given is refused.
        warnings: What a reader of the preview should know.
    """

    items: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    to: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    taken: Mapping[str, str] = field(default_factory=dict)
    givers: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()


NOTHING_SHARED = Shared()
