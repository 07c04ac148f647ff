"""What a profile has to say about a cluster, so that the lab can start, watch and end it without knowing what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lab.cluster import Cluster
from lab.errors import LabError
from lab.processes import Process
from lab.say import Say
from lab.tools import Toolchain


@dataclass(frozen=True)
class Part:
    """One process of a cluster.

    Args:
        name: unique within the cluster.
        command: program and arguments. A running part with another command line is started anew.
        environment: variables beside those that every part gets.
        namespace: the network namespace that it runs in; empty for the machine's own.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    namespace: str = ""


@dataclass(frozen=True)
class Stage:
    """Parts that start together, and how one sees that they have.

    Args:
        title: what is waited for.
        parts: what to start.
        missing: None when the stage is ready, else half a sentence about what it still waits for. Asked several times
            a second; may raise, which counts as missing.
        within: seconds until waiting ends in an error.
    """

    title: str
    parts: tuple[Part, ...]
    missing: Callable[[], str | None]
    within: float = 120.0


def following(first: Callable[[], None], missing: Callable[[], str | None]) -> Callable[[], str | None]:
    """What a stage waits for that needs something done before: `first` is done until it has succeeded once."""
    done = False

    def ask() -> str | None:
        nonlocal done
        if not done:
            first()
            done = True
        return missing()

    return ask


def tools(profile: Profile, besides: Sequence[str] = ()) -> tuple[str, ...]:
    """The tools of a profile, with those of what its clusters are to have besides.

    Raises:
        LabError: there is no such thing.
    """
    for name in besides:
        if name not in profile.more:
            known = f"it has {', '.join(profile.more)}" if profile.more else "it has nothing besides"
            raise LabError(f"Clusters of the profile {profile.name} cannot have {name}: {known}.")
    return (*profile.tools, *(tool for name in besides for tool in profile.more[name]))


class Profile(Protocol):
    """A kind of cluster."""

    name: str
    tools: Sequence[str]
    """The tools that it runs on, by the names of the toolchain's catalogue."""
    more: Mapping[str, Sequence[str]]
    """The tools of what such clusters can have besides, by the word for it."""
    parts: Sequence[str]
    """The names of all parts that a cluster has."""
    ports: Mapping[str, str]
    """What ports on loopback each cluster needs, and the part that listens there; `apiserver` is one."""
    stable_ports: Sequence[str]
    """Those of them that others remember: they are never changed without being told to."""
    last: Sequence[Sequence[str]]
    """Groups of parts that end after all others, one group after another."""

    fixed_ports: Mapping[str, int]
    """Ports that are always the same, because each cluster has a network namespace of its own."""
    networked: bool
    """Whether the lab has a network of its own, whose hosts the clusters are."""

    def obstacle(self) -> str | None:
        """Why this machine cannot have such clusters, as a sentence; None if it can."""

    def equip(self, say: Say, besides: Sequence[str] = ()) -> None:
        """Get what the machine lacks; asked by `Lab.equip`, before the toolchain is resolved.

        Args:
            say: told what happens, a line at a time.
            besides: what of `more` the clusters are to have.

        Raises:
            LabError: it cannot be had.
        """

    def prepare(self, cluster: Cluster) -> None:
        """Write the files that the parts read, where they are missing or the ports have changed."""

    def quiet(self, cluster: Cluster, running: Mapping[str, Process]) -> None:
        """End what the cluster runs for its users, before its own parts end."""

    def clear(self, cluster: Cluster) -> None:
        """Remove all that the cluster has outside its folder, when its processes have ended; also after a crash."""

    def problem(self, cluster: Cluster) -> str | None:
        """None if a cluster whose parts all run works, else half a sentence about what does not."""

    def stages(self, cluster: Cluster, toolchain: Toolchain) -> Sequence[Stage]:
        """What to start, in order."""
