"""What Prometheus reads: its text format, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from monitor.member import Look
from monitor.peers import DUE, ONLINE, OUT_OF_SYNC, STATUS, SYNCHRONIZED, Peer, Status
from monitor.settings import Member
from monitor.swarm import Publication

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_CONTROLLER = "cluster_discovery_controller_identity_controller"
Sample = tuple[Mapping[str, str], int]


def metric(name: str, kind: str, words: str, samples: Iterable[Sample]) -> str:
    """One metric with all its series."""
    lines = [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
    for labels, value in samples:
        named = ",".join(f'{key}="{_escaped(labels[key])}"' for key in sorted(labels))
        lines.append(f"{name}{{{named}}} {value}" if named else f"{name} {value}")
    return "\n".join(lines) + "\n"


def identities(found: Sequence[Publication]) -> str:
    """The gauges of cluster-discovery, under their names and labels.

    `status` is that of an identity in a swarm as a whole; the series of the other status is 0, so that no series ends.
    """
    listed = [
        ({**each.labels, "status": status}, each if each.status == status else None)
        for each in found
        for status in (SYNCHRONIZED, OUT_OF_SYNC)
    ]
    everybody = [(labels, each.peers if each else 0) for labels, each in listed]
    synced = [(labels, each.synchronised if each else 0) for labels, each in listed]
    return metric(
        f"{_CONTROLLER}_peers_number", "gauge", "Peers in the swarm that an identity is published to.", everybody
    ) + metric(
        f"{_CONTROLLER}_sync_peers_number", "gauge", "Those of them that are connected and have it as it is.", synced
    )


def members(found: Sequence[tuple[Member, Look | None, int]]) -> str:
    """The stack's own nodes.

    Args:
        found: Each with what it told lately, and how often it did not answer.
    """
    named = [({"pool": m.pool, "swarm": m.swarm, "namespace": m.namespace}, look, failed) for m, look, failed in found]
    up = [(labels, int(look is not None)) for labels, look, _ in named]
    connected = [(labels, len(look.connected)) for labels, look, _ in named if look]
    boots = [(labels, look.bootstraps) for labels, look, _ in named if look and look.bootstraps is not None]
    failures = [(labels, failed) for labels, _, failed in named]
    return (
        metric("archipelago_member_up", "gauge", "Whether a member of this stack tells how it is.", up)
        + metric("archipelago_member_connected_peers", "gauge", "Whom it is connected with.", connected)
        + metric("archipelago_member_bootstraps", "gauge", "Entries of its bootstrap list.", boots)
        + metric("archipelago_member_failures_total", "counter", "Questions that it did not answer.", failures)
    )


def peers(found: Sequence[tuple[Peer, Status]]) -> str:
    """Partners' identities here."""
    named = [({"peer": peer.name, "namespace": peer.namespace}, status) for peer, status in found]
    online = [(labels, int(status.get(STATUS) == ONLINE)) for labels, status in named]
    due = [(labels, int(DUE in status)) for labels, status in named]
    return metric("archipelago_peer_online", "gauge", "Whether a Peer is connected.", online) + metric(
        "archipelago_peer_outdated", "gauge", "Whether it changed at its organisation, and `pulumi up` is due.", due
    )


def own(rounds: int, failures: Mapping[str, int]) -> str:
    """The monitor itself."""
    samples = [({"asked": asked}, count) for asked, count in sorted(failures.items())]
    return metric("archipelago_monitor_rounds_total", "counter", "Looks at everything.", [({}, rounds)]) + metric(
        "archipelago_monitor_failures_total", "counter", "What went wrong, by whom was asked.", samples
    )


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
