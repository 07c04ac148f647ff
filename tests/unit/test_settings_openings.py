"""What must not be open to everybody: votes, the node's own controls, unlocked accounts, APIs without a token."""

from __future__ import annotations

from typing import Any

import pytest

from archipelago.chains.cita_cloud.accounts import SUITES
from tests import cita, ipfs
from tests.stacks import GONE, Config, alpha, changed, problems_of

pytestmark = pytest.mark.unit

FIRST = "nodes.quorum-node1"
NAMED = [{"namespace": "apps", "pods": {"app": "wallet"}}]
EVERYWHERE: list[list[dict[str, Any]]] = [
    [], [{"cidr": "0.0.0.0/0"}], [{"cidr": "::/0"}], [{"cidr": "0.0.0.0/1"}, {"cidr": "128.0.0.0/1"}],
    [*NAMED, {"cidr": "0.0.0.0/0"}],
]  # fmt: skip


def opened(namespaces: list[str], **changes: Any) -> dict[str, Any]:
    return {f"{FIRST}.api": {"rpc": True, "namespaces": ["eth", *namespaces], **changes}}


@pytest.mark.parametrize("namespace", ["istanbul", "admin", "debug"])
@pytest.mark.parametrize("way", ["NodePort", "LoadBalancer"])
def test_c20_what_changes_a_node_is_refused_outside_of_the_cluster_even_for_named_clients(
    namespace: str, way: str
) -> None:
    """`istanbul_propose` needs no key: a client that reaches the port casts the node's vote."""
    for clients in ([], NAMED, [{"cidr": "198.51.100.0/24"}]):
        (problem,) = problems_of(alpha(opened([namespace], type=way, clients=clients)))
        assert problem.path == f"{FIRST}.api.namespaces"
        assert namespace in problem.message and way in problem.message


@pytest.mark.parametrize("namespace", ["istanbul", "admin", "debug"])
@pytest.mark.parametrize("port", ["rpc", "websocket"])
def test_c20_inside_of_the_cluster_it_needs_clients(namespace: str, port: str) -> None:
    for clients in EVERYWHERE:
        api = {port: True, "namespaces": [namespace], "clients": clients}
        (problem,) = problems_of(alpha({f"{FIRST}.api": api}))
        assert problem.path == f"{FIRST}.api.namespaces"
        assert f"archipelago:{FIRST}.api.clients" in problem.cure
    assert problems_of(alpha(opened([namespace], clients=NAMED))) == ()


def test_c20_namespaces_that_change_nothing_need_no_clients() -> None:
    for way in ("ClusterIP", "NodePort", "LoadBalancer"):
        assert problems_of(alpha(opened(["net", "web3", "txpool", "quorum"], type=way))) == ()


@pytest.mark.parametrize("way", ["ClusterIP", "NodePort", "LoadBalancer"])
@pytest.mark.parametrize("port", ["rpc", "websocket"])
def test_c20_an_unlocked_account_needs_clients_on_every_way_in(way: str, port: str) -> None:
    for clients in EVERYWHERE:
        found = problems_of(
            alpha({f"{FIRST}.unlock": True, f"{FIRST}.api": {port: True, "type": way, "clients": clients}})
        )
        assert [each.path for each in found] == [f"{FIRST}.unlock"]
    narrow = {"type": way, port: True, "clients": NAMED}
    assert problems_of(alpha({f"{FIRST}.unlock": True, f"{FIRST}.api": narrow})) == ()


def test_c20_an_unlocked_account_of_a_node_without_a_way_in_is_accepted() -> None:
    """The node's own container asks by a socket: `archipelago verify --transact` does."""
    assert problems_of(alpha({"defaults.unlock": True, f"{FIRST}.api": {"thirdParty": True}})) == ()


def test_c20_without_network_policies_no_list_of_clients_keeps_a_client_out() -> None:
    found = problems_of(alpha({**opened(["istanbul"]), f"{FIRST}.unlock": True, "cluster.networkPolicies": False}))
    assert [each.path for each in found] == [f"{FIRST}.api.namespaces", f"{FIRST}.unlock"]
    assert all("remove archipelago:cluster.networkPolicies" in each.cure.replace("Remove", "remove") for each in found)


@pytest.mark.parametrize(
    ("config", "open_"),
    [
        (cita.local(), True),
        (cita.outside(), True),
        (cita.outside({"network.clients": [{"cidr": "0.0.0.0/0"}]}), True),
        (cita.outside({"network.clients": NAMED}), False),
        (cita.local({"network.portBase": GONE}), False),
    ],
)
def test_c20_client_ports_of_cita_cloud_that_anybody_reaches_are_a_warning(config: Config, open_: bool) -> None:
    """The executor takes blocks at the port that clients call."""
    assert any("port call is open" in each for each in cita.plan_of(config).warnings) is open_


def test_c20_an_api_of_kubo_that_asks_for_no_token_is_on_no_service() -> None:
    for version, guarded in (("0.24.0", False), ("0.25.0", True)):
        plan = ipfs.plan_of(ipfs.alpha({"network.version": version}))
        names = {port.name for node in plan.nodes for service in node.services for port in service.ports}
        assert ("api" in names) is guarded


@pytest.mark.parametrize(("kms", "part", "bytes_"), [("kms_eth", "the other", 32), ("kms_sm", "half of the other", 16)])
def test_c36_nodes_with_one_kms_password_are_a_warning_that_does_not_show_it(kms: str, part: str, bytes_: int) -> None:
    suite, keys = SUITES[kms], (bytes(range(1, 33)), bytes(range(101, 133)))
    told = _xor(*(suite.encrypt(b"123456", key) for key in keys))
    assert told[:bytes_] == _xor(*keys)[:bytes_]
    assert (told == _xor(*keys)) is (bytes_ == 32)

    shared = cita.local({"network.services.kms": kms})
    (warning,) = (each for each in cita.plan_of(shared).warnings if "kmsPassword" in each)
    assert "node0, node1, node2" in warning
    assert f"computes {part}." in warning
    assert "123456" not in warning
    own = {f"nodes.node{index}.kmsPassword": f"password {index}" for index in range(3)}
    for config in (changed(shared, own), changed(shared, {"defaults.kmsPassword": GONE})):
        assert not any("kmsPassword" in each for each in cita.plan_of(config).warnings)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
