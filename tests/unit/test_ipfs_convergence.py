"""Stacks of one private IPFS network end in the same swarms, whoever starts, and then change nothing."""

from __future__ import annotations

import json
from itertools import permutations

import pytest

from archipelago.model.address_book import AddressBook
from archipelago.problems import Problem, Refused
from archipelago.stack import swarms
from archipelago.stack.plan import StackPlan
from tests.ipfs import ARCHIVE, IPFS, STACKS, alpha, beta, examples, plan_of, world
from tests.stacks import outputs_of, seed
from tests.world import World, uncounted

pytestmark = pytest.mark.unit

ALL = tuple(STACKS)


def refusal(made: World, organisation: str) -> tuple[Problem, ...]:
    try:
        made.plan(organisation)
    except Refused as refused:
        return refused.problems
    return ()


def keys(plan: StackPlan) -> dict[str, set[str]]:
    """The keys that a stack's members have, by swarm."""
    found: dict[str, set[str]] = {}
    for node, record in zip(plan.nodes, plan.records, strict=True):
        found.setdefault(str(record.swarm), set()).add(node.private_files.get("swarm.key", ""))
    return found


def one_key_each(made: World) -> bool:
    """Whether every swarm has one key in all stacks."""
    found: dict[str, set[str]] = {}
    for plan in made.plans.values():
        for swarm, texts in keys(plan).items():
            found.setdefault(swarm, set()).update(texts)
    return all(len(texts) == 1 and "" not in texts for texts in found.values())


@pytest.mark.parametrize("order", list(permutations(ALL)), ids="-".join)
def test_the_examples_end_in_the_same_swarms_whoever_starts(order: tuple[str, ...]) -> None:
    made = examples()
    rounds = 0
    while not (made.plans and made.settled()):
        assert rounds < 5
        made.up(*order)
        rounds += 1
    assert one_key_each(made)
    assert {each for plan in made.plans.values() for each in (*plan.waiting_for, *plan.missing)} == set()


def test_runs_at_the_same_time_end_where_runs_in_turn_do() -> None:
    made, again = examples(), examples()
    for _ in range(6):
        plans = {name: made.plan(name) for name in ALL}
        made.plans, made.outputs = plans, {name: outputs_of(plan) for name, plan in plans.items()}
    assert made.settled()
    again.up(*ALL * 5)
    assert uncounted(made.outputs) == uncounted(again.outputs)


def test_two_organisations_need_two_runs_each_and_the_founders_members_wait_for_nobody() -> None:
    made = world(alpha=alpha(), beta=beta())
    assert made.up("alpha").waiting_for == ()
    waiting = made.up("beta")
    assert [(node.runs, node.waits_for) for node in waiting.nodes] == [(False, "alpha: the key of swarm archive")]
    made.up("alpha", "beta")
    assert made.settled()
    assert one_key_each(made)


def test_a_swarm_goes_on_without_the_founder_that_gave_its_key() -> None:
    made = world(alpha=alpha(), beta=beta({"partners.alpha.required": False}))
    before = made.up("alpha", "beta", "alpha", "beta")
    del made.outputs["alpha"]
    for _ in range(2):
        after = made.up("beta")
        assert (keys(after), after.waiting_for) == (keys(before), ())


def test_two_that_wait_for_each_others_key_are_told() -> None:
    made = world(alpha=alpha({f"{ARCHIVE}.key": {"partner": "beta"}}), beta=beta())
    words = (
        "None of alpha, beta has the key of swarm archive yet. Compare where each takes it from: one stack has to say "
        "key: generate at its members of that swarm."
    )
    assert words not in made.up("alpha").warnings  # beta may come with it
    assert words in made.up("beta").warnings
    made.configs["beta"] = beta({f"{ARCHIVE}.key": "generate"})
    made.up("alpha", "beta", "alpha")
    assert not any(words in plan.warnings for plan in made.plans.values())
    assert one_key_each(made)


def test_two_fingerprints_of_one_swarm_are_refused_with_both_members_named() -> None:
    made = world(alpha=alpha(), beta=beta({f"{ARCHIVE}.key": "generate"}))
    made.up("alpha")
    (problem,) = refusal(made, "beta")
    assert problem.path == "partners.alpha"
    assert (
        "beta/public-archive and alpha/public-archive are in the swarm archive with different keys" in problem.message
    )


def test_of_two_partners_whose_keys_differ_the_one_is_named_that_differs_from_the_giver_of_the_key() -> None:
    third = {"stack": "organization/archipelago/cluster-z", "required": False}
    made = world(alpha=alpha(), beta=beta({"partners.aaa": third}))
    aaa = {"organisation": "aaa", "identitySeed": seed("aaa"), "cluster.address": "192.0.2.9"}
    made.configs["aaa"] = beta({**aaa, f"{ARCHIVE}.key": "generate"})
    made.up("alpha")
    made.outputs["aaa"] = outputs_of(plan_of(made.configs["aaa"]))
    (problem,) = refusal(made, "beta")
    assert problem.path == "partners.aaa"


def test_where_none_knows_which_of_two_keys_is_right_each_of_both_is_named() -> None:
    made = world(alpha=alpha(), beta=beta())
    nodes = [node for each in ("alpha", "beta") for node in plan_of(made.configs[each]).records]
    keyed = [node.model_copy(update={"fingerprint": f"{number:032x}"}) for number, node in enumerate(nodes)]
    waits = keyed[0].model_copy(update={"organisation": "gamma", "fingerprint": None})
    found = swarms.disagreements(AddressBook.of("gamma", [*keyed, waits]), ())
    assert sorted(problem.path for problem in found) == ["partners.alpha", "partners.beta"]


def test_a_rotation_is_followed_by_each_in_its_own_time() -> None:
    made = world(alpha=alpha(), beta=beta())
    before = made.up("alpha", "beta", "alpha", "beta")
    made.configs["alpha"] = alpha({f"{ARCHIVE}.keyGeneration": 2})
    made.up("alpha")
    behind = made.up("beta")
    assert keys(behind) == keys(before)
    assert any("alpha has generation 2 of the key of swarm archive" in each for each in behind.warnings)
    made.configs["beta"] = beta({f"{ARCHIVE}.keyGeneration": 2})
    made.up("beta", "alpha", "beta")
    assert made.settled()
    assert one_key_each(made)
    assert keys(made.plans["beta"]) != keys(before)


def test_a_key_that_would_change_without_a_new_generation_is_refused_at_the_member() -> None:
    made = world(alpha=alpha(), beta=beta())
    made.up("alpha", "beta", "alpha", "beta")
    made.configs["beta"] = beta({f"{ARCHIVE}.key": "generate"})
    assert ARCHIVE in {each.path for each in refusal(made, "beta")}


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"network": "research"}', "[" * 100_000])
def test_what_is_no_agreement_of_an_ipfs_network_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"no network\.json of an IPFS network"):
        IPFS.read_genesis(text)


def test_no_output_holds_a_key() -> None:
    made = examples()
    made.up(*ALL * 3)
    text = json.dumps(made.outputs)
    for plan in made.plans.values():
        for found in keys(plan).values():
            assert not [each for each in found if each.strip().splitlines()[-1] in text]
        assert plan_of(made.configs["alpha"]).sharing
