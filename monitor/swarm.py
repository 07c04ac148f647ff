"""How the stack's own members are, in the words that the status of a SwarmPool had, and what of it is counted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.member import Look
from monitor.peers import OUT_OF_SYNC, SYNCHRONIZED, stamp
from monitor.published import Profile
from monitor.settings import Member

BOOTSTRAPS, CONNECTED = "Number of bootstraps", "Number of connected peers"


def record(member: Member, look: Look | None, before: str) -> str:
    """A member's status as text; what stands there already where nothing changed.

    Args:
        member: Which.
        look: What it told lately; None where it does not answer. Then addresses and bootstraps stay as they were.
        before: What stands there.
    """
    try:
        last: Any = json.loads(before or "{}")
    except ValueError:
        last = {}
    last = last if isinstance(last, dict) else {}
    found = {
        "Addresses": list(look.addresses) if look else last.get("Addresses", []),
        "Answers": look is not None,
        "Name": member.swarm,
        BOOTSTRAPS: look.bootstraps if look and look.bootstraps is not None else last.get(BOOTSTRAPS, 0),
        CONNECTED: len(look.connected) if look else 0,
        "Peer Id": (look.peer_id if look else "") or member.peer_id,
        "hash": member.hash,
        "namespace": member.namespace,
        "pool": member.pool,
    }
    same = {key: value for key, value in last.items() if key != "lastUpdate"} == found
    return before if same else json.dumps({**found, "lastUpdate": stamp()}, indent=1, sort_keys=True) + "\n"


@dataclass(frozen=True, slots=True)
class Publication:
    """One of our identities in one swarm.

    Args:
        labels: As the original's gauges name it.
        peers: Nodes of others in that swarm.
        synchronised: Those of them that are connected and have its last revision.
    """

    labels: Mapping[str, str]
    peers: int
    synchronised: int

    @property
    def status(self) -> str:
        """Of the publication as a whole."""
        return SYNCHRONIZED if self.synchronised == self.peers else OUT_OF_SYNC


def publications(
    profiles: Iterable[Profile],
    swarms: Mapping[str, frozenset[str]],
    looks: Sequence[tuple[Member, Look]],
    members: Sequence[Member],
) -> list[Publication]:
    """Our identities, each in each of the swarms where it is published.

    Args:
        profiles: Of our own organisation.
        swarms: PeerIDs of everybody in a swarm.
        looks: What our members told lately.
        members: All of ours.
    """
    own = {each.peer_id for each in members}
    found = []
    for profile in profiles:
        for place in dict.fromkeys(profile.places):
            others = swarms.get(place.swarm, frozenset()) - own
            near = [look for member, look in looks if member.swarm == place.swarm]
            labels = {
                "identity_name": profile.identity,
                "identity_namespace": profile.namespace,
                "swarm_name": place.swarm,
                "swarmpool_name": place.pool,
                "swarmpool_namespace": place.namespace,
            }
            found.append(Publication(labels, len(others), sum(_has(profile, each, near) for each in others)))
    return found


def _has(profile: Profile, peer: str, looks: Sequence[Look]) -> bool:
    """Whether a node of another organisation is connected and its stack has the last revision of a profile of ours."""
    if not any(peer in look.connected for look in looks):
        return False
    told = [each.taken for look in looks if (each := look.documents.get(peer)) and each.taken is not None]
    name = f"{profile.organisation}/{profile.identity}"
    # whoever does not tell what it has taken over can at least read it
    return not told or any(taken.get(name, -1) >= profile.revision for taken in told)
