"""Keys of nodes that wait: what a Secret in the cluster holds and this run does not know stays there."""

from __future__ import annotations

import base64
from dataclasses import replace

import httpx2
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Secret

from archipelago.manifests.common import identity_secret
from archipelago.model.plan import NodePlan
from archipelago.stack.plan import StackPlan
from operate.cluster import Unreachable, own


def with_kept_keys(client: Client, plan: StackPlan) -> StackPlan:
    """The plan, in which a node that waits for a secret of a partner's keeps the one that it was given earlier.

    A stack that has lost its outputs has forgotten what was sealed to it, and its partner may be away: with one field
    manager the run would take out of the Secret what a pod that runs was started with, and starts with again.

    Args:
        client: Of the stack's cluster.
        plan: The stack.

    Raises:
        Unreachable: The API server does not answer, or does not show it.
    """
    try:
        nodes = tuple(_kept(client, plan, node) if node.waits_for else node for node in plan.nodes)
    except ApiError as error:
        raise Unreachable(f"it does not show the keys of nodes: {error.status.message}") from None
    except httpx2.HTTPError as error:
        raise Unreachable(f"its API server does not answer: {error}") from None
    return replace(plan, nodes=nodes)


def _kept(client: Client, plan: StackPlan, node: NodePlan) -> NodePlan:
    there = own(client, Secret, identity_secret(node), plan.namespace_of(node), plan) or {}
    # every key of ours is a text; whatever else was put there is not of this program
    held = {name: base64.b64decode(text).decode(errors="replace") for name, text in (there.get("data") or {}).items()}
    return replace(node, private_files={**held, **node.private_files})
