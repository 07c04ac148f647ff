"""enode URLs and the Qubernetes spelling of a partner's node, in and out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from archipelago.chains.goquorum import enode
from archipelago.chains.goquorum.chain import GoQuorum
from archipelago.identity.secp256k1 import node_id
from archipelago.model.endpoint import Endpoint
from archipelago.model.record import ExternalNode
from tests.unit.vectors import vectors

pytestmark = pytest.mark.unit

QUBERNETES = vectors("qubernetes")
NODE = QUBERNETES["nodes"][0]
NODE_ID, ADDRESS = NODE["nodeId"], NODE["address"]
URL = f"enode://{NODE_ID}@198.51.100.7:31303?discport=0"

hosts = st.one_of(
    st.ip_addresses().map(str),
    st.from_regex(r"[a-z]([-a-z0-9]{0,8}[a-z0-9])?(\.[a-z]([-a-z0-9]{0,8}[a-z0-9])?){0,3}", fullmatch=True),
)
ports = st.integers(1, 65535)
node_ids = st.integers(1, 2**255).map(lambda number: node_id(number.to_bytes(32)))


def entry(**changes: Any) -> dict[str, Any]:
    given = {
        "Node_UserIdent": "quorum-node9",
        "Enode_Url": URL,
        "Tm_Url": "198.51.100.7:31901",
        "Node_Acct_Addr": ADDRESS,
    }
    return {key: value for key, value in {**given, **changes}.items() if value is not None}


@given(node_ids, hosts, ports)
def test_an_enode_that_was_written_is_read_back(identity: str, host: str, port: int) -> None:
    url = str(enode.Enode(identity, host, port))
    assert enode.parse(url) == enode.Enode(identity, host, port)


@pytest.mark.parametrize(
    "tail", ["", "?discport=0", "?discport=30301", "?discport=0&raftport=50401", "?raftport=50401"]
)
def test_every_spelling_of_geth_itself_is_read(tail: str) -> None:
    url = f"enode://{NODE_ID.upper()}@validator.example:30303{tail}"
    assert enode.parse(url) == enode.Enode(NODE_ID, "validator.example", 30303)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("garbage", "enode://<node id>@<host>:<port>"),
        (URL.replace("enode://", "http://"), "enode://<node id>@<host>:<port>"),
        (f"enode://{NODE_ID}", "enode://<node id>@<host>:<port>"),
        (f"enode://{NODE_ID}@198.51.100.7", "no host and port"),
        (f"enode://{NODE_ID}@:30303", "no host and port"),
        (f"enode://{NODE_ID}@198.51.100.7:0", "no host and port"),
        (f"enode://{NODE_ID}@198.51.100.7:65536", "no host and port"),
        (f"enode://{NODE_ID}@198.51.100.7:port", "no host and port"),
        (f"{URL}&nat=1", "discport and raftport at most"),
        (f"enode://{NODE_ID}@198.51.100.7:30303/path", "discport and raftport at most"),
        (f"{URL}#fragment", "discport and raftport at most"),
        (f"enode://{NODE_ID}:password@198.51.100.7:30303", "enode://<node id>@<host>:<port>"),
        (f"enode://{NODE_ID[2:]}@198.51.100.7:30303", "128 hex characters"),
        (f"enode://{'0' * 128}@198.51.100.7:30303", "no point on secp256k1"),
        (f"enode://{NODE_ID[:-1]}0@198.51.100.7:30303", "no point on secp256k1"),
        (f"enode://{NODE_ID}@[198.51.100.7:30303", "Invalid IPv6"),
    ],
)
def test_a_bad_enode_is_refused_with_its_reason(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("?", r"\?")):
        enode.parse(url)


@given(st.text(max_size=200))
def test_no_text_crashes_the_reader(text: str) -> None:
    for url in (text, f"enode://{text}", f"enode://{NODE_ID}@{text}"):
        try:
            found = enode.parse(url)
        except ValueError:
            continue
        assert found.node_id == NODE_ID


@pytest.mark.parametrize("cluster", ["A", "B"])
def test_the_export_of_a_real_run_is_read_and_written_byte_for_byte(cluster: str) -> None:
    """What `qctl ls nodes --asexternal --bare` printed: a consortium moves over one organisation at a time."""
    text = QUBERNETES["twoClusters"][cluster]["export"]
    entries = YAML(typ="safe", pure=True).load(text)["external_nodes"]
    nodes = [GoQuorum().parse_node(each, "consortium", "partner") for each in entries]
    known = {node["nodeId"]: node for node in QUBERNETES["nodes"] if node["name"].startswith(cluster)}
    assert [node.node_id for node in nodes] == list(known)
    assert [node.address for node in nodes] == [node["address"] for node in known.values()]
    assert {node.endpoints["p2p"].host for node in nodes} == {QUBERNETES["twoClusters"][cluster]["ip"]}
    written = "".join(f"{enode.to_qubernetes(node)}\n" for node in nodes)
    assert f"external_nodes:\n{written}" == text


@given(node_ids, hosts, ports, hosts, ports)
def test_a_record_survives_the_qubernetes_spelling(
    identity: str, host: str, port: int, tessera_host: str, tessera_port: int
) -> None:
    endpoints = {"p2p": Endpoint(host=host, port=port), "tessera": Endpoint(host=tessera_host, port=tessera_port)}
    raw = {"network": "n", "organisation": "o", "name": "quorum-node1", "nodeId": identity}
    node = GoQuorum().parse_node(raw, "n", "o").model_copy(update={"endpoints": endpoints})
    (given,) = YAML(typ="safe", pure=True).load(enode.to_qubernetes(node))
    assert GoQuorum().parse_node(given, "n", "o") == node


def test_without_tessera_there_is_no_tm_line_to_mislead() -> None:
    node = enode.from_qubernetes(entry(Tm_Url=None), "consortium", "delta")
    assert set(node.endpoints) == {"p2p"}
    assert "Tm_Url" not in enode.to_qubernetes(node)


@pytest.mark.parametrize("vector", QUBERNETES["unquotedAddress"], ids=lambda vector: str(vector["address"])[:10])
def test_an_unquoted_address_that_yaml_read_as_a_number_is_padded_and_understood(vector: dict[str, str]) -> None:
    own = next((n for n in QUBERNETES["nodes"] if n["address"].lower() == vector["address"].lower()), None)
    identity = own["nodeId"] if own else NODE_ID
    given = entry(Enode_Url=f"enode://{identity}@198.51.100.7:31303", Node_Acct_Addr=int(vector["integer"]))
    if own:
        assert enode.from_qubernetes(given, "n", "o").address == own["address"]
    else:  # no key of ours has it: the message shows it as it was meant
        with pytest.raises(ValueError, match=f"Node_Acct_Addr {vector['address'].lower()} is not the address"):
            enode.from_qubernetes(given, "n", "o")


@pytest.mark.parametrize("given", [ADDRESS, ADDRESS.lower(), "0x" + ADDRESS[2:].upper(), int(ADDRESS, 16), None])
def test_the_validator_address_follows_from_the_enode_and_is_only_compared(given: object) -> None:
    assert enode.from_qubernetes(entry(Node_Acct_Addr=given), "n", "o").address == ADDRESS


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Node_UserIdent": None}, "Node_UserIdent is missing"),
        ({"Enode_Url": None}, "Enode_Url is missing"),
        ({"Enode_Url": "garbage"}, "an enode is written"),
        ({"Tm_Url": "http://198.51.100.7:31901"}, "without http://"),
        ({"Tm_Url": "198.51.100.7"}, "host:port"),
        ({"Tm_Url": "198.51.100.7:99999"}, "host:port"),
        ({"Tm_Url": "198.51.100.7:31901/path"}, "host:port"),
        ({"Node_Acct_Addr": "0x12"}, "is not the address of the enode's key"),
        ({"Node_Acct_Addr": 18}, "is not the address of the enode's key"),
        ({"Node_Acct_Addr": NODE["account"]}, "is not the address of the enode's key"),
        ({"Node_Address": ADDRESS}, "unknown key Node_Address; known here: Node_UserIdent"),
    ],
)
def test_what_qubernetes_took_and_died_of_later_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        enode.from_qubernetes(entry(**changes), "consortium", "delta")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nodeId": "0" * 128}, "no point on secp256k1"),
        ({"nodeId": NODE_ID[:-2]}, "128 hex characters"),
        ({"address": NODE["account"]}, "not that of its node id"),
        ({"privacyKey": "AAAA"}, "has 32 bytes"),
        ({"schema": 2}, "schema"),
        ({"schema": 0}, "schema"),
        ({"endpoints": {"p2p": {"host": "198.51.100.7", "port": 0}}}, "port"),
        ({"endpoints": {"p2p": {"host": "http://198.51.100.7", "port": 30303}}}, "host"),
        ({"name": None}, "name"),
    ],
)
def test_a_bad_record_is_refused_with_its_reason(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        GoQuorum().parse_node({"name": "quorum-node1", "nodeId": NODE_ID, **changes}, "consortium", "delta")


@given(node_ids, hosts, ports)
def test_a_record_round_trips_through_what_is_exported(identity: str, host: str, port: int) -> None:
    node = ExternalNode(
        network="consortium",
        organisation="delta",
        name="quorum-node1",
        node_id=identity,
        endpoints={"p2p": Endpoint(host=host, port=port, exposure="NodePort")},
    )
    again = GoQuorum().parse_node(node.plain(), "consortium", "delta")
    assert again.model_copy(update={"address": ""}) == node
