"""`archipelago import-runner-k8s`: a folder of runner_k8s becomes a stack with the same chain, keys and ports."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cli.main import app
from tests.cli.conftest import RUNNER, Project
from tests.cli.importing import BFT, ETH, LOCAL, MULTI, Import, leaks
from tests.runner_k8s import KEYS, Chain, address
from tests.unit.test_cita_scripts import Pod

pytestmark = pytest.mark.unit

ALL = pytest.mark.parametrize("chain", [LOCAL, MULTI, BFT, ETH], ids=["local", "multi", "bft", "eth"])


@pytest.fixture
def made(cita: Project, tmp_path: Path) -> Callable[[Chain], Import]:
    """Write a folder."""
    assert cita
    (tmp_path / "runner").mkdir()
    return lambda chain: Import(tmp_path / "runner", chain)


@ALL
def test_the_chain_goes_on_with_its_keys_and_genesis(made: Callable[[Chain], Import], chain: Chain) -> None:
    given = made(chain)
    ran = given.run("--out", str(given.out))
    assert ran.code == 0, ran.said
    assert not leaks(given, ran.said)
    plan = given.plan()
    assert [record.address for record in plan.records] == chain.validators
    assert [record.node_id for record in plan.records] == chain.devices
    assert [node.object_name for node in plan.nodes] == [f"test-chain-{index}" for index in chain.indices]
    for index, node in enumerate(plan.nodes):
        folder = given.folder / f"node{index}"
        for name in ("genesis.toml", "init_sys_config.toml", "node_address", "key_id"):
            assert node.public_files[name] == (folder / name).read_text()
        assert node.private_files["key_file"] == chain.passwords[index]
        assert node.private_files["key.pem"] == (folder / "config/key.pem").read_text()


@ALL
def test_a_volume_of_the_folder_is_taken_over_as_it_is(
    made: Callable[[Chain], Import], chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.defpath)  # the init step is a shell's
    given = made(chain)
    assert given.run("--out", str(given.out)).code == 0
    for index in chain.indices:
        root = given.root / f"pod{index}"
        shutil.copytree(given.folder / f"node{index}", root / "data")
        kept = {
            name: (root / "data" / name).read_bytes()
            for name in ("kms.db", "node_key")
            if (root / "data" / name).exists()
        }
        pod = Pod(root, given.plan(), index)
        assert not pod.start()
        assert not pod.start()
        after = pod.tree()
        assert {name: after[name] for name in kept} == kept
        assert after["config/cert.pem"] == (given.folder / f"node{index}/config/cert.pem").read_bytes()
        other = Pod(root, given.plan(), (index + 1) % 3)
        assert "another account" in other.start()


def test_one_cluster_keeps_its_ports_claim_and_services(made: Callable[[Chain], Import]) -> None:
    given = made(LOCAL)
    given.command += " --node_port 31000 --need_monitor False --need_debug x --block_delay_number 0"
    assert given.run("--out", str(given.out)).code == 0
    config = given.config()
    assert config["network"]["portBase"] == 31000
    assert config["network"]["monitor"] is True, "every text but the empty one was true there"
    assert config["network"]["services"]["consensus"] == "consensus_raft"
    assert {node["storage"]["claim"] for node in config["nodes"].values()} == {"local-pvc"}
    assert given.plan().settings.cluster.namespace == "default"


def test_several_clusters_keep_their_blocks_and_load_balancers(made: Callable[[Chain], Import]) -> None:
    given = made(replace(MULTI, mine=(1, 2)))
    ran = given.run("--out", str(given.out))
    assert ran.code == 0, ran.said
    config = given.config()
    assert set(config["nodes"]) == {"node1", "node2"}
    second = config["nodes"]["node1"]
    assert (second["portBase"], second["storage"]["claim"]) == (30009, "pvc-1")
    assert second["exposure"] == {"host": "203.0.113.10", "provider": "aliyun", "loadBalancer": "lb-1"}
    assert config["network"]["joins"] == "others"
    (first,) = config["partners"]["others"]["nodes"]
    assert first == {
        "name": "node0", "index": 0, "address": MULTI.validators[0], "deviceId": MULTI.devices[0],
        "host": "203.0.113.10", "portBase": 30000,
    }  # fmt: skip
    text = given.plan().live_files["test-chain-1.toml"]
    assert 'ip = "203.0.113.10"\nport = 30000' in text, "the node of the other stack is dialled"


def test_each_cluster_gets_a_stack_of_its_own(made: Callable[[Chain], Import]) -> None:
    given = made(MULTI)
    for stack, nodes in (("cluster-a", "0,1"), ("cluster-b", "2")):
        ran = given.run("--out", str(given.out), "-s", stack, "--nodes", nodes)
        assert ran.code == 0, ran.said
    first, second = given.plan("cluster-a"), given.plan("cluster-b")
    assert first.genesis == second.genesis
    assert [node.name for node in (*first.nodes, *second.nodes)] == ["node0", "node1", "node2"]


def test_a_chain_of_before_the_hashed_names_keeps_its_chain_id(made: Callable[[Chain], Import]) -> None:
    given = made(Chain(chain_id="0x" + "1".zfill(64)))
    assert given.run("--out", str(given.out)).code == 0
    genesis = given.plan().genesis
    assert genesis
    assert json.loads(genesis.text)["chainId"] == "0x" + "1".zfill(64)


def test_an_account_that_a_second_run_added_is_found_by_its_key_id(made: Callable[[Chain], Import]) -> None:
    given = made(Chain(key_ids={1: 2}))
    assert given.run("--out", str(given.out)).code == 0
    plan = given.plan()
    assert plan.nodes[1].public_files["key_id"] == "2"
    assert plan.records[1].address == address("sm", KEYS[1])


def test_network_keys_come_from_the_manifests_beside_the_folder(made: Callable[[Chain], Import]) -> None:
    given = made(LOCAL)
    objects = [
        {"kind": "Secret", "metadata": {"name": name}, "data": {"network-key": base64.b64encode(key.encode()).decode()}}
        for name, key in (("node0-network-secret", "0x" + "ab" * 32), ("test-chain-1-network-secret", "0x" + "cd" * 32))
    ]
    with (given.root / "test-chain.yaml").open("w") as file:
        YAML().dump_all(objects, file)
    ran = given.run("--out", str(given.out))
    keys = [node.private_files["network-key"] for node in given.plan().nodes]
    assert keys[:2] == ["0x" + "ab" * 32, "0x" + "cd" * 32]
    assert "the network keys of node2 are derived anew" in ran.err
    assert "ab" * 32 not in ran.said


def test_without_a_folder_to_write_to_only_the_stack_file_is_printed(made: Callable[[Chain], Import]) -> None:
    given = made(LOCAL)
    before = sorted(given.root.rglob("*"))
    ran = given.run()
    assert ran.code == 0
    assert not leaks(given, ran.said)
    config = YAML(typ="safe").load(ran.out)["config"]
    assert config["archipelago:network"]["name"] == "test-chain"
    assert sorted(given.root.rglob("*")) == sorted([*before, given.root / "made.txt"])


def test_secrets_are_set_through_pipes_and_then_deleted(made: Callable[[Chain], Import]) -> None:
    given = made(LOCAL)
    lines = given.run("--out", str(given.out)).out.splitlines()
    assert lines[0].startswith("pulumi stack init")
    for path in given.secrets():
        (line,) = (each for each in lines if f"archipelago:{path} " in each)
        assert "--secret --path" in line
        assert line.endswith(f"< {given.out}/secrets-test-chain/{path}")
    assert lines[-1] == f"rm -r {given.out}/secrets-test-chain"


def test_what_is_there_is_not_written_over(made: Callable[[Chain], Import]) -> None:
    given = made(LOCAL)
    assert given.run("--out", str(given.out)).code == 0
    for name in ("Pulumi.test-chain.yaml", "secrets-test-chain"):
        ran = given.run("--out", str(given.out))
        assert ran.code == 1
        assert f"{name}: it is there already" in ran.err
        (given.out / name).unlink() if name.endswith("yaml") else shutil.rmtree(given.out / name)
    (given.out / "chain.json").write_text("another chain's")
    assert "chain.json: it is there already" in given.run("--out", str(given.out)).err


def test_what_a_failed_run_left_is_told(made: Callable[[Chain], Import]) -> None:
    given = made(LOCAL)
    (given.folder / "node1/key_file").write_text("123456")
    ran = given.run()
    assert "node1/key_file holds a password in plain text that a failed run left: no node reads it" in ran.err
    assert "123456" not in ran.said


def test_the_command_may_be_an_argument_and_is_warned_of(made: Callable[[Chain], Import]) -> None:
    given = made(LOCAL)
    words = ["import-runner-k8s", str(given.folder), "--organisation", "alpha"]
    ran = RUNNER.invoke(app, [*words, "--command", given.command])
    assert ran.exit_code == 0, ran.stderr
    assert "shell's history" in ran.stderr
    assert "123456" not in ran.output
    assert "has to be said, once" in RUNNER.invoke(app, words).stderr


def test_a_stack_with_a_genesis_file_is_not_told_to_found_one(made: Callable[[Chain], Import]) -> None:
    given = made(LOCAL)
    assert given.run("--out", str(given.out)).code == 0
    ran = RUNNER.invoke(app, ["validate", str(given.out / "Pulumi.test-chain.yaml")])
    assert "timestamp" not in ran.output + ran.stderr


@pytest.mark.parametrize(("chain", "services"), [(LOCAL, ["", "executor-"]), (MULTI, ["all-"])], ids=["local", "multi"])
def test_what_is_deleted_before_holds_no_key(
    made: Callable[[Chain], Import], chain: Chain, services: list[str]
) -> None:
    """The original's file of objects has its Secrets, too: the password of kms, and network keys."""
    told = made(chain).run().err
    (line,) = [each for each in told.splitlines() if "kubectl delete" in each]
    named = line.partition("kubectl delete ")[2].partition(" (")[0].split()
    stems = [f"test-chain-{index}" for index in chain.indices]
    wanted = {f"deployment/{stem}" for stem in stems} | {f"service/{at}{stem}" for at in services for stem in stems}
    assert set(named) == wanted | ({"service/test-chain-node-port"} if not chain.multi else set())
    assert ".yaml" not in line
