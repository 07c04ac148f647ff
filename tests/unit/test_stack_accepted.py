"""What a stack goes on with where a partner gives nothing any more, something wrong, or something older."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from archipelago.identity.curve25519 import sign, signer
from archipelago.identity.derive import Keyring
from archipelago.model.record import ExternalNode, canonical
from archipelago.problems import Refused
from tests.stacks import (
    Config,
    alpha,
    beta,
    bundle,
    crossed,
    floats,
    outputs_of,
    plan_of,
    refusal_of,
    seed,
)
from tests.world import World, difference

pytestmark = pytest.mark.unit

BOTH = {"network.genesis": {"validators": ["quorum-node1", "quorum-node2", "quorum-node3", "beta/quorum-node1"]}}
STAY = "nodes that were taken last stay"


def met(**changes: Any) -> World:
    """alpha and beta, who know each other's nodes."""
    world = World(alpha=alpha(changes), beta=beta())
    world.up("alpha", "beta", "alpha")
    return world


def signed_again(change: Callable[[Config], object], given: Config, organisation: str = "beta") -> Config:
    """A bundle that its own organisation has changed."""
    change(given)
    key = Keyring(bytes.fromhex(seed(organisation)), organisation, "consortium").secret("", "organisation signing key")
    return {**given, "key": signer(key), "signature": sign(key, canonical({**given, "key": signer(key)}))}


def of_gamma(change: Callable[[dict[str, Any]], object]) -> Config:
    """A bundle of a third organisation, whose first node is changed."""
    given = bundle(beta({"organisation": "aaa", "identitySeed": seed("aaa"), "cluster.address": "192.0.2.9"}))
    return signed_again(lambda raw: change(raw["externalNodes"][0]), given, "aaa")


@pytest.mark.parametrize("outputs", [None, {}], ids=["its stack is gone", "it exports nothing"])
def test_c6_a_partner_that_exports_nothing_keeps_its_running_nodes(outputs: dict[str, Any] | None) -> None:
    world = met()
    before = world.plans["alpha"]
    if outputs is None:
        del world.outputs["beta"]
    else:
        world.outputs["beta"] = outputs
    for _ in range(2):  # the second run has its outputs from the first one alone
        after = world.up("alpha")
        assert difference(before, after) == set()
        assert after.missing == ("beta",)
        assert any(STAY in warning for warning in after.warnings)


@pytest.mark.parametrize("change", [{"partners.beta.forget": True}, {"partners": {}}], ids=["forgotten", "taken out"])
def test_c6_the_nodes_go_where_the_stack_file_says_so(change: dict[str, Any]) -> None:
    world = met()
    before = world.plans["alpha"]
    world.outputs["beta"] = {}
    world.configs["alpha"] = alpha(change)
    assert difference(before, world.up("alpha")) == {
        ("ConfigMap", "consortium-peers"),
        ("NetworkPolicy", "consortium-peers"),
    }
    assert "beta" not in world.outputs["alpha"]["accepted"]


WRONG: dict[str, Callable[[Config], object]] = {
    "a malformed node": lambda given: given["externalNodes"][0].update(nodeId="no id"),
    "no list of nodes": lambda given: given.update(externalNodes="none"),
    "another chain": lambda given: given["network"].update(genesisHash="0x" + "1" * 64),
    "a node of ours": lambda given: given["externalNodes"][0].update(
        {key: crossed(outputs_of(plan_of(alpha())))["externalNodes"][0][key] for key in ("nodeId", "address")}
    ),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_s4_a_wrong_export_counts_as_one_that_is_away(change: Callable[[Config], object]) -> None:
    world = met()
    before = world.outputs["alpha"]
    for given in (signed_again(change, crossed(world.outputs["beta"])), _unsigned(crossed(world.outputs["beta"]))):
        plan = plan_of(world.configs["alpha"], {"beta": given}, floats(before))
        assert difference(world.plans["alpha"], plan) == set()
        assert any(STAY in warning for warning in plan.warnings), plan.warnings
        assert refusal_of(world.configs["alpha"], {"beta": given}), "nothing was taken of it before"


def test_s4_a_partner_whose_nodes_all_left_and_that_is_wrong_then_stops_no_run() -> None:
    world = met()
    world.outputs["beta"] = signed_again(lambda raw: raw.update(externalNodes=[]), dict(world.outputs["beta"]))
    world.up("alpha")
    before = world.plans["alpha"]
    world.outputs["beta"] = signed_again(WRONG["another chain"], copy.deepcopy(world.outputs["beta"]))
    assert difference(before, world.up("alpha")) == set()


def _unsigned(given: Config) -> Config:
    return {**given, "signature": "00" * 64}


def test_c9_an_older_bundle_is_not_taken() -> None:
    """beta has given a node other keys, for the old ones were stolen; its bundle of before comes back."""
    world = met()
    old = crossed(world.outputs["beta"])
    world.configs["beta"] = beta({"nodes.quorum-node2.identity": {"generation": 2}})
    world.up("beta")
    before = world.up("alpha")
    again = plan_of(world.configs["alpha"], {"beta": old}, floats(world.outputs["alpha"]))
    assert difference(before, again) == set()
    assert any("edition" in warning and STAY in warning for warning in again.warnings)
    uncounted = signed_again(lambda given: given["network"].pop("edition"), crossed(world.outputs["beta"]))
    older = plan_of(world.configs["alpha"], {"beta": uncounted}, floats(world.outputs["alpha"]))
    assert any("edition 0" in warning for warning in older.warnings), "a bundle of the older program"


def test_c9_a_lower_generation_is_told_by_the_nodes_name_and_a_restart_of_the_count_is_allowed_once() -> None:
    world = met()
    world.configs["beta"] = beta({"nodes.quorum-node2.identity": {"generation": 2}})
    world.up("beta", "alpha")
    world.configs["beta"] = beta()
    del world.outputs["beta"]  # or its own run would refuse it
    world.up("beta")
    (warning,) = (each for each in world.plan("alpha").warnings if STAY in each)
    assert "beta/quorum-node2 has generation 1, and generation 2 was taken before" in warning
    world.configs["alpha"] = alpha({"partners.beta.forget": True})
    assert not any(STAY in each for each in world.up("alpha").warnings)


def test_c9_an_edition_goes_up_with_each_change_and_with_nothing_else() -> None:
    world = met()
    first = world.outputs["beta"]["network"]["edition"]
    world.up("beta")
    same = world.outputs["beta"]["network"]["edition"]
    world.up("beta")
    assert world.outputs["beta"]["network"]["edition"] == same
    world.configs["beta"] = beta({"cluster.address": "198.51.100.21"})
    world.up("beta")
    assert first <= same < world.outputs["beta"]["network"]["edition"]


def test_c23_another_key_is_told_although_an_empty_export_came_between() -> None:
    world = met()
    world.outputs["beta"] = {}
    world.up("alpha")
    world.configs["beta"] = beta({"identitySeed": seed("stolen")})
    world.outputs["beta"] = {}
    world.outputs["beta"] = outputs_of(world.plan("beta"))
    assert any("now signs with" in warning for warning in world.up("alpha").warnings)


def test_a_pin_is_not_waived_by_what_was_taken_under_another_key() -> None:
    world = met()
    world.outputs["beta"] = {}
    world.configs["alpha"] = alpha({"partners.beta.key": "ed25519:" + "5" * 64})
    assert world.up("alpha").imports[0].nodes == ()


def test_c22_a_founder_says_whose_unpinned_validators_it_freezes_and_takes_no_unsigned_ones() -> None:
    given = bundle(beta(), {"alpha": bundle(alpha(BOTH))})
    (warning,) = (each for each in plan_of(alpha(BOTH), {"beta": given}).warnings if "for good" in each)
    assert f"beta/quorum-node1 {given['externalNodes'][0]['address']}" in warning
    assert given["key"] in warning
    pinned = plan_of(alpha({**BOTH, "partners.beta.key": given["key"]}), {"beta": given})
    assert not any("for good" in each for each in pinned.warnings)
    (problem,) = refusal_of(alpha({**BOTH, "partners.beta.unsigned": True}), {"beta": given})
    assert problem.path == "partners.beta.unsigned"


def test_c26_a_partners_other_key_does_not_contradict_a_frozen_genesis() -> None:
    world = World(alpha=alpha(BOTH), beta=beta())
    world.up("alpha", "beta", "alpha", "beta")
    before = world.plans["alpha"].genesis
    world.configs["beta"] = beta({"nodes.quorum-node1.identity": {"generation": 2}})
    world.up("beta")
    assert world.up("alpha").genesis == before
    with pytest.raises(Refused, match=r"network\.genesis\.validators"):
        world.configs["alpha"] = alpha({"network.genesis": {"validators": ["quorum-node1", "quorum-node2"]}})
        world.up("alpha")


def test_what_was_taken_is_read_back_as_it_was() -> None:
    world = met()
    kept = world.outputs["alpha"]["accepted"]["beta"]["nodes"]
    assert tuple(ExternalNode.model_validate(each) for each in floats(kept)) == world.plans["alpha"].imports[0].nodes


def test_c14_a_partner_opens_no_port_that_its_protocol_does_not_dial() -> None:
    more = {"x1": {"host": "192.0.2.7", "port": 443}, "x2": {"host": "partner.example", "port": 6443}}
    given = bundle(beta(), {"alpha": bundle(alpha())})
    wide = signed_again(
        lambda raw: raw["externalNodes"][0]["endpoints"].update(more), bundle(beta(), {"alpha": bundle(alpha())})
    )
    assert difference(plan_of(alpha(), {"beta": given}), plan_of(alpha(), {"beta": wide})) == set()


def test_c14_a_name_that_opens_a_port_to_anywhere_is_told() -> None:
    """A policy knows no names: the port of a partner's load balancer with one is open to the whole internet."""
    given = bundle(beta(), {"alpha": bundle(alpha())})
    p2p = {"host": "node1.beta.example", "port": 31999}
    named = signed_again(lambda raw: raw["externalNodes"][0]["endpoints"].update(p2p=p2p), copy.deepcopy(given))
    (warning,) = (each for each in plan_of(alpha(), {"beta": named}).warnings if "anywhere" in each)
    assert "Partner beta is dialled by name (node1.beta.example)" in warning
    assert "port 31999" in warning
    assert not any("anywhere" in each for each in plan_of(alpha(), {"beta": given}).warnings)
    off = alpha({"cluster.networkPolicies": False})
    assert not any("anywhere" in each for each in plan_of(off, {"beta": named}).warnings)


def test_c26_a_partners_other_key_is_told_with_its_address() -> None:
    world = World(alpha=alpha(BOTH), beta=beta())
    world.up("alpha", "beta", "alpha", "beta")
    assert not any("other keys" in each for each in world.up("alpha").warnings)
    world.configs["beta"] = beta({"nodes.quorum-node1.identity": {"generation": 2}})
    address = world.up("beta").records[0].address
    (warning,) = (each for each in world.up("alpha").warnings if "other keys" in each)
    assert "beta/quorum-node1 is among the validators" in warning
    assert address in warning
