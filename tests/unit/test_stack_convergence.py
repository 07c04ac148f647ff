"""Repeated runs of the same program end in one network, whoever starts, and then change nothing."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archipelago.chains.registry import CHAINS
from archipelago.manifests.stack import manifests
from archipelago.stack.converge import Written, converge
from tests.stacks import (
    GONE,
    NOWHERE,
    Config,
    alpha,
    beta,
    bundle,
    changed,
    outputs_of,
    plan_of,
    records_of,
    seed,
    settings_of,
)
from tests.world import World, difference

pytestmark = pytest.mark.unit

BOTH = {"network.genesis": {"validators": ["quorum-node1", "quorum-node2", "quorum-node3", "beta/quorum-node1"]}}
PEERS = {("ConfigMap", "consortium-peers"), ("NetworkPolicy", "consortium-peers")}


def gamma(changes: dict[str, Any] | None = None) -> Config:
    """A third organisation that joins alpha and knows beta too."""
    config = beta(
        {
            "organisation": "gamma",
            "identitySeed": seed("gamma"),
            "cluster.address": "192.0.2.30",
            "partners.beta": {"stack": "organization/archipelago/cluster-b", "required": False},
        }
    )
    return changed(config, changes or {})


def test_a_founder_that_goes_alone_converges_in_a_b_a() -> None:
    world = World(alpha=alpha(), beta=beta())
    world.up("alpha")
    assert not world.plans["alpha"].waiting_for
    world.up("beta")
    assert not world.plans["beta"].waiting_for
    assert not world.settled()  # alpha does not know beta's nodes yet
    world.up("alpha")
    assert world.settled()
    for plan in world.plans.values():
        assert plan.live_files["permissioned-nodes.json"].count("enode://") == 5


def test_a_genesis_with_both_organisations_validators_converges_in_a_b_a_b() -> None:
    world = World(alpha=alpha(BOTH), beta=beta())
    assert world.up("alpha").waiting_for == ("beta/quorum-node1",)
    assert world.up("beta").waiting_for == ("alpha: its genesis",)
    founded = world.up("alpha")
    assert founded.waiting_for == ()
    assert founded.genesis
    assert not world.settled()
    assert world.up("beta").genesis == founded.genesis
    assert world.settled()


@pytest.mark.parametrize("founding", [{}, BOTH], ids=["alone", "together"])
@pytest.mark.parametrize("order", list(permutations(["alpha", "beta", "gamma"])), ids="-".join)
def test_three_organisations_end_in_the_same_network_whoever_starts(
    order: tuple[str, ...], founding: dict[str, Any]
) -> None:
    world = World(
        alpha=alpha({**founding, "partners.gamma": {"stack": "s", "required": False}}),
        beta=beta({"partners.gamma": {"stack": "s", "required": False}}),
        gamma=gamma(),
    )
    rounds = 0
    while not (world.plans and world.settled()):
        assert rounds < 4, "a round more than there are organisations"
        world.up(*order)
        rounds += 1
    assert len({plan.genesis for plan in world.plans.values()}) == 1
    assert {plan.live_files["static-nodes.json"].count("enode://") for plan in world.plans.values()} == {7}
    assert {name for plan in world.plans.values() for name in plan.waiting_for + plan.missing} == set()


def test_what_a_stack_gives_now_wins_over_an_older_bundle_of_it() -> None:
    older = {"beta": bundle(beta(), {"alpha": bundle(alpha())})}
    moved = beta({"nodes.quorum-node1.exposure.ports": {"p2p": 30399, "tessera": 30999}})
    written = [
        Written(stack, read, CHAINS["goquorum"], NOWHERE, f"Pulumi.{stack}.yaml", received)
        for stack, read, received in (
            ("cluster-a", settings_of(alpha()), older),
            ("cluster-b", settings_of(moved), {}),
        )
    ]
    ours, _ = converge(written)
    assert "@198.51.100.20:30399?" in ours.live_files["static-nodes.json"]


def test_a_new_node_of_a_partner_changes_the_live_peers_of_ours_and_nothing_else() -> None:
    """A restart because a partner grew costs hours of blocks: the pod template must not move."""
    world = World(alpha=alpha(), beta=beta())
    before = world.up("alpha", "beta", "alpha")
    world.configs["beta"] = beta({"nodes.quorum-node3": {}})
    world.up("beta")
    after = world.up("alpha")
    assert difference(before, after) == PEERS
    assert world.settled()


def test_a_partner_that_appears_changes_only_the_live_peers() -> None:
    world = World(alpha=alpha(), beta=beta())
    before = world.up("alpha")
    world.up("beta")
    assert difference(before, world.up("alpha")) == PEERS


def test_a_partner_that_goes_changes_only_the_live_peers_and_is_told_loudly() -> None:
    """A bundle without nodes is its own signed word."""
    world = World(alpha=alpha(), beta=beta())
    before = world.up("alpha", "beta", "alpha")
    world.configs["beta"] = beta({"nodes": {}})
    world.up("beta")
    after = world.up("alpha")
    assert difference(before, after) == PEERS
    assert any("beta had 2 nodes and has none now: they are dropped" in warning for warning in after.warnings)


def test_a_partner_that_signs_with_another_key_is_told() -> None:
    world = World(alpha=alpha(), beta=beta())
    world.up("alpha", "beta", "alpha")
    old = world.outputs["beta"]["identities"]["key"]
    world.configs["beta"] = beta({"identitySeed": seed("stolen")})
    del world.outputs["beta"]
    world.outputs["beta"] = outputs_of(world.plan("beta"))
    (warning,) = [each for each in world.up("alpha").warnings if "now signs with" in each]
    assert f"before with {old}" in warning


def test_a_settled_network_has_no_warnings() -> None:
    world = World(alpha=alpha({"nodes.quorum-node4": {}}), beta=beta())
    world.up("alpha", "beta", "alpha", "beta")
    assert [plan.warnings for plan in world.plans.values()] == [(), ()]


def test_nodes_are_updated_one_by_one_only_once_the_network_runs() -> None:
    world = World(alpha=alpha(BOTH), beta=beta())
    assert not world.up("alpha").one_by_one
    assert not world.up("beta", "alpha").one_by_one
    assert world.up("alpha").one_by_one


def test_the_peers_are_those_of_both_organisations_own_ones_by_service_name() -> None:
    world = World(alpha=alpha(), beta=beta())
    plan = world.up("alpha", "beta", "alpha")
    hosts = [
        line.split("@")[1].split("?")[0] for line in plan.live_files["static-nodes.json"].splitlines() if "@" in line
    ]
    own = [f"consortium-quorum-node{number}:30303" for number in (1, 2, 3)]
    theirs = [str(record.endpoints["p2p"]) for record in records_of(world.plans["beta"])]
    assert hosts == own + theirs
    assert plan.live_files["static-nodes.json"] == plan.live_files["permissioned-nodes.json"]


def test_what_is_exported_is_read_back_as_it_was() -> None:
    plan = plan_of(alpha())
    again = plan_of(beta(), {"alpha": bundle(alpha())}).imports[0]
    assert list(again.nodes) == records_of(plan)
    assert plan.genesis
    assert again.network
    assert again.network.genesis == plan.genesis.text


def test_outputs_hold_no_null_which_a_backend_would_drop_and_no_secret() -> None:
    for plan in (plan_of(alpha()), plan_of(alpha(BOTH)), plan_of(beta())):
        text = json.dumps(outputs_of(plan))
        assert "null" not in text
        for node in plan.nodes:
            assert not [file for file in node.private_files.values() if file in text]


def shuffled(value: Any, draw: st.DrawFn) -> Any:
    """The same mapping in another order, at every depth."""
    if not isinstance(value, dict):
        return value
    return {key: shuffled(value[key], draw) for key in draw(st.permutations(list(value)))}


@st.composite
def same_file_in_another_order(draw: st.DrawFn) -> Config:
    config: Config = shuffled(alpha({"nodes.quorum-node4": {"validator": False}, "defaults.api": {"rpc": True}}), draw)
    return config


@settings(max_examples=30)
@given(same_file_in_another_order())
def test_the_order_of_keys_in_a_stack_file_means_nothing(config: Config) -> None:
    expected = plan_of(alpha({"nodes.quorum-node4": {"validator": False}, "defaults.api": {"rpc": True}}))
    plan = plan_of(config)
    assert list(manifests(plan)) == list(manifests(expected))
    assert outputs_of(plan) == outputs_of(expected)


@settings(max_examples=20)
@given(st.permutations(["beta", "gamma"]), st.permutations([0, 1]))
def test_the_order_of_partners_and_of_their_nodes_means_nothing(partners: list[str], order: list[int]) -> None:
    """A partner's list in another order would be a diff in every preview of ours."""
    configs = {"beta": beta(), "gamma": gamma({"partners.beta": GONE})}
    straight = {name: bundle(config, {"alpha": bundle(alpha())}) for name, config in configs.items()}
    shuffled = {
        name: {**straight[name], "externalNodes": [straight[name]["externalNodes"][index] for index in order]}
        for name in partners
    }
    sources = {name: {"stack": "s", "unsigned": True} for name in configs}
    expected = plan_of(alpha({"partners": sources}), straight)
    plan = plan_of(alpha({"partners": {name: sources[name] for name in partners}}), shuffled)
    assert expected.live_files["static-nodes.json"].count("enode://") == 7
    assert list(manifests(plan)) == list(manifests(expected))
