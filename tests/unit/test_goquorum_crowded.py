"""Nodes of partners stay well below the peers that geth takes: none of them fills all places."""

from __future__ import annotations

from typing import Any

import pytest

from archipelago.chains.goquorum import geth
from tests.stacks import alpha, beta, bundle, plan_of, refusal_of
from tests.unit.test_stack_accepted import STAY, met, of_gamma
from tests.world import difference

pytestmark = pytest.mark.unit

THREE: dict[str, Any] = {"nodes.quorum-node3": {}}


def test_a_partner_that_gives_too_many_nodes_keeps_those_that_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    world = met()
    world.configs["beta"] = beta(THREE)
    world.up("beta")
    before = world.plans["alpha"]
    monkeypatch.setattr(geth, "MOST_OF_ONE", 2)
    plan = world.up("alpha")
    assert difference(before, plan) == set()
    (told,) = [each for each in plan.warnings if STAY in each]
    assert "a partner must give at most 2 nodes" in told
    assert "got 3 of beta" in told


def test_at_first_sight_the_partner_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {"beta": bundle(beta(THREE), {"alpha": bundle(alpha())})}
    monkeypatch.setattr(geth, "MOST_OF_ONE", 2)
    (problem,) = refusal_of(alpha(), many)
    assert problem.path == "partners.beta"
    monkeypatch.setattr(geth, "MOST_OF_ONE", 3)
    assert len(plan_of(alpha(), many).imports[0].nodes) == 3


def test_where_all_partners_together_are_many_the_largest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    config = alpha({"partners.aaa": {"stack": "organization/archipelago/cluster-z", "required": False}})
    received = {"beta": bundle(beta(THREE), {"alpha": bundle(alpha())}), "aaa": of_gamma(lambda _: None)}
    monkeypatch.setattr(geth, "MOST_OF_MANY", 2)
    monkeypatch.setattr(geth, "MOST_EXTERNAL", 5)
    assert not refusal_of(config, received)
    monkeypatch.setattr(geth, "MOST_EXTERNAL", 4)
    (problem,) = refusal_of(config, received)
    assert problem.path == "partners.beta"
    assert "at most 2 nodes where all partners give more than 4" in problem.message
    assert "got 3 of beta, and 5 of all" in problem.message


def test_many_small_partners_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    received = {"beta": bundle(beta(), {"alpha": bundle(alpha())})}
    monkeypatch.setattr(geth, "MOST_EXTERNAL", 1)
    monkeypatch.setattr(geth, "MOST_OF_MANY", 2)
    assert not refusal_of(alpha(), received)


def test_ten_large_partners_at_least_are_needed_to_take_all_places() -> None:
    assert geth.MOST_OF_ONE < geth.MOST_EXTERNAL < geth.MAX_PEERS * 2 / 3, "two thirds of them come from outside"
    assert geth.MOST_EXTERNAL >= 10 * geth.MOST_OF_MANY
