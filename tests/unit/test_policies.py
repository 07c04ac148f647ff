"""Network policies: who reaches which port of a node, and what a node reaches, as a plugin would decide it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from archipelago.manifests.stack import manifests
from archipelago.stack.plan import StackPlan
from tests.stacks import GONE, alpha, beta, bundle, outputs_of, plan_of, problems_of
from tests.unit.plans import SECOND, deployments, each_plan, templates
from tests.world import difference, objects

pytestmark = pytest.mark.unit

SHARED = ("NetworkPolicy", "consortium-peers")
RPC, TESSERA, P2P = 8545, 9001, 30303
STRANGER = {"cidr": "192.0.2.9"}


def policies(plan: StackPlan, node: str) -> list[Any]:
    """The policies that select a node's pod."""
    found = objects(plan)
    labels = found["StatefulSet", f"consortium-{node}"]["spec"]["template"]["metadata"]["labels"].items()
    listed = [each["spec"] for (kind, _), each in found.items() if kind == "NetworkPolicy"]
    return [each for each in listed if each["podSelector"]["matchLabels"].items() <= labels]


def allowed(plan: StackPlan, node: str, way: str, other: dict[str, Any], port: int, protocol: str = "TCP") -> bool:
    """Whether a connection is let through, once a policy says anything about its way.

    Args:
        plan: The stack.
        node: Ours.
        way: `ingress` or `egress`.
        other: The other end, `{"cidr": address}` or `{"namespace": …, "labels": …}`.
        port: That is dialled.
        protocol: TCP or UDP.
    """
    end = "from" if way == "ingress" else "to"
    rules = [rule for each in policies(plan, node) for rule in each.get(way, [])]
    assert any(way.capitalize() in each["policyTypes"] for each in policies(plan, node))
    return any(
        {"protocol": protocol, "port": port} in rule["ports"]
        and (end not in rule or any(matches(plan, peer, other) for peer in rule[end]))
        for rule in rules
    )


def matches(plan: StackPlan, peer: dict[str, Any], other: dict[str, Any]) -> bool:
    if "ipBlock" in peer:
        return "cidr" in other and ip_address(other["cidr"]) in ip_network(peer["ipBlock"]["cidr"])
    wanted = peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name", plan.namespace)
    labels = peer["podSelector"].get("matchLabels", {})
    return bool(other.get("namespace") == wanted) and labels.items() <= other.get("labels", {}).items()


def pod(namespace: str = "consortium", **labels: str) -> dict[str, Any]:
    return {"namespace": namespace, "labels": labels}


def with_beta(hosts: dict[str, Any] | None = None) -> StackPlan:
    return plan_of(alpha(), {"beta": bundle(beta(hosts or {}), {"alpha": bundle(alpha())})})


@each_plan
def test_partners_ports_are_open_and_nothing_else_is_unless_it_was_opened(plan: StackPlan) -> None:
    """A NodePort rewrites the source: whoever narrows p2p to partners' addresses shuts them out."""
    for node in plan.nodes if plan.genesis else ():
        opened = {port.number for port in node.api.ports} if node.api else set()
        shared = {port.number for port in node.service.ports}
        for each in (STRANGER, pod("elsewhere"), pod()):
            assert all(allowed(plan, node.name, "ingress", each, port) for port in shared)
            closed = {RPC, 8546, 9080, 22, 10250} - opened
            assert not [port for port in closed if allowed(plan, node.name, "ingress", each, port)]


@each_plan
def test_every_pod_is_under_both_kinds_of_rules_and_every_rule_names_its_ports(plan: StackPlan) -> None:
    """A rule without ports allows all of them."""
    for each in manifests(plan):
        if each["kind"] == "NetworkPolicy":
            spec = each["spec"]
            assert all(rule["ports"] for rule in (*spec["ingress"], *spec.get("egress", [])))
            assert spec["podSelector"]["matchLabels"]["archipelago/network"] == plan.network
    for node in plan.nodes if deployments(plan) else ():
        assert {way for each in policies(plan, node.name) for way in each["policyTypes"]} == {"Ingress", "Egress"}


def test_an_api_is_for_pods_of_its_own_namespace_unless_its_type_opens_it() -> None:
    inside = plan_of(alpha({f"{SECOND}.api": {"rpc": True}}))
    assert allowed(inside, "quorum-node2", "ingress", pod(app="x"), RPC)
    assert not allowed(inside, "quorum-node2", "ingress", pod("elsewhere"), RPC)
    assert not allowed(inside, "quorum-node2", "ingress", STRANGER, RPC)
    assert not allowed(inside, "quorum-node3", "ingress", pod(app="x"), RPC), "a node opens its own ports only"
    for kind in ("NodePort", "LoadBalancer"):
        outside = plan_of(alpha({f"{SECOND}.api": {"rpc": True, "type": kind}}))
        assert allowed(outside, "quorum-node2", "ingress", STRANGER, RPC)


def test_named_clients_and_nobody_else_use_an_api() -> None:
    clients = [
        {"namespace": "apps", "pods": {"app": "wallet"}},
        {"namespace": "", "pods": {"app": "x"}},
        {"cidr": "198.51.100.0/24"},
    ]
    plan = plan_of(alpha({f"{SECOND}.api": {"rpc": True, "type": "NodePort", "clients": clients}}))

    def may(other: dict[str, Any]) -> bool:
        return allowed(plan, "quorum-node2", "ingress", other, RPC)

    assert may(pod("apps", app="wallet"))
    assert may(pod(app="x"))
    assert may({"cidr": "198.51.100.7"})
    assert not [each for each in (pod("apps", app="y"), pod(app="wallet"), pod("b", app="x"), STRANGER) if may(each)]
    assert objects(plan)["Service", "consortium-quorum-node2-api"]["spec"]["externalTrafficPolicy"] == "Local"


@pytest.mark.parametrize(
    "api",
    [
        {"type": "NodePort"},
        {"type": "LoadBalancer", "clients": [{"namespace": "apps"}]},
        {"type": "ClusterIP", "clients": [{"cidr": "198.51.100.0/24"}]},
    ],
)
def test_a_service_keeps_its_clients_addresses_only_where_a_policy_compares_them(api: dict[str, Any]) -> None:
    """Local answers on the machine of the pod only."""
    plan = plan_of(alpha({f"{SECOND}.api": {"rpc": True, **api}}))
    assert "externalTrafficPolicy" not in objects(plan)["Service", "consortium-quorum-node2-api"]["spec"]


def test_a_node_dials_names_nodes_and_partners_and_nothing_else() -> None:
    plan = with_beta()
    (p2p, tessera), (other, _) = (
        [node.endpoints[name].port for name in ("p2p", "tessera")] for node in plan.imports[0].nodes
    )

    def may(host: str, port: int, protocol: str = "TCP") -> bool:
        return allowed(plan, "quorum-node1", "egress", {"cidr": host}, port, protocol)

    assert may("10.96.0.10", 53)
    assert may("169.254.20.10", 53, "UDP")
    assert all(may("198.51.100.20", port) for port in (p2p, tessera, other))
    assert not may("198.51.100.21", p2p)
    assert not [port for port in (22, 80, 443, 6443, 31999) if may("198.51.100.20", port)]
    # a Service of this cluster is a pod's address before the plugin looks
    assert all(may("10.244.3.3", port) for port in (P2P, TESSERA))


def test_s8_siblings_on_another_machine_are_dialled_at_their_advertised_ports() -> None:
    """R30: Tessera sends to what it advertises, and a NodePort of another machine stays one for the plugin."""
    plan = with_beta()
    for node in plan.records:
        for end in node.endpoints.values():
            assert allowed(plan, "quorum-node1", "egress", {"cidr": end.host}, end.port)
    assert not allowed(plan, "quorum-node1", "egress", {"cidr": plan.records[0].endpoints["p2p"].host}, 31999)


def test_a_partner_known_by_a_name_is_dialled_at_any_address_and_an_ipv6_one_at_its_own() -> None:
    pinned = {"nodes.quorum-node1.exposure": {"host": "node.beta.example", "ports": {"p2p": 30111, "tessera": 30222}}}
    plan = with_beta({**pinned, "nodes.quorum-node2.exposure": {"host": "2001:db8::1", "ports": {"p2p": 30333}}})
    assert allowed(plan, "quorum-node1", "egress", {"cidr": "203.0.113.77"}, 30111)
    assert allowed(plan, "quorum-node1", "egress", {"cidr": "2001:db8::1"}, 30333)
    assert not allowed(plan, "quorum-node1", "egress", {"cidr": "2001:db8::2"}, 30333)


def test_a_partner_that_appears_changes_the_list_and_one_policy_and_restarts_nobody() -> None:
    alone = plan_of(alpha())
    together = plan_of(alpha(), {"beta": bundle(beta(), {"alpha": bundle(alpha())})}, outputs_of(alone))
    assert difference(alone, together) == {("ConfigMap", "consortium-peers"), SHARED}
    assert templates(alone) == templates(together)


def test_a_cluster_that_manages_its_own_policies_gets_none() -> None:
    plan = plan_of(alpha({"defaults.api": {"rpc": True, "type": "LoadBalancer"}, "cluster.networkPolicies": False}))
    assert "NetworkPolicy" not in {each["kind"] for each in manifests(plan)}


@pytest.mark.parametrize(
    ("clients", "words"),
    [
        ([{"cidr": None}], "it names neither pods nor addresses"),
        ([{}], "it names neither pods nor addresses"),
        ([{"cidr": "10.0.0.0/8", "pods": {"a": "b"}}], "it names both pods and addresses"),
        ([{"cidr": "10.0.0.1/8"}], "'10.0.0.1/8' is no address range: 10.0.0.1/8 has host bits set"),
        ([{"pods": {"a b": "c"}}], "a b: c is no label"),
        ([{"namespace": "Apps"}], "'Apps' is no name of a Kubernetes namespace"),
    ],
)
def test_clients_that_no_policy_could_name_are_refused(clients: list[Any], words: str) -> None:
    (problem,) = problems_of(alpha({f"{SECOND}.api": {"rpc": True, "clients": clients}}))
    assert problem.path.startswith("nodes.quorum-node2.api.clients[0]")
    assert words in problem.message


def test_clients_without_policies_would_keep_nobody_out_and_are_refused() -> None:
    config = alpha({"cluster.networkPolicies": False, f"{SECOND}.api": {"rpc": True, "clients": [{"namespace": "a"}]}})
    assert [each.path for each in problems_of(config)] == ["nodes.quorum-node2.api.clients"]
    assert not problems_of(alpha({"cluster.networkPolicies": False, f"{SECOND}.api": GONE}))
