"""What keeps validators from being away together."""

from __future__ import annotations

from typing import Any

import pytest

from archipelago.manifests.common import Manifest
from archipelago.stack.plan import StackPlan
from tests import cita, ipfs
from tests.stacks import alpha, beta, bundle, plan_of
from tests.world import objects

pytestmark = pytest.mark.unit

PLANS = {
    "goquorum": lambda: plan_of(alpha({"nodes.member": {"validator": False}})),
    "cita-cloud": lambda: plan_of(cita.local()),
}


def budgets(plan: StackPlan) -> list[Manifest]:
    return [each for (kind, _), each in objects(plan).items() if kind == "PodDisruptionBudget"]


def pods(plan: StackPlan) -> dict[str, Manifest]:
    return {name: each["spec"]["template"] for (kind, name), each in objects(plan).items() if kind == "StatefulSet"}


@pytest.mark.parametrize("kind", PLANS)
def test_c18_one_validator_of_a_stack_may_be_evicted_and_members_are_not_counted(kind: str) -> None:
    plan = PLANS[kind]()
    (budget,) = budgets(plan)
    assert budget["spec"]["maxUnavailable"] == 1
    chosen = budget["spec"]["selector"]["matchLabels"].items()
    found = {name for name, pod in pods(plan).items() if chosen <= pod["metadata"]["labels"].items()}
    assert found == {node.object_name for node in plan.nodes if node.role == "validator"}
    assert found


@pytest.mark.parametrize(
    "plan",
    [
        lambda: plan_of(beta(), {"alpha": bundle(alpha())}),  # members
        lambda: plan_of(beta({"defaults.validator": True}), {"alpha": None}),  # they wait
        lambda: ipfs.plan_of(ipfs.alpha()),
    ],
)
def test_c18_without_validators_that_run_there_is_no_budget(plan: Any) -> None:
    assert not budgets(plan())


@pytest.mark.parametrize("kind", PLANS)
def test_c18_pods_of_one_role_avoid_each_others_machines_and_start_where_there_is_no_other(kind: str) -> None:
    plan = PLANS[kind]()
    for pod in pods(plan).values():
        rules = pod["spec"]["affinity"]["podAntiAffinity"]
        assert list(rules) == ["preferredDuringSchedulingIgnoredDuringExecution"]
        (rule,) = rules["preferredDuringSchedulingIgnoredDuringExecution"]
        assert rule["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
        chosen = rule["podAffinityTerm"]["labelSelector"]["matchLabels"].items()
        assert chosen <= pod["metadata"]["labels"].items()
