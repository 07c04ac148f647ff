"""What runs of a stack, as its cluster tells it, and what of it a run would restart."""

from __future__ import annotations

import copy
from typing import Any, cast

import httpx2
import pytest
from lightkube import Client

from archipelago.manifests.common import Manifest
from archipelago.manifests.stack import manifests
from operate.cluster import Unreachable
from operate.rollouts import restarts, workloads
from tests.stacks import alpha, plan_of
from tests.unit.test_operate_cluster import FakeClient

pytestmark = pytest.mark.unit

KINDS = ("Deployment", "StatefulSet")


def made(changes: dict[str, Any] | None = None) -> list[Manifest]:
    return [each for each in manifests(plan_of(alpha(changes))) if each["kind"] in KINDS]


def test_c7_workloads_are_found_by_their_labels_of_whatever_kind_and_owner_they_are() -> None:
    """An owner's label may have another form than this version writes: the network's name is enough."""
    plan = plan_of(alpha())
    there = copy.deepcopy(made())
    there[0]["kind"] = "Deployment"
    there[1]["kind"] = "StatefulSet"
    there[2]["metadata"]["labels"]["archipelago/owner"] = "alpha.was-once.12345678"
    others = copy.deepcopy(made())
    for each in others:
        each["metadata"]["labels"]["archipelago/network"] = "another"
        each["metadata"]["labels"]["archipelago/node"] = "of-others"
    found = workloads(cast(Client, FakeClient([*there, *others])), plan)
    assert set(found) == {"quorum-node1", "quorum-node2", "quorum-node3"}
    assert set(workloads(cast(Client, FakeClient([])), plan)) == set()


def test_c7_a_cluster_that_does_not_answer_is_no_cluster_without_workloads() -> None:
    class Silent:
        def list(self, *_: object, **__: object) -> None:
            raise httpx2.ConnectError("refused")

    with pytest.raises(Unreachable, match="does not answer"):
        workloads(cast(Client, Silent()), plan_of(alpha()))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"network.version": "23.4.0"}, True),
        ({"defaults.extraArgs": ["--cache", "512"]}, True),
        ({"defaults.awaitReady": False}, False),
        ({"defaults.storage.size": "30Gi"}, False),
    ],
)
def test_c8_what_restarts_a_node_is_another_image_command_or_file(changes: dict[str, Any], expected: bool) -> None:
    before = copy.deepcopy(made()[0])
    for container in before["spec"]["template"]["spec"]["containers"]:
        container["terminationMessagePath"] = "/dev/termination-log"  # as the API server completes it
        container.setdefault("env", [])
    assert restarts(made(changes)[0], before, files=True) is expected
