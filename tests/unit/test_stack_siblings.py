"""Two stacks of one organisation in one network: one genesis, complete lists, no key twice (decision 0021)."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from archipelago.settings.types import SEALED
from archipelago.stack.bundles import SIBLING_NODES
from tests.siblings import FOUND_BY_BOTH, PLACE, Family, east, family, joiner, settled, west
from tests.stacks import (
    GONE,
    alpha,
    beta,
    crossed,
    outputs_of,
    plan_of,
    refusal_of,
    seed,
    settings_of,
)
from tests.world import of_kind

pytestmark = pytest.mark.unit

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("founding", [{}, FOUND_BY_BOTH], ids=["alone", "together"])
@pytest.mark.parametrize("order", list(permutations(["east", "west", "beta"])), ids="-".join)
def test_r16_two_stacks_of_one_organisation_and_a_partner_end_in_one_network_whoever_starts(
    order: tuple[str, ...], founding: dict[str, Any]
) -> None:
    world = family(founding)
    world.up(*order * 5)
    assert world.unsettled() == []
    genesis = {plan.genesis and plan.genesis.hash for plan in world.plans.values()}
    assert len(genesis) == 1
    assert None not in genesis
    ids = {node["nodeId"] for exported in world.outputs.values() for node in exported["externalNodes"]}
    assert len(ids) == 7
    for plan in world.plans.values():
        assert not plan.waiting_for
        listed = json.loads(plan.live_files["permissioned-nodes.json"])
        assert {each[8:136] for each in listed} == ids
        assert plan.founder == "alpha"


def test_a_siblings_node_is_dialled_at_its_address_and_an_own_one_at_its_service() -> None:
    world = settled()
    listed = world.plans["east"].live_files["static-nodes.json"]
    assert "@consortium-quorum-node1:30303" in listed
    assert "@203.0.113.77:" in listed
    assert "@consortium-west-node1" not in listed
    assert "http://203.0.113.77:" in world.plans["east"].live_files["tessera-peers.json"]
    policy = of_kind(world.plans["east"], "NetworkPolicy")["consortium-peers"]
    assert "203.0.113.77/32" in json.dumps(policy)


def test_block_0_names_the_validators_of_both_stacks() -> None:
    world = settled(FOUND_BY_BOTH)
    genesis = world.plans["east"].genesis
    assert genesis
    records = {node["name"]: node for node in world.outputs["west"]["externalNodes"]}
    assert records["west-node1"]["address"] in genesis.addresses
    assert len(genesis.addresses) == 4
    # the key is ours: nothing has to be pinned, and nothing is warned of
    assert not any("is not pinned" in words for plan in world.plans.values() for words in plan.warnings)


def test_validators_of_a_sibling_count_for_what_may_be_lost() -> None:
    world = settled(FOUND_BY_BOTH)
    assert world.plans["east"].validators == (4, 1)
    assert world.plans["west"].validators == (4, 1)
    world.configs["east"] = east({**FOUND_BY_BOTH, "partners.beta.stack": f"{PLACE}beta", "nodes.quorum-node3": GONE})
    assert world.up("east").validators == (4, 1)
    world.up("west", "beta", "east")
    gone = west({"partners.beta.stack": f"{PLACE}beta", "nodes.west-node1.validator": False})
    (problem,) = refusal_of(gone, world.received("west"), world.outputs["west"])
    assert problem.path == "nodes"
    assert "west-node1" in problem.message


def test_equal_names_in_two_stacks_are_refused_on_both_sides() -> None:
    world = settled()
    twice = west({"partners.beta.stack": f"{PLACE}beta", "nodes.quorum-node2": {}})
    (problem,) = refusal_of(twice, world.received("west"), world.outputs["west"])
    assert problem.path == "nodes.quorum-node2"
    assert "also a node of east" in problem.message
    alone = plan_of({**twice, "siblings": {}, "network": east()["network"]}, last=world.outputs["west"])
    received = world.received("east") | {"west": crossed(outputs_of(alone))}
    found = refusal_of(world.configs["east"], received, world.outputs["east"])
    assert [each.path for each in found] == ["nodes.quorum-node2"]
    assert "also a node of west" in found[0].message


def test_a_node_moves_to_the_other_stack_once_it_has_left_the_first_one() -> None:
    world = settled(FOUND_BY_BOTH)
    key = next(node["nodeId"] for node in world.outputs["east"]["externalNodes"] if node["name"] == "quorum-node3")
    world.configs["west"]["nodes"]["quorum-node3"] = {"validator": True}
    assert refusal_of(world.configs["west"], world.received("west"), world.outputs["west"])
    del world.configs["east"]["nodes"]["quorum-node3"]
    del world.configs["east"]["network"]["genesis"]
    world.up("east", "west", "east", "beta")
    assert world.unsettled() == []
    assert {plan.validators for name, plan in world.plans.items() if name != "west"} == {(4, 1)}
    for plan in world.plans.values():
        listed = plan.live_files["static-nodes.json"]
        assert listed.count("enode://") == 7
        assert key in listed


def test_a_key_that_was_imported_into_two_stacks_is_refused_on_both_sides() -> None:
    key = {"identity": {"nodekey": "5f" * 32}}
    world = family(east={"nodes.quorum-node2": key})
    world.up("east", "west", "east", "west", "beta")
    twice = west({"partners.beta.stack": f"{PLACE}beta", "nodes.west-node3": key})
    found = refusal_of(twice, world.received("west"), world.outputs["west"])
    assert [each.path for each in found] == ["nodes.west-node3"]
    assert "quorum-node2 is a node of east" in found[0].message
    alone = plan_of({**twice, "siblings": {}, "network": east()["network"]}, last=world.outputs["west"])
    received = world.received("east") | {"west": crossed(outputs_of(alone))}
    found = refusal_of(world.configs["east"], received, world.outputs["east"])
    assert [each.path for each in found] == ["nodes.quorum-node2"]


def test_two_stacks_in_one_cluster_need_to_say_so() -> None:
    inside = {"cluster.address": GONE, "defaults.exposure": {"type": "ClusterIP"}, "cluster.namespace": "west"}
    world = family(west=inside)
    world.up("east", "west")
    found = refusal_of(world.configs["east"], world.received("east"), {})
    assert {each.path for each in found} == {"siblings.west"}
    assert "archipelago:siblings.west.allowInside" in found[0].cure
    world.configs["east"]["siblings"]["west"]["allowInside"] = True
    assert "west-node1.west.svc" in world.up("east").live_files["static-nodes.json"]


def test_a_partner_refuses_an_organisation_whose_stacks_share_a_name() -> None:
    world = settled()
    given = dict(world.received("beta")["alpha"] or {})
    own = {"network": "consortium", "organisation": "alpha", "name": "quorum-node1"}
    given[SIBLING_NODES] = [{**given[SIBLING_NODES][0], **own}]
    given["signature"] = ""
    config = joiner({"partners.alpha.unsigned": True})
    assert any("have the same name" in each.message for each in refusal_of(config, {"alpha": given}))


def test_a_stack_with_another_seed_is_no_sibling() -> None:
    world = family(west={"identitySeed": seed("another")})
    world.up("east")
    found = refusal_of(world.configs["west"], world.received("west"))
    assert [each.path for each in found] == ["siblings.east"]
    assert "one identitySeed" in found[0].cure
    world.outputs["west"] = outputs_of(plan_of({**world.configs["west"], "siblings": {}, "network": east()["network"]}))
    found = refusal_of(world.configs["east"], world.received("east"), world.outputs["east"])
    assert [each.path for each in found] == ["siblings.west"]


def test_another_organisations_stack_is_no_sibling() -> None:
    world = settled()
    found = refusal_of(east({"siblings.west.stack": f"{PLACE}beta"}), {"west": crossed(world.outputs["beta"])})
    assert any("archipelago:partners.beta" in each.cure for each in found)
    own = east({"partners.gamma": {"stack": f"{PLACE}west"}})
    found = refusal_of(own, {"gamma": crossed(world.outputs["west"]), "west": None})
    assert any("archipelago:siblings.gamma" in each.cure for each in found)


@pytest.mark.parametrize("gone", [None, {}], ids=["away", "empty"])
def test_the_nodes_of_a_sibling_that_is_away_stay_for_us_and_for_our_partners(gone: dict[str, Any] | None) -> None:
    world = settled()
    west_ids = [node["nodeId"] for node in world.outputs["west"]["externalNodes"]]
    received = world.received("east") | {"west": None if gone is None else crossed(gone)}
    plan = plan_of(world.configs["east"], received, world.outputs["east"])
    assert all(each in plan.live_files["permissioned-nodes.json"] for each in west_ids)
    assert any(words.startswith("Sibling west: ") and "siblings.west.forget" in words for words in plan.warnings)
    assert outputs_of(plan)[SIBLING_NODES] == world.outputs["east"][SIBLING_NODES]
    assert outputs_of(plan)["network"]["edition"] == world.outputs["east"]["network"]["edition"]


def test_a_sibling_that_forgets_is_forgotten_and_min_nodes_hold() -> None:
    world = settled()
    received = world.received("east") | {"west": None}
    forgets = {
        **world.configs["east"],
        "siblings": {"west": {"stack": f"{PLACE}west", "required": False, "forget": True}},
    }
    assert "203.0.113.77" not in plan_of(forgets, received, world.outputs["east"]).live_files["static-nodes.json"]
    least = {**world.configs["east"], "siblings": {"west": {"stack": f"{PLACE}west", "required": False, "minNodes": 3}}}
    assert [each.path for each in refusal_of(least, received, world.outputs["east"])] == ["siblings.west.minNodes"]


def test_a_sealed_seed_knows_siblings_by_the_key_that_our_outputs_name() -> None:
    world = settled()
    key = world.outputs["east"]["identities"]["key"]
    sealed = settings_of({**world.configs["east"], "identitySeed": SEALED})
    assert sealed.sources["west"].key is None
    assert sealed.signed_by(key).sources["west"].key == key
    assert sealed.signed_by(key).sources["beta"] == sealed.partners["beta"]
    opened = settings_of(world.configs["east"])
    assert opened.signed_by("ed25519:00").sources["west"].key == key


def test_a_partner_may_name_whichever_stack_of_the_organisation() -> None:
    world = family(FOUND_BY_BOTH, beta={"partners.alpha.stack": f"{PLACE}west"})
    world.up(*("beta", "west", "east") * 5)
    assert world.unsettled() == []
    assert len({plan.genesis and plan.genesis.hash for plan in world.plans.values()}) == 1
    assert all(plan.live_files["static-nodes.json"].count("enode://") == 7 for plan in world.plans.values())


@pytest.mark.parametrize("order", list(permutations(["cluster-a", "first", "second"])), ids="-".join)
def test_an_organisation_that_joins_may_have_two_stacks_as_well(order: tuple[str, ...]) -> None:
    second = {"stack": f"{PLACE}second", "required": False}
    world = Family(
        **{"cluster-a": alpha({"partners.beta.stack": f"{PLACE}first"})},
        first=beta({"siblings": {"there": second}}),
        second=beta({"siblings": {"here": {"stack": f"{PLACE}first"}}, "nodes": {"other-node1": {}}}),
    )
    world.up(*order * 5)
    assert world.unsettled() == []
    for plan in world.plans.values():
        assert not plan.waiting_for
        assert plan.live_files["static-nodes.json"].count("enode://") == 6


def test_three_stacks_of_one_organisation_name_each_other() -> None:
    names = ("east", "west", "north")
    kin = {name: {"stack": f"{PLACE}{name}", "required": False} for name in names}

    def others(name: str) -> dict[str, Any]:
        return {"siblings": {each: kin[each] for each in names if each != name}, "partners": {}}

    north = west({**others("north"), "cluster.address": "203.0.113.88", "nodes": {"north-node1": {}}})
    world = Family(east=east(others("east")), west=west(others("west")), north=north)
    world.up(*names * 4)
    assert world.unsettled() == []
    assert all(plan.live_files["static-nodes.json"].count("enode://") == 6 for plan in world.plans.values())


def test_siblings_hand_over_what_is_their_own_and_not_what_they_heard() -> None:
    world = settled()
    for name, other in (("east", "west"), ("west", "east")):
        handed = {node["name"] for node in world.outputs[name][SIBLING_NODES]}
        assert handed == {node["name"] for node in world.outputs[other]["externalNodes"]}
        assert {node["name"] for node in world.outputs[name]["accepted"][other]["nodes"]} == handed
    assert {node["name"] for node in world.outputs["beta"]["accepted"]["alpha"]["nodes"]} == {
        *(node["name"] for node in world.outputs["east"]["externalNodes"]),
        *(node["name"] for node in world.outputs["west"]["externalNodes"]),
    }
    assert SIBLING_NODES not in world.outputs["beta"]


def test_a_partner_hands_over_nodes_of_its_own_organisation_alone() -> None:
    world = settled()
    given = dict(world.received("beta")["alpha"] or {})
    given[SIBLING_NODES] = [{**given[SIBLING_NODES][0], "organisation": "gamma", "proof": None}]
    given["signature"] = ""
    found = refusal_of(joiner({"partners.alpha.unsigned": True}), {"alpha": given})
    assert any("gamma/west-node1" in each.message and each.path == "partners.alpha" for each in found)


def test_an_address_of_a_siblings_is_no_partners() -> None:
    world = settled()
    end = world.outputs["west"]["externalNodes"][0]["endpoints"]["p2p"]
    received = world.received("east")
    theirs = dict(received["beta"] or {})
    nodes = [{**node, "endpoints": {**node["endpoints"], "p2p": end}} for node in theirs["externalNodes"][:1]]
    theirs["externalNodes"], theirs["signature"] = nodes, ""
    config = {**world.configs["east"]}
    config["partners"] = {"beta": {"stack": f"{PLACE}beta", "required": False, "unsigned": True}}
    plan = plan_of(config, {**received, "beta": theirs}, world.outputs["east"])
    west_id = world.outputs["west"]["externalNodes"][0]["nodeId"]
    assert west_id in plan.live_files["permissioned-nodes.json"]
    assert any("beta/quorum-node1 has the same address" in words for words in plan.warnings)
