"""Everything a user can get wrong ends before anything is touched: one error, its place, its cure."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.organisations import Consortium, own_port
from tests.stacks import alpha, beta

pytestmark = pytest.mark.engine

Change = Callable[[dict[str, Any]], None]


def node(**settings: Any) -> Change:
    return lambda config: config["archipelago:nodes"].update({"quorum-node2": settings})


def top(key: str, **settings: Any) -> Change:
    return lambda config: config[f"archipelago:{key}"].update(settings)


FOUNDER: dict[str, tuple[Change, str, str]] = {
    "unknown key at the top": (lambda config: config.update({"archipelago:nodez": {}}), "nodez", "Did you mean nodes?"),
    "unknown key deep inside": (
        node(exposure={"prots": {}}),
        "nodes.quorum-node2.exposure.prots",
        "Did you mean ports?",
    ),
    "node name that is no DNS label": (
        lambda config: config["archipelago:nodes"].update({"Quorum_4": {}}),
        "nodes.Quorum_4",
        "Use lower-case letters",
    ),
    "node port out of range": (
        node(exposure={"ports": {"p2p": 29999}}),
        "nodes.quorum-node2.exposure.ports.p2p",
        "Choose a port in the range",
    ),
    "node port used twice": (
        node(exposure={"ports": {"p2p": own_port(30303)}}),
        "nodes.quorum-node2.exposure.ports.p2p",
        "choose another",
    ),
    "NodePort without an address": (
        lambda config: config["archipelago:cluster"].pop("address"),
        "cluster.address",
        "The nodes of this cluster have:",
    ),
    "a version that is a number": (top("network", version=22.7), "network.version", "the whole version in quotes"),
    "a joiner without a listed founder": (
        lambda config: config.update(
            {"archipelago:network": {"kind": "goquorum", "name": "consortium", "joins": "gamma"}}
        ),
        "network.joins",
        "Add it, as in archipelago:partners.gamma",
    ),
    "an enode with a bad key": (
        lambda config: config["archipelago:partners"].update(
            {"gamma": {"nodes": [{"Node_UserIdent": "n", "Enode_Url": f"enode://{'0' * 128}@198.51.100.7:30303"}]}}
        ),
        "partners.gamma.nodes[0]",
        "Ask gamma for it again",
    ),
}


@pytest.mark.parametrize("case", FOUNDER)
def test_a_wrong_stack_file_touches_nothing(consortium: Consortium, space: str, case: str) -> None:
    change, path, cure = FOUNDER[case]
    a = consortium.stack("cluster-a", alpha({"cluster.namespace": "refused"}), "a")
    a.configure(change)
    run = a.up()
    assert run.code != 0
    assert f"Pulumi.cluster-a.yaml: archipelago:{path}: " in run.text
    assert cure in run.text
    assert "Traceback" not in run.text
    assert run.changes == []
    assert len(run.errors) == 1
    assert consortium.seen("a", "refused") == {}


@pytest.mark.parametrize("seed", [None, "abcdef", "0" * 64])
def test_no_seed_or_a_bad_one(consortium: Consortium, seed: str | None) -> None:
    a = consortium.stack("cluster-a", alpha({"cluster.namespace": "refused"}), "a", seed=False)
    if seed:
        a.set_seed(seed)
    run = a.up()
    assert run.code != 0
    assert "Pulumi.cluster-a.yaml: archipelago:identitySeed: " in run.text
    assert "openssl rand -hex 32 | pulumi config set --secret archipelago:identitySeed" in run.text
    assert run.changes == []


def test_a_changed_genesis_and_a_foreign_chain(consortium: Consortium, space: str) -> None:
    a = consortium.stack("cluster-a", alpha({"cluster.namespace": space}), "a")
    a.up().expect()
    before = consortium.seen("a", space)
    a.configure(top("network", chainId=1001))
    run = a.up()
    assert run.code != 0
    assert "archipelago:network.chainId: 1001, but the genesis of consortium is frozen" in run.text
    assert "Set archipelago:network.chainId to 1000" in run.text
    assert consortium.seen("a", space) == before

    elsewhere = {"network.chainId": 2000, "organisation": "beta", "cluster.namespace": f"{space}-b", "partners": {}}
    b = consortium.stack("cluster-b", alpha({**elsewhere, "nodes.quorum-node1": {}}), "b")
    b.up().expect()
    a.configure(top("network", chainId=1000))
    run = a.up()
    assert run.code != 0
    assert "archipelago:partners.beta: beta is on chain 2000" in run.text
    assert consortium.seen("a", space) == before


def test_a_genesis_that_is_not_the_pinned_one(consortium: Consortium, space: str) -> None:
    consortium.stack("cluster-a", alpha({"cluster.namespace": space}), "a").up().expect()
    pin = {"network.genesisHash": f"0x{'9e' * 32}"}
    b = consortium.stack("cluster-b", beta({"cluster.namespace": space, **pin}), "b")
    run = b.up()
    assert run.code != 0
    assert "archipelago:network.genesisHash: 0x9e" in run.text
    assert consortium.seen("b", space) == {}


def test_a_repeated_identity(consortium: Consortium, space: str, tmp_path: Path) -> None:
    a = consortium.stack("cluster-a", alpha({"cluster.namespace": space}), "a")
    a.up().expect()
    stolen = a.outputs()["externalNodes"][0]["nodeId"]
    pasted = [{"Node_UserIdent": "copy", "Enode_Url": f"enode://{stolen}@198.51.100.7:30399?discport=0"}]
    a.configure(
        lambda config: config["archipelago:partners"].update({"gamma": {"nodes": json.loads(json.dumps(pasted))}})
    )
    run = a.up()
    assert run.code != 0
    assert "archipelago:partners.gamma: alpha/quorum-node1 and gamma/copy have the same node id" in run.text


def test_up_without_an_api_server(consortium: Consortium, tmp_path: Path) -> None:
    a = consortium.stack("cluster-a", alpha({"cluster.namespace": "refused"}), "a")
    dead = tmp_path / "kubeconfig"
    cluster = {"name": "lab-a", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "lab-a", "context": {"cluster": "lab-a", "user": "lab-a"}}
    user = {"name": "lab-a", "user": {"token": "none"}}
    dead.write_text(json.dumps({"clusters": [cluster], "contexts": [context], "users": [user]}))
    a.configure(top("cluster", kubeconfig=str(dead)))
    run = a.up()
    assert run.code != 0
    assert "archipelago:cluster: the cluster cannot be reached" in run.text
    assert len(run.errors) == 1
    preview = a.preview().expect()
    assert "This preview is a guess" in preview.text


def test_a_node_port_that_the_cluster_gave_to_another(consortium: Consortium, space: str) -> None:
    consortium.stack("cluster-a", alpha({"cluster.namespace": f"{space}-1"}), "a").up().expect()
    config = alpha({"cluster.namespace": f"{space}-2", "organisation": "delta", "partners": {}})
    run = consortium.stack("cluster-d", config, "a").up()
    assert run.code != 0
    held = f"NodePorts {own_port(30303)}, {own_port(30901)} are held by the Service"
    assert f"archipelago:nodes.quorum-node1: {held}" in run.text
    assert consortium.seen("a", f"{space}-2") == {}


def test_a_seed_in_plain_text(consortium: Consortium) -> None:
    a = consortium.stack("cluster-a", alpha({"cluster.namespace": "refused"}), "a", seed=False)
    a.configure(lambda config: config.update({"archipelago:identitySeed": "0123456789abcdef" * 4}))
    run = a.up()
    assert run.code != 0
    assert "archipelago:identitySeed: is a secret, and stands there in plain text" in run.text
    assert "0123456789abcdef" * 4 not in run.text
    assert run.changes == []
