"""A member behind a real Traefik that was there before it."""

from __future__ import annotations

import time

import pytest

from lab.lab import Lab
from lab.tools import Toolchain
from tests.network import traefik
from tests.network.ipfs_networks import connected, converge, founder, joiner, member
from tests.network.networks import Measure, Network, eventually

pytestmark = pytest.mark.network

BESIDES = ("ipfs", "traefik")


def test_behaviour_12_through_traefik_without_a_load_balancer_of_ones_own(
    network: Network, lab: Lab, whole_toolchain: Toolchain, measure: Measure
) -> None:
    lab.up(whole_toolchain, profile="nodes")
    entry = {"entryPoint": traefik.ENTRY_POINT, "service": traefik.SERVICE, "namespace": traefik.NAMESPACE}
    alpha = network.add(founder(network.name, {"public": {"archive": {}}}), "a")
    pools = {"edge": {"archive": {"exposure": {"traefik": entry}}}}
    beta = network.add(joiner("beta", network.name, pools), "b")
    address = traefik.install(beta, whole_toolchain)
    try:
        began = time.monotonic()
        converge(network, "alpha", "beta")
        dialler, behind = member(alpha, "public/archive"), member(beta, "edge/archive")
        connected(dialler, behind)
        measure("connected through Traefik", time.monotonic() - began)
        assert behind.dialled == (address, traefik.PORT)
        assert behind.ipfs("id", "--format=<addrs>").split() == [behind.multiaddr]
        assert {each["spec"]["type"] for each in beta.get("services")["items"]} == {"ClusterIP"}
        # by the way in, not by a connection that it opened itself
        dialler.ipfs("swarm", "disconnect", f"/p2p/{behind.peer_id}")
        eventually(lambda: dialler.ipfs("swarm", "connect", behind.multiaddr), lambda said: "success" in said)
        came = eventually(dialler.peers, lambda seen: behind.peer_id in seen)[behind.peer_id]
        assert came == f"/ip4/{address}/tcp/{traefik.PORT}"
        assert dialler.read(behind.add("through Traefik")) == "through Traefik"
    finally:
        traefik.remove(beta)
