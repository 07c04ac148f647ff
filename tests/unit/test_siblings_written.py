"""Siblings as stack files write them, validated, drawn, and of every kind of network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from archipelago.chains.registry import CHAINS
from archipelago.picture.model import draw
from archipelago.settings.schema import schema
from archipelago.stack.bundles import SIBLING_NODES
from archipelago.stack.converge import converge
from tests import cita, ipfs
from tests.siblings import FOUND_BY_BOTH, PLACE, Family, east, family, settled, west, written
from tests.stacks import (
    GONE,
    NOWHERE,
    alpha,
    committed,
    outputs_of,
    plan_of,
    problems_of,
    refusal_of,
)

pytestmark = pytest.mark.unit

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_what_stack_files_may_say_of_siblings() -> None:
    def paths(changes: dict[str, Any]) -> list[str]:
        return [each.path for each in problems_of(east(changes))]

    assert paths({}) == []
    assert paths({"siblings.beta": {"stack": f"{PLACE}x"}}) == ["siblings.beta"]
    assert paths({"siblings.alpha": {"stack": f"{PLACE}x"}}) == ["siblings.alpha"]
    assert paths({"siblings.west.file": "west.json"}) == ["siblings.west"]
    assert paths({"siblings.west.key": "ed25519:00"}) == ["siblings.west.key"]
    wrong = refusal_of(
        east({"network.genesis": {"validators": ["quorum-node1", "alpha/quorum-node2"]}}), {"west": None}
    )
    assert [each.path for each in wrong] == ["network.genesis.validators[1]"]
    (problem,) = problems_of(alpha({"partners.alpha": {"stack": f"{PLACE}x"}}))
    assert "archipelago:siblings." in problem.cure
    lonely = problems_of(west({"siblings": GONE}))
    assert [each.path for each in lonely] == ["network.joins"]
    assert "archipelago:siblings." in lonely[0].cure


def test_stacks_that_are_validated_together_converge() -> None:
    chain = CHAINS["goquorum"]
    configs = family(FOUND_BY_BOTH).configs
    plans = converge([written(name, config, chain, NOWHERE) for name, config in configs.items()])
    for plan in plans:
        assert not plan.waiting_for
        assert len(plan.records) + sum(len(given.nodes) for given in plan.imports) == 7


def test_without_siblings_nothing_is_exported_of_them() -> None:
    assert SIBLING_NODES not in outputs_of(plan_of(alpha()))


@pytest.mark.parametrize("stack", ["quorum-east", "quorum-west"])
def test_an_example_is_what_the_schema_allows(stack: str) -> None:
    document = YAML(typ="safe", pure=True).load((EXAMPLES / f"Pulumi.{stack}.yaml").read_text())
    assert not list(Draft202012Validator(schema(CHAINS)).iter_errors(document))


def test_the_examples_are_one_network_with_four_validators() -> None:
    places = ["quorum-east", "quorum-west"]
    world = Family(**{stack: committed(EXAMPLES / f"Pulumi.{stack}.yaml", "alpha") for stack in places})
    assert world.up("quorum-east").waiting_for == ("alpha/west-node1", "alpha/west-node2")
    world.up("quorum-west", "quorum-east", "quorum-west")
    assert world.unsettled() == []
    for plan in world.plans.values():
        assert plan.genesis
        assert len(plan.genesis.addresses) == 4
        assert plan.validators == (4, 1)


def test_a_picture_has_a_box_for_each_stack() -> None:
    world = settled()
    plans = list(world.plans.values())
    stacks = [replace(plan, stack=name) for name, plan in zip(world.plans, plans, strict=True)]
    drawn = draw(stacks, CHAINS["goquorum"])
    assert [each.name for each in drawn.organisations] == ["alpha (east)", "alpha (west)", "beta"]
    assert {frozenset((link.first, link.second)) for link in drawn.links} == {
        frozenset(("alpha (east)", "alpha (west)")),
        frozenset(("alpha (east)", "beta")),
        frozenset(("alpha (west)", "beta")),
    }
    alone = draw(stacks[:1], CHAINS["goquorum"])
    assert [each.name for each in alone.organisations] == ["alpha (east)", "beta", "alpha (west)"]


def test_swarms_have_no_siblings() -> None:
    found = problems_of(ipfs.alpha({"siblings": {"west": {"stack": f"{PLACE}west"}}}))
    assert [each.path for each in found] == ["siblings.west"]


def cita_stacks() -> tuple[dict[str, Any], dict[str, Any]]:
    """The three nodes of a chain that its founder's block 0 names, and a fourth one of it in another stack."""
    first = cita.outside(
        {
            "network.genesis.validators": ["node0", "node1", "node2", "alpha/node3"],
            "siblings": {"west": {"stack": f"{PLACE}west", "required": False}},
        }
    )
    second = cita.outside(
        {
            "cluster": {"context": "cluster-w", "namespace": "chains", "address": "203.0.113.77"},
            "network.founder": GONE,
            "network.joins": "alpha",
            "network.genesis": GONE,
            "nodes": {"node3": {"index": 3, "portBase": 30000}},
            "siblings": {"east": {"stack": f"{PLACE}east"}},
        }
    )
    return first, second


def test_two_stacks_of_one_organisation_are_one_cita_cloud_chain() -> None:
    first, second = cita_stacks()
    world = Family(east=first, west=second)
    assert world.up("east").waiting_for == ("alpha/node3",)
    world.up("west", "east", "west", "east")
    assert world.unsettled() == []
    assert world.plans["east"].genesis == world.plans["west"].genesis is not None
    ids = {node["nodeId"] for exported in world.outputs.values() for node in exported["externalNodes"]}
    for plan in world.plans.values():
        text = "".join(plan.live_files.values())
        assert all(each in text for each in ids)
    assert "203.0.113.77" in "".join(world.plans["east"].live_files.values())


def test_an_index_of_a_siblings_node_is_refused_by_name() -> None:
    first, second = cita_stacks()
    world = Family(east=first, west=second)
    world.up("east", "west", "east", "west")
    again = {**first, "nodes": {**first["nodes"], "node4": {"index": 3, "portBase": 30100}}}
    found = refusal_of(again, world.received("east"), world.outputs["east"])
    assert any(each.path == "nodes.node4" and "node3 is a node of west" in each.message for each in found)
