"""Nodes of ours that run a second time: another stack of the same organisation, network and seed has the same keys.

On another chain of the same name they are not looked for: there no block is signed twice.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment, StatefulSet
from lightkube.resources.core_v1 import ConfigMap, Secret

from archipelago.manifests.common import MANAGED_BY, MANAGER, NETWORK, NODE, OWNER, identity_secret, shared_config
from archipelago.model.plan import NodePlan
from archipelago.problems import Problem
from archipelago.stack.ownership import is_twin
from archipelago.stack.plan import StackPlan

_LEAST = 32  # characters; a shorter text may be a password that many nodes have


def twins(client: Client, plan: StackPlan) -> Iterator[Problem]:
    """Nodes whose keys another stack of the cluster runs.

    In the stack's own namespaces its objects would be in the way already; here the whole cluster is looked at, where
    that is allowed.

    Args:
        client: Of the stack's cluster.
        plan: The stack.
    """
    nodes = {node.name: node for node in plan.nodes}
    for kind in (Deployment, StatefulSet):
        labels = {MANAGED_BY: MANAGER, NETWORK: plan.network}
        try:
            there = list(client.list(kind, namespace="*", labels={**labels}))
        except ApiError:
            return  # a user of a few namespaces sees no others
        for each in there:
            found: ObjectMeta = each.metadata  # type: ignore[attr-defined]  # lightkube's stub knows no field
            marks = found.labels or {}
            node, owner = nodes.get(marks.get(NODE, "")), marks.get(OWNER, "")
            twin = node and is_twin(owner, plan.owner)
            space = found.namespace or ""
            if node and twin and _same_chain(client, plan, space) and _same_keys(client, node, space):
                words = (
                    f"{kind.__name__} {found.namespace}/{found.name} of the stack {owner} has the same keys: two "
                    "stacks of one organisation, network and seed need different node names."
                )
                cure = "Give this node another name; or to move it here, take it out of the other stack first."
                yield Problem(plan.settings.path_of(node.name), words, cure)


def _same_chain(client: Client, plan: StackPlan, namespace: str) -> bool:
    """Whether the other stack's network has our genesis; where one of them has none yet, it may get the same."""
    try:
        data = client.get(ConfigMap, shared_config(plan), namespace=namespace).data or {}
    except ApiError:
        return True
    return plan.genesis is None or plan.genesis.text in data.values()


def _same_keys(client: Client, node: NodePlan, namespace: str) -> bool:
    """Whether the Secret of the other node holds a key of ours; what is not shown to us may be the same."""
    try:
        data = client.get(Secret, identity_secret(node), namespace=namespace).data or {}
    except ApiError:
        return True
    held = {base64.b64decode(text).decode(errors="replace") for text in data.values()}
    return any(text in held for text in node.private_files.values() if len(text) >= _LEAST)
