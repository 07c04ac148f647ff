"""Addresses of LoadBalancer Services: unique, stable, and only for those that want one."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightkube.resources.core_v1 import Service

from lab.controllers.loadbalancer import LoadBalancers, choose_address

pytestmark = pytest.mark.unit

NETWORK = ipaddress.IPv4Network("127.10.0.0/16")
SMALL = ipaddress.IPv4Network("127.10.0.0/29")


class Server:
    """Records what is published."""

    def __init__(self) -> None:
        self.published: list[tuple[str, list[dict[str, str]]]] = []

    async def patch(self, _kind: type, name: str, body: dict[str, Any], **_rest: Any) -> None:
        self.published.append((name, body["status"]["loadBalancer"]["ingress"]))


def service(
    name: str,
    kind: str = "LoadBalancer",
    address: str | None = None,
    group: str | None = None,
    requested: str | None = None,
) -> Service:
    ingress = [{"ip": address}] if address else []
    plain = {
        "metadata": {"namespace": "n", "name": name},
        "spec": {"type": kind, "loadBalancerClass": group, "loadBalancerIP": requested},
        "status": {"loadBalancer": {"ingress": ingress}},
    }
    return cast("Service", Service.from_dict(plain))


def tell(server: Server, *things: Service, present: list[Service] | None = None) -> None:
    balancers = LoadBalancers(server, NETWORK)  # type: ignore[arg-type]
    balancers.start(present or [])
    for thing in things:
        asyncio.run(balancers.change(thing, deleted=False))


@given(st.sets(st.text(min_size=1), min_size=6, max_size=6))
def test_all_addresses_of_a_network_are_given_once(names: set[str]) -> None:
    given_: list[str] = []
    for name in names:
        given_.append(choose_address(SMALL, name, given_))
    assert sorted(given_) == [f"127.10.0.{last}" for last in range(1, 7)]
    with pytest.raises(ValueError, match="no address is left"):
        choose_address(SMALL, "one more", given_)


def test_a_service_that_is_made_anew_gets_its_address_again() -> None:
    assert choose_address(NETWORK, "n/web", []) == choose_address(NETWORK, "n/web", ["127.10.0.1"])


def test_a_load_balancer_gets_an_address() -> None:
    server = Server()
    tell(server, service("web"))
    assert server.published == [("web", [{"ip": choose_address(NETWORK, "n/web", []), "ipMode": "VIP"}])]


def test_an_address_that_is_given_already_is_neither_changed_nor_given_twice() -> None:
    server, theirs = Server(), choose_address(NETWORK, "n/web", [])
    other = service("other", address=theirs)
    tell(server, other, service("web"), present=[other])
    ((name, ingress),) = server.published
    assert name == "web"
    assert ingress[0]["ip"] != theirs


@pytest.mark.parametrize("before", [None, "127.10.0.9"])
def test_a_requested_address_is_given(before: str | None) -> None:
    server = Server()
    tell(server, service("web", address=before, requested="127.10.0.7"))
    assert server.published == [("web", [{"ip": "127.10.0.7", "ipMode": "VIP"}])]
    again = Server()
    tell(again, service("web", address="127.10.0.7", requested="127.10.0.7"))
    assert again.published == [], "it has it already"


@pytest.mark.parametrize("requested", ["127.10.0.9", "127.99.0.1"])
def test_a_requested_address_that_is_not_to_be_had_leaves_the_service_without(requested: str) -> None:
    server, other = Server(), service("other", address="127.10.0.9")
    tell(server, service("web", requested=requested), present=[other])
    assert server.published == [("web", [])]


def test_a_service_that_no_longer_wants_an_address_loses_it() -> None:
    server = Server()
    tell(server, service("web", kind="ClusterIP", address="127.10.0.9"))
    assert server.published == [("web", [])]


def test_services_of_other_kinds_and_classes_are_left_alone() -> None:
    server = Server()
    tell(server, service("web", kind="NodePort"), service("theirs", group="example.com/lb"))
    assert server.published == []
