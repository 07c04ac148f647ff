"""Load balancers: for what a run waits, and which address is announced."""

from __future__ import annotations

from typing import Any

import pytest

from archipelago.model.balancer import refusal
from archipelago.model.endpoint import Exposed
from archipelago.model.plan import Service
from tests import cita, ipfs
from tests.stacks import alpha, plan_of
from tests.world import MANAGED, of_kind

pytestmark = pytest.mark.unit

ARCHIVE = "pools.public.swarms.archive"
WAITS = {"pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress}"}
GOES_ON = {"pulumi.com/skipAwait": "true"}
BALANCED = {"type": "LoadBalancer"}
SAID = {**BALANCED, "host": "f5.example.org"}


@pytest.mark.parametrize(("exposure", "expected"), [(BALANCED, WAITS), (SAID, GOES_ON)])
def test_r46_a_host_that_is_said_is_waited_for_by_no_kind(exposure: dict[str, Any], expected: dict[str, str]) -> None:
    """A load balancer outside of the cluster (F5, a router) writes no status: the run waited for ten minutes."""
    services = {
        "consortium-quorum-node2": plan_of(alpha({"nodes.quorum-node2.exposure": exposure})),
        "all-test-chain-0": cita.plan_of(cita.local({"nodes.node0.exposure": exposure})),
        "public-archive-swarm": ipfs.plan_of(ipfs.alpha({f"{ARCHIVE}.exposure": exposure})),
    }
    for name, plan in services.items():
        assert of_kind(plan, "Service")[name]["metadata"]["annotations"] == expected | MANAGED


def test_r36_an_address_that_is_asked_for_is_waited_for_and_one_that_is_said_beside_it_is_not() -> None:
    asked = {**BALANCED, "address": "203.0.113.9"}
    for exposure, expected in ((asked, WAITS), ({**asked, "host": "f5.example.org"}, GOES_ON)):
        plan = ipfs.plan_of(ipfs.alpha({f"{ARCHIVE}.exposure": exposure}))
        found = of_kind(plan, "Service")["public-archive-swarm"]
        assert found["metadata"]["annotations"] == expected | MANAGED
        assert plan.nodes[0].service.asks is (expected is WAITS)


@pytest.mark.parametrize(
    ("ingress", "refused"),
    [
        ([], False),  # not there yet
        ([{"ip": "203.0.113.9"}], False),
        ([{"ip": "198.51.100.1"}, {"ip": "203.0.113.9"}], False),
        ([{"ip": "198.51.100.1"}], True),
        ([{"hostname": "lb.example.org"}], True),
    ],
)
def test_r36_another_address_than_the_one_asked_for_is_named(ingress: list[dict[str, str]], *, refused: bool) -> None:
    found = refusal("203.0.113.9", {"status": {"loadBalancer": {"ingress": ingress}}})
    assert bool(found) is refused
    if refused:
        assert "203.0.113.9" in found
        assert next(iter(ingress[0].values())) in found
        assert "exposure.annotations" in found


def test_r36_one_address_in_two_spellings_is_one_address() -> None:
    told = {"status": {"loadBalancer": {"ingress": [{"ip": "2001:db8:0:0::9"}]}}}
    assert refusal("2001:db8::9", told) == ""


def test_r36_what_is_asked_is_compared_whether_the_plan_takes_it_for_known_or_not() -> None:
    hosts = {"": True, "203.0.113.9": True, "f5.example.org": False}
    for host, asks in hosts.items():
        service = Service("a", Exposed.LOAD_BALANCER, (), host, address="203.0.113.9")
        assert (service.asks, service.awaited) == (asks, asks)
    assert not Service("a", Exposed.LOAD_BALANCER, ()).asks
