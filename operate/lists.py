"""The list of peers that stands in a cluster, where a stack has lost what it took of its partners."""

from __future__ import annotations

from dataclasses import replace

import httpx2
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import ConfigMap
from lightkube.resources.networking_v1 import NetworkPolicy

from archipelago.manifests.common import Manifest, live_config
from archipelago.stack.plan import StackPlan
from operate.cluster import Unreachable, own


def left_standing(client: Client, plan: StackPlan) -> StackPlan:
    """The plan, with the list as it stands where that may have nodes of partners whom this stack knows no longer.

    A stack whose outputs are lost has forgotten its partners' nodes. What its own nodes were told of them stands in the
    cluster, and a run that wrote the list anew would cut connections to validators that run.

    Args:
        client: Of the stack's cluster.
        plan: The stack.

    Raises:
        Unreachable: The API server does not answer, or does not show it.
    """
    if not plan.unheard:
        return plan
    standing: dict[tuple[str, str], Manifest] = {}
    try:
        for namespace in plan.populated:
            listed = own(client, ConfigMap, live_config(plan), namespace, plan)
            # a new node of ours may have a file of its own, without which it would not start
            files = {**plan.live_files, **((listed or {}).get("data") or {})}
            if listed is None or files == plan.live_files:
                continue
            standing["ConfigMap", namespace] = files
            if policy := own(client, NetworkPolicy, live_config(plan), namespace, plan):
                standing["NetworkPolicy", namespace] = policy["spec"]
    except ApiError as error:
        raise Unreachable(f"it does not show the list of peers: {error.status.message}") from None
    except httpx2.HTTPError as error:
        raise Unreachable(f"its API server does not answer: {error}") from None
    if not standing:
        return plan
    names = ", ".join(sorted(plan.unheard))
    words = (
        f"This stack knows no nodes of {names}, and cannot ask for them now: the list of peers stays as it "
        "stands in the cluster, changes of own nodes apart. Run pulumi up there, then here again; a partner that has "
        "left for good is taken out of the stack file, or gets forget: true."
    )
    return replace(plan, standing=standing, warnings=(*plan.warnings, words))
