"""A running network with private-transaction managers: who may reach what, and what `archipelago` says of it."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from archipelago.manifests.pods import POD_SECURITY
from archipelago.manifests.workload import CONTAINER_SECURITY
from lab.nodes.images import SHELL, TESSERA_STAND_IN, tessera
from lab.nodes.network import cut
from tests.network.conftest import Maker
from tests.network.networks import Measure, Network, Organisation, eventually, founder, joiner

pytestmark = pytest.mark.network

NODES = ("node1", "node2")
VALIDATORS = (*NODES, *(f"beta/{node}" for node in NODES))


@pytest.fixture(scope="module")
def running(make_network: Maker) -> Iterator[Network]:
    """Two organisations, a private-transaction manager beside each node, RPC open and account unlocked at node1."""
    changes: dict[str, Any] = {
        "network.privacy": {"manager": "tessera", "version": "22.1.7"},
        "nodes.node1": {"api": {"rpc": True, "clients": [{"pods": {}}]}, "unlock": True},
    }
    if tessera() == TESSERA_STAND_IN:
        changes["network.images"] = {"tessera": TESSERA_STAND_IN}
    with make_network("asked") as network:
        network.add(founder(network.name, VALIDATORS, changes), "a")
        network.add(joiner("beta", network.name, NODES, changes), "b")
        network.up("alpha", "beta", "alpha", "beta")
        network.wait_for_blocks()
        network.peered(3)
        for each in network.organisations.values():
            each.run("wait", "--for=condition=Ready", "pods", "--all", "--timeout=150s")
        yield network


def _verify(network: Network, code: int) -> list[dict[str, Any]]:
    alpha = network["alpha"]
    files = [str(each.stack.file) for each in network.organisations.values()]
    found: list[dict[str, Any]] = json.loads(alpha.archipelago("verify", *files, "--json", code=code))
    return found


def _failed(network: Network) -> str:
    """What a verify that fails says is wrong, as one text."""
    return "\n".join(json.dumps(each) for each in _verify(network, 1) if each["mark"] == "failed")


def test_transaction_managers_find_each_other_across_clusters(running: Network) -> None:
    for organisation, node in running.nodes:
        pod = f"statefulset/{running.name}-{node}"
        wget = ("wget", "-q", "-O", "-", "http://127.0.0.1:9001/partyinfo")

        def known(organisation: Organisation = organisation, pod: str = pod, wget: tuple[str, ...] = wget) -> Any:
            return json.loads(organisation.run("exec", pod, "-c", "tessera", "--", *wget))

        eventually(lambda: len({each["key"] for each in known()["keys"]}), lambda seen: seen == 4)
        partner = running["beta" if organisation.name == "alpha" else "alpha"]
        advertised = {
            f"http://{each['endpoints']['tessera']['host']}:{each['endpoints']['tessera']['port']}/"
            for each in partner.stack.outputs()["externalNodes"]
        }
        answered = lambda: {each["url"] for each in known()["peers"] if each.get("lastContact")}  # noqa: E731
        eventually(answered, advertised.issubset)


def test_s8_keys_that_a_cut_link_took_come_back_without_a_restart(running: Network, measure: Measure) -> None:
    alpha, beta = running["alpha"], running.lab.cluster("b")
    wget = ("wget", "-q", "-O", "-", "http://127.0.0.1:9001/partyinfo")

    def keys() -> int:
        said = alpha.run("exec", f"statefulset/{running.name}-node1", "-c", "tessera", "--", *wget)
        return len({each["key"] for each in json.loads(said)["keys"]})

    eventually(keys, lambda seen: seen == 4)
    before = alpha.pods()
    cut(beta, off=True)
    try:
        eventually(keys, lambda seen: seen == 2)
    finally:
        cut(beta, off=False)
    began = time.monotonic()
    eventually(keys, lambda seen: seen == 4)
    measure("keys of a partner are known again after a cut link", time.monotonic() - began)
    assert alpha.pods() == before
    running.wait_for_blocks()
    running.peered(3)


def test_rpc_is_for_allowed_clients_and_p2p_for_partners(running: Network) -> None:
    alpha = running["alpha"]
    ask = 'wget -q -O - --post-data \'{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}\''
    ask += f" --header content-type:application/json http://{running.name}-node1-api.{running.name}:8545"
    p2p = alpha.stack.outputs()["externalNodes"][0]["endpoints"]["p2p"]
    with _pod(alpha, running.name) as own, _pod(alpha, "default") as foreign, _pod(running["beta"], "default") as far:
        assert "result" in own(ask)
        assert "result" not in foreign(ask)
        assert "open" in far(f"nc -w 3 {p2p['host']} {p2p['port']} </dev/null && echo open")


@contextmanager
def _pod(organisation: Organisation, namespace: str) -> Iterator[Any]:
    """A shell in a pod; what it prints within five seconds, if anything."""
    name = "client"
    there = ("-n", namespace)
    container = {"name": name, "image": SHELL, "command": ["sleep", "600"], "securityContext": CONTAINER_SECURITY}
    spec = {"restartPolicy": "Never", "securityContext": POD_SECURITY, "containers": [container]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    organisation.run(*there, "apply", "-f", "-", text=json.dumps(pod))
    organisation.run(*there, "wait", "--for=condition=Ready", f"pod/{name}", "--timeout=150s")
    try:
        yield lambda line: organisation.run(*there, "exec", name, "--", "timeout", "5", "sh", "-c", line, check=False)
    finally:
        organisation.run(*there, "delete", "pod", name, "--grace-period=0", "--force")


def test_verify_finds_nothing_wrong_with_a_good_network(running: Network, measure: Measure) -> None:
    found = _verify(running, 0)
    assert {each["check"] for each in found} >= {"height", "genesis", "peers", "permissioned", "validators", "reach"}
    files = [str(each.stack.file) for each in running.organisations.values()]
    told = json.loads(running["alpha"].archipelago("verify", *files, "--transact", "--json"))
    marks = [each["mark"] for each in told if each["check"] == "transaction"]
    assert marks.count("ok") >= 2, told


def test_s8_a_private_transaction_crosses_the_border(running: Network, measure: Measure) -> None:
    files = [str(each.stack.file) for each in running.organisations.values()]
    began = time.monotonic()
    told = json.loads(running["alpha"].archipelago("verify", *files, "--transact", "--json"))
    (private,) = [each for each in told if each["check"] == "private transaction"]
    measure(f"private transaction with {tessera()} is {private['mark']}, verify took", time.monotonic() - began)
    sender = private["subject"].partition("/")[0]
    receiver = "beta" if sender == "alpha" else "alpha"
    assert private["mark"] == "ok", private
    assert f"a contract for {receiver}/" in private["seen"] and "read by 2 parties" in private["seen"], private


def test_verify_names_a_stopped_node(running: Network) -> None:
    beta = running["beta"]
    beta.scale("node2", 0)
    try:
        eventually(lambda: beta.pods().keys(), lambda seen: "node2" not in seen)
        assert "beta/node2" in _failed(running)
    finally:
        beta.scale("node2", 1)
        running.wait_for_blocks()


def test_verify_names_a_closed_port(running: Network) -> None:
    beta = running["beta"]
    service = f"service/{running.name}-node1"
    before = beta.get(service)["spec"]["selector"]
    beta.run("patch", service, "-p", json.dumps({"spec": {"selector": {**before, "archipelago/node": "nobody"}}}))
    try:
        said = eventually(lambda: _failed(running), lambda text: '"reach"' in text)
        assert "beta/node1" in said and "p2p" in said
    finally:
        beta.run("patch", service, "-p", json.dumps({"spec": {"selector": before}}))
        running.wait_for_blocks()


def test_verify_names_a_node_of_another_genesis(running: Network) -> None:
    beta = running["beta"]
    config = f"configmap/{running.name}-genesis"
    before = beta.get(config)["data"]["genesis.json"]
    volume = beta.get(f"persistentvolumeclaim/{running.name}-node2-data")["spec"]["volumeName"]
    data = running.lab.cluster("b").folder / "volumes" / volume / "dd"

    def start_with(genesis: str) -> None:
        beta.scale("node2", 0)
        beta.gone("node2")
        beta.run("patch", config, "-p", json.dumps({"data": {"genesis.json": genesis}}))
        shutil.rmtree(data)
        beta.scale("node2", 1)

    other = re.sub(r'"timestamp": ?"0x[0-9a-f]+"', '"timestamp": "0x1"', before)
    assert other != before
    start_with(other)
    try:
        eventually(lambda: beta.geth("node2").block(0), lambda seen: seen is not None and seen["timestamp"] == "0x1")
        said = _failed(running)
        assert any("beta/node2" in line and '"genesis"' in line for line in said.splitlines())
    finally:
        start_with(before)
        running.wait_for_blocks()
