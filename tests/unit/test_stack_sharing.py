"""Secrets that organisations share: who gets them, and how a stack goes on without the one who gave them."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from tests.sharing import key_of, organisation, plan_of, refusal, world
from tests.stacks import STACKS, outputs_of
from tests.world import World, difference

pytestmark = pytest.mark.unit

ALL = tuple(STACKS)
ONE = "nodes.one"


def test_a_key_reaches_a_partner_in_a_b_a_b_and_then_nothing_changes() -> None:
    """A seals only once it has seen B's sealing key; what B needs of its own waits for nobody."""
    both = world("alpha", "beta")
    assert both.up("alpha").waiting_for == ()
    waiting = both.up("beta")
    assert waiting.waiting_for == ("alpha: the key of swarm archive",)
    assert waiting.genesis, "all agree by their settings, so there is no waiting for a genesis"
    assert [node.runs for node in waiting.nodes] == [False]
    both.up("alpha")
    running = both.up("beta")
    assert (running.waiting_for, [node.runs for node in running.nodes]) == ((), [True])
    assert both.settled()
    assert key_of(running) == key_of(both.plans["alpha"])


@pytest.mark.parametrize("order", list(permutations(ALL)), ids="-".join)
def test_three_organisations_end_with_one_key_whoever_starts(order: tuple[str, ...]) -> None:
    three = world()
    rounds = 0
    while not (three.plans and three.settled()):
        assert rounds < 3, "two rounds for the key, and no more"
        three.up(*order)
        rounds += 1
    assert len({key_of(plan) for plan in three.plans.values()}) == 1
    assert {each for plan in three.plans.values() for each in (*plan.waiting_for, *plan.warnings)} == set()


@pytest.mark.parametrize("order", list(permutations(ALL)), ids="-".join)
def test_a_joiner_hands_the_key_on_to_one_who_does_not_know_the_founder(order: tuple[str, ...]) -> None:
    stranger = {"partners": {"beta": {"stack": "s", "required": False}}, f"{ONE}.key": "partner beta"}
    three = World(
        plan_of, alpha=organisation("alpha"), beta=organisation("beta"), gamma=organisation("gamma", stranger)
    )
    del three.configs["alpha"]["partners"]["gamma"]
    rounds = 0
    while not (three.plans and three.settled()):
        assert rounds < 4
        three.up(*order)
        rounds += 1
    assert key_of(three.plans["gamma"]) == key_of(three.plans["alpha"])
    assert three.plans["gamma"].founder == "alpha"


def test_who_runs_at_the_same_time_as_the_others_ends_in_the_same_network() -> None:
    """Runs that see each other's outputs of the round before: what would chase each other would do it here."""
    three = world()
    seen: list[Any] = []
    for _ in range(6):
        made = {name: three.plan(name) for name in ALL}
        three.plans, three.outputs = made, {name: outputs_of(plan) for name, plan in made.items()}
        seen.append(json.dumps(three.outputs, sort_keys=True))
    assert three.settled()
    assert seen[2:] == seen[2:3] * 4, "identities, what is sealed, what was received, and no more"


def test_two_that_wait_for_each_others_key_wait_and_do_not_flicker() -> None:
    both = world("alpha", "beta", alpha={f"{ONE}.key": "partner beta"})
    both.up(*("alpha", "beta") * 2)
    assert both.settled()
    assert both.plans["alpha"].waiting_for == ("beta: the key of swarm archive",)


@pytest.mark.parametrize("away", ["no stack", "destroyed", "does not seal to us any more"])
def test_a_stack_goes_on_while_the_partner_that_gave_the_key_is_away(away: str) -> None:
    """A bootstrap member that leaves must not take the others' key with it, not even at their next run."""
    both = world("alpha", "beta")
    before = both.up("alpha", "beta", "alpha", "beta")
    if away == "no stack":
        del both.outputs["alpha"]
    elif away == "destroyed":
        both.outputs["alpha"] = {}
    else:
        del both.configs["alpha"]["partners"]["beta"]
        both.up("alpha")
        assert both.outputs["alpha"]["sealed"] == {}
    for _ in range(2):
        after = both.up("beta")
        assert (after.waiting_for, key_of(after)) == ((), key_of(before))
        assert difference(before, after) <= {("ConfigMap", "research-peers"), ("NetworkPolicy", "research-peers")}


def test_what_is_sealed_to_a_partner_does_not_change_while_it_is_away() -> None:
    both = world("alpha", "beta")
    both.up("alpha", "beta", "alpha")
    sealed = both.outputs["alpha"]["sealed"]
    assert sealed.keys() == {"beta"}
    del both.outputs["beta"]
    both.up("alpha")
    assert both.outputs["alpha"]["sealed"] == sealed


def test_a_key_that_nobody_uses_any_more_is_not_kept() -> None:
    both = world("alpha", "beta")
    both.up("alpha", "beta", "alpha", "beta")
    assert both.outputs["beta"]["received"].keys() == {"alpha"}
    del both.configs["beta"]["nodes"]["one"]
    both.up("beta")
    assert both.outputs["beta"]["received"] == {}


def test_two_keys_of_one_swarm_are_refused_with_both_members_named() -> None:
    both = world("alpha", "beta", beta={f"{ONE}.key": "generate"})
    both.up("alpha")
    (problem,) = refusal(lambda: both.up("beta"))
    assert problem.path == "partners.alpha"
    for words in ("beta/one and alpha/one are in the swarm archive", "different keys", "never connect"):
        assert words in problem.message
    own = plan_of(both.configs["beta"])
    assert str(own.records[0].fingerprint) in problem.message


def test_a_swarm_in_which_we_have_no_member_is_others_business() -> None:
    three = world(gamma={f"{ONE}.swarm": "other", f"{ONE}.key": "generate"}, beta={f"{ONE}.key": "generate"})
    for name in ("alpha", "beta"):
        three.outputs[name] = outputs_of(plan_of(three.configs[name]))
    assert three.up("gamma").waiting_for == ()


def test_a_swarms_key_never_changes_under_a_running_member_unless_the_settings_say_so() -> None:
    both = world("alpha", "beta")
    both.up("alpha", "beta", "alpha", "beta")
    both.configs["beta"]["nodes"]["one"]["key"] = "generate"
    problems = refusal(lambda: both.up("beta"))
    (problem,) = [each for each in problems if each.path == ONE]
    assert "would change from" in problem.message
    assert "keyGeneration, 2" in problem.cure


@pytest.mark.parametrize("order", [("alpha", "beta", "gamma"), ("gamma", "beta", "alpha")], ids="-".join)
def test_a_rotation_needs_no_hour_at_which_all_run(order: tuple[str, ...]) -> None:
    """Who has not counted up yet keeps the old key, is told so, and is refused nothing."""
    three = world()
    three.up(*ALL, *ALL, *ALL)
    old = key_of(three.plans["alpha"])
    three.configs["alpha"]["nodes"]["one"]["keyGeneration"] = 2
    three.up("alpha")
    for name in ("beta", "gamma"):
        plan = three.up(name)
        assert key_of(plan) == old
        assert any("alpha has generation 2 of the key of swarm archive, this stack 1" in each for each in plan.warnings)
    for name in ("beta", "gamma"):
        three.configs[name]["nodes"]["one"]["keyGeneration"] = 2
    three.up(*order, *order)
    assert three.settled()
    assert {key_of(plan) for plan in three.plans.values()} == {key_of(three.plans["alpha"])} != {old}
    assert three.outputs["beta"]["received"]["alpha"].keys() == {"swarm/archive/2"}


def test_who_counts_up_before_the_one_who_gives_the_key_is_not_stopped_for_it() -> None:
    both = world("alpha", "beta")
    both.up("alpha", "beta", "alpha", "beta")
    both.configs["beta"]["nodes"]["one"]["keyGeneration"] = 2
    (problem,) = refusal(lambda: both.up("beta"))
    assert problem.path == ONE
    assert "Leave keyGeneration at 1 until whoever gives the key has generation 2" in problem.cure


def test_a_generation_that_is_counted_down_is_refused() -> None:
    """Partners whom it was taken from still have the former key."""
    both = world("alpha", "beta", alpha={f"{ONE}.keyGeneration": 2})
    both.up("alpha")
    both.configs["alpha"]["nodes"]["one"]["keyGeneration"] = 1
    (problem,) = refusal(lambda: both.up("alpha"))
    assert (problem.path, "keyGeneration, 3" in problem.cure) == (ONE, True)


def test_members_that_wait_for_a_key_are_not_in_the_row_of_updates() -> None:
    both = world("alpha", "beta")
    both.up("alpha", "beta", "alpha")
    assert both.up("beta").one_by_one == frozenset()
    assert both.up("beta").one_by_one == {"one"}
