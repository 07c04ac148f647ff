"""How load balancers are asked for, for every kind; and a swarm's port that is another one inside."""

from __future__ import annotations

from typing import Any

import pytest

from archipelago.stack.plan import StackPlan
from tests import cita, ipfs
from tests.ipfs import ARCHIVE
from tests.stacks import alpha, changed, plan_of, refusal_of
from tests.world import of_kind

pytestmark = pytest.mark.unit

BALANCED: dict[str, Any] = {
    "type": "LoadBalancer",
    "host": "chain.example.org",
    "loadBalancerSourceRanges": ["198.51.100.0/24", "2001:db8::/32"],
    "loadBalancerClass": "service.k8s.aws/nlb",
    "externalTrafficPolicy": "Local",
}
SPEC = {key: value for key, value in BALANCED.items() if key not in ("type", "host")}


def goquorum() -> StackPlan:
    return plan_of(alpha({"nodes.quorum-node1.exposure": BALANCED}))


def cita_cloud() -> StackPlan:
    return cita.plan_of(changed(cita.outside(), {"nodes.node0.exposure": BALANCED}))


def swarm() -> StackPlan:
    return ipfs.plan_of(ipfs.alpha({f"{ARCHIVE}.exposure": BALANCED}))


@pytest.mark.parametrize("made", [goquorum, cita_cloud, swarm])
def test_r23_a_load_balancer_is_asked_for_as_kubernetes_has_it(made: Any) -> None:
    specs = [each["spec"] for each in of_kind(made(), "Service").values() if each["spec"]["type"] == "LoadBalancer"]
    assert specs
    for spec in specs:
        assert {key: spec.get(key) for key in SPEC} == SPEC


@pytest.mark.parametrize(
    ("exposure", "words"),
    [
        ({"loadBalancerSourceRanges": ["198.51.100.0/24"]}, "loadBalancerSourceRanges is of a LoadBalancer"),
        ({"loadBalancerClass": "nlb"}, "loadBalancerClass is of a LoadBalancer"),
        ({"type": "ClusterIP", "externalTrafficPolicy": "Local"}, "is of ports seen from outside"),
        ({"type": "LoadBalancer", "loadBalancerSourceRanges": ["198.51.100.7/24"]}, "198.51.100.7/24"),
        ({"type": "LoadBalancer", "loadBalancerClass": "a b"}, "no class of load balancers"),
    ],
)
def test_r23_what_kubernetes_would_refuse_is_refused(exposure: dict[str, Any], words: str) -> None:
    (problem,) = refusal_of(alpha({"nodes.quorum-node1.exposure": exposure}))
    assert problem.path.startswith("nodes.quorum-node1.exposure")
    assert words in problem.message


def test_r39_a_low_swarm_port_is_the_load_balancers_and_the_daemon_listens_elsewhere() -> None:
    changes = {f"{ARCHIVE}.swarmPort": 443, f"{ARCHIVE}.exposure": {"type": "LoadBalancer", "host": "s.example.org"}}
    plan = ipfs.plan_of(ipfs.alpha(changes))
    (record,) = plan.records
    assert record.endpoints["swarm"].port == 443
    outside = of_kind(plan, "Service")["public-archive-swarm"]["spec"]["ports"]
    assert [(each["port"], each["targetPort"]) for each in outside if each["name"] == "swarm"] == [(443, "swarm")]
    (workload,) = of_kind(plan, "StatefulSet").values()
    listed = [port for each in workload["spec"]["template"]["spec"]["containers"] for port in each.get("ports", ())]
    assert [port["containerPort"] for port in listed if port["name"] == "swarm"] == [4001]
    assert "/ip4/0.0.0.0/tcp/4001" in str(of_kind(plan, "ConfigMap")["public-archive-ss"]["data"])
