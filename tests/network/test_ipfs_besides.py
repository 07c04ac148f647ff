"""What others run beside our members: a real Traefik before one, a real Prometheus that reads the monitor."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from lab.tools import Toolchain
from tests.network import prometheus, traefik
from tests.network.conftest import Maker
from tests.network.ipfs_networks import connected, converge, founder, joiner, member
from tests.network.networks import Measure, Network, eventually

pytestmark = pytest.mark.network

BESIDES = ("ipfs", "prometheus", "traefik")


@pytest.fixture(scope="module")
def entry(make_network: Maker, toolchain: Toolchain) -> Iterator[tuple[Network, str]]:
    """alpha, and beta behind Traefik, each with an identity; and the address of Traefik's load balancer."""
    way = {"entryPoint": traefik.ENTRY_POINT, "service": traefik.SERVICE, "namespace": traefik.NAMESPACE}
    with make_network("besides") as network:
        jobs = {"namespace": f"{network.name}-jobs", "createNamespace": True}
        shown = {"identities": {"gpu": {**jobs, "publishTo": [f"{network.name}/public/archive"]}}}
        alpha = network.add(founder(network.name, {"public": {"archive": {}}}, shown), "a")
        pools = {"edge": {"archive": {"exposure": {"traefik": way}}}}
        shown = {"identities": {"edge": {**jobs, "publishTo": [f"{network.name}/edge/archive"]}}}
        beta = network.add(joiner("beta", network.name, pools, shown), "b")
        address = traefik.install(beta, toolchain)
        try:
            converge(network, "alpha", "beta")
            connected(member(alpha, "public/archive"), member(beta, "edge/archive"))
            yield network, address
        finally:
            traefik.remove(beta)


def test_behaviour_12_through_traefik_without_a_load_balancer_of_ones_own(entry: tuple[Network, str]) -> None:
    network, address = entry
    dialler, behind = member(network["alpha"], "public/archive"), member(network["beta"], "edge/archive")
    assert behind.dialled == (address, traefik.PORT)
    assert behind.ipfs("id", "--format=<addrs>").split() == [behind.multiaddr]
    assert {each["spec"]["type"] for each in network["beta"].get("services")["items"]} == {"ClusterIP"}
    came = f"/ip4/{address}/tcp/{traefik.PORT}"

    def again() -> str:
        """By the way in, not by a connection that it opened itself."""
        dialler.ipfs("swarm", "disconnect", f"/p2p/{behind.peer_id}")
        dialler.ipfs("swarm", "connect", behind.multiaddr)
        return dialler.peers().get(behind.peer_id, "")

    eventually(again, lambda seen: seen == came)
    assert dialler.read(behind.add("through Traefik")) == "through Traefik"


def test_behaviour_30_a_real_prometheus_gets_the_gauges(entry: tuple[Network, str], measure: Measure) -> None:
    network, _ = entry
    alpha, monitor = network["alpha"], f"{network.name}-monitor"
    prometheus.install(alpha, monitor, alpha.get("configmap", monitor)["data"]["tls.crt"])
    try:
        gauge = "cluster_discovery_controller_identity_controller_peers_number"
        began = time.monotonic()
        found = eventually(lambda: prometheus.query(alpha, gauge), bool)
        measure("scraped", time.monotonic() - began)
        labels = [dict(each) for each in found]
        assert {each["identity_name"] for each in labels} == {"gpu"}
        assert {each["identity_namespace"] for each in labels} == {f"{network.name}-jobs"}
        assert {each["swarmpool_name"] for each in labels} == {"public"}
        assert {each["swarm_name"] for each in labels} == {"archive"}
        eventually(lambda: sum(prometheus.query(alpha, gauge).values()), lambda total: total == 1)
        sync = gauge.replace("peers_number", "sync_peers_number")
        eventually(lambda: sum(prometheus.query(alpha, sync).values()), lambda total: total == 1, 150)
    finally:
        prometheus.remove(alpha)
