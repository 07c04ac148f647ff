"""What all objects have in common: names, labels, and the digest that restarts a pod."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from archipelago.model import names
from archipelago.model.plan import NodePlan
from archipelago.stack.plan import StackPlan

Manifest = dict[str, Any]
Place = tuple[str, str, str]

OWNER = "archipelago/owner"  # checked before anything is adopted: the provider itself adopts what it finds
GENESIS = "archipelago/genesis"  # on a claim: the chain whose blocks it holds
RESERVED = "archipelago/reserved-node-ports"  # on a Service: numbers that are its owner's whether it is open or not
RESTART_ON = "archipelago/restart-on"  # on a pod: a digest of what its containers read when they start
ROLE = "archipelago/role"
NETWORK = "app.kubernetes.io/instance"
NODE = "archipelago/node"
MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "archipelago"
STACK = "archipelago/stack"  # on what outlives its stack: that stack's name, for people and for a state that was lost
# One name for every run that applies an object, and its right to every field that it writes. By itself the provider
# draws a name for each resource and keeps it in the state: with that lost, every change is a conflict with itself.
_FORCED = {"pulumi.com/patchForce": "true"}
_MANAGED = {"pulumi.com/patchFieldManager": MANAGER, **_FORCED}
# The provider updates one by PUT: other managers do not hinder it, and a field that does not change keeps its manager.
# With another name than in the state it would then give up all fields of the earlier name: the whole spec.
_PUT = "CustomResourceDefinition"


def labels(plan: StackPlan, node: NodePlan | None = None) -> dict[str, str]:
    """Labels of an object of the network, or of one node."""
    found = {
        MANAGED_BY: MANAGER,
        "app.kubernetes.io/name": plan.settings.network.kind,
        NETWORK: plan.network,
        OWNER: plan.owner,
    }
    return found | (selector(plan, node) | {ROLE: node.role} if node else {})


def selector(plan: StackPlan, node: NodePlan) -> dict[str, str]:
    """Labels that find a node's pod, and nothing that ever changes: a Deployment's selector cannot be updated."""
    return members(plan) | {NODE: node.name}


def selected(plan: StackPlan, node: NodePlan | None) -> dict[str, str]:
    """Labels that find a node's pod, or without a node those of all."""
    return selector(plan, node) if node else members(plan)


def members(plan: StackPlan) -> dict[str, str]:
    """Labels that find the pods of all nodes of the network in one namespace."""
    return {"archipelago/network": plan.network}


def metadata(plan: StackPlan, name: str, node: NodePlan | None = None, namespace: str = "") -> Manifest:
    """Name, namespace and labels; the namespace is that of the node, or without one the stack's own, if not given."""
    return {"name": name, "namespace": namespace or plan.namespace_of(node), "labels": labels(plan, node)}


def full_name(manifest: Manifest, home: str) -> str:
    """An object's name among all of its kind in a stack.

    Args:
        manifest: The object.
        home: The stack's own namespace; only what stands in another one needs it in its name.
    """
    metadata = manifest["metadata"]
    namespace, name = metadata.get("namespace", home), str(metadata["name"])
    return name if namespace == home else f"{namespace}/{name}"


def place(manifest: Manifest) -> Place:
    """Kind, namespace and name, which tell an object from all others of a cluster."""
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def kept(plan: StackPlan, metadata: Manifest) -> Manifest:
    """Annotate what outlives its stack with that stack's name."""
    metadata.setdefault("annotations", {})[STACK] = plan.stack
    return metadata


def managed(manifest: Manifest) -> Manifest:
    """The object, with the name under which every run of every state applies it.

    The name stands on the object itself and not in a pod's template: it restarts nothing.
    """
    metadata = manifest["metadata"]
    told = _FORCED if manifest["kind"] == _PUT else _MANAGED
    return {**manifest, "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), **told}}}


def digest(value: Mapping[str, Any]) -> str:
    """A short digest of plain data, equal for equal data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def live_config(plan: StackPlan) -> str:
    """Name of what changes with the address book and restarts nobody: a ConfigMap, and the policy for all nodes."""
    return f"{plan.network}-{names.PEERS}"


def shared_config(plan: StackPlan) -> str:
    """Name of the ConfigMap that holds the genesis."""
    return f"{plan.network}-{names.GENESIS}"


def validators(plan: StackPlan) -> str:
    """Name of the budget for evictions of validators."""
    return f"{plan.network}-validators"


def monitor(plan: StackPlan) -> str:
    """Name of what watches the nodes: a Deployment, its account, its Service."""
    return f"{plan.network}-monitor"


def swarm_status(plan: StackPlan) -> str:
    """Name of the ConfigMap in which the monitor tells how the nodes are."""
    return f"{plan.network}-swarm-status"


def node_config(node: NodePlan) -> str:
    """Name of a node's own ConfigMap."""
    return node.object_name


def identity_secret(node: NodePlan) -> str:
    """Name of the Secret with a node's keys."""
    return f"{node.object_name}-identity"


def claim(node: NodePlan) -> str:
    """Name of a node's claim."""
    return f"{node.object_name}-data"


def volume(plan: StackPlan, node: NodePlan) -> str:
    """Name of a node's volume. It is one of the whole cluster's names; no namespace has a dot in its own."""
    return f"{plan.namespace_of(node)}.{claim(node)}"
