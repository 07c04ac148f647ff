"""Others' identities as objects: Peers as cluster-discovery had them, or ConfigMaps, and kubeconfigs beside them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from archipelago.manifests import common
from archipelago.manifests.common import Manifest
from archipelago.manifests.grants import IDENTITY
from archipelago.profiles.access import kubeconfig
from archipelago.profiles.peers import Peer, longer
from archipelago.stack.plan import StackPlan

GROUP, VERSION, KIND, PLURAL = "peerdiscovery.irt-saintexupery.com", "v1alpha1", "Peer", "peers"
KUBECONFIG = "clusterdiscovery/kubeconfig-secret"  # annotation: name of the Secret, in the Peer's namespace
CONFIG = "config"  # its key
PEER_ID, ORGANISATION = "archipelago/peer-id", "archipelago/organisation"  # labels
PEER_FILE = "peer.json"

# ConfigMaps that others put into every namespace: istiod and Open Data Hub
_OTHERS = frozenset({"istio-ca-root-cert", "odh-trusted-ca-bundle"})
_TEXT: Manifest = {"type": "string"}


def in_config_maps(plan: StackPlan) -> bool:
    """Whether this cluster takes no definitions of new kinds."""
    return str(getattr(plan.settings.network, "peers", "crd")) == "configMap"


def definition(plan: StackPlan) -> Iterator[Manifest]:
    """The kind `Peer`; the same from every stack of a cluster, and kept when a stack goes, because others use it.

    Fields, columns and their spelling are those of cluster-discovery. What it had no words for is added to them.
    """
    if not plan.exchange.peers or in_config_maps(plan):
        return
    metadata = {"name": f"{PLURAL}.{GROUP}", "labels": {common.MANAGED_BY: common.MANAGER}}
    schema = {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": _spec_schema()},
            "status": {
                "type": "object",
                "properties": _status_schema(),
                "x-kubernetes-preserve-unknown-fields": True,
            },
        },
    }
    yield {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": KIND, "listKind": f"{KIND}List", "plural": PLURAL, "singular": "peer"},
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [
                        {"name": "PeerName", "type": "string", "jsonPath": ".spec.name"},
                        {"name": "Status", "type": "string", "jsonPath": ".status.Status"},
                        {"name": "IP", "type": "string", "jsonPath": ".spec.URL"},
                        {"name": "Description", "type": "string", "jsonPath": ".spec.description"},
                    ],
                }
            ],
        },
    }


def _spec_schema() -> Manifest:
    def listed(**fields: Manifest) -> Manifest:
        return {"type": "array", "items": {"type": "object", "properties": fields}}

    original = {"name": _TEXT, "description": _TEXT, "URL": _TEXT, "categories": listed(name=_TEXT)}
    return original | {
        "organisation": _TEXT,
        "identity": _TEXT,
        "namespace": _TEXT,
        "revision": {"type": "integer"},
        "digest": _TEXT,
        "publishedTo": listed(namespace=_TEXT, pool=_TEXT, swarm=_TEXT, peerId=_TEXT),
    }


def _status_schema() -> Manifest:
    names = ("type", "status", "reason", "message", "lastTransitionTime")
    condition = {"type": "object", "properties": dict.fromkeys(names, _TEXT)}
    return {
        "Status": _TEXT,
        "Missing Counter": {"type": "integer"},
        "Profile": _TEXT,
        "Due": _TEXT,
        "conditions": {"type": "array", "items": condition},
    }


def objects(plan: StackPlan, taken: Collection[common.Place]) -> Iterator[Manifest]:
    """Every Peer, the Secret with its kubeconfig before it.

    Args:
        plan: The stack.
        taken: Names of its own objects, and of others' in its cluster. Others choose the names of Peers, and never
            that of an object that is there, or of a ConfigMap that a node to come may have. Whose longer name is that
            of an object, too, has no Peer.
    """
    used = set(taken)
    stems = ((node.name, node.object_name) for node in plan.nodes)
    ends = tuple({stem.removeprefix(name) for name, stem in stems if stem.startswith(name) and stem != name})
    for peer in plan.exchange.peers:
        nodes = in_config_maps(plan) and peer.object_name.endswith(ends)
        for each in (longer(peer),) if nodes else (peer, longer(peer)):
            made = list(_objects(plan, each))
            places = {common.place(one) for one in made}
            if not places & used and not _is_others(places):
                used |= places
                yield from made
                break


def _is_others(places: Collection[common.Place]) -> bool:
    return any(kind == "ConfigMap" and name in _OTHERS for kind, _, name in places)


def _objects(plan: StackPlan, peer: Peer) -> Iterator[Manifest]:
    if peer.access:
        yield _secret(plan, peer)
    yield _config_map(plan, peer) if in_config_maps(plan) else _peer(plan, peer)


def kubeconfig_secret(peer: Peer) -> str:
    """Name of the Secret with a Peer's kubeconfig."""
    return f"{peer.object_name}-kubeconfig"


def _secret(plan: StackPlan, peer: Peer) -> Manifest:
    assert peer.access  # noqa: S101 - the caller has looked
    metadata = _metadata(plan, peer, kubeconfig_secret(peer))
    data = {CONFIG: kubeconfig(peer.access, peer.context)}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "stringData": data}


def _peer(plan: StackPlan, peer: Peer) -> Manifest:
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "metadata": _annotated(plan, peer), "spec": _spec(peer)}


def _config_map(plan: StackPlan, peer: Peer) -> Manifest:
    """The same where no new kind may be defined; its status is in the monitor's own ConfigMap."""
    metadata = _annotated(plan, peer)
    shown = {"metadata": {"annotations": metadata.get("annotations", {})}, "spec": _spec(peer)}
    data = {PEER_FILE: json.dumps(shown, indent=2, sort_keys=True) + "\n"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _spec(peer: Peer) -> dict[str, Any]:
    profile = peer.profile
    return {
        "name": profile.name,
        "description": profile.description,
        "URL": profile.url,
        "categories": [{"name": each} for each in profile.categories],
        "organisation": profile.organisation,
        "identity": profile.identity,
        "namespace": profile.namespace,
        "revision": profile.revision,
        "digest": peer.digest,
        "publishedTo": [each.plain() for each in peer.shared],
    }


def _annotated(plan: StackPlan, peer: Peer) -> Manifest:
    metadata = _metadata(plan, peer, peer.object_name)
    return metadata | ({"annotations": {KUBECONFIG: kubeconfig_secret(peer)}} if peer.access else {})


def _metadata(plan: StackPlan, peer: Peer, name: str) -> Manifest:
    labels = common.labels(plan) | {
        ORGANISATION: peer.profile.organisation,
        IDENTITY: peer.profile.identity,
        PEER_ID: peer.label,
    }
    return {"name": name, "namespace": peer.namespace, "labels": labels}
