"""What the monitor of a stack has written of its members, and of the Peers that partners' identities have become."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archipelago.manifests.common import NETWORK
from operate.kubectl import Failed, Manifest
from operate.site import Site

PEER_ID = "archipelago/peer-id"  # a label of every Peer
_PEERS = "peers.peerdiscovery.irt-saintexupery.com"
_KUBECONFIG = "clusterdiscovery/kubeconfig-secret"  # the original's annotation
_STATES = "peers.json"  # where Peers are ConfigMaps, their states are in the monitor's own
_ONLINE = "Online"


@dataclass(frozen=True, slots=True)
class Peer:
    """An identity of a partner in one of the stack's namespaces.

    Args:
        namespace: Where it stands.
        peer: Name of the object.
        name: What its organisation calls it.
        status: `Online` or `Missing`; empty where nobody says it.
        missing: How often it was missed since it was seen last.
        url: Address of its cluster.
        description: Its organisation's words.
        categories: Likewise.
        kubeconfig: Name of the Secret with the kubeconfig; empty where nothing was granted.
        due: The `pulumi up` that is due; empty where none is.
        why: Likewise, in words.
    """

    namespace: str
    peer: str
    name: str
    status: str
    missing: int
    url: str
    description: str
    categories: tuple[str, ...]
    kubeconfig: str
    due: str
    why: str

    @property
    def is_well(self) -> bool:
        """Whether nothing is to be done about it."""
        return self.status in ("", _ONLINE) and not self.due


@dataclass(frozen=True, slots=True)
class Member:
    """A node of the stack as the monitor saw it last.

    Args:
        node: Its name.
        namespace: Where it runs.
        pool: Its pool.
        swarm: Its swarm.
        answers: Whether it tells how it is.
        bootstraps: Entries of its bootstrap list.
        connected: Whom it is connected with, counted.
        peer_id: Who it is.
        addresses: Where it is dialled.
        since: When this was written last.
    """

    node: str
    namespace: str
    pool: str
    swarm: str
    answers: bool
    bootstraps: int
    connected: int
    peer_id: str
    addresses: tuple[str, ...]
    since: str


@dataclass(frozen=True, slots=True)
class Told:
    """What a monitor told.

    Args:
        members: Of the stack.
        peers: In all its namespaces.
        trouble: Why there is no monitor, or why what it wrote may be old; empty where it is well.
    """

    members: tuple[Member, ...]
    peers: tuple[Peer, ...]
    trouble: str


def told(site: Site) -> Told:
    """What the monitor of a stack wrote last.

    Raises:
        Failed: The cluster does not answer.
    """
    listed = site.access.get(["configmap", "deployment.apps"], f"{NETWORK}={site.network}")
    named = {(each["kind"], each["metadata"]["name"]): each for each in listed}
    written = (named.get(("ConfigMap", f"{site.network}-swarm-status")) or {}).get("data") or {}
    states = _json(written.get(_STATES))
    specified = [each for each in listed if PEER_ID in each["metadata"].get("labels", {})]
    if specified:  # ConfigMaps in the place of Peers
        found = [_peer(each | _json(each.get("data", {}).get("peer.json")), each, states) for each in specified]
    else:
        found = [_peer(each, each, None) for each in _peers(site)]
    members = [_member(node, _json(text)) for node, text in sorted(written.items()) if node != _STATES]
    return Told(
        members=tuple(members),
        peers=tuple(sorted(found, key=lambda each: (each.namespace, each.peer))),
        trouble=_trouble(site, named.get(("Deployment", f"{site.network}-monitor"))),
    )


def missing(members: Iterable[Member], nodes: Sequence[str]) -> Iterator[str]:
    """Nodes of which the monitor says nothing, or that say nothing to it."""
    answering = {each.node for each in members if each.answers}
    yield from (node for node in nodes if node not in answering)


def _trouble(site: Site, monitor: Manifest | None) -> str:
    if monitor is None:
        return f"it has no monitor: network.monitor.enabled is false, or pulumi up -s {site.stack} makes one"
    if not (monitor.get("status") or {}).get("readyReplicas"):
        return "its monitor is not ready, so this may be old; kubectl describe pod -l archipelago/component=monitor"
    return ""


def _peers(site: Site) -> list[Manifest]:
    try:
        return site.access.get([_PEERS], f"{NETWORK}={site.network}")
    except Failed as error:
        if "resource type" in str(error):  # a cluster without any Peer has no such kind
            return []
        raise


def _peer(manifest: Manifest, object_: Manifest, states: Mapping[str, Any] | None) -> Peer:
    metadata, spec = object_["metadata"], _mapping(manifest.get("spec"))
    namespace, name = str(metadata.get("namespace", "")), str(metadata["name"])
    status = _mapping(manifest.get("status") if states is None else states.get(f"{namespace}/{name}"))
    annotations = {**_mapping(_mapping(manifest.get("metadata")).get("annotations")), **metadata.get("annotations", {})}
    said = {each.get("type"): each for each in map(_mapping, _list(status.get("conditions")))}
    due = str(status.get("Due", ""))
    return Peer(
        namespace=namespace,
        peer=name,
        name=str(spec.get("name", "")),
        status=str(status.get("Status", "")),
        missing=_number(status.get("Missing Counter")),
        url=str(spec.get("URL", "")),
        description=str(spec.get("description", "")),
        categories=tuple(str(_mapping(each).get("name", "")) for each in _list(spec.get("categories"))),
        kubeconfig=str(annotations.get(_KUBECONFIG, "")),
        due=due,
        why=str(said.get("UpToDate", {}).get("message", "")) if due else "",
    )


def _member(node: str, record: Mapping[str, Any]) -> Member:
    return Member(
        node=node,
        namespace=str(record.get("namespace", "")),
        pool=str(record.get("pool", "")),
        swarm=str(record.get("Name", "")),
        answers=record.get("Answers") is True,
        bootstraps=_number(record.get("Number of bootstraps")),
        connected=_number(record.get("Number of connected peers")),
        peer_id=str(record.get("Peer Id", "")),
        addresses=tuple(map(str, _list(record.get("Addresses")))),
        since=str(record.get("lastUpdate", "")),
    )


def _json(text: Any) -> dict[str, Any]:
    try:
        return _mapping(json.loads(text or "{}"))
    except ValueError:  # somebody else wrote there
        return {}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> int:
    return int(value) if isinstance(value, (int, float)) else 0
