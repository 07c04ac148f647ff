"""Plans that tests hold to one rule, and what they look at in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from archipelago.manifests.common import Manifest
from archipelago.manifests.stack import manifests
from archipelago.stack.plan import StackPlan
from tests.stacks import GONE, alpha, beta, bundle, outputs_of, plan_of

FIRST, SECOND = "nodes.quorum-node1", "nodes.quorum-node2"
BOTH = {"network.genesis": {"validators": ["quorum-node1", "beta/quorum-node1"]}}
EVERYTHING_OPEN = {
    "defaults.api": {
        "rpc": True,
        "websocket": True,
        "thirdParty": True,
        "type": "LoadBalancer",
        "clients": [{"cidr": "198.51.100.0/24"}],
    },
    "defaults.unlock": True,
}
PLANS: dict[str, Callable[[], StackPlan]] = {
    "alpha": lambda: plan_of(alpha(), {"beta": None}),
    "alpha waiting": lambda: plan_of(alpha(BOTH)),
    "alpha all open": lambda: plan_of(alpha(EVERYTHING_OPEN)),
    "alpha balanced": lambda: plan_of(alpha({FIRST: GONE, "defaults.exposure": {"type": "LoadBalancer"}})),
    "alpha without Tessera": lambda: plan_of(alpha({"network.privacy": "none", f"{FIRST}.exposure": GONE})),
    "beta": lambda: plan_of(beta(), {"alpha": bundle(alpha())}),
}
each_plan = pytest.mark.parametrize("plan", [make() for make in PLANS.values()], ids=PLANS.keys())


def later(changes: dict[str, Any]) -> StackPlan:
    """alpha's plan once the network runs: the genesis is recorded and stays."""
    return plan_of(alpha(changes), last=outputs_of(plan_of(alpha())))


def deployments(plan: StackPlan) -> list[Manifest]:
    return [each for each in manifests(plan) if each["kind"] == "StatefulSet"]


def templates(plan: StackPlan) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each["spec"]["template"] for each in deployments(plan)}
