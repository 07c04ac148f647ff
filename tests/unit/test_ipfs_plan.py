"""What is planned for a member: objects, ports, config, and the behaviours that cluster-discovery promised."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from archipelago.chains.contract import Ask
from archipelago.identity import peer_id
from archipelago.manifests.common import Manifest
from archipelago.manifests.stack import manifests
from archipelago.model.endpoint import Exposed
from archipelago.stack.plan import StackPlan
from tests import ipfs
from tests.ipfs import ARCHIVE, PEER, alpha, beta, held, kubo_config, node, plan_of, problems_of
from tests.world import of_kind

pytestmark = pytest.mark.unit

TRAEFIK = Ask("Service", "traefik-v2", "traefik")
ROUTED = {"traefik": {"entryPoint": "ipfs", "service": "traefik", "namespace": "traefik-v2"}}
THERE = {
    "spec": {"ports": [{"name": "web", "port": 80}, {"name": "ipfs", "port": 4001, "targetPort": "ipfs"}]},
    "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.80"}]}},
}


def test_behaviour_08_records_say_who_a_member_is_and_how_to_dial_it() -> None:
    plan = plan_of(alpha({f"{ARCHIVE}.exposure.ports": {"swarm": 31001}}))
    (record,) = plan.records
    identity = kubo_config(plan)["Identity"]
    assert identity["PeerID"] == record.node_id
    assert ipfs.IPFS.url(record) == f"/ip4/203.0.113.10/tcp/31001/p2p/{record.node_id}"
    seed = peer_id.seed_of(node(plan).private_files["private-key"])
    assert peer_id.peer_id(seed) == record.node_id


def test_behaviour_09_a_stateful_set_for_each_swarm_of_a_pool() -> None:
    plan = plan_of(alpha({"pools.public.swarms.models": {}, "pools.lab.swarms.archive": {}}))
    names = [each.object_name for each in plan.nodes]
    assert names == ["lab-archive-ss", "public-archive-ss", "public-models-ss"]
    assert all(each.stateful and each.runs for each in plan.nodes)
    assert sorted(of_kind(plan, "StatefulSet")) == names
    assert len({each.node_id for each in plan.records}) == 3
    assert held(plan, "lab-archive") == held(plan, "public-archive") != held(plan, "public-models")


@pytest.mark.parametrize("address", ["auto", "203.0.113.9"])
def test_behaviour_10_a_load_balancer_is_asked_for_an_address_or_not(address: str) -> None:
    plan = plan_of(alpha({f"{ARCHIVE}.exposure": {"type": "LoadBalancer", "address": address}}))
    spec = of_kind(plan, "Service")["public-archive-swarm"]["spec"]
    assert spec["type"] == "LoadBalancer"
    assert spec.get("loadBalancerIP") == (None if address == "auto" else address)
    known = "" if address == "auto" else f"/ip4/{address}/tcp/4001/p2p/{plan.records[0].node_id}"
    assert ipfs.IPFS.url(plan.records[0]) == known
    # what is announced is what the cluster gives
    assert node(plan).public_files["announce"] == "@endpoint:swarm@\n"


def test_behaviour_11_the_api_is_never_seen_outside_unless_it_is_asked_for() -> None:
    for kind in Exposed:
        closed = plan_of(alpha({f"{ARCHIVE}.exposure": {"type": str(kind)}}))
        opened = plan_of(alpha({f"{ARCHIVE}.exposure": {"type": str(kind), "api": True}}))
        shown = [[port.name for port in node(plan).service.ports] for plan in (closed, opened)]
        assert shown == [["swarm"], ["swarm", "api"]]


def test_an_api_asks_for_a_token_and_one_that_cannot_stays_in_the_pod() -> None:
    plan = plan_of(alpha())
    api = kubo_config(plan)["API"]["Authorizations"]["archipelago"]
    assert api["AuthSecret"] == "@api-token@"
    assert len(node(plan).private_files["api-token"]) == 64
    assert kubo_config(plan)["Addresses"]["API"] == "/ip4/0.0.0.0/tcp/5001"
    old = plan_of(alpha({"network.version": "0.24.0"}))
    assert kubo_config(old)["Addresses"]["API"] == "/ip4/127.0.0.1/tcp/5001"
    assert "Authorizations" not in kubo_config(old)["API"]
    assert "api-token" not in node(old).private_files
    (headless,) = node(old).more_services
    assert [port.name for port in headless.ports] == ["swarm"]


def test_behaviour_12_traefik_gets_a_route_and_its_address_is_announced() -> None:
    plan = plan_of(alpha({f"{ARCHIVE}.exposure": ROUTED}), given={TRAEFIK: THERE})
    service = node(plan).service
    assert service.type is Exposed.CLUSTER_IP
    assert service.route is not None
    assert (service.route.entry_point, service.route.port) == ("ipfs", 4001)
    assert ipfs.IPFS.url(plan.records[0]).startswith("/ip4/203.0.113.80/tcp/4001/p2p/")
    assert ipfs.IPFS.asks(plan.settings) == (TRAEFIK,)
    assert not any(each["spec"]["type"] == "LoadBalancer" for each in of_kind(plan, "Service").values())
    (route,) = of_kind(plan, "IngressRouteTCP").values()
    assert route["spec"]["entryPoints"] == ["ipfs"]


def test_a_route_leads_to_a_port_that_its_service_has() -> None:
    """Partners dial the number of Traefik's entry point; the member listens at one of its own."""
    plan = plan_of(alpha({f"{ARCHIVE}.exposure": ROUTED, f"{ARCHIVE}.swarmPort": 4101}), given={TRAEFIK: THERE})
    (route,) = of_kind(plan, "IngressRouteTCP").values()
    (entry,) = route["spec"]["routes"]
    (led_to,) = entry["services"]
    assert led_to["port"] in {each["port"] for each in of_kind(plan, "Service")[led_to["name"]]["spec"]["ports"]}
    assert ipfs.IPFS.url(plan.records[0]).startswith("/ip4/203.0.113.80/tcp/4001/p2p/")


@pytest.mark.parametrize(
    ("there", "why"),
    [
        (None, "there is no Service traefik-v2/traefik"),
        (THERE | {"status": {}}, "has no external address"),
        (THERE | {"spec": {"ports": [{"name": "web", "port": 80}]}}, "has no port named ipfs (it has web)"),
    ],
)
def test_a_traefik_that_cannot_be_reached_is_refused(there: Any, why: str) -> None:
    found = problems_of(alpha({f"{ARCHIVE}.exposure": ROUTED}), {TRAEFIK: there})
    assert why in found[f"{ARCHIVE}.exposure.traefik"].message


def test_a_traefik_that_nobody_could_ask_is_a_warning() -> None:
    plan = plan_of(alpha({f"{ARCHIVE}.exposure": ROUTED}))
    assert any("Service traefik-v2/traefik" in each for each in plan.warnings)
    assert not plan.records[0].endpoints


def test_behaviour_13_ports_are_the_same_in_container_headless_service_and_load_balancer() -> None:
    changes = {"swarmPort": 4101, "apiPort": 5101, "exposure": {"type": "LoadBalancer", "api": True}}
    plan = plan_of(alpha({ARCHIVE: changes}))
    services = of_kind(plan, "Service")
    for name in ("public-archive", "public-archive-swarm"):
        assert {each["name"]: each["port"] for each in services[name]["spec"]["ports"]} == {"swarm": 4101, "api": 5101}
    assert services["public-archive"]["spec"]["clusterIP"] == "None"
    addresses = kubo_config(plan)["Addresses"]
    assert addresses["Swarm"] == ["/ip4/0.0.0.0/tcp/4101", "/ip6/::/tcp/4101"]
    assert addresses["API"].endswith("/tcp/5101")
    (kubo,) = [each for each in node(plan).containers if each.name == "kubo"]
    assert kubo.ports == ("swarm", "api")


def test_behaviour_14_the_claim_asks_for_the_capacity_and_the_identity_is_derived() -> None:
    plan = plan_of(alpha({f"{ARCHIVE}.storage.size": "1Gi"}))
    (claim,) = of_kind(plan, "PersistentVolumeClaim").values()
    assert claim["spec"]["resources"]["requests"]["storage"] == "1Gi"
    assert plan_of(alpha()).records[0].node_id == plan.records[0].node_id
    assert kubo_config(plan)["Datastore"]["StorageMax"] == f"{2**30 * 80 // 100}B"
    (kubo,) = [each for each in node(plan).containers if each.name == "kubo"]
    assert kubo.command[-1] == "--enable-gc"


@pytest.mark.parametrize(
    ("version", "image"),
    [
        ("0.8.0", "docker.io/ipfs/go-ipfs:v0.8.0"),
        ("0.13.1", "docker.io/ipfs/go-ipfs:v0.13.1"),
        ("0.14.0", "docker.io/ipfs/kubo:v0.14.0"),
        ("0.42.0", "docker.io/ipfs/kubo:v0.42.0"),
    ],
)
def test_behaviour_15_the_version_is_the_images_tag(version: str, image: str) -> None:
    plan = plan_of(alpha({f"{ARCHIVE}.version": version}))
    assert {each.image for each in (*node(plan).init, *node(plan).containers)} == {image}


def test_behaviour_16_survivors_list_each_other_when_a_bootstrap_member_has_left() -> None:
    """Nothing that two members need to find each other is kept at a third."""
    gamma = beta(
        {"organisation": "gamma", "identitySeed": "ab12cd34" * 7 + "0f1e2d3c", "cluster.address": "192.0.2.30"}
    )
    listing = {"stack": "organization/archipelago/cluster-b", "required": False}
    both = {name: {**listing} for name in ("beta", "gamma")}
    world = ipfs.world(
        alpha=alpha({"partners": both}),
        beta=beta({"partners.gamma": listing}),
        gamma={**gamma, "partners": {"alpha": listing, "beta": listing}},
    )
    world.up("alpha", "beta", "gamma", "alpha", "beta", "gamma", "beta")
    files = world.plans["beta"].live_files["archive.members"]
    for organisation in ("alpha", "gamma"):
        assert f"{organisation} {world.plans[organisation].records[0].node_id} /ip4/" in files
    del world.outputs["alpha"]
    world.configs["beta"] = beta({"partners": {"alpha": listing, "gamma": listing}})
    survivors = world.up("beta")
    assert node(survivors).runs, survivors.waiting_for
    assert world.plans["gamma"].records[0].node_id in survivors.live_files["archive.members"]


def test_a_member_that_comes_or_goes_restarts_nobody() -> None:
    world = ipfs.world(alpha=alpha(), beta=beta())
    world.up("alpha")
    before = {each["metadata"]["name"]: each["spec"]["template"] for each in _workloads(world.plans["alpha"])}
    world.up("beta", "alpha")
    after = {each["metadata"]["name"]: each["spec"]["template"] for each in _workloads(world.plans["alpha"])}
    assert before == after
    assert world.plans["beta"].records[0].node_id in world.plans["alpha"].live_files["archive.members"]


def _workloads(plan: StackPlan) -> list[Manifest]:
    return [each for each in manifests(plan) if each["kind"] in ("Deployment", "StatefulSet")]


def test_no_daemon_starts_outside_of_a_private_network_nor_tells_anybody_of_it() -> None:
    for container in (*node(plan_of(alpha())).init, *node(plan_of(alpha())).containers):
        assert container.env["LIBP2P_FORCE_PNET"] == "1"
        assert container.env["IPFS_TELEMETRY"] == "off"


def test_a_config_has_what_its_release_needs_and_nothing_that_stops_it() -> None:
    new, middle, old = (
        kubo_config(plan_of(alpha({"network.version": each}))) for each in ("0.42.0", "0.30.0", "0.8.0")
    )
    assert new["AutoConf"] == {"Enabled": False}
    assert new["AutoTLS"] == {"Enabled": False}
    assert new["HTTPRetrieval"] == {"Enabled": False}
    assert (new["Routing"]["DelegatedRouters"], new["Ipns"]["DelegatedPublishers"]) == ([], [])
    assert new["Internal"]["ShutdownTimeout"] == "90s"
    for each in (new, middle, old):
        assert each["Routing"]["Type"] == "dhtserver"
        assert each["Discovery"]["MDNS"]["Enabled"] is False
        assert each["Swarm"]["AddrFilters"] is None
        assert each["Swarm"]["Transports"]["Network"]["TCP"] is True
        assert not any(on for name, on in each["Swarm"]["Transports"]["Network"].items() if name != "TCP")
        assert not {"Provider", "Reprovider", "Provide"} & set(each)
        assert "auto" not in json.dumps({key: each[key] for key in ("Bootstrap", "Routing", "Ipns", "Addresses")})
    assert not {"AutoConf", "AutoTLS", "HTTPRetrieval", "DNS"} & (set(middle) | set(old))
    assert "EnableHolePunching" in middle["Swarm"]
    assert "EnableAutoRelay" in old["Swarm"]
    assert "RelayClient" not in old["Swarm"]
    assert old["Discovery"]["MDNS"]["Interval"] == 10


def test_literal_bootstraps_are_let_through_the_network_policy() -> None:
    far = f"/dns4/ipfs.example.org/tcp/31999/p2p/{PEER}"
    assert node(plan_of(alpha({f"{ARCHIVE}.bootstrap": [far]}))).dials == (31999,)


def test_the_gateway_is_off_unless_it_is_asked_for() -> None:
    assert kubo_config(plan_of(alpha()))["Addresses"]["Gateway"] == []
    opened = plan_of(alpha({f"{ARCHIVE}.gateway": True}))
    assert kubo_config(opened)["Addresses"]["Gateway"] == ["/ip4/0.0.0.0/tcp/8080"]
    assert [port.name for port in node(opened).service.ports] == ["swarm"]
    assert [port.name for port in node(opened).more_services[0].ports] == ["swarm", "api", "gateway"]


def test_every_service_of_a_member_leads_to_the_ports_where_kubo_listens() -> None:
    ports = {"swarmPort": 4101, "apiPort": 5101, "gatewayPort": 8181}
    changes = {"gateway": True, "exposure.api": True, **ports}
    plan = plan_of(alpha({f"{ARCHIVE}.{key}": value for key, value in changes.items()}))
    at = kubo_config(plan)["Addresses"]
    listens = {"swarm": at["Swarm"][0], "api": at["API"], "gateway": at["Gateway"][0]}
    outside, headless = ({port.name: port.number for port in each.ports} for each in node(plan).services)
    assert headless == {name: int(address.rpartition("/")[2]) for name, address in listens.items()}
    assert outside == {name: headless[name] for name in ("swarm", "api")}


def test_a_taken_over_key_keeps_the_peer_id() -> None:
    seed = bytes(range(32))
    given = peer_id.private_key(seed)
    plan = plan_of(alpha({f"{ARCHIVE}.identity.privateKey": given}))
    assert plan.records[0].node_id == peer_id.peer_id(seed)
    assert node(plan).private_files["private-key"] == given


def test_the_monitor_knows_every_member_and_a_hash_that_settings_alone_change() -> None:
    plan = plan_of(alpha({"pools.public.namespace": "far"}))
    assert plan.monitor is not None
    (watched,) = plan.monitor.members
    assert (watched.pool, watched.swarm, watched.namespace) == ("public", "archive", "far")
    assert watched.host == "public-archive.far.svc.cluster.local"
    assert len(base64.b64decode(watched.hash)) == 16
    other = plan_of(alpha({"pools.public.namespace": "far", f"{ARCHIVE}.swarmPort": 4002}))
    assert other.monitor is not None
    assert other.monitor.members[0].hash != watched.hash
    assert plan_of(alpha({"network.monitor.enabled": False})).monitor is None
