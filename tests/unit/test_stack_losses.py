"""Plans that take a network's validators away: refused by name, unless the stack file says so for the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from archipelago.chains.registry import CHAINS
from archipelago.problems import Problem, Refused
from tests import cita
from tests.stacks import GONE, Config, alpha, beta, bundle, changed, floats, outputs_of, plan_of, refusal_of
from tests.unit.test_stack_accepted import signed_again
from tests.world import World

pytestmark = pytest.mark.unit

NAMES = ("quorum-node1", "quorum-node2", "quorum-node3")
RENAMED = {f"nodes.{name}": GONE for name in NAMES} | {f"nodes.{name}x": {} for name in NAMES}
LOSSES: dict[str, tuple[Mapping[str, Any], tuple[str, ...], str]] = {
    "all renamed": (RENAMED, NAMES, "removed, or renamed"),
    "the section lost": ({"nodes": {}}, NAMES, "removed, or renamed"),
    "two removed": ({f"nodes.{name}": GONE for name in NAMES[:2]}, NAMES[:2], "removed, or renamed"),
    "demoted": ({"defaults.validator": False}, NAMES, "no validator any more"),
    "all keys rotated": ({"defaults.identity": {"generation": 2}}, NAMES, "with another key"),
}


def last(config: Mapping[str, Any]) -> Config:
    """A stack's own last outputs, as the engine gives them back."""
    exported: Config = floats(outputs_of(plan_of(config)))
    return exported


def told_in(told: Iterable[Problem]) -> list[Problem]:
    """What is said of lost validators."""
    return [each for each in told if "makes no block" in each.message]


def losses_of(
    changes: Mapping[str, Any],
    before: Config | None = None,
    received: Mapping[str, Mapping[str, Any] | None] | None = None,
) -> list[Problem]:
    """What is said of validators when a stack that runs is changed."""
    config = before or alpha()
    return told_in(refusal_of(changed(config, changes), received, last(config)))


@pytest.mark.parametrize("name", LOSSES)
def test_c8_a_plan_that_takes_more_validators_away_than_the_network_spares_is_refused_by_name(name: str) -> None:
    changes, names, how = LOSSES[name]
    (problem,) = losses_of(changes)
    assert all(f"{each} ({how})" in problem.message for each in names)
    assert "has 3 validators" in problem.message
    assert f"archipelago:losesValidators: [{', '.join(names)}]" in problem.cure


@pytest.mark.parametrize("name", LOSSES)
def test_c8_the_stack_file_may_say_so_for_one_run(name: str) -> None:
    changes, names, _ = LOSSES[name]
    assert not losses_of({**changes, "losesValidators": list(names)})
    for some in losses_of({**changes, "losesValidators": [names[0]]}):  # the others are still too many, or they are not
        assert f"{names[1]} (" in some.message
        assert f"{names[0]} (" not in some.message


def test_c8_a_name_that_is_left_in_the_file_is_told_and_lets_no_other_validator_go() -> None:
    stale = alpha({"losesValidators": ["quorum-node1"]})
    (warning,) = [each for each in plan_of(stale, last=last(alpha())).warnings if "losesValidators" in each]
    assert "quorum-node1" in warning
    (problem,) = losses_of({"nodes.quorum-node2": GONE, "nodes.quorum-node3": GONE}, stale)
    assert "quorum-node1" not in problem.message


def test_c8_one_of_three_may_go_for_two_of_them_are_a_quorum() -> None:
    assert not losses_of({"nodes.quorum-node2": GONE})
    assert not losses_of({"nodes.quorum-node2.identity": {"generation": 2}})
    assert not losses_of({"nodes.quorum-node2.validator": False})


@pytest.mark.parametrize("number", [1, 2])
def test_c8_the_last_validators_go_only_where_the_file_says_that_the_network_stops(number: int) -> None:
    """A stack that is the whole network: `pulumi destroy` does not ask, a change of the file goes by name."""
    small = alpha({f"nodes.{name}": GONE for name in NAMES[number:]})
    (problem,) = losses_of({"nodes.quorum-node1": GONE}, small)
    assert f"has {number} validators" in problem.message
    assert "more than 0" in problem.message
    assert not losses_of({"nodes.quorum-node1": GONE, "losesValidators": ["quorum-node1"]}, small)
    assert not losses_of({}, small)


def test_c8_partners_validators_count_that_block_0_names_although_they_are_away() -> None:
    """Two of alpha's three: with beta's one the network has four, of which one may be away."""
    both = alpha({"network.genesis": {"validators": [*NAMES, "beta/quorum-node1"]}})
    met = bundle(beta({"defaults.validator": True}))
    before = floats(outputs_of(plan_of(both, {"beta": met})))
    for received in ({"beta": met}, {}):
        (problem,) = told_in(refusal_of(changed(both, {f"nodes.{name}": GONE for name in NAMES[:2]}), received, before))
        assert "has 4 validators for certain, and makes no block with more than 1" in problem.message
        assert not told_in(refusal_of(changed(both, {"nodes.quorum-node1": GONE}), received, before))


def test_c8_validators_that_a_partner_only_wishes_for_do_not_let_ours_go() -> None:
    """39 of them, of one organisation: three of four could go, and no block was made any more."""
    wished: Config = {f"nodes.wish{number}": {} for number in range(39)}
    for proven in (True, False):
        theirs = bundle(beta({**wished, "defaults.validator": True}), {"alpha": bundle(alpha())})
        if not proven:
            theirs = signed_again(lambda raw: [node.pop("proof") for node in raw["externalNodes"]], theirs)
        (problem,) = losses_of({f"nodes.{name}": GONE for name in NAMES[:2]}, received={"beta": theirs})
        assert "has 3 validators for certain" in problem.message


def test_c8_validators_that_this_stack_only_wishes_for_do_not_let_others_go() -> None:
    """Added after block 0, and not voted in yet, or never."""
    more: Config = {f"nodes.later{number}": {} for number in range(6)}
    before = floats(outputs_of(plan_of(alpha(more), None, last(alpha()))))
    gone = {**more, **{f"nodes.{name}": GONE for name in NAMES[:2]}}
    assert told_in(refusal_of(alpha(gone), None, before))
    assert not told_in(refusal_of(alpha({**more, "nodes.quorum-node1": GONE}), None, before))


def test_c8_one_after_another_in_runs_of_their_own_are_as_many_as_in_one_run() -> None:
    first = alpha({"nodes.quorum-node1": GONE})
    before = floats(outputs_of(plan_of(first, None, last(alpha()))))
    (problem,) = told_in(refusal_of(changed(first, {"nodes.quorum-node2": GONE}), None, before))
    assert "more than 0 of those away that are there now" in problem.message
    named = changed(first, {"nodes.quorum-node2": GONE, "losesValidators": ["quorum-node2"]})
    assert not told_in(refusal_of(named, None, before))


def rotated(*names: str) -> Config:
    return {f"nodes.{name}.identity": {"generation": 2} for name in names}


def test_c8_keys_that_are_rotated_one_after_another_are_away_until_they_are_voted_in() -> None:
    """Of four one may be away. No export tells of votes, so the second one goes by its name, after the votes."""
    four = alpha({"nodes.quorum-node4": {}})
    first = changed(four, rotated("quorum-node1"))
    one = plan_of(first, None, last(four))
    assert one.validators == (4, 1), "as the last run left them"
    before = floats(outputs_of(one))
    second = changed(first, rotated("quorum-node2"))
    (problem,) = told_in(refusal_of(second, None, before))
    assert "quorum-node2 (with another key)" in problem.message
    assert "more than 0 of those away that are there now: 1 that block 0 names went earlier, or have" in problem.message
    assert "where votes have replaced those that went earlier" in problem.cure
    voted = plan_of({**second, "losesValidators": ["quorum-node2"]}, None, before)
    assert voted.validators == (4, 0)


def test_c8_a_rotation_that_is_taken_back_takes_no_validator_away() -> None:
    """The key of block 0 comes when the other one goes; a third key instead is one more that is away."""
    before = floats(outputs_of(plan_of(alpha(rotated("quorum-node1")), None, last(alpha()))))
    assert not told_in(refusal_of(alpha(), None, before))
    third = alpha({"nodes.quorum-node1.identity": {"generation": 3}})
    (problem,) = told_in(refusal_of(third, None, before))
    assert "has 4 validators if those were voted in" in problem.message


SEVEN = alpha(
    {
        "nodes.quorum-node4": {},
        "network.genesis": {
            "validators": [*NAMES, "quorum-node4", *(f"beta/{name}" for name in NAMES)],
        },
    }
)
THEIRS = beta({"nodes.quorum-node3": {}, "defaults.validator": True})
OF_BETA: dict[str, Mapping[str, Any]] = {
    "voted out, and members": {"defaults.validator": False},
    "two with other keys": rotated(*NAMES[:2]),
    "all renamed": RENAMED,
}


@pytest.mark.parametrize("name", OF_BETA)
def test_c8_validators_of_a_partner_that_are_not_there_any_more_do_not_let_ours_go(name: str) -> None:
    """Block 0 names four of ours and three of beta's: two of seven may be away, of whomever they are."""
    world = World(alpha=SEVEN, beta=THEIRS)
    assert world.up("alpha", "beta", "alpha", "beta", "alpha").validators == (7, 2)
    ours = changed(
        SEVEN, {"network.genesis": GONE, **{f"nodes.{name}": GONE for name in ("quorum-node3", "quorum-node4")}}
    )
    world.configs["alpha"] = ours
    world.plan("alpha")
    world.configs["alpha"] = SEVEN
    world.configs["beta"] = changed(THEIRS, {**OF_BETA[name], "losesValidators": list(NAMES)})
    assert world.up("beta", "alpha").validators == (7, 0)
    world.configs["alpha"] = ours
    with pytest.raises(Refused) as refused:
        world.plan("alpha")
    (problem,) = told_in(refused.value.problems)
    assert "quorum-node3 (removed, or renamed), quorum-node4" in problem.message
    world.configs["alpha"] = {**ours, "losesValidators": ["quorum-node3", "quorum-node4"]}
    world.plan("alpha")


def test_c8_pasted_nodes_say_no_role_and_are_there_as_long_as_the_stack_file_has_them(tmp_path: Path) -> None:
    """As after a move from Qubernetes, whose spelling of a node knows no role."""
    world = World(alpha=SEVEN, beta=THEIRS)
    plan = world.up("alpha", "beta", "alpha")
    assert plan.genesis
    (tmp_path / "genesis.json").write_text(plan.genesis.text)
    pasted = yaml.safe_load(CHAINS["goquorum"].external_text(plan.imports[0].nodes))["external_nodes"]
    moved = changed(
        SEVEN, {"network.genesis": GONE, "network.genesisFile": "genesis.json", "partners.beta": {"nodes": pasted}}
    )
    before = floats(world.outputs["alpha"])
    assert plan_of(moved, None, before, tmp_path).validators == (7, 2)
    fewer = changed(moved, {"partners.beta": {"nodes": pasted[:1]}})
    assert plan_of(fewer, None, before, tmp_path).validators == (7, 0)


def test_c8_a_node_that_never_validated_may_come_and_go() -> None:
    members = alpha({"nodes.member1": {"validator": False}, "nodes.member2": {"validator": False}})
    assert not losses_of({"nodes.member1": GONE, "nodes.member2": GONE}, members)


def test_c8_nodes_of_cita_cloud_are_kept_alike() -> None:
    config = cita.local()
    names = sorted(config["nodes"])
    gone = {f"nodes.{name}": GONE for name in names[:2]}
    problems = told_in(refusal_of(changed(config, gone), last=last(config)))
    assert len(problems) == 1
    assert all(name in problems[0].message for name in names[:2])


def test_c8_nodes_of_cita_cloud_that_came_later_do_not_let_validators_go() -> None:
    """Every node of CITA-Cloud has the role; block 0 names those that are validators."""
    config = cita.local()
    names = sorted(config["nodes"])
    grown = changed(config, {f"nodes.node{index}": {"index": index} for index in range(3, 9)})
    before = floats(outputs_of(cita.plan_of(grown, None, last(config))))
    gone = changed(grown, {f"nodes.{name}": GONE for name in names[:2]})
    assert told_in(refusal_of(gone, last=before))


def test_c8_a_node_that_came_later_goes_as_it_came_whether_it_was_voted_in_or_not() -> None:
    """Of three with one that came later none can be spared if it never validated, and one if it does."""
    config = cita.local()
    grown = changed(config, {f"nodes.node{index}": {"index": index} for index in (3, 4)})
    before = floats(outputs_of(cita.plan_of(grown, None, last(config))))
    assert not told_in(refusal_of(changed(grown, {"nodes.node3": GONE}), last=before))
    assert told_in(refusal_of(changed(grown, {"nodes.node2": GONE}), last=before))
    (problem,) = told_in(refusal_of(changed(grown, {"nodes.node3": GONE, "nodes.node4": GONE}), last=before))
    assert "has 5 validators if those were voted in" in problem.message
