"""Two organisations with two validators each: no block without both."""

from __future__ import annotations

import time

import pytest

from tests.network.networks import Measure, Network, eventually, founder, joiner

pytestmark = pytest.mark.network

NODES = ("node1", "node2")
VALIDATORS = (*NODES, *(f"beta/{node}" for node in NODES))


def test_thin(network: Network, measure: Measure) -> None:
    began = time.monotonic()
    network.add(founder(network.name, VALIDATORS), "a")
    network.add(joiner("beta", network.name, NODES), "b")
    for name in ("alpha", "beta", "alpha", "beta"):
        network.up(name)
        measure(f"{name} up after", time.monotonic() - began)
    network.wait_for_blocks()
    measure("blocks after", time.monotonic() - began)
    peers = eventually(lambda: network.ask("admin.peers.length"), lambda seen: set(seen.values()) == {3})
    assert len(peers) == 4
