"""Networks in other places than two clusters: three of them, one of which is lost, and one that two share."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.engine.organisations import nothing_changes
from tests.network.links import cut
from tests.network.networks import Measure, Network, founder, joiner

pytestmark = pytest.mark.network


@pytest.mark.soak
def test_one_of_three_clusters_is_lost_and_blocks_go_on(network: Network, measure: Measure) -> None:
    alpha = network.add(founder(network.name, ["node1", "node2", "beta/node1", "gamma/node1"]), "a")
    beta = network.add(joiner("beta", network.name, ["node1"]), "b")
    gamma = network.add(joiner("gamma", network.name, ["node1"]), "c")
    began = time.monotonic()
    network.up("alpha", "beta", "gamma", "alpha", "beta", "gamma")
    network.wait_for_blocks()
    measure("blocks on three clusters", time.monotonic() - began)
    three = [(alpha, "node1"), (alpha, "node2"), (beta, "node1")]
    with cut(network, gamma):
        measure("five blocks without the third cluster", network.wait_for_blocks(5, nodes=three))
    measure("the lost cluster is in sync again", network.wait_for_blocks())


def test_two_organisations_share_a_cluster(network: Network, measure: Measure) -> None:
    """Here by IBFT, and by load balancers: tests/network/test_joint.py has QBFT and NodePorts."""
    way: dict[str, Any] = {"network.consensus": "istanbul", "defaults.exposure": {"type": "LoadBalancer"}}
    spaces = [{"cluster.namespace": f"{network.name}-{name}", **way} for name in ("alpha", "beta")]
    network.add(founder(network.name, ["node1", "node2", "beta/node1", "beta/node2"], spaces[0]), "a")
    network.add(joiner("beta", network.name, ["node1", "node2"], spaces[1]), "a")
    began = time.monotonic()
    network.up("alpha", "beta", "alpha", "beta")
    network.wait_for_blocks()
    measure("blocks of two namespaces of one cluster", time.monotonic() - began)
    network.peered(3)
    for organisation in network.organisations.values():
        nothing_changes(organisation.stack)
