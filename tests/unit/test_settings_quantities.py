"""Sizes, shares and ports of a stack file: what Kubernetes would refuse, or take for something that nobody means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from archipelago.stack.plan import StackPlan
from tests import cita, ipfs
from tests.stacks import alpha, plan_of, problems_of
from tests.world import objects

pytestmark = pytest.mark.unit

ARCHIVE = "pools.public.swarms.archive"
FIRST = "nodes.quorum-node1"
MEMORY: list[tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = [
    (alpha, f"{FIRST}.resources.memory"),
    (alpha, f"{FIRST}.resources.memoryLimit"),
    (alpha, f"{FIRST}.privacyResources.memory"),
    (alpha, f"{FIRST}.storage.size"),
    (cita.local, "nodes.node0.resources.memoryLimit"),
    (cita.local, "nodes.node0.syncthingResources.memoryLimit"),
    (cita.local, "nodes.node0.stateDb.resources.memory"),
    (ipfs.alpha, f"{ARCHIVE}.resources.memoryLimit"),
    (ipfs.alpha, "network.monitor.resources.memory"),
]


@pytest.mark.parametrize(("make", "path"), MEMORY)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("512m", "in bytes, got 512m, which is 0.512 of one"),
        ("512", "at least 1M, got 512, which is 512 bytes"),
        ("0.5", "whole bytes"),
        ("64K", "no Kubernetes quantity"),  # k and Ki are
    ],
)
def test_r08_memory_without_its_unit_is_refused_wherever_it_stands(
    make: Callable[[dict[str, Any]], dict[str, Any]], path: str, text: str, words: str
) -> None:
    found = {each.path: each for each in problems_of(make({path: text}))}
    assert words in found[path].message
    assert "Mi" in found[path].cure or "Gi" in found[path].cure


def test_r08_kubo_is_never_told_that_it_has_no_memory() -> None:
    """`200m` is a fifth of a byte: the daemon had GOMEMLIMIT 0."""
    (problem,) = problems_of(ipfs.alpha({f"{ARCHIVE}.resources": {"memory": "64Mi", "memoryLimit": "200m"}}))
    assert (problem.path, problem.cure[:11]) == (f"{ARCHIVE}.resources.memoryLimit", "Write 200Mi")


@pytest.mark.parametrize(("text", "words"), [("1Gi", "in cores"), ("1k", "in cores"), ("0.0001", "whole number of")])
def test_r08_a_share_of_a_cpu_is_no_size(text: str, words: str) -> None:
    (problem,) = problems_of(alpha({f"{FIRST}.resources.cpu": text}))
    assert problem.path == f"{FIRST}.resources.cpu"
    assert words in problem.message
    assert "500m" in problem.cure


@pytest.mark.parametrize(
    ("make", "section"),
    [
        (alpha, f"{FIRST}.resources"),
        (alpha, f"{FIRST}.privacyResources"),
        (cita.local, "nodes.node0.syncthingResources"),
        (cita.local, "nodes.node0.stateDb.resources"),
        (ipfs.alpha, f"{ARCHIVE}.resources"),
        (ipfs.alpha, "network.monitor.resources"),
    ],
)
def test_r08_a_request_above_its_limit_is_refused_wherever_it_stands(
    make: Callable[[dict[str, Any]], dict[str, Any]], section: str
) -> None:
    (problem,) = problems_of(make({f"{section}.memory": "64Gi"}))
    assert problem.path == f"{section}.memory"


def containers(plan: StackPlan, name: str) -> dict[str, Any]:
    pod = objects(plan)["StatefulSet", name]["spec"]["template"]["spec"]
    return {each["name"]: each for each in pod["containers"]}


def test_r31_tessera_gets_the_memory_that_was_said_and_geth_keeps_its_own() -> None:
    said = {f"{FIRST}.privacyResources": {"cpu": "2", "memory": "1Gi", "memoryLimit": "4Gi"}}
    usual, found = (containers(plan_of(alpha(each)), "consortium-quorum-node1") for each in ({}, said))
    assert found["tessera"]["resources"] == {
        "requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"memory": "4Gi"},
    }  # fmt: skip
    assert found["quorum"] == usual["quorum"]
    assert usual["tessera"]["resources"]["limits"] == {"memory": "2Gi"}


@pytest.mark.parametrize(("limit", "heap"), [("2Gi", "-Xms128M -Xmx1G "), ("512Mi", "-Xms128M -Xmx256M ")])
def test_r31_the_heap_of_an_old_tessera_follows_its_limit(limit: str, heap: str) -> None:
    """Newer ones take a quarter by themselves; of these Java was told 1 GiB, whatever the container had."""
    changes = {"network.privacy.version": "21.1.0", f"{FIRST}.privacyResources.memoryLimit": limit}
    found = containers(plan_of(alpha(changes)), "consortium-quorum-node1")
    assert heap in found["tessera"]["command"][2]


def test_a_neighbour_of_r31_syncthing_and_couchdb_get_what_was_said() -> None:
    more = {"memoryLimit": "3Gi"}
    changes = {**cita.EXTENDED, "nodes.node0.syncthingResources": more, "nodes.node0.stateDb.resources": more}
    found = containers(cita.plan_of(cita.local(changes)), "test-chain-0")
    assert found["syncthing"]["resources"]["limits"] == found["couchdb"]["resources"]["limits"] == {"memory": "3Gi"}


RANGE = {"cluster.nodePorts": "20000-40000"}


def test_r34_pinned_ports_lie_in_the_range_that_the_cluster_has() -> None:
    pinned = {f"{FIRST}.exposure.ports": {"p2p": 20303, "tessera": 39999}}
    assert problems_of(alpha({**RANGE, **pinned})) == ()
    found = problems_of(alpha(pinned))
    assert [each.path for each in found] == [f"{FIRST}.exposure.ports.{name}" for name in ("p2p", "tessera")]
    assert all("NodePort range 30000-32767" in each.message for each in found)
    assert all("archipelago:cluster.nodePorts" in each.cure for each in found)
    narrow = {"cluster.nodePorts": "30300-30310", f"{FIRST}.exposure.ports": {"p2p": 30311}}
    (problem,) = problems_of(alpha(narrow))
    assert "range 30300-30310" in problem.message


def test_r34_ports_of_clients_and_reserved_ones_lie_in_it_too() -> None:
    api = {f"{FIRST}.api": {"rpc": True, "type": "NodePort", "ports": {"rpc": 20500}}}
    assert problems_of(alpha({**RANGE, **api})) == ()
    assert [each.path for each in problems_of(alpha(api))] == [f"{FIRST}.api.ports.rpc"]
    assert problems_of(cita.local({**RANGE, "network.portBase": 20000})) == ()
    assert [each.path for each in problems_of(cita.local({"network.portBase": 20000}))] == ["network.portBase"]


@pytest.mark.parametrize("text", ["30000", "32767-30000", "0-100", "30000-65536", "30000-", "a-b", "30000..32767"])
def test_r34_what_is_no_range_is_refused(text: str) -> None:
    (problem,) = problems_of(alpha({"cluster.nodePorts": text}))
    assert (problem.path, "--service-node-port-range" in problem.cure) == ("cluster.nodePorts", True)


@pytest.mark.parametrize("key", ["storageClass", "claim"])
def test_a_neighbour_names_of_objects_that_are_there_are_those_that_kubernetes_takes(key: str) -> None:
    """The claim was refused after half of the stack was made; a long or dotted one, which is good, at once."""
    (problem,) = problems_of(alpha({f"{FIRST}.storage": {key: "My Class"}}))
    assert (problem.path, "no name of a Kubernetes object" in problem.message) == (f"{FIRST}.storage.{key}", True)
    assert problems_of(alpha({f"{FIRST}.storage": {key: "0fast.csi.example-" + "x" * 60}})) == ()
