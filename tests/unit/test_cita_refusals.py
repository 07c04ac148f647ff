"""What a CITA-Cloud stack file may not say: the holes of runner_k8s's options, one error each."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from archipelago.chains.cita_cloud.accounts import ETH, SM
from archipelago.chains.cita_cloud.chain_file import chain_id, parsed
from archipelago.problems import Refused
from archipelago.stack.outputs import outputs
from tests.cita import CITA, TIMESTAMP, local, outside, plan_of, problems_of
from tests.stacks import GONE, Config

pytestmark = pytest.mark.unit

NODE = "nodes.node1"
BALANCED: dict[str, Any] = {"type": "LoadBalancer"}

REFUSALS: dict[str, tuple[Config, str, str, str]] = {
    # name: configuration, path, part of the message, part of the cure
    "a chain's name that leaves the folder": (local({"network.name": "../evil"}), "network.name", "label", "letters"),
    "a chain's name with capitals": (local({"network.name": "My_Chain"}), "network.name", "no DNS label", "lower-case"),
    "a chain that is named like a Service": (
        local({"network.name": "executor-x"}), "network.name", "Service of the chain x", "does not begin",
    ),
    "a role that does not exist": (
        local({"network.services.crypto": "kms_sm"}), "network.services.crypto", "unknown key", "Known here: consensus",
    ),
    "an implementation of another role": (
        local({"network.services.kms": "storage_sqlite"}), "network.services.kms.kind", "'kms_sm'", "one of them",
    ),
    "an image that moves": (
        local({"network.services.kms": {"kind": "kms_sm", "image": "citacloud/kms_sm"}}),
        "network.services.kms.image", "names no release", "Write a tag",
    ),
    "an image that moves by name": (
        local({"network.helpers.syncthing": "syncthing/syncthing:latest"}),
        "network.helpers.syncthing", "names no release", "Write a tag",
    ),
    "an implementation without a published image": (
        local({"network.images": "v4.0.0", "network.services": {"consensus": "consensus_bft", "executor": {
            "kind": "executor_evm", "image": "registry.example/evm:1"}}}),
        "network.services.consensus", "no image of consensus_bft in the set v4.0.0", "image: citacloud/consensus_bft:",
    ),
    "a set of images that is not known": (
        local({"network.images": "latest"}), "network.images", "'latest' is not one of 'v4.0.0'", "Write one of them",
    ),
    "a boolean that is a text": (local({"network.monitor": "False!"}), "network.monitor", "should be", "docs"),
    "no timestamp": (local({"network.genesis.timestamp": GONE}), "network.genesis.timestamp", "missing", "Add archipe"),
    "a timestamp of 0": (
        local({"network.genesis.timestamp": 0}), "network.genesis.timestamp", "0 is out of range", "in the range",
    ),
    "an admin of junk": (local({"network.superAdmin": "foo"}), "network.superAdmin", "no account address", "40 hex"),
    "a node without an index": (local({f"{NODE}.index": GONE}), f"{NODE}.index", "missing", f"{NODE}.index: 1"),
    "an index twice": (local({f"{NODE}.index": 0}), f"{NODE}.index", "0 is the index of node0", "of its own"),
    "a gap in the indices": (
        local({"nodes.node2.index": 7}), "nodes.node2.index", "number 2 of the validators, and its index is 7", "to 2",
    ),
    "an index below 0": (local({f"{NODE}.index": -1}), f"{NODE}.index", "-1 is out of range", "in the range"),
    "a password with a newline": (
        local({f"{NODE}.kmsPassword": "123456\n"}), f"{NODE}.kmsPassword", "cannot be used", "on one line",
    ),
    "an empty password": (local({f"{NODE}.kmsPassword": ""}), f"{NODE}.kmsPassword", "cannot be used", "6 characters"),
    "a user of CouchDB that is no word": (
        local({f"{NODE}.stateDb": {"user": "a b"}}), f"{NODE}.stateDb.user", "no user of CouchDB", "letters",
    ),
    "a short password of CouchDB": (
        local({f"{NODE}.stateDb": {"password": "a"}}), f"{NODE}.stateDb.password", "cannot be used", "6 characters",
    ),
    "a validator that nobody runs": (
        local({"network.genesis.validators": ["node0", "nobody"]}),
        "network.genesis.validators[1]", "'nobody' is no node of this stack", "node0, node1, node2",
    ),
    "a validator of no partner": (
        local({"network.genesis.validators": ["node0", "beta/x"]}),
        "network.genesis.validators[1]", "'beta' is not under archipelago:partners", "partner/node",
    ),
    "a validator twice": (
        local({"network.genesis.validators": ["node0", "node0"]}), "network.genesis.validators[1]", "twice", "Take one",
    ),
    "ports beyond the range": (
        local({"network.portBase": 32766}), "network.portBase", "32766-32781 are outside of 30000-32767", "30000 to",
    ),
    "a block at 70000": (outside({f"{NODE}.portBase": 70000}), f"{NODE}.portBase", "70000-70008 are outside", "32759"),
    "a block below 0": (
        outside({f"{NODE}.exposure": BALANCED, f"{NODE}.portBase": -5}),
        f"{NODE}.portBase", "-5-3 are outside", "65527",
    ),
    "blocks that overlap": (
        outside({f"{NODE}.portBase": 30004}), f"{NODE}.portBase",
        "30004-30012 overlap 30000-30008 of archipelago:nodes.node0.portBase", "from 30009 on",
    ),
    "a block in the numbers of the chain": (
        outside({"network.portBase": 30100, f"{NODE}.portBase": 30110}),
        f"{NODE}.portBase", "overlap 30100-30115 of archipelago:network.portBase", "from 30116 on",
    ),
    "blocks that overlap on one load balancer": (
        outside({"defaults.exposure": {**BALANCED, "host": "lb.example.org"}, f"{NODE}.portBase": 30001}),
        f"{NODE}.portBase", "overlap", "from 30009 on",
    ),
    "a pinned port in somebody's block": (
        outside({"nodes.node2": {"index": 2, "exposure": {"ports": {"rpc": 30005}}}}),
        "nodes.node2.exposure.ports.rpc", "30005 is reserved by archipelago:nodes.node0.portBase", "30000-30008",
    ),
    "a block and pinned ports": (
        outside({f"{NODE}.exposure.ports": {"rpc": 31000}}),
        f"{NODE}.exposure.ports", "has a portBase", "one of the two",
    ),
    "a block that nobody sees": (
        local({f"{NODE}.portBase": 30100}), f"{NODE}.portBase", "seen from outside", "NodePort",
    ),
    "a provider without a load balancer": (
        outside({f"{NODE}.exposure.provider": "aliyun"}),
        f"{NODE}.exposure.provider", "no load balancer", "LoadBalancer",
    ),
    "a provider without an id": (
        outside({f"{NODE}.exposure": {**BALANCED, "provider": "huawei"}}),
        f"{NODE}.exposure.loadBalancer", "huawei gives", "id",
    ),
    "storage_tikv without a TiKV": (
        local({"network.services.storage": "storage_tikv"}), f"{NODE}.pdEndpoints", "TiKV of the node's own", "Add",
    ),
    "a TiKV for two": (
        local({"network.services.storage": "storage_tikv", "defaults.pdEndpoints": ["basic-pd:2379"]}),
        f"{NODE}.pdEndpoints", "basic-pd:2379 is the TiKV of node0", "of its own",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("config", "path", "message", "cure"), REFUSALS.values(), ids=REFUSALS)
def test_it_is_refused_with_the_place_the_fault_and_the_cure(
    config: Config, path: str, message: str, cure: str
) -> None:
    found = problems_of(config)
    assert path in found, sorted(found)
    assert message in found[path].message
    assert cure in found[path].cure


def test_a_nodes_name_may_be_long_and_whatever_it_likes_because_no_object_has_it() -> None:
    long = {"network.name": "a" * 40, "nodes." + "b" * 40: {"index": 3}, "nodes.peers": {"index": 4}}
    assert not problems_of(local(long))


def test_blocks_on_load_balancers_of_their_own_do_not_overlap() -> None:
    assert not problems_of(
        outside(
            {
                "defaults.exposure": BALANCED,
                **{f"nodes.node{index}.portBase": 30000 for index in range(3)},
                **{f"nodes.node{index}.exposure": {"loadBalancer": f"lb-{index}"} for index in range(3)},
            }
        )
    )


@pytest.mark.parametrize(("nodes", "warnings"), [(1, 1), (2, 1), (3, 0)])
def test_raft_that_bears_no_loss_is_a_warning(nodes: int, warnings: int) -> None:
    """The default of runner_k8s was two peers."""
    plan = plan_of(local({"nodes": {f"node{index}": {"index": index} for index in range(nodes)}}))
    assert len([each for each in plan.warnings if "Raft" in each]) == warnings


def test_a_missing_timestamp_is_printed_ready_to_paste() -> None:
    cure = problems_of(local({"network.genesis.timestamp": GONE}))["network.genesis.timestamp"].cure
    assert abs(int(cure.rpartition(" ")[2]) - time.time() * 1000) < 60_000


@pytest.mark.parametrize(
    ("changes", "path", "cure"),
    [
        ({"network.services.kms": "kms_eth"}, "network.services.kms", "to kms_sm"),
        ({"network.services.consensus": "consensus_bft"}, "network.services.consensus", "to consensus_raft"),
        ({"network.services.executor": "executor_poc"}, "network.services.executor", "to executor_evm"),
        ({"network.genesis.timestamp": TIMESTAMP + 1}, "network.genesis.timestamp", f"to {TIMESTAMP}"),
        ({"network.genesis.blockInterval": 3}, "network.genesis.blockInterval", "to 6"),
        ({"network.superAdmin": "0x" + "ab" * 20}, "network.superAdmin", "to 0x"),
        ({"network.genesis.chainIdHash": "sm3"}, "network.genesis.chainIdHash", "to 0x26b0b8"),
        ({"nodes.node0.index": 1, "nodes.node1.index": 0}, "nodes.node0.index", "to 0"),
        (
            {"network.genesis.validators": ["node1", "node0", "node2"]},
            "network.genesis.validators",
            "[node0, node1, no",
        ),
        ({"nodes": {"late": {"index": 0}}}, "nodes.late.index", "from 3 on"),
    ],
)
def test_a_chain_that_runs_is_not_changed_by_an_edit(changes: Config, path: str, cure: str) -> None:
    before = plan_of(local())
    last = outputs(before, before.records)
    with pytest.raises(Refused) as caught:
        plan_of(local(changes), last=last)
    found = {each.path: each.cure for each in caught.value.problems}
    assert path in found, found
    assert cure in found[path]


@pytest.mark.parametrize(
    ("name", "algorithm", "digest"),
    [
        ("test-chain", "sha256", "26b0b83e7281be3b117658b6f2636d0368cad3d74f22243428f5401a4b70897e"),
        ("demo", "sha256", "2a97516c354b68848cdbd8f54a226a0a55b21ed138e207ad6c5cbb9c00aa5aea"),
        ("my-chain", "sha256", "f7584331deae85b555e0fdd6a9e8110c2b1854148e2c1308d696f87f74af744c"),
        ("test-chain", "sm3", "63586a3c0255f337c77a777ff54f0040b8c388da04f23ecee6bfd4953a6512b4"),
    ],
)
def test_a_chain_id_is_the_hash_of_the_chains_name(name: str, algorithm: str, digest: str) -> None:
    assert chain_id(name, algorithm) == f"0x{digest}"


@pytest.mark.parametrize(("kms", "suite"), [("kms_sm", SM), ("kms_eth", ETH)])
def test_block_0_is_hashed_as_protobuf_lays_its_header_out(kms: str, suite: Any) -> None:
    """prevhash, timestamp, no height of 0, transactions_root, proposer; 1618560000000 as a varint by hand."""
    genesis = plan_of(local({"network.services.kms": kms})).genesis
    assert genesis
    zeros = "00" * 32
    header = f"0a20{zeros}" + "10" + "80c0c6cd8d2f" + f"2220{zeros}" + f"2a20{zeros}"
    assert genesis.hash == "0x" + suite.hash(bytes.fromhex(header)).hex()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ('"kind": "cita-cloud"', "kind"),
        ('"kms": "kms_sm"', "kms"),
        ('"chainId": "0x26', "chainId"),
        ('"schema": 1', "schema"),
    ],
)
def test_what_is_no_chain_file_is_refused(changes: str, words: str) -> None:
    genesis = plan_of(local()).genesis
    assert genesis
    assert changes in genesis.text
    broken = genesis.text.replace(changes, changes[:-2] + 'x"' if changes.endswith('"') else changes + "9")
    with pytest.raises(ValueError, match=f"no chain.json: {words}"):
        CITA.read_genesis(broken)
    with pytest.raises(ValueError, match="stands there twice"):
        CITA.read_genesis(genesis.text.replace(parsed(genesis.text).validators[1], parsed(genesis.text).validators[0]))


def test_c25_a_chain_file_with_other_rules_than_the_chain_that_runs_is_refused(tmp_path: Path) -> None:
    """Its block 0 covers no more than time and kms: the file was passed over without a word."""
    first = plan_of(local())
    assert first.genesis
    file = {"network.genesisFile": "chain.json"}
    (tmp_path / "chain.json").write_text(first.genesis.text)
    last = outputs(first, first.records)
    assert plan_of(local(file), last=last, root=tmp_path).genesis == first.genesis
    document = json.loads(first.genesis.text)
    (tmp_path / "chain.json").write_text(json.dumps({**document, "blockInterval": 7}))
    with pytest.raises(Refused, match="other rules from block 0 on"):
        plan_of(local(file), last=last, root=tmp_path)
