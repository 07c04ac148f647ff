"""Who is in which swarm: a partner's member as it was handed over, and the live lists that running members follow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from archipelago.chains.ipfs.multiaddr import Multiaddr, of_endpoint, parsed
from archipelago.chains.ipfs.places import ALL_MEMBERS, members_file
from archipelago.chains.ipfs.ports import SWARM
from archipelago.identity.peer_id import check_peer_id, verify
from archipelago.model.address_book import AddressBook
from archipelago.model.endpoint import Endpoint, Exposed
from archipelago.model.plan import NodePlan
from archipelago.model.record import ExternalNode
from archipelago.model.swarms import Swarms

_PASTED = {"name", "swarm", "multiaddr", "fingerprint"}


def parse_node(raw: Mapping[str, Any], network: str, organisation: str) -> ExternalNode:
    """A partner's member, from a record or pasted: name, swarm, multiaddr, and the fingerprint of the swarm's key.

    Raises:
        ValueError: It is malformed, or its identity is no PeerID.
    """
    written = _record(raw) if "multiaddr" in raw else raw
    given = ExternalNode.model_validate({"network": network, "organisation": organisation, **written})
    if not given.swarm:
        raise ValueError("it does not say in which swarm it is")
    given = given.dialled_at(SWARM).model_copy(update={"node_id": check_peer_id(given.node_id)})
    if given.proof is not None and not verify(given.node_id, given.claim, given.proof):
        raise ValueError(f"its proof is not by the key of its PeerID, or not for {organisation}")
    return given


def _record(pasted: Mapping[str, Any]) -> dict[str, Any]:
    if wrong := set(pasted) - _PASTED | ({"name", "swarm"} - set(pasted)):
        listed = ", ".join(sorted(_PASTED - {"fingerprint"}))
        raise ValueError(f"write {listed}, and fingerprint if you know it: {', '.join(sorted(wrong))} differs")
    address = parsed(str(pasted["multiaddr"]))
    if not address.peer_id:
        raise ValueError(f"{pasted['multiaddr']} does not say whose address it is: add /p2p/ and its PeerID")
    plain = {key: pasted[key] for key in ("name", "swarm", "fingerprint") if key in pasted}
    return {**plain, "nodeId": address.peer_id, "endpoints": {SWARM: {"host": address.host, "port": address.port}}}


def pasted(node: ExternalNode) -> dict[str, Any]:
    """A member as a partner pastes it."""
    end = node.endpoints.get(SWARM)
    found = {"name": node.name, "swarm": node.swarm, "fingerprint": node.fingerprint}
    found |= {"multiaddr": str(of_endpoint(end, node.node_id))} if end else {}
    return {key: value for key, value in found.items() if value}


def live_files(book: AddressBook, plans: Sequence[NodePlan]) -> dict[str, str]:
    """The members of every swarm as JSON, and of our swarms as lines for a shell; own ones by their names inside.

    Who holds the key of a swarm of ours is in it, under our name, whatever his organisation calls it.

    Args:
        book: Everybody.
        plans: Own members.
    """
    inside = {plan.name: _inside(plan) for plan in plans}
    known = Swarms.of(book.organisation, book)
    swarms: dict[str, list[tuple[ExternalNode, tuple[Multiaddr, ...]]]] = {}
    for node in book:
        end = inside.get(node.name) if book.runs(node) else node.endpoints.get(SWARM)
        for swarm in known.ours(node) or (node.swarm or "",):
            swarms.setdefault(swarm, []).append((node, (of_endpoint(end),) if end else ()))
    listed = {
        swarm: [{"id": node.node_id, "addrs": [str(each) for each in at]} for node, at in found]
        for swarm, found in sorted(swarms.items())
    }
    ours = sorted({node.swarm or "" for node in book.own})  # no partner names a file of ours
    lines = {members_file(swarm): "".join(_line(node, at) for node, at in swarms[swarm]) for swarm in ours}
    return {ALL_MEMBERS: json.dumps(listed, indent=2) + "\n", **lines}


def _inside(plan: NodePlan) -> Endpoint | None:
    """Where pods of the cluster dial a member of ours."""
    for service in plan.services:
        port = next((each for each in service.ports if each.name == SWARM), None)
        if service.headless and port:
            return Endpoint(host=service.host, port=port.number, exposure=Exposed.CLUSTER_IP)
    return None


def _line(node: ExternalNode, at: Sequence[Multiaddr]) -> str:
    return " ".join((node.organisation, node.node_id, *map(str, at))) + "\n"
