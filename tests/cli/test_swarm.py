"""`archipelago peers` and `archipelago swarm status`: what a stack's monitor wrote, for people and for programs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from archipelago.chains.goquorum.chain import GoQuorum
from operate.kubectl import Failed
from tests.cli.conftest import Project
from tests.fake_network import FakeCluster, FakeNetwork
from tests.stacks import STACKS

pytestmark = pytest.mark.unit

LABELS = {"app.kubernetes.io/instance": "consortium"}
ADDRESSES = [f"/ip4/203.0.113.1{last}/tcp/4001/p2p/12D3KooWown" for last in (0, 1)]
MEMBER = {
    "Addresses": ADDRESSES,
    "Answers": True,
    "Name": "archive",
    "Number of bootstraps": 1,
    "Number of connected peers": 2,
    "Peer Id": "12D3KooWown",
    "hash": "aGFzaA==",
    "lastUpdate": "2026-01-01T00:00:00Z",
    "namespace": "consortium",
    "pool": "public",
}
DUE = "gamma's data is published in revision 2, here is 1: pulumi up -s cluster-b takes it."


def status(state: str = "Online", missing: int = 0, due: str = "") -> dict[str, Any]:
    current = {"type": "UpToDate", "status": "False" if due else "True", "message": due or "as published"}
    found = {"Status": state, "Missing Counter": missing, "conditions": [current]}
    return found | ({"Due": "pulumi up -s cluster-b"} if due else {})


def peer(name: str, said: dict[str, Any] | None, kind: str = "Peer") -> dict[str, Any]:
    """An object as the API server shows it."""
    display = {"gpu": "GPU cluster of alpha", "data": "Data of [gamma]"}[name.partition("-")[2]]
    spec = {
        "name": display,
        "URL": "https://203.0.113.10",
        "description": "Eight nodes",
        "categories": [{"name": "EO"}],
    }
    annotations = {"clusterdiscovery/kubeconfig-secret": f"{name}-kubeconfig"}
    metadata = {"name": name, "namespace": "ipfs", "labels": {**LABELS, "archipelago/peer-id": "k51"}}
    if kind == "Peer":
        metadata["annotations"] = annotations
        return {"kind": kind, "metadata": metadata, "spec": spec} | ({"status": said} if said else {})
    data = {"peer.json": json.dumps({"metadata": {"annotations": annotations}, "spec": spec})}
    return {"kind": kind, "metadata": metadata, "data": data}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, project: Project) -> FakeCluster:
    """beta's cluster, as if its nodes were members of a swarm."""
    assert project
    made = FakeNetwork()
    clusters = {STACKS[organisation]: cluster for organisation, cluster in made.clusters.items()}
    monkeypatch.setattr("cli.running.Kubectl", lambda cluster, *_: clusters[cluster.context])
    monkeypatch.setattr(GoQuorum, "profiles", True)
    found = clusters["cluster-b"]
    records = {name: json.dumps(MEMBER) for name in ("quorum-node1", "quorum-node2")}
    found.objects += [
        {"kind": "ConfigMap", "metadata": {"name": "consortium-swarm-status", "labels": LABELS}, "data": records},
        {
            "kind": "Deployment",
            "metadata": {"name": "consortium-monitor", "labels": LABELS},
            "status": {"readyReplicas": 1},
        },
    ]
    return found


def monitor(cluster: FakeCluster) -> dict[str, Any]:
    return next(each for each in cluster.objects if each["metadata"]["name"] == "consortium-monitor")


def records(cluster: FakeCluster) -> dict[str, str]:
    found = next(each for each in cluster.objects if each["metadata"]["name"] == "consortium-swarm-status")
    data: dict[str, str] = found["data"]
    return data


def test_peers_shows_the_columns_of_the_original(project: Project, cluster: FakeCluster) -> None:
    cluster.objects.append(peer("alpha-gpu", status()))
    ran = project.run("peers", "-s", "cluster-b")
    assert ran.code == 0, ran.said
    assert ran.out.splitlines()[0].split()[:7] == ["namespace", "peer", "name", "status", "missed", "IP", "description"]
    words = [
        "ipfs",
        "alpha-gpu",
        "GPU",
        "cluster",
        "of",
        "alpha",
        "Online",
        "0",
        "https://203.0.113.10",
        "Eight",
        "nodes",
    ]
    assert ran.out.splitlines()[1].split() == words


def test_a_missing_peer_and_a_run_that_is_due_are_an_exit_code_of_their_own(
    project: Project, cluster: FakeCluster
) -> None:
    cluster.objects.append(peer("alpha-gpu", status("Missing", 7)))
    assert project.run("peers", "-s", "cluster-b").code == 3
    cluster.objects[-1] = peer("gamma-data", status(due=DUE))
    ran = project.run("peers", "-s", "cluster-b")
    assert ran.code == 3
    assert "Data of [gamma]" in ran.out
    assert DUE in ran.err


def test_peers_for_programs(project: Project, cluster: FakeCluster) -> None:
    cluster.objects += [peer("gamma-data", status(due=DUE)), peer("alpha-gpu", status("Missing", 7))]
    ran = project.run("peers", "-s", "cluster-b", "--json")
    assert [(each["peer"], each["status"], each["missing"], each["due"]) for each in ran.json] == [
        ("alpha-gpu", "Missing", 7, ""),
        ("gamma-data", "Online", 0, "pulumi up -s cluster-b"),
    ]
    assert ran.json[0]["kubeconfig"] == "alpha-gpu-kubeconfig"
    assert ran.json[0]["categories"] == ["EO"]
    assert ran.code == 3


def test_peers_that_are_config_maps_are_shown_like_the_others(project: Project, cluster: FakeCluster) -> None:
    cluster.objects.append(peer("alpha-gpu", None, "ConfigMap"))
    records(cluster)["peers.json"] = json.dumps({"ipfs/alpha-gpu": status("Missing", 3)})
    ran = project.run("peers", "-s", "cluster-b", "--json")
    assert ran.json[0] | {"status": "Missing", "missing": 3, "kubeconfig": "alpha-gpu-kubeconfig"} == ran.json[0]
    members = project.run("swarm", "status", "-s", "cluster-b", "--json").json
    assert [each["node"] for each in members] == ["quorum-node1", "quorum-node2"]


def test_a_peer_of_whom_nobody_said_anything_yet_is_unknown(project: Project, cluster: FakeCluster) -> None:
    cluster.objects.append(peer("alpha-gpu", None))
    ran = project.run("peers", "-s", "cluster-b")
    assert (ran.code, "unknown" in ran.out) == (0, True)


def test_a_cluster_that_knows_no_peers_has_none(
    project: Project, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = cluster.get

    def get(kinds: Any, selector: str = "") -> Any:
        if kinds[0].startswith("peers"):
            raise Failed('error: the server doesn\'t have a resource type "peers"')
        return asked(kinds, selector)

    monkeypatch.setattr(cluster, "get", get)
    assert project.run("peers", "-s", "cluster-b", "--json").json == []


def test_swarm_status_shows_each_member(project: Project, cluster: FakeCluster) -> None:
    ran = project.run("swarm", "status", "-s", "cluster-b")
    assert ran.code == 0, ran.said
    lines = [line.split() for line in ran.out.splitlines()]
    counted = ["quorum-node1", "archive", "yes", "1", "2", "12D3KooWown"]
    assert lines[1] == [*counted, ADDRESSES[0], "2026-01-01T00:00:00Z"]
    assert lines[2] == [ADDRESSES[1]]
    assert cluster


def test_a_member_that_does_not_answer_is_an_exit_code_of_its_own(project: Project, cluster: FakeCluster) -> None:
    records(cluster)["quorum-node2"] = json.dumps(MEMBER | {"Answers": False, "Number of connected peers": 0})
    ran = project.run("swarm", "status", "-s", "cluster-b")
    assert ran.code == 3
    assert "cluster-b: quorum-node2: no answer; archipelago status -s cluster-b" in ran.err
    del records(cluster)["quorum-node2"]
    assert project.run("swarm", "status", "-s", "cluster-b").code == 3


def test_without_a_monitor_nobody_can_tell(project: Project, cluster: FakeCluster) -> None:
    monitor(cluster)["status"] = {}
    ran = project.run("swarm", "status", "-s", "cluster-b")
    assert (ran.code, "its monitor is not ready" in ran.err) == (3, True)
    cluster.objects.remove(monitor(cluster))
    ran = project.run("swarm", "status", "-s", "cluster-b")
    assert (ran.code, "it has no monitor" in ran.err) == (3, True)
    assert project.run("peers", "-s", "cluster-b").code == 0


def test_what_somebody_else_wrote_there_is_no_traceback(project: Project, cluster: FakeCluster) -> None:
    records(cluster).update({"quorum-node1": "not JSON", "quorum-node2": "[1]", "peers.json": "{"})
    cluster.objects.append(peer("alpha-gpu", {"Status": 7, "Missing Counter": "x", "conditions": "y"}))
    assert project.run("swarm", "status", "-s", "cluster-b").code == 3
    assert project.run("peers", "-s", "cluster-b").code in (0, 3)


def test_a_network_without_swarms_says_so(
    project: Project, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GoQuorum, "profiles", False)
    for command in (["peers"], ["swarm", "status"]):
        ran = project.run(*command, "-s", "cluster-b")
        assert ran.code == 1
        assert "has no swarms" in ran.err
    cluster.down = "connection refused"
    monkeypatch.setattr(GoQuorum, "profiles", True)
    assert "the cluster does not tell" in project.run("peers", "-s", "cluster-b").err
