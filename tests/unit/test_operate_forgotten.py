"""What runs in the cluster, or has its data there, and neither outputs nor the stack file speak of it."""

from __future__ import annotations

from typing import Any, cast

import pytest
from lightkube import Client

from archipelago.manifests.common import Manifest
from archipelago.manifests.stack import manifests
from archipelago.problems import Problem
from archipelago.stack.plan import StackPlan
from operate.forgotten import forgotten, left_behind
from tests.stacks import GONE, Config, alpha, beta, bundle, floats, outputs_of, plan_of
from tests.unit.test_operate_cluster import FakeClient
from tests.world import of_kind

pytestmark = pytest.mark.unit

SECOND, THIRD = "nodes.quorum-node2", "nodes.quorum-node3"


def there(plan: StackPlan) -> dict[str, Manifest]:
    """What a plan runs, by node."""
    workloads = [each for kind in ("Deployment", "StatefulSet") for each in of_kind(plan, kind).values()]
    return {each["metadata"]["labels"]["archipelago/node"]: each for each in workloads}


def refused(changes: Config, last: Any = None) -> list[Problem]:
    return list(forgotten(plan_of(alpha(changes), None, last), there(plan_of(alpha()))))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({SECOND: GONE, THIRD: GONE}, "runs in the cluster"),
        ({f"{SECOND}.validator": False, f"{THIRD}.validator": False}, "validates in the cluster"),
    ],
    ids=["gone", "a member"],
)
def test_validators_that_an_older_stack_file_does_not_have_are_not_cut_off(changes: Config, words: str) -> None:
    found = refused(changes)
    assert [each.message.partition(" ")[0] for each in found] == ["quorum-node2", "quorum-node3"]
    assert all(words in each.message and "no outputs say" in each.message for each in found)
    named = {**changes, "losesValidators": ["quorum-node2"]}
    (left,) = refused(named)
    assert left.message.startswith("quorum-node3")
    assert "losesValidators: [quorum-node2, quorum-node3]" in left.cure
    assert not refused({**changes, "losesValidators": ["quorum-node2", "quorum-node3"]})


def test_with_outputs_the_state_has_what_runs() -> None:
    assert not refused({THIRD: GONE}, floats(outputs_of(plan_of(alpha()))))


def test_all_that_runs_and_more_is_no_problem() -> None:
    assert not refused({"nodes.quorum-node4": {}})


def test_a_node_that_comes_back_keeps_its_own_claim() -> None:
    known = {"alpha": bundle(alpha())}
    ran, moved = plan_of(beta(), known), plan_of(beta({"defaults.storage": {"claim": "shared"}}), known)
    left = [each for each in manifests(ran) if each["kind"] == "PersistentVolumeClaim"]
    client = cast(Client, FakeClient(left))
    found = list(left_behind(client, moved, {}))
    assert [each.path for each in found] == ["nodes.quorum-node1.storage", "nodes.quorum-node2.storage"]
    assert "on shared it would start without" in found[0].message
    assert not list(left_behind(client, moved, there(moved))), "where it runs, its workload tells"
    assert not list(left_behind(client, ran, {}))
