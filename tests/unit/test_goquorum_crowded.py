"""Nodes of partners stay well below the peers that geth takes: none of them fills all places."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from archipelago.chains.goquorum import geth
from archipelago.chains.goquorum.chain import GoQuorum
from tests.stacks import alpha, beta, bundle, outputs_of, plan_of, refusal_of, seed
from tests.unit.test_stack_accepted import STAY, met, of_gamma
from tests.world import World, difference

pytestmark = pytest.mark.unit

THREE: dict[str, Any] = {"nodes.quorum-node3": {}}
SECOND: dict[str, Any] = {"partners.aaa": {"stack": "organization/archipelago/cluster-z", "required": False}}


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set limits that a test needs few nodes for."""
    return lambda **changes: monkeypatch.setattr(GoQuorum, "peer_limits", replace(geth.PEER_LIMITS, **changes))


def three_organisations() -> World:
    """alpha knows the three nodes of beta and the two of aaa."""
    world = met(**SECOND)
    world.configs["beta"] = beta(THREE)
    world.outputs["aaa"] = of_aaa()
    world.up("beta", "alpha")
    assert {given.name: len(given.nodes) for given in world.plans["alpha"].imports} == {"aaa": 2, "beta": 3}
    return world


def of_aaa(*more: str) -> dict[str, Any]:
    changes: dict[str, Any] = {"organisation": "aaa", "cluster.address": "192.0.2.9"}
    changes |= {f"nodes.{name}": {} for name in more}
    return outputs_of(plan_of(beta({**changes, "identitySeed": seed("aaa")}), {"alpha": bundle(alpha())}))


def test_a_partner_that_gives_too_many_nodes_keeps_those_that_it_had(limits: Any) -> None:
    world = met()
    world.configs["beta"] = beta(THREE)
    world.up("beta")
    before = world.plans["alpha"]
    limits(of_one=2)
    plan = world.up("alpha")
    assert difference(before, plan) == set()
    (told,) = [each for each in plan.warnings if STAY in each]
    assert "a partner must give at most 2 nodes" in told
    assert "got 3 of beta" in told


def test_at_first_sight_the_partner_is_named(limits: Any) -> None:
    many = {"beta": bundle(beta(THREE), {"alpha": bundle(alpha())})}
    limits(of_one=2)
    (problem,) = refusal_of(alpha(), many)
    assert problem.path == "partners.beta"
    limits(of_one=3)
    assert len(plan_of(alpha(), many).imports[0].nodes) == 3


def test_where_all_partners_together_are_many_the_largest_is_named(limits: Any) -> None:
    config = alpha(SECOND)
    received = {"beta": bundle(beta(THREE), {"alpha": bundle(alpha())}), "aaa": of_gamma(lambda _: None)}
    limits(of_many=2, of_all=5)
    assert not refusal_of(config, received)
    limits(of_many=2, of_all=4)
    (problem,) = refusal_of(config, received)
    assert problem.path == "partners.beta"
    assert "at most 2 nodes where all partners give more than 4" in problem.message
    assert "got 3 of beta, and 5 of all" in problem.message


def test_where_all_together_become_too_many_the_partner_that_has_grown_stays_as_it_was(limits: Any) -> None:
    world = met(**SECOND)
    world.configs["beta"] = beta({f"nodes.quorum-node{number}": {} for number in range(3, 7)})
    world.outputs["aaa"] = of_aaa()
    world.up("beta", "alpha")
    before = world.plans["alpha"]
    assert len(before.imports[1].nodes) == 6, "beta is the largest"
    world.outputs["aaa"] = of_aaa("more1", "more2")
    limits(of_many=1, of_all=9)
    plan = world.up("alpha")
    assert difference(before, plan) == set()
    (told,) = [each for each in plan.warnings if STAY in each]
    assert told.startswith("Partner aaa: ")
    assert "got 4 of aaa, and 10 of all" in told
    assert world.settled()


def test_what_was_taken_before_a_release_with_lower_limits_is_taken_again(limits: Any) -> None:
    world = three_organisations()
    before = world.plans["alpha"]
    limits(of_one=1, of_many=1, of_all=2)
    plan = world.up("alpha")
    assert difference(before, plan) == set()
    assert not [each for each in plan.warnings if STAY in each]


def test_many_small_partners_are_taken(limits: Any) -> None:
    received = {"beta": bundle(beta(), {"alpha": bundle(alpha())})}
    limits(of_many=2, of_all=1)
    assert not refusal_of(alpha(), received)


def test_ten_large_partners_at_least_are_needed_to_take_all_places() -> None:
    of = geth.PEER_LIMITS
    assert of.of_one < of.of_all < of.places * 2 / 3, "two thirds of them come from outside"
    assert of.of_all >= 10 * of.of_many
