"""What a lab will be at its next start: every cluster with ports that are its own or free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab import ports
from lab.errors import LabError
from lab.nodes import network
from lab.processes import Process
from lab.profiles import Profile
from lab.say import Say
from lab.state import NAMES, ClusterState, LabState


class Owner(Protocol):
    """The lab, as far as it is asked here."""

    folder: Path

    def command(self, name: str) -> str:
        """The command line of a subcommand for this lab, for messages."""
        ...


@dataclass(frozen=True)
class Wanted:
    """What the next start is asked for.

    Args:
        clusters: how many there are to be; those of an earlier, larger lab stay.
        new_ports: whether all ports are chosen anew where they are taken, API servers' included.
    """

    clusters: int
    new_ports: bool


def settle(
    lab: Owner, kind: Profile, known: LabState | None, wanted: Wanted, running: Mapping[str, Process], say: Say
) -> LabState:
    """The lab's state for this start.

    Args:
        lab: the lab.
        kind: of its clusters.
        known: its state of before.
        wanted: what is asked for.
        running: parts that run, by `<cluster>/<part>`; their ports are theirs.
        say: told what happens, a line at a time.

    Raises:
        LabError: too many clusters, or a port that others remember is taken.
    """
    if not 1 <= wanted.clusters <= len(NAMES):
        raise LabError(
            f"A lab has 1 to {len(NAMES)} clusters, not {wanted.clusters}. Try: archipelago lab up --clusters 2"
        )
    before = known.clusters if known else {}
    taken = {port for entry in before.values() for port in entry.ports.values()}
    settled: dict[str, ClusterState] = {}
    for name in [letter for letter in NAMES if letter in before or letter in NAMES[: wanted.clusters]]:
        kept = dict(before[name].ports) if name in before else {}
        unused = {port: kept[port] for port in kept if f"{name}/{kind.ports.get(port)}" not in running}
        for port_name in _lost(lab, kind, name, unused, new_ports=wanted.new_ports):
            say(f"cluster {name}: port {kept.pop(port_name)} ({port_name}) is taken, choosing another")
        missing = [port_name for port_name in kind.ports if port_name not in kept]
        chosen = ports.choose(missing, f"{lab.folder}/{name}", taken)
        taken.update(chosen.values())
        settled[name] = ClusterState(ports={port_name: {**kept, **chosen}[port_name] for port_name in kind.ports})
    number = known.network if known else None
    if kind.networked and number is None:
        number = network.claim(str(lab.folder))
    return LabState(profile=kind.name, clusters=settled, network=number)


def _lost(lab: Owner, kind: Profile, cluster: str, kept: Mapping[str, int], *, new_ports: bool) -> list[str]:
    """Names of ports that somebody else has taken while the cluster was down."""
    lost = [name for name, port in kept.items() if not ports.is_free(port)]
    for name in lost:
        if name in kind.stable_ports and not new_ports:
            holder = ports.holder(kept[name])
            raise LabError(
                f"Port {kept[name]} of cluster {cluster} ({name}) is used by {holder}. End that, or move the "
                "cluster (its context gets another URL, and Pulumi takes it for another cluster unless the "
                f"provider has a cluster identifier): {lab.command('up')} --new-ports"
            )
    return lost
