"""Objects that Kubernetes would not take are refused before the first one is registered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archipelago.chains.contract import Genesis
from archipelago.manifests import limits
from archipelago.model.endpoint import Endpoint
from archipelago.problems import Problem
from archipelago.stack.plan import StackPlan
from tests.stacks import Config, alpha, beta, bundle, plan_of

pytestmark = pytest.mark.unit


def found(plan: StackPlan) -> list[Problem]:
    return list(limits.problems(plan))


def with_peers(plan: StackPlan, size: int) -> StackPlan:
    return replace(plan, live_files={"static-nodes.json": "x" * (size - 1), "permissioned-nodes.json": "x"})


def test_c27_a_config_map_may_be_as_large_as_kubernetes_takes_it_and_no_larger() -> None:
    """Kubernetes counts the values alone (validation of core/v1: MaxSecretSize)."""
    assert found(with_peers(plan_of(alpha()), 1048576)) == []
    (problem,) = found(with_peers(plan_of(alpha()), 1048577))
    assert problem.message.startswith("ConfigMap consortium-peers must have at most 1,048,576 bytes, got 1,048,577: ")
    assert "static-nodes.json 1,048,576" in problem.message


def test_letters_that_take_several_bytes_count_as_such() -> None:
    assert found(replace(plan_of(alpha()), live_files={"peers": "é" * (1 << 19)})) == []
    assert found(replace(plan_of(alpha()), live_files={"peers": "é" * (1 << 19) + "x"}))


def test_c27_the_partner_with_the_most_nodes_is_named() -> None:
    more: Config = {f"nodes.quorum-node{index}": {} for index in (3, 4)}
    plan = plan_of(alpha(), {"beta": bundle(beta(more), {"alpha": bundle(alpha())})})
    (problem,) = found(with_peers(plan, 2 << 20))
    assert problem.path == "partners.beta"
    assert "those with the most nodes: beta 4" in problem.cure


def test_a_stack_with_more_nodes_than_any_partner_is_told_of_its_own() -> None:
    plan = plan_of(alpha(), {"beta": bundle(beta(), {"alpha": bundle(alpha())})})
    (problem,) = found(with_peers(plan, 2 << 20))
    assert (problem.path, "This stack has 3 nodes" in problem.cure) == ("nodes", True)


def test_c27_a_genesis_and_a_policy_have_the_limit_too() -> None:
    plan = plan_of(alpha(), {"beta": bundle(beta(), {"alpha": bundle(alpha())})})
    assert plan.genesis
    genesis = Genesis("x" * (2 << 20), plan.genesis.hash, 1000, "genesis.json", "")
    (given,) = plan.imports
    ends = {f"p{number}": Endpoint(host="203.0.113.9", port=number) for number in range(1, 40000)}
    wide = replace(given, nodes=(given.nodes[0].model_copy(update={"endpoints": ends}),))
    assert [each.message.split(" must")[0] for each in found(replace(plan, genesis=genesis))] == [
        "ConfigMap consortium-genesis"
    ]
    assert [each.message.split(" must")[0] for each in found(replace(plan, imports=(wide,)))] == [
        "NetworkPolicy consortium-peers"
    ]
