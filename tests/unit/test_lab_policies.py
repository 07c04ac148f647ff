"""NetworkPolicies as rules: who may call whom, read off the ruleset's text; and when it is put in force."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from lightkube.resources.core_v1 import Namespace, Pod
from lightkube.resources.networking_v1 import NetworkPolicy

from lab.controllers import policies
from lab.controllers.policies import Policies
from lab.controllers.ruleset import ruleset

pytestmark = pytest.mark.unit

Thing = dict[str, Any]
RPC, P2P = {"port": 8545}, {"port": 30303}
SERVER, FRIEND, FOE, OUTSIDE = "10.0.0.2", "10.0.0.3", "10.0.0.4", "192.0.2.7"


def pod(namespace: str, name: str, address: str, **changes: Any) -> Thing:
    spec = {"containers": [{"name": "c", "ports": [{"name": "rpc", "containerPort": 8545}, {"containerPort": 1}]}]}
    status = {"phase": changes.get("phase", "Running"), "podIPs": [{"ip": address}, {"ip": "2001:db8::1"}]}
    return {
        "metadata": {"namespace": namespace, "name": name, "labels": {"app": name, **changes.get("labels", {})}},
        "spec": {**spec, **changes.get("spec", {})},
        "status": status,
    }


def namespace(name: str, **labels: str) -> Thing:
    return {"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name, **labels}}}


def policy(name: str = "policy", space: str = "alpha", selector: Thing | None = None, **spec: Any) -> Thing:
    return {"metadata": {"namespace": space, "name": name}, "spec": {"podSelector": selector or {}, **spec}}


PODS = [pod("alpha", "server", SERVER), pod("alpha", "friend", FRIEND), pod("beta", "foe", FOE)]
SPACES = [namespace("alpha", org="alpha"), namespace("beta", org="beta")]
ONLY_SERVER = {"matchLabels": {"app": "server"}}

TERM = re.compile(
    r"ip daddr \. (?P<called>\w+) dport \{ (?P<pairs>[^}]*) \}"
    r"|ip (?P<side>[sd]addr) (?P<no>!= )?(?:\{ (?P<set>[^}]*) \}|(?P<one>[\d./]+))"
    r"|(?P<protocol>tcp|udp|sctp) dport (?P<first>\d+)(?:-(?P<last>\d+))?"
    r"|meta l4proto (?P<any>\w+)"
)


def holds(rule: str, packet: dict[str, str], protocol: str, port: int) -> bool:
    """Whether all matches of a rule hold; a stray word in it is an error, so that nothing is overlooked."""
    assert not TERM.sub("", rule).strip(), rule
    for term in TERM.finditer(rule):
        found = term.groupdict()
        if found["called"]:
            fits = found["called"] == protocol and f"{packet['daddr']} . {port}" in found["pairs"].split(", ")
        elif found["side"]:
            networks = (found["set"] or found["one"]).split(", ")
            inside = any(ipaddress.ip_address(packet[found["side"]]) in ipaddress.ip_network(net) for net in networks)
            fits = inside != bool(found["no"])
        elif found["protocol"]:
            fits = found["protocol"] == protocol and int(found["first"]) <= port <= int(found["last"] or found["first"])
        else:
            fits = found["any"] == protocol
        if not fits:
            return False
    return True


def passes(text: str, source: str, target: str, port: int = 8545, protocol: str = "tcp") -> bool:
    """What the kernel would do with the first packet of a connection."""
    chains = {name: body.splitlines() for name, body in re.findall(r"\tchain (\S+) \{\n(.*?)\n\t\}", text, re.DOTALL)}
    packet = {"saddr": source, "daddr": target}
    for side, entries in re.findall(r"ip ([sd]addr) vmap \{ (.*) \}", "\n".join(chains["forward"])):
        jumps = dict(re.findall(r"([\d.]+) : jump ([^\s,]+)", entries))
        if packet[side] not in jumps:
            continue
        for line in (line.strip() for line in chains[jumps[packet[side]]]):
            if line == "counter drop":
                return False
            if not line.startswith("#") and holds(line.removesuffix("return"), packet, protocol, port):
                break
    return True


def rules(*listed: Thing) -> str:
    return ruleset(PODS, SPACES, listed)


def ingress(*rule: Thing, **spec: Any) -> str:
    return rules(policy(selector=ONLY_SERVER, ingress=list(rule), **spec))


def test_the_text_is_one_transaction_on_one_table() -> None:
    assert ingress({"from": [{"podSelector": {"matchLabels": {"app": "friend"}}}], "ports": [RPC]}) == (
        "add table inet archipelago-policies\n"
        "delete table inet archipelago-policies\n"
        "table inet archipelago-policies {\n"
        "\tchain forward {\n"
        "\t\ttype filter hook forward priority filter + 10; policy accept;\n"
        "\t\tct state established,related accept\n"
        "\t\tip daddr vmap { 10.0.0.2 : jump to-10.0.0.2 }\n"
        "\t}\n"
        "\tchain to-10.0.0.2 {\n"
        "\t\t# alpha/server\n"
        "\t\tip saddr 10.0.0.2 return\n"
        "\t\tip saddr { 10.0.0.3 } tcp dport 8545 return\n"
        "\t\tcounter drop\n"
        "\t}\n"
        "}\n"
    )


def test_without_policies_everything_passes() -> None:
    assert passes(rules(), FOE, SERVER)


@pytest.mark.parametrize(
    ("peer", "allowed"),
    [
        ({"podSelector": {}}, {FRIEND}),
        ({"namespaceSelector": {}}, {FRIEND, FOE}),
        ({"namespaceSelector": {"matchLabels": {"org": "beta"}}}, {FOE}),
        ({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "friend"}}}, {FRIEND}),
        ({"namespaceSelector": {"matchLabels": {"org": "beta"}}, "podSelector": {"matchLabels": {"app": "x"}}}, set()),
        ({"ipBlock": {"cidr": "192.0.2.0/24"}}, {OUTSIDE}),
        ({"ipBlock": {"cidr": "192.0.2.9/24", "except": ["192.0.2.0/28", "192.0.2.7/32"]}}, set()),
        ({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.4/32"]}}, {FRIEND, OUTSIDE}),
        ({"ipBlock": {"cidr": "2001:db8::/32"}}, set()),
    ],
)
def test_a_peer_is_who_its_selectors_choose(peer: Thing, allowed: set[str]) -> None:
    text = ingress({"from": [peer]})
    assert {each for each in (FRIEND, FOE, OUTSIDE) if passes(text, each, SERVER)} == allowed


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ({"key": "org", "operator": "In", "values": ["beta", "gamma"]}, {FOE}),
        ({"key": "org", "operator": "NotIn", "values": ["beta"]}, {FRIEND}),
        ({"key": "missing", "operator": "NotIn", "values": ["beta"]}, {FRIEND, FOE}),
        ({"key": "org", "operator": "Exists"}, {FRIEND, FOE}),
        ({"key": "org", "operator": "DoesNotExist"}, set()),
    ],
)
def test_expressions_mean_what_they_say(expression: Thing, allowed: set[str]) -> None:
    text = ingress({"from": [{"namespaceSelector": {"matchExpressions": [expression]}}]})
    assert {each for each in (FRIEND, FOE) if passes(text, each, SERVER)} == allowed


@pytest.mark.parametrize(
    ("port", "allowed"),
    [
        ({"port": 8545}, {("tcp", 8545)}),
        ({"port": "rpc"}, {("tcp", 8545)}),
        ({"port": "rpc", "protocol": "UDP"}, set()),
        ({"port": "nothing"}, set()),
        ({"port": 53, "protocol": "UDP"}, {("udp", 53)}),
        ({"port": 50, "endPort": 60, "protocol": "SCTP"}, {("sctp", 53)}),
        ({"protocol": "TCP"}, {("tcp", 53), ("tcp", 8545)}),
    ],
)
def test_a_port_is_a_number_a_name_of_the_target_a_range_or_a_protocol(port: Thing, allowed: set[Any]) -> None:
    text = ingress({"ports": [port]})
    tried = [(protocol, number) for protocol in ("tcp", "udp", "sctp") for number in (53, 8545)]
    assert {each for each in tried if passes(text, FOE, SERVER, each[1], each[0])} == allowed


@pytest.mark.parametrize("empty", [{}, {"from": []}, {"from": None, "ports": []}])
def test_a_rule_that_names_nobody_allows_everybody(empty: Thing) -> None:
    assert passes(ingress(empty), OUTSIDE, SERVER, 1, "udp")


def test_a_policy_without_rules_allows_nobody_and_isolates_none_but_its_own_pods() -> None:
    text = ingress()
    assert not passes(text, FRIEND, SERVER)
    assert passes(text, SERVER, FRIEND)
    assert passes(text, FRIEND, FOE)
    assert passes(text, SERVER, SERVER), "a pod reaches itself through a Service, whatever a policy says"


@pytest.mark.parametrize(
    ("spec", "into", "out"),
    [
        ({}, False, True),
        ({"egress": []}, False, True),
        ({"egress": [{"ports": [P2P]}]}, False, False),
        ({"policyTypes": ["Egress"]}, True, False),
        ({"policyTypes": ["Ingress", "Egress"], "egress": [{}]}, False, True),
    ],
)
def test_missing_policy_types_are_those_that_kubernetes_fills_in(spec: Thing, into: bool, out: bool) -> None:
    text = rules(policy(selector=ONLY_SERVER, **spec))
    assert passes(text, FOE, SERVER) == into
    assert passes(text, SERVER, FOE) == out


def test_policies_of_one_pod_add_up() -> None:
    text = rules(policy("a", ingress=[{"ports": [RPC]}]), policy("b", ingress=[{"ports": [P2P]}]))
    assert [passes(text, FOE, SERVER, port) for port in (8545, 30303, 1)] == [True, True, False]


def test_both_the_source_and_the_target_must_allow() -> None:
    open_in = policy("in", selector=ONLY_SERVER, ingress=[{"from": [{"namespaceSelector": {}}]}])
    only_rpc = policy("out", "beta", egress=[{"ports": [{"port": 8545}]}])
    assert passes(rules(open_in, only_rpc), FOE, SERVER)
    assert not passes(rules(open_in, only_rpc), FOE, SERVER, 30303)
    assert not passes(rules(policy("in", selector=ONLY_SERVER), only_rpc), FOE, SERVER)


def test_a_named_port_of_an_egress_rule_is_looked_up_at_each_peer() -> None:
    other = {"containers": [{"ports": [{"name": "rpc", "containerPort": 9545}]}]}
    pods = [*PODS, pod("beta", "other", "10.0.0.5", spec=other)]
    text = ruleset(pods, SPACES, [policy(egress=[{"to": [{"namespaceSelector": {}}], "ports": [{"port": "rpc"}]}])])
    reached = [
        (target, port) for target in (FOE, "10.0.0.5") for port in (8545, 9545) if passes(text, FRIEND, target, port)
    ]
    assert reached == [(FOE, 8545), ("10.0.0.5", 9545)]


def test_ended_pods_and_those_on_the_hosts_network_are_no_ones_peers() -> None:
    pods = [
        *PODS,
        pod("alpha", "job", "10.0.0.6", phase="Succeeded"),
        pod("alpha", "proxy", OUTSIDE, spec={"hostNetwork": True}),
    ]
    text = ruleset(pods, SPACES, [policy(ingress=[{"from": [{"podSelector": {}}]}])])
    assert passes(text, FRIEND, SERVER)
    assert not any(address in text for address in ("10.0.0.6", OUTSIDE, "2001:db8::1"))


def test_an_address_that_went_to_another_pod_is_the_living_ones() -> None:
    """The old pod's object outlives its network by a moment, and one address in a map twice is refused by nft."""
    gone = pod("alpha", "z-gone", SERVER)
    gone["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    text = ruleset([gone, *PODS], SPACES, [policy(selector=ONLY_SERVER)])
    assert text.count(f"{SERVER} : jump") == 1
    assert "# alpha/server" in text


def told(kept: Policies, pods: list[Thing], listed: list[Thing]) -> Iterator[None]:
    kept.namespaces.start([cast("Namespace", Namespace.from_dict(each)) for each in SPACES])
    yield
    kept.pods.start([cast("Pod", Pod.from_dict(each)) for each in pods])
    yield
    kept.policies.start([cast("NetworkPolicy", NetworkPolicy.from_dict(each)) for each in listed])
    yield


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.01)


def test_nothing_is_applied_before_everything_is_known_and_then_once() -> None:
    async def follow() -> None:
        applied: list[str] = []
        kept = Policies(applied.append, debounce=0.01)
        for _ in told(kept, PODS, [policy()]):
            assert applied == []
            await asyncio.sleep(0.05)
        await until(lambda: bool(applied))
        assert applied == [rules(policy())]
        for _ in range(20):  # kubelet reports a pod's status again and again
            await kept.pods.change(cast("Pod", Pod.from_dict(PODS[0])), deleted=False)
        await asyncio.sleep(0.05)
        assert len(applied) == 1
        await kept.policies.change(cast("NetworkPolicy", NetworkPolicy.from_dict(policy())), deleted=True)
        await until(lambda: len(applied) > 1)
        assert applied[1:] == [rules()]

    asyncio.run(follow())


def test_a_ruleset_that_was_refused_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "_AGAIN_AFTER", 0.01)

    async def follow() -> None:
        tried: list[str] = []

        async def apply(text: str) -> None:
            tried.append(text)
            if len(tried) == 1:
                raise OSError("no")

        kept = Policies(apply, debounce=0.01)
        list(told(kept, PODS, []))
        await until(lambda: len(tried) > 1)
        await asyncio.sleep(0.05)
        assert tried == [rules(), rules()]

    asyncio.run(follow())
