"""Plans that take a network's validators away: refused by name, unless the stack file says so for the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from archipelago.problems import Problem
from tests import cita
from tests.stacks import GONE, Config, alpha, beta, bundle, changed, crossed, floats, outputs_of, plan_of, refusal_of

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


def losses_of(
    changes: Mapping[str, Any],
    before: Config | None = None,
    received: Mapping[str, Mapping[str, Any] | None] | None = None,
) -> list[Problem]:
    """What is said of validators when a stack that runs is changed."""
    config = before or alpha()
    told = refusal_of(changed(config, changes), received, last(config))
    return [each for each in told if "makes no block" in each.message]


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


def test_c8_partners_validators_count_and_so_do_those_of_the_genesis_while_partners_are_away() -> None:
    """Two of alpha's three: with beta's two the network has five, of which one may be away."""
    two: dict[str, Any] = {f"nodes.{name}": GONE for name in NAMES[:2]}
    theirs = bundle(beta({"defaults.validator": True}), {"alpha": crossed(outputs_of(plan_of(alpha())))})
    (problem,) = losses_of(two, received={"beta": theirs})
    assert "has 5 validators and makes no block with more than 1" in problem.message
    assert not losses_of({"nodes.quorum-node1": GONE}, received={"beta": theirs})


def test_c8_a_node_that_never_validated_may_come_and_go() -> None:
    members = alpha({"nodes.member1": {"validator": False}, "nodes.member2": {"validator": False}})
    assert not losses_of({"nodes.member1": GONE, "nodes.member2": GONE}, members)


def test_c8_nodes_of_cita_cloud_are_kept_alike() -> None:
    config = cita.local()
    names = sorted(config["nodes"])
    gone = {f"nodes.{name}": GONE for name in names[:2]}
    problems = [each for each in refusal_of(changed(config, gone), last=last(config)) if "no block" in each.message]
    assert len(problems) == 1
    assert all(name in problems[0].message for name in names[:2])
