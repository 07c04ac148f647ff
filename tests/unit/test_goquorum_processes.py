"""Command lines and configurations of geth and Tessera, by release."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from archipelago.chains.goquorum import tessera
from archipelago.chains.goquorum.versions import release
from archipelago.manifests.workload import public_files
from archipelago.model.endpoint import Endpoint
from archipelago.model.plan import Container, NodePlan
from archipelago.problems import Refused
from tests.stacks import alpha, given_endpoints, plan_of
from tests.unit.vectors import vectors

pytestmark = pytest.mark.unit

RELEASES = ("2.7.0", "21.1.0", "21.4.0", "21.10.2", "22.1.0", "22.7.4")
FIRST = "nodes.quorum-node1"
OPEN = {"rpc": True, "websocket": True, "namespaces": ["eth", "net", "istanbul"], "clients": [{"namespace": "apps"}]}
SCENARIOS: dict[str, dict[str, Any]] = {
    "validator, all closed": {},
    "validator, all open, unlocked": {f"{FIRST}.api": OPEN, f"{FIRST}.unlock": True, f"{FIRST}.verbosity": 4},
    "member without Tessera": {"network.privacy": "none", f"{FIRST}.exposure": {}, f"{FIRST}.validator": False},
    "extra arguments": {f"{FIRST}.extraArgs": ["--cache", "2048", "--metrics"]},
}


def first_node(changes: dict[str, Any]) -> NodePlan:
    return plan_of(alpha(changes)).nodes[0]


def container(node: NodePlan, name: str) -> Container:
    return next(each for each in node.containers if each.name == name)


def command_line(scenario: str, version: str) -> str:
    """Environment and arguments of the first node's geth, as a shell would show them."""
    geth = container(first_node({**SCENARIOS[scenario], "network.version": version}), "quorum")
    words = [f"{name}={value}" for name, value in sorted(geth.env.items())]
    return " ".join([*words, *geth.command[3:]])


@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_geth_is_started_as_its_release_takes_it(scenario: str, version: str) -> None:
    assert command_line(scenario, version) == vectors("geth")["lines"][scenario][version]


@pytest.mark.parametrize("version", RELEASES)
def test_the_apis_are_closed_unless_opened(version: str) -> None:
    """Whoever reaches a node port must not reach an unlocked account: Qubernetes had both on one Service."""
    plan = plan_of(alpha({"network.version": version}))
    for node in plan.nodes:
        assert node.api is None
        assert {port.name for port in node.service.ports} == {"p2p", "tessera"}
        arguments = container(node, "quorum").command
        opened = re.compile(r"--(ws|unlock|allow-insecure-unlock|graphql)\b")
        assert not [argument for argument in arguments if opened.match(argument)]
        given = dict(pairwise(arguments))
        assert given.get("--http.addr", given.get("--rpcaddr")) == "127.0.0.1"  # for the question whether it is synced
        assert given.get("--http.api", given.get("--rpcapi")) == "eth"


def test_a_nodes_own_release_decides_its_flags_and_its_image() -> None:
    node = first_node({"network.version": "21.10.2", f"{FIRST}.version": "21.1.0", f"{FIRST}.api": OPEN})
    geth = container(node, "quorum")
    assert geth.image == "quorumengineering/quorum:21.1.0"
    assert "--rpcaddr" in geth.command
    assert node.init[0].image == geth.image


def test_numbers_of_a_release_are_compared_as_numbers() -> None:
    """As text 21.10 comes before 21.7: Qubernetes picked the wrong launcher for it."""
    assert release("21.10.0") > release("21.7.1") > release("21.7")
    assert release("22.1") == (22, 1, 0)


TESSERA_RELEASES = ("0.10.6", "1.0.0", "21.1.0", "21.7.0", "21.10.0", "22.1.7")


def configuration(version: str, **changes: Any) -> dict[str, Any]:
    """Tessera's configuration of the first node with all addresses known, before the peers are merged in."""
    node = first_node({"network.privacy.version": version, **changes})
    text = public_files(node, given_endpoints(node))[tessera.CONFIG]
    merged: dict[str, Any] = json.loads(text.replace('"@peers@"', "[]"))
    return merged


@pytest.mark.parametrize("version", TESSERA_RELEASES)
def test_tessera_tells_partners_an_address_they_can_call_back_and_binds_locally(version: str) -> None:
    """Qubernetes advertised an in-cluster name: private transactions never crossed clusters."""
    servers = {server["app"]: server for server in configuration(version)["serverConfigs"]}
    assert servers.keys() == {"Q2T", "P2P"}
    assert servers["P2P"]["serverAddress"] == "http://203.0.113.10:30901"
    assert servers["P2P"]["bindingAddress"] == "http://0.0.0.0:9001"
    assert servers["P2P"]["sslConfig"] == {"tls": "OFF"}
    assert servers["Q2T"]["serverAddress"] == "unix:/run/archipelago/tm.ipc"
    assert all(server["communicationType"] == "REST" and "enabled" not in server for server in servers.values())


@pytest.mark.parametrize("version", RELEASES)
def test_every_service_of_a_node_leads_to_the_ports_where_geth_and_tessera_listen(version: str) -> None:
    opened = {f"{FIRST}.api": {**OPEN, "thirdParty": True}}
    node = first_node({"network.version": version, **opened})
    words = container(node, "quorum").command
    flags = {"--port": "p2p", "--http.port": "rpc", "--rpcport": "rpc", "--ws.port": "ws", "--wsport": "ws"}
    listens = {flags[word]: int(number) for word, number in pairwise(words) if word in flags}
    for server in configuration("22.1.7", **opened)["serverConfigs"]:
        if (name := {"P2P": "tessera", "ThirdParty": "third-party"}.get(server["app"])) is not None:
            listens[name] = int(server["bindingAddress"].rpartition(":")[2])
    assert {port.name: port.number for service in node.services for port in service.ports} == listens


@pytest.mark.parametrize("version", TESSERA_RELEASES)
def test_privacy_enhancements_are_on_where_the_release_and_the_genesis_have_them(version: str) -> None:
    features = configuration(version).get("features")
    assert features == (None if version == "0.10.6" else {"enablePrivacyEnhancements": True})


def test_a_new_tessera_in_a_network_founded_without_enhancements_keeps_them_off() -> None:
    """All nodes of a network must say the same, and the genesis is what all of them have."""
    founded = plan_of(alpha({"network.privacy.version": "0.10.6"}))
    assert founded.genesis
    record = {"name": "consortium", "kind": "goquorum", "organisation": "alpha", "genesis": founded.genesis.text}
    later = plan_of(alpha(), last={"network": record}).nodes[0]
    assert "enablePrivacyEnhancements" not in later.public_files[tessera.CONFIG]


def test_the_third_party_api_is_a_server_only_where_it_is_opened() -> None:
    servers = configuration("22.1.7", **{f"{FIRST}.api": {"thirdParty": True}})["serverConfigs"]
    (third_party,) = [server for server in servers if server["app"] == "ThirdParty"]
    assert third_party["serverAddress"] == "http://localhost:9080"  # Tessera refuses 0.0.0.0 here
    assert third_party["bindingAddress"] == "http://0.0.0.0:9080"


@pytest.mark.parametrize("version", TESSERA_RELEASES)
def test_tessera_is_started_by_the_launcher_that_its_image_has(version: str) -> None:
    script = container(first_node({"network.privacy.version": version}), "tessera").command[2]
    assert ("exec /tessera/bin/tessera -configfile" in script) == (version in ("21.7.0", "21.10.0", "22.1.7"))
    assert ("exec java " in script) == (version in ("0.10.6", "1.0.0", "21.1.0"))


@pytest.mark.parametrize("version", ["0.10.6", "22.1.7"])
@pytest.mark.parametrize("urls", [[], ["http://a:1"], ["http://a:1", "http://[2001:db8::1]:30901"]])
def test_the_start_script_merges_the_live_peers_with_nothing_but_sh_and_sed(
    tmp_path: Path, version: str, urls: list[str]
) -> None:
    """Run for real, the last line replaced: it is the one piece of shell that edits JSON."""
    node = first_node({"network.privacy.version": version})
    for folder in ("config", "peers", "data", "run/archipelago"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "config" / tessera.CONFIG).write_text(public_files(node, given_endpoints(node))[tessera.CONFIG])
    own = "http://consortium-quorum-node1:9001"  # whoever polls itself is never without a peer, and reads no list again
    (tmp_path / "peers" / tessera.PEERS).write_text(tessera.peers([*urls[:1], own, *urls[1:]]))
    stale = tmp_path / "run/archipelago/tm.ipc"  # of a killed one: the next ended with exit code 2
    stale.touch()
    shell, option, text, *words = container(node, "tessera").command
    script = re.sub(r"(?<![\w/])/(config|peers|data|run)/", rf"{tmp_path}/\1/", text)
    script = re.sub(r"^exec .*? -configfile (.*)$", r"cat \1", script, flags=re.MULTILINE)
    done = subprocess.run([shell, option, script, *words], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["peer"] == [{"url": url} for url in urls]
    assert not stale.exists()


def test_geth_and_tessera_meet_at_one_socket_and_geth_waits_for_it() -> None:
    node = first_node({})
    script, arguments = container(node, "quorum").command[2], container(node, "quorum").command
    socket = arguments[arguments.index("--ptm.socket") + 1]
    assert f"until [ -S {socket} ] && timeout 5 wget -q -O /dev/null http://127.0.0.1:9001/upcheck" in script
    assert f"unix:{socket}" in node.public_files[tessera.CONFIG]


def test_readiness_never_asks_for_peers_and_liveness_looks_at_the_process_only() -> None:
    """A node that waits for peers to be ready keeps two clusters waiting for each other for ever."""
    for node in plan_of(alpha()).nodes:
        geth, keeper, private = node.containers
        assert (keeper.readiness, keeper.liveness) == (None, None)
        for each in (geth, private):
            assert each.liveness
            assert each.liveness.port
            assert each.readiness
            assert "peer" not in " ".join(each.readiness.command).lower()


def test_an_address_that_only_the_cluster_knows_stays_a_marker_until_it_is_told() -> None:
    node = plan_of(alpha()).nodes[1]
    assert "@endpoint:tessera@" in public_files(node, node.service.endpoints())[tessera.CONFIG]
    told = public_files(node, {"tessera": Endpoint(host="2001:db8::1", port=31234)})[tessera.CONFIG]
    assert "http://[2001:db8::1]:31234" in told
    assert "@endpoint" not in told


@pytest.mark.parametrize("version", RELEASES)
def test_c17_geth_takes_peers_for_a_mesh_that_no_address_book_outgrows(version: str) -> None:
    """geth's own 50 are 16 that it dials: from 34 nodes on some pairs of a network never meet."""
    given = dict(pairwise(container(first_node({"network.version": version}), "quorum").command))
    assert int(given["--maxpeers"]) // 3 >= 2 * 100  # geth dials a third of them, and 100 nodes are the bench's goal
    with pytest.raises(Refused, match=r"extraArgs\[0\]"):
        first_node({f"{FIRST}.extraArgs": ["--maxpeers", "25"]})


@pytest.mark.parametrize(
    ("changes", "console"),
    [
        ({}, False),
        ({f"{FIRST}.api": OPEN}, False),
        ({f"{FIRST}.api": {"rpc": True, "namespaces": ["net"]}}, True),
        ({f"{FIRST}.extraArgs": ["--http.rpcprefix=/geth"]}, True),
        ({f"{FIRST}.extraArgs": ["--plugins", "file:///data/plugins.json"]}, True),
    ],
)
def test_geth_is_asked_over_http_where_http_answers(changes: dict[str, Any], console: bool) -> None:
    script = container(first_node(changes), "peers").command[2]
    assert ("eth.syncing" in script, "eth_syncing" in script) == (console, not console)
