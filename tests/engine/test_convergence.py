"""Two organisations, two API servers, the real engine: runs converge, and each changes only what it must."""

from __future__ import annotations

import json

import pytest

from lab.workspace import Stack
from tests import siblings
from tests.engine.organisations import Consortium, nothing_changes, own_port
from tests.stacks import GONE, ONE_NODE, alpha, beta
from tests.world import uncounted

pytestmark = pytest.mark.engine

PEERS = [
    ("update", "kubernetes:core/v1:ConfigMap", "consortium-peers"),
    ("update", "kubernetes:networking.k8s.io/v1:NetworkPolicy", "consortium-peers"),
]
"""What a partner's change changes: whom the nodes know, and whom they may dial."""


def two(consortium: Consortium, space: str, **changes: dict[str, object]) -> tuple[Stack, Stack]:
    here = {"cluster.namespace": space}
    a = consortium.stack("cluster-a", alpha(here | changes.get("alpha", {})), "a")
    b = consortium.stack("cluster-b", beta(here | changes.get("beta", {})), "b")
    return a, b


def unchanged(stack: Stack) -> None:
    before = stack.outputs()
    nothing_changes(stack)
    assert stack.outputs() == before, f"{stack.name}'s outputs move although nothing changes"


def peers_of(consortium: Consortium, cluster: str, space: str) -> list[str]:
    data = consortium.objects(cluster, space)["ConfigMap", "consortium-peers"].data
    assert data["permissioned-nodes.json"] == data["static-nodes.json"]
    listed: list[str] = json.loads(data["permissioned-nodes.json"])
    return listed


def test_a_b_a_and_nothing_is_left_to_change(consortium: Consortium, space: str) -> None:
    a, b = two(consortium, space, alpha=ONE_NODE)
    a.up().expect()
    assert a.outputs()["partnersMissing"] == ["beta"]
    b.up().expect()
    alone = consortium.seen("a", space)
    # a restart because a partner grew cost other projects hours of blocks (bevel PR 1530)
    assert a.up().expect().changes == PEERS
    together = consortium.seen("a", space)
    assert {key for key in together if together[key] != alone.get(key)} == {
        (kind, "consortium-peers") for kind in ("ConfigMap", "NetworkPolicy")
    }
    unchanged(b)
    unchanged(a)
    assert a.outputs()["network"]["genesisHash"] == b.outputs()["network"]["genesisHash"]
    for cluster, own, other in (("a", a, b), ("b", b, a)):
        listed = peers_of(consortium, cluster, space)
        assert len(listed) == 3
        for node in own.outputs()["externalNodes"]:
            assert any(node["nodeId"] in each and f"@consortium-{node['name']}:30303?" in each for each in listed)
        for node in other.outputs()["externalNodes"]:
            p2p = node["endpoints"]["p2p"]
            assert any(node["nodeId"] in each and f"@{p2p['host']}:{p2p['port']}?" in each for each in listed)


def test_outputs_name_the_node_ports_that_the_cluster_gave(consortium: Consortium, space: str) -> None:
    a, _ = two(consortium, space)
    first = a.preview().expect()
    assert "32769" not in first.text, "a preview must not show the port that a dry run makes up"
    a.up().expect()
    services = {name: each for (kind, name), each in consortium.objects("a", space).items() if kind == "Service"}
    for node in a.outputs()["externalNodes"]:
        ports = {port.name: port.nodePort for port in services[f"consortium-{node['name']}"].spec.ports}
        told = {name: endpoint["port"] for name, endpoint in node["endpoints"].items()}
        assert told == ports
        assert {endpoint["host"] for endpoint in node["endpoints"].values()} == {"127.0.10.1"}
    assert services["consortium-quorum-node1"].spec.ports[0].nodePort == own_port(30303)
    config = consortium.objects("a", space)["ConfigMap", "consortium-quorum-node2"].data["tessera.json"]
    node2 = a.outputs()["externalNodes"][1]["endpoints"]["tessera"]
    assert f"http://{node2['host']}:{node2['port']}" in config


def test_a_node_and_a_validator_are_added_and_nobody_else_is_touched(consortium: Consortium, space: str) -> None:
    a, _ = two(consortium, space, alpha=ONE_NODE)
    a.up().expect()
    before, genesis = consortium.seen("a", space), a.outputs()["network"]
    a.configure(
        lambda config: config["archipelago:nodes"].update({"late-validator": {}, "late-member": {"validator": False}})
    )
    a.up().expect()
    after = consortium.seen("a", space)
    assert uncounted(a.outputs()["network"]) == uncounted(genesis)
    changed = {key for key, version in after.items() if before.get(key) != version}
    assert {name for _, name in changed if "late-" not in name} == {"consortium-peers"}
    assert {key for key in before if key not in after} == set()


@pytest.mark.soak
def test_both_organisations_validators_wait_for_each_other(consortium: Consortium, space: str) -> None:
    validators = ["quorum-node1", "quorum-node2", "beta/quorum-node1", "beta/quorum-node2"]
    a, b = two(
        consortium,
        space,
        alpha={"network.genesis": {"validators": validators}},
        beta={"defaults": {"validator": True}},
    )
    a.up().expect()
    assert a.outputs()["waitingFor"] == ["beta/quorum-node1", "beta/quorum-node2"]
    kinds = {kind for kind, _ in consortium.seen("a", space)}
    assert kinds == {"Service", "Secret", "PersistentVolumeClaim"}, "everything but a workload is made"
    b.up().expect()
    assert b.outputs()["waitingFor"] == ["alpha: its genesis"]
    a.up().expect()
    b.up().expect()
    unchanged(a)
    unchanged(b)
    assert a.outputs()["waitingFor"] == b.outputs()["waitingFor"] == []
    assert a.outputs()["network"]["genesis"] == b.outputs()["network"]["genesis"]
    assert ("StatefulSet", "consortium-quorum-node1") in consortium.seen("b", space)


def test_two_stacks_of_one_organisation_are_one_network(consortium: Consortium, space: str) -> None:
    here = {"cluster.namespace": space, "partners": GONE}
    east = consortium.stack("east", siblings.east(here | ONE_NODE), "a")
    west = consortium.stack("west", siblings.west(here), "b")
    east.up().expect()
    assert east.outputs()["partnersMissing"] == ["west"]
    west.up().expect()
    assert east.up().expect().changes == PEERS
    west.up().expect()
    unchanged(east)
    unchanged(west)
    assert east.outputs()["network"]["genesisHash"] == west.outputs()["network"]["genesisHash"]
    assert east.outputs()["identities"]["key"] == west.outputs()["identities"]["key"]
    for cluster, own, other in (("a", east, west), ("b", west, east)):
        listed = peers_of(consortium, cluster, space)
        assert len(listed) == 3
        assert own.outputs()["siblingNodes"] == other.outputs()["externalNodes"]
        for node in other.outputs()["externalNodes"]:
            p2p = node["endpoints"]["p2p"]
            assert any(node["nodeId"] in each and f"@{p2p['host']}:{p2p['port']}?" in each for each in listed)
    there = consortium.seen("b", space)
    west.configure(lambda config: config["archipelago:nodes"].update({"quorum-node1": {}}))
    refused = west.up()
    assert refused.code != 0
    assert "archipelago:nodes.quorum-node1: alpha/quorum-node1 is also a node of east" in refused.text
    assert consortium.seen("b", space) == there


def test_a_load_balancers_address_reaches_partners(consortium: Consortium, space: str) -> None:
    balanced = {"defaults": {"validator": True, "exposure": {"type": "LoadBalancer"}}, "nodes": {"quorum-node1": {}}}
    a, b = two(consortium, space, alpha=balanced)
    for stack in (a, b, a):
        stack.up().expect()
    endpoint = a.outputs()["externalNodes"][0]["endpoints"]["p2p"]
    service = consortium.objects("a", space)["Service", "consortium-quorum-node1"]
    assert endpoint == {"host": service.status.loadBalancer.ingress[0].ip, "port": 30303, "exposure": "LoadBalancer"}
    assert any(f"@{endpoint['host']}:30303?" in each for each in peers_of(consortium, "b", space))
    unchanged(a)
