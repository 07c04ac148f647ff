"""What keeps validators from being away together: a budget for evictions, and pods that avoid each other's machines."""

from __future__ import annotations

from collections.abc import Iterator

from archipelago.manifests import common
from archipelago.manifests.common import Manifest
from archipelago.model.plan import NodePlan
from archipelago.stack.losses import VALIDATOR
from archipelago.stack.plan import StackPlan

_MACHINE, _ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"


def budgets(plan: StackPlan) -> Iterator[Manifest]:
    """For each namespace with validators, how many of them may be evicted at a time: the next when those are back.

    A drain and a cluster's autoscaler wait for that. What is not asked for, as a machine that fails, no budget stops.
    """
    for namespace in plan.populated:
        if any(node.runs and node.role == VALIDATOR and plan.namespace_of(node) == namespace for node in plan.nodes):
            yield {
                "apiVersion": "policy/v1",
                "kind": "PodDisruptionBudget",
                "metadata": common.metadata(plan, common.validators(plan), namespace=namespace),
                "spec": {
                    "maxUnavailable": evictable(plan),
                    "selector": {"matchLabels": common.members(plan) | {common.ROLE: VALIDATOR}},
                },
            }


def evictable(plan: StackPlan) -> int:
    """How many validators a drain may take: never more than the chain bears, partners drain their machines, too.

    Without a word in the stack file that is one, and none of a chain that stops without it. Who says one there wants
    machines drained and the chain to stop meanwhile.
    """
    if (asked := plan.settings.cluster.evictable_validators) is None:
        return min(1, plan.bears)
    return min(asked, max(1, plan.bears))


def affinity(plan: StackPlan, node: NodePlan) -> Manifest:
    """A pod's affinity: what the stack file says, and where it says nothing of it that pods keep apart."""
    return {"podAntiAffinity": _apart(plan, node), **node.pod.affinity}


def _apart(plan: StackPlan, node: NodePlan) -> Manifest:
    """Rather not beside another of the same role; where there is no other place, it may.

    Machines come first; of those that are left, validators take one in another zone.
    """
    alike = {"matchLabels": common.members(plan) | {common.ROLE: node.role}}
    weights = {_MACHINE: 100} | ({_ZONE: 50} if node.role == VALIDATOR else {})
    wishes = [
        {"weight": weight, "podAffinityTerm": {"labelSelector": alike, "topologyKey": key}}
        for key, weight in weights.items()
    ]
    return {"preferredDuringSchedulingIgnoredDuringExecution": wishes}
