"""Which genesis a stack runs: made once, frozen ever after, taken from nobody but the founder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archipelago.chains.goquorum.genesis import GenesisFile
from archipelago.manifests.stack import manifests
from archipelago.problems import Problem
from archipelago.stack.plan import StackPlan
from tests.stacks import GONE, Config, alpha, beta, bundle, crossed, floats, outputs_of, plan_of, refusal_of
from tests.unit.vectors import vectors
from tests.world import World

pytestmark = pytest.mark.unit

PERIOD = {"network.genesis": {"blockPeriod": 5, "requestTimeout": 20000}}
BOTH = {"network.genesis": {"validators": ["quorum-node1", "quorum-node2", "quorum-node3", "beta/quorum-node1"]}}
ACCOUNT = "0xed9d02e382b34818e88B88a309c7fe71E65f419d"


def last(config: Config) -> Config:
    """A stack's own last outputs, as the engine gives them back."""
    exported: Config = floats(outputs_of(plan_of(config)))
    return exported


def genesis_of(plan: StackPlan) -> str:
    assert plan.genesis
    return plan.genesis.text


FROZEN: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    # name: how it was founded, what is changed later, path, what stands there
    "chain id": ({}, {"network.chainId": 1001}, "network.chainId", "1000"),
    "consensus": ({}, {"network.consensus": "qbft"}, "network.consensus", "istanbul"),
    "validators": (
        {}, {"network.genesis": {"validators": ["quorum-node1"]}},
        "network.genesis.validators", "[quorum-node1, quorum-node2, quorum-node3]",
    ),
    "allocations": ({}, {"network.genesis": {"alloc": {ACCOUNT: 5}}}, "network.genesis.alloc", str(10**27)),
    "block period": (PERIOD, {"network.genesis": {"blockPeriod": 1}}, "network.genesis.blockPeriod", "5"),
    "block period of an old release": (
        {**PERIOD, "network.version": "21.7.1"}, {"network.genesis": {"blockPeriod": 1}, "network.version": "21.7.1"},
        "network.genesis.blockPeriod", "5",
    ),
    "epoch": ({}, {"network.genesis": {"epoch": 10}}, "network.genesis.epoch", "30000"),
    "request timeout": ({}, {"network.genesis": {"requestTimeout": 4000}}, "network.genesis.requestTimeout", "10000"),
    "gas limit": ({}, {"network.genesis": {"gasLimit": 5000}}, "network.genesis.gasLimit", str(0xE0000000)),
}  # fmt: skip


@pytest.mark.parametrize("name", FROZEN)
def test_a_change_of_what_the_genesis_fixed_is_one_problem_with_the_line_to_type(name: str) -> None:
    founded, later, path, there = FROZEN[name]
    (problem,) = refusal_of(alpha(later), last=last(alpha(founded)))
    assert problem.path == path
    assert "the genesis of consortium is frozen" in problem.message
    assert there in problem.message
    assert f"Set archipelago:{path} to " in problem.cure
    assert there in problem.cure


@pytest.mark.parametrize("name", FROZEN)
def test_what_was_founded_so_stays_as_it_is_and_may_also_be_left_out(name: str) -> None:
    founded = alpha(FROZEN[name][0])
    first = plan_of(founded)
    assert genesis_of(plan_of(founded, last=last(founded))) == genesis_of(first)
    silent = alpha({"network.chainId": GONE, "network.consensus": GONE})
    assert genesis_of(plan_of(silent, last=last(founded))) == genesis_of(first)


LATER_CHANGES: dict[str, dict[str, Any]] = {
    "a node and a validator more": {
        "nodes.quorum-node4": {"validator": True},
        "nodes.quorum-node5": {"validator": False},
    },
    "a validator no longer wanted": {"nodes.quorum-node3.validator": False},
    "a node removed that the genesis names": {"nodes.quorum-node3": GONE},
    "another release of geth": {"network.version": "23.4.0"},
    "another release of Tessera": {"network.privacy.version": "21.7.0"},
    "a partner more": {"partners.gamma": {"stack": "organization/archipelago/c", "required": False}},
}


@pytest.mark.parametrize("name", LATER_CHANGES)
def test_the_genesis_is_byte_for_byte_the_same_after(name: str) -> None:
    """It is not a function of `nodes`: another text restarts every node, another hash ends the network."""
    plan = plan_of(alpha(LATER_CHANGES[name]), last=last(alpha()))
    assert genesis_of(plan) == genesis_of(plan_of(alpha()))


def test_a_removed_node_that_the_genesis_names_is_no_contradiction() -> None:
    written = {"network.genesis": {"validators": ["quorum-node1", "quorum-node2", "quorum-node3"]}}
    assert not refusal_of(alpha({**written, "nodes.quorum-node3": GONE}), last=last(alpha(written)))


NODE_VERSION = "nodes.quorum-node2.version"


@pytest.mark.parametrize(("path", "runs"), [(NODE_VERSION, False), (NODE_VERSION, True), ("network.version", True)])
@pytest.mark.parametrize("version", ["21.10.2", "22.4.1"])
def test_a_release_that_cannot_read_the_genesis_is_refused(version: str, path: str, runs: bool) -> None:
    """It stops with "Consensus not specified"; 22.4.0 and 22.4.1 start, and give up every round after 10 ms."""
    (problem,) = refusal_of(alpha({path: version}), last=last(alpha()) if runs else {})
    assert problem.path == path
    assert f"GoQuorum {version} cannot read this network's genesis" in problem.message


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"network.privacy": "none"}, "network.privacy"),
        ({"network.privacy.version": "0.10.6"}, "network.privacy.version"),
        ({"nodes.quorum-node2.privacyVersion": "0.11.0"}, "nodes.quorum-node2.privacyVersion"),
    ],
)
def test_a_node_without_the_privacy_enhancements_of_the_genesis_is_refused(changes: dict[str, Any], path: str) -> None:
    """geth stops at once: "Cannot start quorum with privacy enhancements enabled while the transaction manager …"."""
    (problem,) = refusal_of(beta(changes), {"alpha": bundle(alpha())})
    assert problem.path == path
    assert "geth does not start without them" in problem.message
    plain = {"network.privacy": "none", "nodes.quorum-node1.exposure": GONE}
    assert not refusal_of(beta(changes), {"alpha": bundle(alpha(plain))})


def test_old_and_new_releases_share_a_network_that_was_founded_for_the_old_ones() -> None:
    mixed = alpha({"network.version": "21.10.2", "nodes.quorum-node2.version": "22.7.4"})
    commands = [node.containers[0].command for node in plan_of(mixed).nodes]
    assert all("--istanbul.blockperiod" in command for command in commands)


def test_a_founder_waits_for_a_validator_that_nobody_knows_and_makes_all_but_the_workloads() -> None:
    plan = plan_of(alpha(BOTH))
    assert plan.genesis is None
    assert plan.waiting_for == ("beta/quorum-node1",)
    assert {each["kind"] for each in manifests(plan)} == {"Namespace", "Secret", "PersistentVolumeClaim", "Service"}
    exported = outputs_of(plan)
    assert exported["waitingFor"] == ["beta/quorum-node1"]
    assert (exported["network"]["genesis"], exported["network"]["genesisHash"]) == ("", "")
    assert {node["nodeId"] for node in exported["externalNodes"]} == {node.node_id for node in plan_of(alpha()).records}
    assert any("Waiting for beta/quorum-node1" in warning for warning in plan.warnings)


def test_a_joiner_waits_for_its_founder() -> None:
    for received in ({"alpha": None}, {"alpha": bundle(alpha(BOTH))}):
        plan = plan_of(beta(), received)
        assert plan.genesis is None
        assert not any(node.runs for node in plan.nodes)
        assert plan.waiting_for[0].startswith("alpha: ")
        assert any("Waiting for alpha" in warning for warning in plan.warnings)


def test_a_joiner_keeps_running_while_its_founder_is_gone() -> None:
    world = World(alpha=alpha(), beta=beta())
    before = world.up("alpha", "beta")
    del world.outputs["alpha"]
    after = world.plan("beta")
    assert genesis_of(after) == genesis_of(before)
    assert after.waiting_for == ()
    assert after.missing == ("alpha",)


def test_a_joiner_has_its_founders_genesis_byte_for_byte_and_its_chain_id() -> None:
    plan = plan_of(beta(), {"alpha": bundle(alpha())})
    assert genesis_of(plan) == genesis_of(plan_of(alpha()))
    arguments = plan.nodes[0].containers[0].command
    assert arguments[arguments.index("--networkid") + 1] == "1000"
    assert plan.founder == "alpha"


@pytest.mark.parametrize("version", ["2.7.0", "21.10.2"])
def test_a_joiner_runs_the_founders_times_where_geth_takes_them_as_arguments(version: str) -> None:
    founder = alpha({**PERIOD, "network.version": version})
    for plan in (plan_of(founder), plan_of(beta(), {"alpha": bundle(founder)})):
        arguments = plan.nodes[0].containers[0].command
        assert arguments[arguments.index("--istanbul.blockperiod") + 1] == "5"
        assert arguments[arguments.index("--istanbul.requesttimeout") + 1] == "20000"


def test_a_pin_lets_the_right_genesis_pass_and_no_other() -> None:
    given = {"alpha": bundle(alpha())}
    genesis = plan_of(alpha()).genesis
    assert genesis
    for spelling in (genesis.hash, "0x" + genesis.hash[2:].upper()):
        assert not refusal_of(beta({"network.genesisHash": spelling}), given)
    (problem,) = refusal_of(beta({"network.genesisHash": "0x" + "ab" * 32}), given)
    assert problem.path == "network.genesisHash"
    assert genesis.hash in problem.message


def test_a_pin_that_no_longer_fits_is_refused_on_a_running_network_too() -> None:
    world = World(alpha=alpha(), beta=beta())
    world.up("alpha", "beta")
    found = refusal_of(beta({"network.genesisHash": "0x" + "ab" * 32}), {"alpha": None}, floats(world.outputs["beta"]))
    assert [problem.path for problem in found] == ["network.genesisHash"]


def test_a_founder_that_changed_its_genesis_is_refused_where_nothing_was_taken_of_it() -> None:
    world = World(alpha=alpha(), beta=beta())
    world.up("alpha", "beta")
    other = bundle(alpha({"network.genesis": {"validators": ["quorum-node1"]}}))
    problems = refusal_of(beta({"partners.alpha.forget": True}), {"alpha": other}, floats(world.outputs["beta"]))
    assert _paths(problems) == {"partners.alpha"}
    assert any("alpha now has the genesis" in each.message for each in problems)
    assert any("but this stack's nodes run" in each.message for each in problems)


def test_a_hostile_partner_whose_hash_does_not_match_its_text_is_refused() -> None:
    """It would slip another genesis past everybody who compares hashes."""
    given = bundle(alpha())
    given["network"]["genesis"] = genesis_of(plan_of(alpha({"network.genesis": {"validators": ["quorum-node1"]}})))
    found = refusal_of(beta({"partners.alpha.unsigned": True}), {"alpha": given})
    assert _paths(found) == {"partners.alpha"}
    assert any("but the file it gives hashes to" in problem.message for problem in found)


@pytest.mark.parametrize("text", ["{}", "no JSON", '{"config": {"clique": {}}}'])
def test_a_founder_that_gives_no_genesis_of_this_chain_is_refused(text: str) -> None:
    given = bundle(alpha())
    given["network"]["genesis"] = text
    found = refusal_of(beta({"partners.alpha.unsigned": True}), {"alpha": given})
    assert [problem.path for problem in found] == ["partners.alpha"]


def test_any_partner_on_another_chain_is_refused_with_both_chains() -> None:
    gamma = beta({"organisation": "gamma", "identitySeed": "1122334455667788" * 4})
    elsewhere = crossed(outputs_of(plan_of(gamma, {"alpha": bundle(alpha({"network.chainId": 1001}))})))
    config = beta({"partners.gamma": {"stack": "organization/archipelago/cluster-c"}})
    found = refusal_of(config, {"alpha": bundle(alpha()), "gamma": elsewhere})
    assert [problem.path for problem in found] == ["partners.gamma"]
    assert "gamma is on chain 1001 (genesis 0x" in found[0].message
    assert "this stack on 1000" in found[0].message


def test_the_founder_refuses_a_partner_that_runs_another_genesis() -> None:
    other = bundle(alpha({"network.genesis": {"validators": ["quorum-node1"]}}))
    foreign = crossed(outputs_of(plan_of(beta(), {"alpha": other})))
    (problem,) = refusal_of(alpha(), {"beta": foreign})
    assert problem.path == "network"
    (problem,) = refusal_of(alpha(), {"beta": foreign}, outputs_of(plan_of(alpha())))
    assert problem.path == "partners.beta"


def test_a_partner_with_our_block_0_and_other_rules_is_refused() -> None:
    """The hash does not cover the config: another epoch passes every comparison of hashes and forks later."""
    foreign = crossed(outputs_of(plan_of(beta(), {"alpha": bundle(alpha({"network.genesis": {"epoch": 500}}))})))
    assert foreign["network"]["genesisHash"] == bundle(alpha())["network"]["genesisHash"]
    (problem,) = refusal_of(alpha(), {"beta": foreign}, outputs_of(plan_of(alpha())))
    assert problem.path == "partners.beta"
    assert "the same block 0 but another config" in problem.message


def test_a_chain_id_of_a_joiner_is_held_against_the_founders() -> None:
    (problem,) = refusal_of(beta({"network.chainId": 1001}), {"alpha": bundle(alpha())})
    assert problem.path == "network.chainId"


def test_a_genesis_file_takes_the_place_of_the_founders_word(tmp_path: Path) -> None:
    document = vectors("genesis")["read"][0]["document"]
    (tmp_path / "genesis.json").write_text(json.dumps(document))
    pasted = {"partners.alpha": {"nodes": []}, "network.genesisFile": "genesis.json"}
    plan = plan_of(beta(pasted), root=tmp_path)
    assert GenesisFile(genesis_of(plan)).hash == vectors("genesis")["read"][0]["hash"]
    assert genesis_of(plan) == (tmp_path / "genesis.json").read_text()
    (problem,) = refusal_of(beta({**pasted, "network.genesisFile": "other.json"}), root=tmp_path)
    assert problem.path == "network.genesisFile"
    (tmp_path / "broken.json").write_text("{")
    (problem,) = refusal_of(beta({**pasted, "network.genesisFile": "broken.json"}), root=tmp_path)
    assert problem.path == "network.genesisFile"


def test_a_pasted_founder_without_a_genesis_file_is_told_to_give_one() -> None:
    (problem,) = refusal_of(beta({"partners.alpha": {"nodes": [_pasted()]}}))
    assert problem.path == "network.genesisFile"


UNFOUNDABLE: dict[str, tuple[dict[str, Any], str]] = {
    "no chain id": ({"network.chainId": GONE}, "network.chainId"),
    "no validator": ({"defaults.validator": False}, "network.genesis.validators"),
    "an unknown node": ({"network.genesis": {"validators": ["quorum-node9"]}}, "network.genesis.validators[0]"),
    "an unknown partner": ({"network.genesis": {"validators": ["gamma/a"]}}, "network.genesis.validators[0]"),
    "a name twice": ({"network.genesis": {"validators": ["quorum-node1"] * 2}}, "network.genesis.validators[1]"),
}


@pytest.mark.parametrize("name", UNFOUNDABLE)
def test_what_cannot_be_founded_is_refused_once_and_never_again_after(name: str) -> None:
    changes, path = UNFOUNDABLE[name]
    (problem,) = refusal_of(alpha(changes))
    assert problem.path == path
    if "genesis" not in path or name == "no validator":
        meant = {**changes, "losesValidators": [f"quorum-node{number}" for number in (1, 2, 3)]}
        assert not refusal_of(alpha(meant), last=last(alpha()))


def _pasted() -> Config:
    node = vectors("qubernetes")["nodes"][0]
    return {"Node_UserIdent": "quorum-node1", "Enode_Url": f"enode://{node['nodeId']}@2.2.3.4:31860?discport=0"}


def _paths(found: tuple[Problem, ...]) -> set[str]:
    return {problem.path for problem in found}
