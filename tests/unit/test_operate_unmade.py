"""Why a node has no pod, or none that runs: Kubernetes' own words reach `status` and `verify`."""

from __future__ import annotations

from typing import Any

import pytest

from operate.check_nodes import pods as findings
from operate.findings import Finding
from operate.kubectl import Failed, Manifest
from operate.site import Seen, look
from tests.fake_network import FakeNetwork

pytestmark = pytest.mark.unit

QUOTA = 'pods "consortium-quorum-node1-0" is forbidden: exceeded quota: compute, requested: limits.memory=6656Mi'
NAME = "consortium-quorum-node1"


def event(kind: str, name: str, message: str, second: int = 0, reason: str = "FailedCreate") -> Manifest:
    return {
        "kind": "Event",
        "metadata": {"name": f"{name}.{second}", "namespace": "consortium"},
        "involvedObject": {"kind": kind, "name": name, "namespace": "consortium"},
        "reason": reason,
        "message": message,
        "lastTimestamp": f"2026-01-01T00:00:{second:02}Z",
    }


def refused(name: str, words: str, second: int = 0) -> Manifest:
    return event("StatefulSet", name, f"create Pod {name}-0 in StatefulSet {name} failed error: {words}", second)


def seen_in(network: FakeNetwork, *more: Manifest) -> Seen:
    network.stop("alpha/quorum-node1")
    network.clusters["alpha"].objects += more
    return next(each for each in look([network.stack("alpha").site]) if each.node == "quorum-node1")


def finding(seen: Seen) -> Finding:
    (found,) = findings([seen])
    return found


def test_r35_a_quota_is_named_by_status_and_verify() -> None:
    seen = seen_in(
        FakeNetwork(),
        refused(NAME, "pods is forbidden: a quota of before", 1),
        refused(NAME, QUOTA, 2),
        refused("consortium-quorum-node2", "pods is forbidden: of another node", 3),
        event("StatefulSet", NAME, "create Pod in StatefulSet successful", 4, reason="SuccessfulCreate"),
    )
    assert seen.trouble == f"it has no pod: {QUOTA}"
    assert finding(seen).seen == f"it has no pod: {QUOTA}"
    assert "allow what it names, or ask for less" in finding(seen).cure


def deployment(network: FakeNetwork) -> Manifest:
    found = next(
        each
        for each in network.clusters["alpha"].objects
        if each["kind"] == "StatefulSet" and each["metadata"]["name"] == NAME
    )
    found["kind"] = "Deployment"
    return found


def test_r35_so_is_what_a_deployments_replica_set_is_told() -> None:
    network = FakeNetwork()
    deployment(network)
    seen = seen_in(network, event("ReplicaSet", f"{NAME}-5c4f", f"Error creating: {QUOTA}"))
    assert seen.trouble == f"it has no pod: {QUOTA}"


def test_r35_so_is_what_a_deployment_keeps_when_its_events_are_gone() -> None:
    network = FakeNetwork()
    deployment(network)["status"] = {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": QUOTA}]}
    assert seen_in(network).trouble == f"it has no pod: {QUOTA}"


def test_a_workload_that_was_scaled_down_says_so() -> None:
    network = FakeNetwork()
    for each in network.clusters["alpha"].objects:
        if each["kind"] == "StatefulSet":
            each["spec"]["replicas"] = 0
    assert seen_in(network).trouble == f"it has no pod: StatefulSet {NAME} has 0 replicas"


def test_where_nothing_tells_or_may_be_asked_it_has_no_pod() -> None:
    network = FakeNetwork()
    assert seen_in(network).trouble == "it has no pod"
    cluster = network.clusters["alpha"]
    asked, usual = [], cluster.get

    def get(kinds: Any, selector: str = "") -> list[Manifest]:
        asked.append(kinds)
        if "events" in kinds:
            raise Failed("events is forbidden")
        return usual(kinds, selector)

    cluster.get = get  # type: ignore[method-assign]  # a user who may not list events
    assert seen_in(network, refused(NAME, QUOTA)).trouble == "it has no pod"
    assert any("events" in kinds for kinds in asked)


def waiting(status: dict[str, Any]) -> str:
    network = FakeNetwork()
    manifest = network.node("alpha/quorum-node1").manifest("consortium")
    manifest["status"] = status
    return seen_in(network, manifest).trouble


def test_r35_a_neighbour_a_pod_without_a_machine_says_what_the_scheduler_says() -> None:
    told = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": told}
    assert waiting({"phase": "Pending", "conditions": [condition]}) == f"its pod is not running (Pending: {told})"


def test_r35_a_neighbour_a_container_without_image_or_secret_says_which() -> None:
    told = 'Back-off pulling image "registry.example/quorum:22.7.4": 401 Unauthorized'
    state = {"waiting": {"reason": "ImagePullBackOff", "message": told}}
    found = waiting({"phase": "Pending", "containerStatuses": [{"name": "quorum", "ready": False, "state": state}]})
    assert found == f"its pod is not running (quorum: ImagePullBackOff ({told}))"
