"""What an earlier life of a stack has left in the cluster, and this run would pass over: nodes that run, and volumes.

Where a stack has its outputs and its state, these tell. Where they are lost, only the cluster does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import httpx2
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import PersistentVolumeClaim

from archipelago.manifests.common import ROLE, Manifest, claim
from archipelago.problems import Problem
from archipelago.stack.losses import KEY, VALIDATOR
from archipelago.stack.plan import StackPlan
from operate.cluster import Unreachable, own
from operate.conflicts import MOVES


def forgotten(plan: StackPlan, there: Mapping[str, Manifest]) -> Iterator[Problem]:
    """Nodes that run, and that neither outputs nor the stack file name, or as validators no more.

    No run would ever end them: the state does not have them. Cut off from the others' lists, they stop the chain where
    they validate, and a node that was renamed would have its keys twice.

    Args:
        plan: The stack.
        there: What runs of it in the cluster, by node.
    """
    if plan.exported.get("externalNodes"):
        return
    nodes = {node.name: node for node in plan.nodes}
    found: dict[str, str] = {}
    for name, workload in sorted(there.items()):
        validates = (workload["metadata"].get("labels") or {}).get(ROLE) == VALIDATOR
        if name not in nodes:
            found[name] = "runs in the cluster, and this stack file does not name it"
        elif validates and nodes[name].role != VALIDATOR:
            found[name] = "validates in the cluster, and not in this stack file"
    names = ", ".join(sorted(found.keys() | set(plan.settings.loses_validators)))
    for name in sorted(found.keys() - set(plan.settings.loses_validators)):
        cure = (
            "Take the stack file of the last run, with all nodes that run, and run pulumi up; a later run may take "
            f"nodes out. Where no run was completed yet, write archipelago:{KEY}: [{names}] for this one."
        )
        yield Problem("nodes", f"{name} {found[name]}; no outputs say that this is meant.", cure)


def left_behind(client: Client, plan: StackPlan, there: Mapping[str, Manifest]) -> Iterator[Problem]:
    """Nodes that come back on a claim of others, and whose own claim with their data still stands.

    Args:
        client: Of the stack's cluster.
        plan: The stack.
        there: What runs of it, by node: where that mounts its data is compared elsewhere.

    Raises:
        Unreachable: The API server does not answer, or does not show it.
    """
    try:
        for node in plan.nodes:
            shared, namespace = node.volume.shared_claim, plan.namespace_of(node)
            if not shared or node.name in there or not own(client, PersistentVolumeClaim, claim(node), namespace, plan):
                continue
            words = f"its data is on the claim {claim(node)}; on {shared} it would start without."
            yield Problem(f"{plan.settings.path_of(node.name)}.storage", words, MOVES)
    except ApiError as error:
        raise Unreachable(f"it does not show the claims of nodes: {error.status.message}") from None
    except httpx2.HTTPError as error:
        raise Unreachable(f"its API server does not answer: {error}") from None
