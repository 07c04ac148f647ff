"""Which of a load balancer's addresses is dialled, and whether it is the one that was asked for."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from ipaddress import ip_address
from typing import Any


def balancer_host(service: Mapping[str, Any], before: Container[str] = ()) -> str:
    """The address that a Service's load balancer has; empty while it has none.

    A load balancer lists several in any order, and another order must not be another address: partners would be told,
    and a node whose configuration names it would restart.

    Args:
        service: The Service, or its status alone under `status`, as its API shows it.
        before: Addresses that were exported last; one that is still there stays.
    """
    hosts = sorted(_hosts(service))
    return next((each for each in hosts if each in before), next(iter(hosts), ""))


def refusal(asked: str, service: Mapping[str, Any]) -> str:
    """Why a load balancer cannot be announced at the address that it was asked to be; empty where it can.

    A cloud may pass the wish over (Kubernetes leaves `loadBalancerIP` to it): partners would dial another's address.

    Args:
        asked: The IP address.
        service: The Service, or its status alone, as for `balancer_host`.
    """
    given = sorted(_hosts(service))
    if not given or any(_same(each, asked) for each in given):
        return ""
    return (
        f"the load balancer was asked to be {asked} and is {', '.join(given)}. Nothing was announced. Reserve {asked} "
        "at the cloud, with the annotations that it wants (exposure.annotations), or take the address out (auto) and "
        "announce what the cloud gives; then run pulumi up again."
    )


def _hosts(service: Mapping[str, Any]) -> Iterator[str]:
    for each in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
        if host := each.get("ip") or each.get("hostname"):
            yield str(host)


def _same(host: str, asked: str) -> bool:
    try:
        return ip_address(host) == ip_address(asked)
    except ValueError:
        return False
