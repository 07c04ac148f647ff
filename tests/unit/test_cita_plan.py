"""A CITA-Cloud stack from its settings to manifests, beside what runner_k8s made of the same chain."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from archipelago.chains.cita_cloud import ports
from archipelago.chains.cita_cloud.accounts import ETH, SM
from archipelago.chains.cita_cloud.chain_file import parsed
from archipelago.manifests.common import Manifest
from archipelago.manifests.stack import manifests
from archipelago.problems import Refused
from archipelago.stack.outputs import outputs
from archipelago.stack.plan import StackPlan
from tests.cita import CITA, EXTENDED, founder, joiner, local, outside, plan_of, settings_of
from tests.stacks import Config, changed, crossed, given_endpoints
from tests.unit.test_cita_accounts import rows

pytestmark = pytest.mark.unit

# cita_observed_local3: name, and (port name, number, NodePort) of every Service outside of the pods' own
OBSERVED = {
    "test-chain-node-port": [("rpc", 50004, 30004)],
    "executor-test-chain-0": [("call", 50002, 30009)],
    "executor-test-chain-1": [("call", 50002, 30014)],
    "executor-test-chain-2": [("call", 50002, 30019)],
}


def named(plan: StackPlan, kind: str) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in manifests(plan) if each["kind"] == kind}


def numbers(service: Manifest) -> list[tuple[str, int, int | None]]:
    return [(each["name"], each["port"], each.get("nodePort")) for each in service["spec"]["ports"]]


def pod(plan: StackPlan, name: str = "test-chain-0") -> Manifest:
    found: Manifest = named(plan, "StatefulSet")[name]["spec"]["template"]["spec"]
    return found


def test_three_local_peers_have_the_services_of_the_original() -> None:
    services = named(plan_of(local()), "Service")
    open_ports = {name: numbers(each) for name, each in services.items() if each["spec"]["type"] == "NodePort"}
    assert open_ports == OBSERVED
    inside = {name: numbers(each) for name, each in services.items() if each["spec"]["type"] == "ClusterIP"}
    # without the third one of the original: syncthing's GUI, which asks for no password
    own = [("network", 40000, None), ("sync", 22000, None)]
    assert inside == {f"test-chain-{index}": own for index in range(3)}


def test_three_local_peers_run_the_containers_of_the_original() -> None:
    """Those of cita_observed_local3, with `exec` before a command, so that it gets the signals, and a release."""
    plan = plan_of(local())
    assert list(named(plan, "StatefulSet")) == ["test-chain-0", "test-chain-1", "test-chain-2"]
    found = {each["name"]: each for each in pod(plan, "test-chain-1")["containers"]}
    del found["peers"]  # ours
    assert {name: each.get("command", [""])[-1].removeprefix("exec ") for name, each in found.items()} == {
        "syncthing": "",
        "network": "network run -p 50000 -k /network/network-key",
        "consensus": "consensus run -p 50001",
        "executor": "executor run -p 50002",
        "storage": "storage run -p 50003",
        "controller": "controller run -p 50004",
        "kms": "kms run -p 50005 -k /kms/key_file",
    }
    for name, each in found.items():
        (data,) = (mount for mount in each["volumeMounts"] if mount["name"] == "data")
        assert data["subPath"] == "cita-cloud/test-chain/node1"
        assert data["mountPath"] == ("/var/syncthing" if name == "syncthing" else "/data")
        assert each.get("workingDir") == (None if name == "syncthing" else "/data")
        assert each["image"].rpartition(":")[2] not in ("", "latest")


def test_tools_that_know_runner_k8s_find_a_node_by_name_and_label() -> None:
    """The CITA node operator's `python` mode scales the Deployment and lists the pods of its label."""
    found = named(plan_of(local()), "StatefulSet")["test-chain-2"]
    labels = {"node_name": "test-chain-2", "chain_name": "test-chain"}
    assert labels.items() <= found["metadata"]["labels"].items()
    assert labels.items() <= found["spec"]["template"]["metadata"]["labels"].items()


def test_only_ports_that_bind_more_than_loopback_are_probed() -> None:
    """kubelet comes from outside of the pod: a probe of consensus or storage would kill them for ever."""
    for changes in ({}, EXTENDED):
        containers = pod(plan_of(local(changes)))["containers"]
        probed = {each["name"] for each in containers if "livenessProbe" in each}
        assert probed == {"controller", "network", "kms", "syncthing"} | (set() if changes else {"executor"})


def test_nobody_is_let_in_to_the_kms_or_to_the_gui() -> None:
    allowed = {
        port["port"]
        for policy in named(plan_of(local(EXTENDED)), "NetworkPolicy").values()
        for rule in policy["spec"]["ingress"]
        for port in rule["ports"]
    }
    assert allowed == {40000, 22000, 50004, 50002, 9256, 9349, 7052, 7053}
    for service in named(plan_of(outside(EXTENDED | {"network.portBase": None})), "Service").values():
        assert not {"kms", "gui"} & {each["targetPort"] for each in service["spec"]["ports"]}


def test_whoever_is_let_in_is_let_in_to_the_whole_chain_and_nobody_else_is() -> None:
    """Policies add up: one that opened a port of all nodes to everybody would undo a narrower one of a node."""
    plan = plan_of(local({"network.clients": [{"cidr": "192.0.2.0/24"}], "network.monitor": True}))
    policies = named(plan, "NetworkPolicy")
    del policies["test-chain-peers"]
    assert "test-chain-node-port" in policies
    for each in policies.values():
        assert [rule["from"] for rule in each["spec"]["ingress"]] == [[{"ipBlock": {"cidr": "192.0.2.0/24"}}]]


@pytest.mark.parametrize(("index", "first"), [(0, 31001), (1, 31006), (2, 31011)])
def test_five_numbers_a_node_are_reserved_whatever_is_open(index: int, first: int) -> None:
    services = named(plan_of(local(EXTENDED)), "Service")
    assert numbers(services[f"monitor-test-chain-{index}"]) == [
        ("process", 9256, first),
        ("exporter", 9349, first + 1),
    ]
    assert numbers(services[f"executor-test-chain-{index}"]) == [
        ("call", 50002, first + 4),
        ("chaincode", 7052, first + 2),
        ("eventhub", 7053, first + 3),
    ]


def test_a_block_of_nine_has_gaps_where_nothing_is_open() -> None:
    """multi4 of the facts: monitor and debug are open, 6 and 7 belong to a chaincode that is not there."""
    plan = plan_of(outside({"network.monitor": True, "network.debug": True}))
    services = named(plan, "Service")
    for index, base in enumerate((30000, 30009, 30018)):
        made = {name: number for name, _, number in numbers(services[f"all-test-chain-{index}"])}
        assert made == {name: base + offset for name, offset in zip(made, (0, 1, 2, 3, 4, 5, 8), strict=True)}
        assert list(made) == ["network", "sync", "rpc", "call", "process", "exporter", "debug"]
        ends = plan.records[index].endpoints
        assert (str(ends["network"]), str(ends["sync"])) == (f"203.0.113.10:{base}", f"203.0.113.10:{base + 1}")


def test_a_load_balancer_listens_on_the_block_and_is_told_what_its_provider_asks() -> None:
    exposure = {"type": "LoadBalancer", "provider": "aliyun", "loadBalancer": "lb-1", "host": "198.51.100.9"}
    plan = plan_of(outside({"nodes.node0.exposure": exposure}))
    made = named(plan, "Service")["all-test-chain-0"]
    assert numbers(made)[:2] == [("network", 30000, None), ("sync", 30001, None)]
    assert made["metadata"]["annotations"]["service.beta.kubernetes.io/alibaba-cloud-loadbalancer-id"] == "lb-1"
    assert str(plan.records[0].endpoints["rpc"]) == "198.51.100.9:30002"


def test_peers_in_one_cluster_dial_each_other_inside_of_it() -> None:
    plan = plan_of(outside())
    assert plan.live_files["test-chain-1.toml"] == (
        '[[peers]]\nip = "test-chain-0"\nport = 40000\n\n[[peers]]\nip = "test-chain-2"\nport = 40000\n\n'
    )
    assert plan.live_files["config.xml"].count("<address>tcp://test-chain-") == 3


@pytest.mark.parametrize(("kms", "suite"), [("kms_sm", SM), ("kms_eth", ETH)])
def test_a_nodes_files_fit_each_other(kms: str, suite: Any, tmp_path: Any) -> None:
    """What the services check when they start: password against kms.db, account against address and validators."""
    plan = plan_of(local({"network.services.kms": kms}))
    assert plan.genesis
    chain = parsed(plan.genesis.text)
    for node, record in zip(plan.nodes, plan.records, strict=True):
        found = rows(base64.b64decode(node.private_files["kms.db.base64"]), tmp_path)
        public = found["account"][0][1]
        assert "0x" + suite.hash(public)[-20:].hex() == node.public_files["node_address"] == record.address
        assert chain.validators[record.index or 0] == record.address
        assert found["config"] == [(1, suite.hash(b"123456Matthew 5-13"), suite.name)]
        assert (node.private_files["key_file"], node.public_files["key_id"]) == ("123456", "1")
        (tmp_path / "kms.db").unlink()


def test_with_bft_a_node_signs_with_a_key_that_no_kms_keeps() -> None:
    plan = plan_of(local({"network.services": {"kms": "kms_eth"}}))
    for index, (node, record) in enumerate(zip(plan.nodes, plan.records, strict=True)):
        assert SM.address(bytes.fromhex(node.private_files["node_key"].removeprefix("0x"))) == record.address
        assert "kms.db.base64" not in node.private_files
        assert node.public_files["key_id"] == str(index)


def test_a_password_is_in_secrets_only() -> None:
    plan = plan_of(local(EXTENDED | {"defaults.kmsPassword": "a very secret one"}))
    written = json.dumps([each for each in manifests(plan) if each["kind"] != "Secret"])
    assert "a very secret one" not in written
    for node in plan.nodes:
        assert not [text for text in node.private_files.values() if text in written]


def test_the_administrator_of_couchdb_is_who_the_settings_say() -> None:
    changes = EXTENDED | {"defaults.stateDb": {"user": "someone", "password": "another secret"}}
    plan = plan_of(local(changes))
    found = {each["name"]: each for each in pod(plan)["containers"]}
    secret = {"secretKeyRef": {"name": "test-chain-0-identity", "key": "couchdb-password"}}
    for name in ("couchdb", "executor"):
        assert {"name": "COUCHDB_PASSWORD", "valueFrom": secret} in found[name]["env"]
    assert {"name": "COUCHDB_USER", "value": "someone"} in found["couchdb"]["env"]
    assert "--couchdb-username someone " in found["executor"]["command"][-1]
    assert {node.private_files["couchdb-password"] for node in plan.nodes} == {"another secret"}
    assert "another secret" not in json.dumps([each for each in manifests(plan) if each["kind"] != "Secret"])


def test_what_is_reserved_is_written_where_another_chain_looks_for_it() -> None:
    key = "archipelago/reserved-node-ports"
    inside = {
        name: each["metadata"]["annotations"].get(key) for name, each in named(plan_of(local()), "Service").items()
    }
    assert {name: span for name, span in inside.items() if span} == {"test-chain-node-port": "30004-30019"}
    pinned = named(plan_of(outside()), "Service")
    assert pinned["all-test-chain-1"]["metadata"]["annotations"][key] == "30009-30017"
    balanced = named(plan_of(outside({"nodes.node0.exposure": {"type": "LoadBalancer"}})), "Service")
    assert key not in balanced["all-test-chain-0"]["metadata"]["annotations"]  # numbers of a machine of its own


def test_a_node_at_the_end_leaves_every_other_ones_keys_and_start_alone() -> None:
    before = plan_of(local())
    after = plan_of(local({"nodes.node3": {"index": 3}}), last=outputs(before, before.records))
    assert [each.private_files for each in after.nodes[:3]] == [each.private_files for each in before.nodes]
    assert after.genesis == before.genesis
    assert [named(after, "StatefulSet")[name] for name in named(before, "StatefulSet")] == list(
        named(before, "StatefulSet").values()
    )


@pytest.mark.parametrize(
    ("services", "address"),
    [
        ({"kms": "kms_sm", "consensus": "consensus_raft"}, "0xe47906030c147df2957311fd3c9a106f0393d521"),
        ({"kms": "kms_eth", "consensus": "consensus_raft"}, "0x0b729ca71ccd59cd5072b808d622cc8e4cd4cb16"),
        ({"kms": "kms_eth", "consensus": "consensus_bft"}, "0xe47906030c147df2957311fd3c9a106f0393d521"),
    ],
)
def test_a_node_has_the_frozen_identity_of_its_seed(services: dict[str, str], address: str) -> None:
    """A change of derivation is another account for every node of every user."""
    record = plan_of(local({"network.services": services})).records[0]
    assert record.address == address
    assert record.node_id == "FPD45WW-N7K6H7J-52OQKMD-MKDZRLL-N2YTG5V-MYAC35D-H2ADEOP-LDQSUQK"


def test_the_founders_seed_governs_where_nobody_else_is_named() -> None:
    genesis = plan_of(local({"network.services.kms": "kms_eth"})).genesis
    assert genesis
    assert parsed(genesis.text).admin == "0x2d2457af8c6b0eec1b4ebb9992cbf5b74e13b672"


def exported(plan: StackPlan) -> Config:
    pairs = zip(plan.records, plan.nodes, strict=True)
    records = [record.model_copy(update={"endpoints": given_endpoints(node)}) for record, node in pairs]
    return crossed(outputs(plan, records))


def test_two_organisations_wait_for_each_other_and_then_share_a_chain() -> None:
    first = plan_of(founder(), {"beta": None})
    assert (first.genesis, first.waiting_for) == (None, ("beta/node0",))
    assert not named(first, "StatefulSet")
    assert named(first, "Service").keys() > {"all-test-chain-0", "test-chain-0"}
    waiting = plan_of(joiner(), {"alpha": exported(first)})
    second = plan_of(founder(), {"beta": exported(waiting)})
    running = plan_of(joiner(), {"alpha": exported(second)})
    assert second.genesis == running.genesis is not None
    assert parsed(running.genesis.text).validators[3] == running.records[0].address
    assert 'ip = "203.0.113.10"\nport = 30009' in running.live_files["test-chain-3.toml"]
    assert 'ip = "198.51.100.20"\nport = 30000' in second.live_files["test-chain-0.toml"]
    assert "<address>tcp://198.51.100.20:30001</address>" in second.live_files["config.xml"]


def test_two_organisations_cannot_have_one_index() -> None:
    """Raft numbers a node by it, so that both would vote as one."""
    first = plan_of(outside())
    config = joiner()
    config["nodes"]["node1"] = {"index": 4, "portBase": 30018}
    beta = plan_of(config, {"alpha": exported(first)})
    late = outside({"nodes.node4": {"index": 4, "portBase": 30100}, "partners": {"beta": {"stack": "o/a/b"}}})
    with pytest.raises(Refused) as caught:
        plan_of(late, {"beta": exported(beta)}, last=outputs(first, first.records))
    assert "alpha/node4 and beta/node1 have the same index 4." in {each.message for each in caught.value.problems}
    runs = plan_of({**late, "partners": {}}, last=outputs(first, first.records))
    after = plan_of(late, {"beta": exported(beta)}, last=outputs(runs, runs.records))
    assert [list(given.left_out) for given in after.imports] == [["node1"]], "ours had it first"


def test_a_partner_can_be_pasted() -> None:
    plan = plan_of(outside())
    text = CITA.external_text(plan.records)
    pasted = [json.loads(line.removeprefix("- ")) for line in text.splitlines()]
    for raw, record in zip(pasted, plan.records, strict=True):
        given = CITA.parse_node(raw, "test-chain", "alpha")
        assert (given.node_id, given.address, given.index) == (record.node_id, record.address, record.index)
        assert given.endpoints["sync"].port == raw["portBase"] + 1
    with pytest.raises(ValueError, match="mistyped"):
        swapped = pasted[0]["deviceId"]
        other = "A" if swapped[0] != "A" else "B"
        CITA.parse_node({**pasted[0], "deviceId": other + swapped[1:]}, "test-chain", "alpha")


def test_every_number_of_both_layouts_is_the_one_of_the_facts() -> None:
    assert ports.stride(30004, 2) == {
        "process": 30015,
        "exporter": 30016,
        "chaincode": 30017,
        "eventhub": 30018,
        "call": 30019,
    }
    assert list(ports.block(30000).values()) == list(range(30000, 30009))
    assert settings_of(local()).network.port_base == 30004


def test_c1_a_tikv_is_an_argument_and_no_part_of_the_services_command() -> None:
    hostile = "node0-pd:2379; touch /data/x"
    config = local({"network.services.storage": "storage_tikv", "nodes.node0.pdEndpoints": [hostile]})
    rest = {f"nodes.node{index}.pdEndpoints": [f"node{index}-pd:2379"] for index in (1, 2)}
    plan = plan_of(changed(config, rest))
    (command, plain) = (
        next(each.command[2] for each in node.containers if each.name == "storage") for node in plan.nodes[:2]
    )
    assert command.endswith(f" -e '{hostile}'")
    assert plain.endswith(" -e node1-pd:2379"), "what needs no quotes restarts no node"
