"""The commands about running nodes: `status`, `wait`, `urls`, `logs`, `attach`, `connect`, `exec`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Project
from tests.fake_network import FakeNetwork
from tests.stacks import STACKS

pytestmark = pytest.mark.unit


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, project: Project) -> FakeNetwork:
    """The example stacks with two nodes each, deployed on clusters that answer."""
    made = FakeNetwork()
    clusters = {STACKS[organisation]: cluster for organisation, cluster in made.clusters.items()}
    monkeypatch.setattr("cli.running.Kubectl", lambda cluster, _namespaces: clusters[cluster.context])
    monkeypatch.setattr("time.sleep", lambda _: None)
    project.edit("cluster-a", "    quorum-node3: {}\n", "")
    return made


@pytest.fixture
def kubectl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, project: Project) -> list[list[str]]:
    """A kubectl that knows one pod; what replaced this process."""
    pod = FakeNetwork().node("alpha/quorum-node1").manifest("consortium")
    script = tmp_path / "bin" / "kubectl"
    script.write_text(
        f"#!/bin/sh\nwhile read -r line; do echo \"$line\"; done <<'END'\n{json.dumps({'items': [pod]})}\nEND\n"
    )
    script.chmod(0o755)
    ran: list[list[str]] = []

    def execv(program: str, command: list[str]) -> None:
        assert program == command[0] == str(script)
        ran.append(command[1:])
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", execv)
    assert project
    return ran


def test_c2_status_says_that_this_is_another_cluster_instead_of_a_missing_pod(
    project: Project, network: FakeNetwork, pulumi: Path
) -> None:
    exported = {**network.world.outputs["alpha"], "cluster": {"uid": "uid-a", "context": "lab-a"}}
    (pulumi / "outputs.json").write_text(json.dumps(exported))
    network.clusters["alpha"].named = "uid-b"
    assert project.run("status", "-s", "cluster-a").code == 0, "nothing is missing"
    network.stop("alpha/quorum-node1")
    ran = project.run("status", "-s", "cluster-a")
    assert ran.code == 1
    assert "this stack runs in the cluster uid-a (context lab-a)" in ran.err
    network.clusters["alpha"].named = "uid-a"
    assert project.run("status", "-s", "cluster-a").code == 0


def test_status_shows_every_node_of_every_stack(project: Project, network: FakeNetwork) -> None:
    network.stop("beta/quorum-node2")
    network.node("alpha/quorum-node1").restarts = 3
    ran = project.run("status")
    assert ran.code == 0, ran.said
    rows = [line.split() for line in ran.out.splitlines()]
    assert rows[1][:7] == ["alpha/quorum-node1", "Running", "1/1", "3", "101", "2", "yes"]
    assert rows[4][:6] == ["beta/quorum-node2", "none", "0/0", "0", "?", "?"]
    assert "beta/quorum-node2: it has no pod" in ran.err


def test_status_for_programs(project: Project, network: FakeNetwork) -> None:
    found = project.run("status", "-s", "cluster-b", "--json").json
    assert [each["node"] for each in found] == ["beta/quorum-node1", "beta/quorum-node2"]
    assert (found[0]["block"], found[0]["peers"], found[0]["validates"]) == (101, 3, True)
    assert network


def test_status_of_a_cluster_that_does_not_answer(project: Project, network: FakeNetwork) -> None:
    network.clusters["alpha"].down = "Unable to connect to the server: connection refused"
    ran = project.run("status", "-s", "cluster-a")
    assert ran.code == 1
    assert "cluster-a: archipelago:cluster: the cluster does not tell: Unable to connect" in ran.err


def test_wait_ends_when_blocks_come(project: Project, network: FakeNetwork) -> None:
    ran = project.run("wait", "-s", "cluster-a", "--timeout", "5")
    assert ran.code == 0, ran.said
    assert "2 nodes are ready at block" in ran.out
    assert network


def test_wait_gives_up_and_names_who_is_late(project: Project, network: FakeNetwork) -> None:
    network.node("alpha/quorum-node1").stuck = True
    network.node("alpha/quorum-node2").ready = False
    ran = project.run("wait", "-s", "cluster-a", "--timeout", "0")
    assert ran.code == 1
    assert "alpha/quorum-node1: it stays at block 100" in ran.err
    assert "alpha/quorum-node2: it is not ready yet" in ran.err


def test_exec_prints_what_the_console_gives(project: Project, network: FakeNetwork) -> None:
    ran = project.run("exec", "alpha/quorum-node1", "eth.blockNumber")
    assert ran.out == "8\n", ran.said
    assert "eth.blockNumber" in network.clusters["alpha"].asked[-1][2]


def test_an_error_of_the_console_is_an_exit_code(
    project: Project, network: FakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = '"@archipelago error@ ReferenceError: foo is not defined"\n'
    monkeypatch.setattr(network.clusters["alpha"], "run", lambda *_: answer)
    ran = project.run("exec", "alpha/quorum-node1", "foo.bar")
    assert (ran.code, ran.err) == (1, "alpha/quorum-node1: ReferenceError: foo is not defined\n")


def test_a_node_is_named_as_far_as_it_has_to_be(project: Project, network: FakeNetwork) -> None:
    ran = project.run("exec", "quorum-node1", "1")
    assert ran.code == 1
    assert "Name one of alpha/quorum-node1, beta/quorum-node1." in ran.err
    assert "Known here: alpha/quorum-node1" in project.run("exec", "quorum-node7", "1", "-s", "cluster-a").err
    network.stop("alpha/quorum-node1")
    assert "alpha/quorum-node1: it has no pod." in project.run("exec", "quorum-node1", "1", "-s", "cluster-a").err


@pytest.mark.parametrize(
    ("way", "address"),
    [("nodeport", "203.0.113.10:{}"), ("clusterip", "10.96.0.7:30303"), ("NodePort", "203.0.113.10:{}")],
)
def test_urls_by_the_way_out(project: Project, network: FakeNetwork, way: str, address: str) -> None:
    ran = project.run("urls", "-s", "cluster-a", "--type", way, "--bare", "--node", "quorum-node1")
    allocated = network.records["alpha/quorum-node1"].endpoints["p2p"].port
    assert ran.out == f"{address.format(allocated)}\n", ran.said


def test_urls_of_load_balancers_come_from_the_cluster(project: Project, network: FakeNetwork) -> None:
    (service,) = [
        each
        for each in network.clusters["alpha"].objects
        if (each["kind"], each["metadata"]["name"]) == ("Service", "consortium-quorum-node2")
    ]
    service["status"] = {"loadBalancer": {"ingress": [{"hostname": "lb.example.org"}]}}
    assert project.run("urls", "-s", "cluster-a", "--type", "loadbalancer", "-b").out == "lb.example.org:30303\n"


def test_urls_name_node_port_and_service(project: Project, network: FakeNetwork) -> None:
    ran = project.run("urls", "-s", "cluster-a", "--node-ip", "192.0.2.1")
    allocated = network.records["alpha/quorum-node1"].endpoints["p2p"].port
    shown = ["quorum-node1", "p2p", f"192.0.2.1:{allocated}", "NodePort", "consortium-quorum-node1"]
    assert ran.out.splitlines()[1].split() == shown


@pytest.mark.parametrize(
    ("command", "tail"),
    [
        (["logs", "quorum-node1"], ["--container", "quorum", "--tail=200"]),
        (["logs", "quorum-node1", "tessera", "-f", "--tail", "5"], ["--container", "tessera", "--tail=5", "--follow"]),
        (["attach", "quorum-node1"], ["--", "geth", "--datadir", "/tmp", "attach", "/run/archipelago/geth.ipc"]),
        (["connect", "quorum-node1", "tessera"], ["-c", "tessera", "--", "sh"]),
    ],
)
def test_logs_and_consoles_become_kubectl(
    project: Project, kubectl: list[list[str]], command: list[str], tail: list[str]
) -> None:
    project.run(*command, "-s", "cluster-a")
    (ran,) = kubectl
    assert ran[:4] == ["--context", "cluster-a", "--namespace", "consortium"]
    assert "consortium-quorum-node1-5c4f-x7k2p" in ran
    assert ran[-len(tail) :] == tail


def test_without_kubectl_the_message_says_so(project: Project) -> None:
    ran = project.run("status", "-s", "cluster-a")
    assert ran.code == 1
    assert "kubectl is not on PATH" in ran.err
