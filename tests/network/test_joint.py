"""Two organisations with two validators each, on two clusters: no block without both."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from lab.nodes.images import GOQUORUM_COPY
from tests.again import again_and_again
from tests.network.conftest import Maker
from tests.network.links import cut
from tests.network.networks import Measure, Network, eventually, founder, joiner

pytestmark = pytest.mark.network

NODES = ("node1", "node2")
VALIDATORS = (*NODES, *(f"beta/{node}" for node in NODES))
KINDS = {"qbft-nodeport": ("qbft", "NodePort"), "ibft-balancer": ("istanbul", "LoadBalancer")}
# the other consensus and another way in are those of tests/network/test_places.py, too
of_both = pytest.mark.parametrize(
    "joint", ["qbft-nodeport", pytest.param("ibft-balancer", marks=pytest.mark.soak)], indirect=True, scope="module"
)


@dataclass
class Joint:
    """A running network and what its start told.

    Args:
        network: The network.
        seconds: By step, how long after the beginning it was done.
        exposure: How its nodes are reached.
    """

    network: Network
    seconds: dict[str, float]
    exposure: str


@pytest.fixture(scope="module")
def joint(request: pytest.FixtureRequest, make_network: Maker) -> Iterator[Joint]:
    """The network, deployed by nothing but `pulumi up`: twice each, for the genesis names validators of both."""
    consensus, exposure = KINDS[request.param]
    changes = {"defaults.exposure": {"type": exposure}, "defaults.awaitReady": True}
    with make_network(request.param) as network:
        network.add(founder(network.name, VALIDATORS, {"network.consensus": consensus, **changes}), "a")
        network.add(joiner("beta", network.name, NODES, changes), "b")
        began, seconds = time.monotonic(), {}
        for number, name in enumerate(("alpha", "beta", "alpha", "beta"), 1):
            network.up(name)
            seconds[f"{number}: up of {name}"] = time.monotonic() - began
        network.wait_for_blocks()
        seconds["first blocks on all"] = time.monotonic() - began
        yield Joint(network, seconds, exposure)


@of_both
def test_blocks_come_and_everybody_has_every_peer(joint: Joint, measure: Measure) -> None:
    for step, seconds in joint.seconds.items():
        measure(step, seconds)
    network = joint.network
    measure("all have three peers", network.peered(3))
    assert len(set(network.ask(lambda geth: geth.block_hash(1)).values())) == 1
    for organisation in network.organisations.values():
        outputs = organisation.stack.outputs()
        assert {node["endpoints"]["p2p"]["exposure"] for node in outputs["externalNodes"]} == {joint.exposure}
        assert outputs["waitingFor"] == []
        assert organisation.stack.preview().changes == []


@of_both
def test_a_cut_link_stops_blocks_and_a_mended_one_brings_them_back(joint: Joint, measure: Measure) -> None:
    network = joint.network
    with cut(network, network["beta"]):
        network.stands_still(12)
    measure("blocks again after the link", network.wait_for_blocks())


@of_both
def test_one_of_four_down_is_borne_and_two_are_not(joint: Joint, measure: Measure) -> None:
    network = joint.network
    alpha, beta = network["alpha"], network["beta"]
    beta.scale("node2", 0)
    three = [(alpha, "node1"), (alpha, "node2"), (beta, "node1")]
    measure("five blocks with three of four", network.wait_for_blocks(5, nodes=three))
    alpha.scale("node2", 0)
    network.stands_still(10, [three[0], three[2]])
    alpha.scale("node2", 1)
    beta.scale("node2", 1)
    measure("blocks on all four after both are back", network.wait_for_blocks())


@of_both
def test_a_deleted_pod_comes_back_as_the_same_node(joint: Joint, measure: Measure) -> None:
    network, alpha = joint.network, joint.network["alpha"]
    before, pod = alpha.geth("node1").identity(2), alpha.pods()["node1"][0]
    began = time.monotonic()
    alpha.run("delete", "pod", "-l", "archipelago/node=node1", "--wait=true")
    eventually(lambda: alpha.geth("node1").identity(2), lambda seen: seen == before)
    assert alpha.pods()["node1"][0] != pod
    network.wait_for_blocks()
    measure("deleted pod in sync again", time.monotonic() - began)


@of_both
def test_a_rolling_change_of_image_keeps_blocks_coming(joint: Joint, measure: Measure) -> None:
    network, alpha, beta = joint.network, joint.network["alpha"], joint.network["beta"]
    others, before = beta.pods(), alpha.pods()
    alpha.configure("network.images.goquorum", GOQUORUM_COPY)
    seen: list[Sample] = []

    def look() -> None:
        pods = _pods(alpha.get("pods"))
        seen.append(Sample(time.monotonic(), beta.geth("node1").height(), pods))

    with again_and_again(look, every=0):
        alpha.stack.up().expect()
    after = alpha.pods()
    assert all(after[node][0] != before[node][0] for node in NODES)
    assert beta.pods() == others
    _one_by_one(seen, {node: pod for node, (pod, _) in before.items()})
    measure("longest time without a block while two validators were changed", _longest(seen))
    assert _longest(seen) < 20, "blocks stopped"  # seconds; a round that its absent proposer loses takes 2 to 4
    measure("blocks on all after the change", network.wait_for_blocks())


@dataclass(frozen=True)
class Sample:
    """A moment of a rolling change.

    Args:
        at: seconds.
        height: the chain's height.
        pods: by node, the UID of its pod and whether it is ready.
    """

    at: float
    height: int
    pods: dict[str, tuple[str, bool]]


def _pods(listed: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    found = {}
    for pod in listed["items"]:
        if "deletionTimestamp" not in pod["metadata"]:
            conditions = pod["status"].get("conditions", [])
            ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
            found[pod["metadata"]["labels"]["archipelago/node"]] = (pod["metadata"]["uid"], ready)
    return found


def _one_by_one(seen: list[Sample], before: dict[str, str]) -> None:
    """The second node was only touched when the first one's new pod had been ready."""
    gone = {node: [each.pods.get(node, ("", False))[0] != pod for each in seen] for node, pod in before.items()}
    touched = {node: moments.index(True) for node, moments in gone.items()}
    first, second = sorted(touched, key=lambda node: touched[node])
    back = [each.pods[first] for each in seen[: touched[second]] if first in each.pods]
    assert any(ready and uid != before[first] for uid, ready in back), "both validators of alpha were down at once"


def _longest(seen: list[Sample]) -> float:
    risen = [seen[0].at, *(later.at for before, later in pairwise(seen) if later.height > before.height), seen[-1].at]
    return max(later - before for before, later in pairwise(risen))
