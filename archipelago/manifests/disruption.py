"""What keeps validators from being away together: a budget for evictions, and pods that avoid each other's machines."""

from __future__ import annotations

from collections.abc import Iterator

from archipelago.manifests import common
from archipelago.manifests.common import Manifest
from archipelago.model.plan import NodePlan
from archipelago.stack.losses import VALIDATOR
from archipelago.stack.plan import StackPlan


def budgets(plan: StackPlan) -> Iterator[Manifest]:
    """For each namespace with validators: one of them may be evicted, the next when it is back.

    A drain and a cluster's autoscaler wait for that. What is not asked for, as a machine that fails, no budget stops.
    """
    for namespace in plan.populated:
        if any(node.runs and node.role == VALIDATOR and plan.namespace_of(node) == namespace for node in plan.nodes):
            yield {
                "apiVersion": "policy/v1",
                "kind": "PodDisruptionBudget",
                "metadata": common.metadata(plan, common.validators(plan), namespace=namespace),
                "spec": {
                    "maxUnavailable": 1,
                    "selector": {"matchLabels": common.members(plan) | {common.ROLE: VALIDATOR}},
                },
            }


def apart(plan: StackPlan, node: NodePlan) -> Manifest:
    """A pod's affinity: rather not on a machine that has another of the same role; where there is no other, it may."""
    alike = {"matchLabels": common.members(plan) | {common.ROLE: node.role}}
    term = {"labelSelector": alike, "topologyKey": "kubernetes.io/hostname"}
    wish = {"weight": 100, "podAffinityTerm": term}
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [wish]}}
