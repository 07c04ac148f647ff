"""Who exports a node id has its key: else a stranger's validator is voted out on a partner's word."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from archipelago.identity.secp256k1 import node_id, sign, verify
from archipelago.model.record import ExternalNode
from operate import validators
from operate.site import look
from tests import ipfs
from tests.fake_network import FakeNetwork
from tests.stacks import Config, alpha, beta, bundle, crossed, floats, outputs_of, plan_of, refusal_of, seed
from tests.unit.test_stack_accepted import STAY, met, of_gamma, signed_again
from tests.world import difference

pytestmark = pytest.mark.unit

LONELY = {"network.genesis": {"validators": ["quorum-node1", "quorum-node2", "quorum-node3", "beta/quorum-node1"]}}


def claimed(node: dict[str, Any], *, proof: str | None = None) -> Config:
    """A bundle of aaa's that says of another organisation's node that it is its own, and a member."""
    same = {"nodeId": node["nodeId"], "address": node["address"], "role": "member", "proof": proof}
    return of_gamma(lambda mine: mine.update(same))


def test_s5_every_node_carries_the_signature_of_its_own_key_for_its_own_organisation() -> None:
    for plan in (plan_of(alpha()), ipfs.plan_of(ipfs.alpha())):
        assert all(record.proof for record in plan.records)
    private = bytes(range(1, 33))
    sign.cache_clear()
    first = sign(private, b"x")
    sign.cache_clear()
    assert sign(private, b"x") == first, "a preview does not flicker"
    assert verify(node_id(private), b"x", first)
    assert not verify(node_id(private), b"y", first)


@pytest.mark.parametrize("wrong", ["00" * 64, "of another node", "of another organisation"])
def test_s5_a_wrong_proof_counts_as_a_wrong_export(wrong: str) -> None:
    world = met()
    before = world.plans["alpha"]
    given = crossed(world.outputs["beta"])
    proofs = {
        "of another node": given["externalNodes"][1]["proof"],
        "of another organisation": crossed(world.outputs["alpha"])["externalNodes"][0]["proof"],
    }
    bad = signed_again(lambda raw: raw["externalNodes"][0].update(proof=proofs.get(wrong, wrong)), given)
    after = plan_of(alpha(), {"beta": bad}, floats(world.outputs["alpha"]))
    assert difference(before, after) == set()
    (warning,) = (each for each in after.warnings if STAY in each)
    assert "proof" in warning
    (problem,) = refusal_of(alpha(), {"beta": bad})
    assert (problem.path, "is not by the key of its node id" in problem.message) == ("partners.beta", True)


def test_s5_a_proof_cannot_be_carried_over_to_another_organisation() -> None:
    """The attack: gamma is no partner of ours, and aaa copies what gamma exports, its proof included."""
    gamma = bundle(beta({"organisation": "gamma", "identitySeed": seed("gamma")}), {"alpha": bundle(alpha())})
    node = gamma["externalNodes"][0]
    config = alpha({"partners": {"aaa": {"stack": "organization/archipelago/cluster-z"}}})
    found = refusal_of(config, {"aaa": claimed(node, proof=node["proof"])})
    assert [(each.path, "not for aaa" in each.message) for each in found] == [("partners.aaa", True)]


def test_s5_of_two_that_claim_a_node_the_one_without_a_proof_is_blamed() -> None:
    config = alpha({"partners.aaa": {"stack": "organization/archipelago/cluster-z", "required": False}})
    given = bundle(beta(), {"alpha": bundle(alpha())})
    (problem,) = refusal_of(config, {"beta": given, "aaa": claimed(given["externalNodes"][0])})
    assert problem.path == "partners.aaa", "whichever name comes first"
    before = plan_of(config, {"beta": given, "aaa": of_gamma(lambda _: None)})
    after = plan_of(config, {"beta": given, "aaa": claimed(given["externalNodes"][0])}, floats(outputs_of(before)))
    assert {each.name: set(each.left_out) for each in after.imports} == {"aaa": {"quorum-node1"}, "beta": set()}
    assert after.missing == ()


def test_s5_a_member_without_a_proof_that_block_0_has_as_a_validator_is_told() -> None:
    """A record of an older program is taken; what it says of another's validator is not believed."""
    founded = plan_of(alpha(LONELY), {"beta": bundle(beta())})
    beta_node = bundle(beta())["externalNodes"][0]
    config = alpha({**LONELY, "partners": {"aaa": {"stack": "organization/archipelago/cluster-z"}}})
    plan = plan_of(config, {"aaa": claimed(beta_node)}, floats(outputs_of(founded)))
    (warning,) = (each for each in plan.warnings if "does not prove" in each)
    assert "aaa/quorum-node1" in warning
    honest = plan_of(alpha(LONELY), {"beta": bundle(beta())}, floats(outputs_of(founded)))
    assert not any("does not prove" in each for each in honest.warnings)


def test_s5_no_vote_is_planned_against_a_validator_on_an_unproven_word() -> None:
    """Before, `validators plan` wanted beta's validators out on aaa's word, and one name typed was a vote."""
    network = FakeNetwork()
    stack = network.stack("alpha")
    seen = look([stack.site])
    (given,) = (each for each in stack.imports if each.name == "beta")
    unproven = tuple(node.model_copy(update={"role": "member", "proof": None}) for node in given.nodes)
    votes = validators.plan([_with(stack, unproven)], seen)
    assert votes.settled
    assert votes.unproven == tuple(sorted(map(str, unproven)))
    proven = tuple(node.model_copy(update={"role": "member"}) for node in given.nodes)
    assert {each.name for each in validators.plan([_with(stack, proven)], seen).changes} == set(map(str, proven))


def _with(stack: Any, nodes: tuple[ExternalNode, ...]) -> Any:
    changed = tuple(replace(each, nodes=nodes) if each.name == "beta" else each for each in stack.imports)
    return replace(stack, imports=changed)


def test_s5_a_record_of_an_older_program_is_taken_as_before() -> None:
    given = bundle(beta(), {"alpha": bundle(alpha())})
    old = signed_again(lambda raw: [each.pop("proof") for each in raw["externalNodes"]], copy.deepcopy(given))
    plan = plan_of(alpha(), {"beta": old})
    assert difference(plan_of(alpha(), {"beta": given}), plan) == set()
    assert not any("prove" in each for each in plan.warnings)


def test_s5_a_member_of_a_swarm_proves_its_peer_id() -> None:
    world = ipfs.world(alpha=ipfs.alpha(), beta=ipfs.beta())
    world.up("alpha", "beta", "alpha", "beta")
    before = world.plans["alpha"]
    node = world.outputs["beta"]["externalNodes"][0]
    node["proof"] = "00" * 64
    plan = world.plan("alpha")
    assert any("beta" in each and STAY in each for each in plan.warnings)
    assert difference(before, plan) == set()
