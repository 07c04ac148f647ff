"""What an IPFS stack file may say, and what is said back where it may not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.chains.ipfs import multiaddr
from archipelago.identity import peer_id
from archipelago.model.endpoint import Endpoint, Exposed
from tests import ipfs
from tests.ipfs import ARCHIVE, PEER, alpha, beta, problems_of, settings_of

pytestmark = pytest.mark.unit

AT = f"/ip4/203.0.113.7/tcp/4001/p2p/{PEER}"
POOL = "pools.public"


def test_the_shortest_stack_file_is_safe() -> None:
    settings = settings_of(alpha())
    (member,) = settings.nodes.values()
    assert (member.swarm_port, member.api_port, member.version) == (4001, 5001, None)
    assert (member.exposure.api, member.gateway, member.exposure.type) == (False, False, Exposed.NODE_PORT)
    assert settings.network.version == "0.42.0"
    assert list(settings.nodes) == ["public-archive"]
    assert settings.path_of("public-archive") == ARCHIVE


def test_defaults_complete_every_member_and_a_member_may_be_a_name_alone() -> None:
    settings = settings_of(
        alpha({"defaults": {"storage": {"size": "5Gi"}, "swarmPort": 4002}, f"{POOL}.swarms.models": None})
    )
    assert {name: (each.storage.size, each.swarm_port) for name, each in settings.nodes.items()} == {
        "public-archive": ("5Gi", 4002),
        "public-models": ("5Gi", 4002),
    }


@pytest.mark.parametrize(
    "text",
    [
        AT,
        f"/ip6/2001:db8::7/tcp/4001/p2p/{PEER}",
        f"/dns4/ipfs.example.org/tcp/31001/p2p/{PEER}",
        f"/dns/ipfs.example.org/tcp/31001/p2p/{PEER}",
        "/ip4/203.0.113.7/tcp/4001/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ",
    ],
)
def test_a_bootstrap_address_is_taken_as_it_is(text: str) -> None:
    assert settings_of(alpha({f"{ARCHIVE}.bootstrap": [text]})).nodes["public-archive"].bootstrap == (text,)


def test_the_former_spelling_of_a_bootstrap_address_is_taken_over() -> None:
    written = [AT.replace("/p2p/", "/ipfs/"), AT.replace(PEER, peer_id.base36(PEER)).replace("7/tcp", "8/tcp")]
    found = settings_of(alpha({f"{ARCHIVE}.bootstrap": written})).nodes["public-archive"].bootstrap
    assert found == (AT, AT.replace("7/tcp", "8/tcp"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is not /ip4"),
        ("203.0.113.7:4001", "it is not /ip4"),
        ("/ip4/203.0.113.7/tcp/4001", "does not say whose"),
        (AT.replace("/tcp/", "/udp/"), "plain TCP, and udp is in it"),
        (f"/ip4/203.0.113.7/udp/4001/quic-v1/p2p/{PEER}", "plain TCP, and udp is in it"),
        (f"/ip4/203.0.113.7/tcp/4001/ws/p2p/{PEER}", "plain TCP, and ws is in it"),
        (f"/dnsaddr/bootstrap.libp2p.io/p2p/{PEER}", "a list that somebody else keeps"),
        (AT.replace("4001", "0"), "'0' is no port"),
        (AT.replace("4001", "65536"), "no port"),
        (AT.replace("4001", "+401"), "no port"),
        (AT.replace("203.0.113.7", "203.0.113"), "no ip4 address"),
        (AT.replace("203.0.113.7", "0.0.0.0"), "nobody is dialled at"),
        (AT.replace("203.0.113.7", "127.0.0.1"), "the loopback"),
        (AT.replace("ip4", "ip6"), "no ip6 address"),
        (f"/ip6/fe80::1%eth0/tcp/4001/p2p/{PEER}", "no ip6 address"),
        (f"/dns4/ipfs_example/tcp/4001/p2p/{PEER}", "no host name"),
        (f"/dns4/203.0.113.7/tcp/4001/p2p/{PEER}", "no host name"),
        (AT[:-1], "no PeerID"),
        (AT.replace("/p2p/", "/onion/"), "it is not /ip4"),
        (f"{AT}/p2p-circuit", "p2p-circuit is in it"),
        (f"{AT} ", "no PeerID"),
        (AT.replace("/ip4", '"/ip4'), "it is not /ip4"),
    ],
)
def test_what_no_member_of_a_private_swarm_can_dial_is_refused(text: str, why: str) -> None:
    (problem,) = problems_of(alpha({f"{ARCHIVE}.bootstrap": [text]})).values()
    assert problem.path == f"{ARCHIVE}.bootstrap[0]"
    assert why in problem.message
    assert "/ip4/203.0.113.7/tcp/4001/p2p/12D3KooW" in problem.cure


HOSTS = st.one_of(
    st.ip_addresses().filter(lambda host: not (host.is_unspecified or host.is_multicast)).map(str),
    st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]{2,5}){0,2}", fullmatch=True),
)


@given(HOSTS, st.integers(1, 65535))
def test_an_endpoint_is_the_multiaddr_that_is_read_back(host: str, port: int) -> None:
    found = multiaddr.of_endpoint(Endpoint(host=host, port=port), PEER)
    assert multiaddr.parsed(str(found)) == found
    assert (found.host, found.port) == (host, port)


@pytest.mark.parametrize(
    ("changes", "path", "words", "cure"),
    [
        ({f"{ARCHIVE}.swarmPort": 0}, f"{ARCHIVE}.swarmPort", "out of range", "in the range"),
        ({f"{ARCHIVE}.swarmPort": 70000}, f"{ARCHIVE}.swarmPort", "out of range", "in the range"),
        ({f"{ARCHIVE}.swarmPort": "four"}, f"{ARCHIVE}.swarmPort", "should be", "docs/stack-files.md"),
        ({f"{ARCHIVE}.apiPort": 4001}, f"{ARCHIVE}.apiPort", "4001 is the port that swarmPort names", "its own"),
        ({f"{ARCHIVE}.apiPort": 8090}, f"{ARCHIVE}.apiPort", "8090 is the port of the container peers", "its own"),
        (
            {f"{ARCHIVE}.gateway": True, f"{ARCHIVE}.gatewayPort": 5001},
            f"{ARCHIVE}.gatewayPort",
            "5001 is the port that apiPort names",
            "its own",
        ),
        ({f"{ARCHIVE}.storage.size": "1M"}, f"{ARCHIVE}.storage.size", "too small", "20Gi"),
        ({f"{ARCHIVE}.storage.size": "0"}, f"{ARCHIVE}.storage.size", "above zero", "20Gi"),
        ({f"{ARCHIVE}.storage.size": "-1Gi"}, f"{ARCHIVE}.storage.size", "no Kubernetes quantity", "20Gi"),
        ({f"{ARCHIVE}.storage.size": "ten"}, f"{ARCHIVE}.storage.size", "no Kubernetes quantity", "20Gi"),
        ({"network.version": "v0.42.0"}, "network.version", "is no version", "without a v"),
        ({"network.version": "latest"}, "network.version", "is no version", "never latest"),
        ({"network.version": 0.42}, "network.version", "is a number", "in quotes"),
        ({"network.version": "0.42"}, "network.version", "no release of kubo", "all three numbers"),
        ({"network.version": "0.7.0"}, "network.version", "older than 0.8.0", "Take 0.8.0"),
        ({f"{ARCHIVE}.version": "0.10.0"}, f"{ARCHIVE}.version", "drops the connections", "Take 0.11.0"),
        ({f"{ARCHIVE}.exposure.address": "10.0.0.300"}, f"{ARCHIVE}.exposure.address", "no address", "Write auto"),
        ({f"{ARCHIVE}.exposure.address": "127.0.0.1"}, f"{ARCHIVE}.exposure.address", "nobody outside", "Write auto"),
        (
            {f"{ARCHIVE}.exposure.address": "203.0.113.9"},
            f"{ARCHIVE}.exposure.address",
            "a NodePort Service has no address",
            "to LoadBalancer",
        ),
        (
            {f"{ARCHIVE}.exposure.ports": {"api": 30001}},
            f"{ARCHIVE}.exposure.ports.api",
            "the node has no such port",
            "Known here: swarm",
        ),
        (
            {f"{ARCHIVE}.exposure.ports": {"swarm": 4001}},
            f"{ARCHIVE}.exposure.ports.swarm",
            "outside this cluster's NodePort range",
            "in the range",
        ),
        (
            {f"{ARCHIVE}.exposure": {"api": True}, f"{ARCHIVE}.version": "0.24.0"},
            f"{ARCHIVE}.exposure.api",
            "asks nobody who uses its API for a token",
            "0.25.0",
        ),
        (
            {f"{ARCHIVE}.exposure": {"type": "NodePort", "traefik": {"entryPoint": "ipfs"}}},
            f"{ARCHIVE}.exposure.type",
            "Traefik leads to a Service inside the cluster",
            "ClusterIP",
        ),
        (
            {f"{ARCHIVE}.exposure": {"api": True, "traefik": {"entryPoint": "ipfs"}}},
            f"{ARCHIVE}.exposure.api",
            "carries the swarm port alone",
            "Take one",
        ),
        (
            {f"{ARCHIVE}.exposure.traefik": {"entryPoint": "ipfs tcp"}},
            f"{ARCHIVE}.exposure.traefik.entryPoint",
            "no entry point",
            "ipfs",
        ),
        (
            {f"{ARCHIVE}.exposure.traefik": {"entryPoint": "a"}, f"{POOL}.swarms.b.exposure.traefik.entryPoint": "a"},
            f"{POOL}.swarms.b.exposure.traefik.entryPoint",
            "a leads to public-archive already",
            "of its own",
        ),
        ({f"{ARCHIVE}.key": "0" * 64}, f"{ARCHIVE}.key", "a key never stands here itself", "{secret: "),
        ({f"{ARCHIVE}.key": {}}, f"{ARCHIVE}.key", "names no source", "{secret: "),
        (
            {f"{ARCHIVE}.key": {"secret": "a", "partner": "beta"}},
            f"{ARCHIVE}.key",
            "names secret and partner",
            "Write generate",
        ),
        ({f"{ARCHIVE}.key": {"secret": "No_Name"}}, f"{ARCHIVE}.key.secret", "no name of a Secret", "lower-case"),
        ({f"{ARCHIVE}.key": {"partner": "gamma"}}, f"{ARCHIVE}.key", "gamma is not among", "partners.gamma"),
        ({f"{ARCHIVE}.keyFingerprint": "abc"}, f"{ARCHIVE}.keyFingerprint", "no fingerprint", "32 hex characters"),
        ({f"{ARCHIVE}.keyGeneration": 0}, f"{ARCHIVE}.keyGeneration", "out of range", "in the range"),
        ({f"{ARCHIVE}.shareKeyWith": ["gamma"]}, f"{ARCHIVE}.shareKeyWith[0]", "not among the partners", "Name"),
        ({f"{ARCHIVE}.connections": {"low": 9, "high": 9}}, f"{ARCHIVE}.connections", "not below", "room"),
        ({f"{ARCHIVE}.identity.privateKey": "CAES"}, f"{ARCHIVE}.identity.privateKey", "no key of a node", "--secret"),
        ({"network.images.kubo": "ipfs/kubo:v0.42.0"}, "network.images.kubo", "without a tag", "alone"),
        ({"network.peers": "secret"}, "network.peers", "is not one of", "in this spelling"),
        ({"nodes": {"a": {}}}, "nodes", "unknown key", "pools"),
        ({"pools.public.swarm": {}}, "pools.public.swarm", "unknown key", "Did you mean swarms?"),
        ({"pools.Public": {}}, "pools.Public", "no DNS label", "lower-case"),
        ({"pools.public.namespace": "a_b"}, "pools.public.namespace", "no name of a Kubernetes namespace", "lower"),
        ({f"{ARCHIVE}.swarmport": 4001}, f"{ARCHIVE}.swarmport", "unknown key", "Did you mean swarmPort?"),
        ({"cluster.address": None}, "cluster.address", "", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_with_a_cure(changes: dict[str, Any], path: str, words: str, cure: str) -> None:
    found = problems_of(alpha(changes))
    assert list(found) == [path], list(found.values())
    assert words in found[path].message
    assert cure in found[path].cure


def test_two_members_may_not_have_one_name() -> None:
    (problem,) = problems_of(alpha({"pools": {"a": {"swarms": {"b-c": {}}}, "a-b": {"swarms": {"c": {}}}}})).values()
    assert problem.path == "pools.a-b.swarms.c"
    assert "named a-b-c, as archipelago:pools.a.swarms.b-c is" in problem.message


@pytest.mark.parametrize(
    "pools",
    [
        {"public": {"swarms": {"archive": {}, "archive-swarm": {}}}},
        {"research": {"swarms": {"monitor": {}}}},
        {"research": {"swarms": {"peers": {}}}},
        {"research": {"swarms": {"genesis": {}}}},
    ],
)
def test_a_member_may_not_stand_where_something_else_does(pools: dict[str, Any]) -> None:
    (problem,) = problems_of(alpha({"pools": pools})).values()
    assert "another name" in problem.cure


def test_names_stay_short_enough_for_kubernetes() -> None:
    long = "a" * 30
    (problem,) = problems_of(alpha({"pools": {long: {"swarms": {long: {}}}}})).values()
    assert "characters too long" in problem.message


@pytest.mark.parametrize(
    ("key", "one", "other"),
    [
        ("key", "generate", {"partner": "beta"}),
        ("key", {"secret": "a"}, {"secret": "b"}),
        ("keyGeneration", 1, 2),
        ("shareKeyWith", [], ["beta"]),
    ],
)
def test_members_of_one_swarm_have_one_key(key: str, one: object, other: object) -> None:
    pools = {"a": {"swarms": {"archive": {key: one}}}, "b": {"swarms": {"archive": {key: other}}}}
    found = problems_of(alpha({"pools": pools}))
    assert f"pools.b.swarms.archive.{key}" in found
    assert "they are in one swarm" in found[f"pools.b.swarms.archive.{key}"].message


def test_two_swarms_have_two_keys() -> None:
    swarms = {name: {"key": {"secret": "one"}} for name in ("archive", "models")}
    (problem,) = problems_of(alpha({"pools.public.swarms": swarms})).values()
    assert "Secret ipfs/one has the key of swarm archive already" in problem.message


def test_nothing_secret_comes_from_nodes_that_were_pasted() -> None:
    pasted = [{"name": "public-archive", "swarm": "archive", "multiaddr": AT}]
    found = problems_of(beta({"partners": {"alpha": {"nodes": pasted}}}))
    assert "are pasted, and nothing secret crosses that way" in found[f"{ARCHIVE}.key"].message
    assert "kubectl create secret generic research-key" in found[f"{ARCHIVE}.key"].cure


def test_a_later_kubo_than_was_tried_is_a_doubt() -> None:
    warnings = ipfs.plan_of(alpha({"network.version": "0.43.1"})).warnings
    assert any("newer than this program knows" in each for each in warnings)


def test_an_api_that_is_seen_outside_is_a_doubt() -> None:
    warnings = ipfs.plan_of(alpha({f"{ARCHIVE}.exposure.api": True})).warnings
    assert any("shows its API outside" in each for each in warnings)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ({"name": "a", "multiaddr": AT}, "swarm differs"),
        ({"name": "a", "swarm": "archive", "multiaddr": AT, "host": "x"}, "host differs"),
        ({"name": "a", "swarm": "archive", "multiaddr": AT.partition("/p2p")[0]}, "whose address"),
        ({"name": "a", "nodeId": PEER}, "in which swarm"),
        ({"name": "a", "swarm": "archive", "nodeId": "12D3KooW"}, "no PeerID"),
    ],
)
def test_a_partners_member_that_is_malformed_is_refused(raw: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        ipfs.IPFS.parse_node(raw, "research", "beta")


def test_what_is_handed_over_as_text_is_read_back() -> None:
    plan = ipfs.plan_of(alpha({f"{ARCHIVE}.exposure.ports": {"swarm": 31001}}))
    (record,) = plan.records
    text = ipfs.IPFS.external_text([record])
    read = ipfs.IPFS.parse_node(json.loads(text.removeprefix("- ")), "research", "alpha")
    assert (read.node_id, read.swarm, read.fingerprint) == (record.node_id, record.swarm, record.fingerprint)
    assert str(read.endpoints["swarm"]) == str(record.endpoints["swarm"])
