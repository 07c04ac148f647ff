"""Which of a load balancer's addresses is dialled."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any


def balancer_host(service: Mapping[str, Any], before: Container[str] = ()) -> str:
    """The address that a Service's load balancer has; empty while it has none.

    A load balancer lists several in any order, and another order must not be another address: partners would be told,
    and a node whose configuration names it would restart.

    Args:
        service: The Service, or its status alone under `status`, as its API shows it.
        before: Addresses that were exported last; one that is still there stays.
    """
    listed = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    hosts = sorted(str(each.get("ip") or each.get("hostname") or "") for each in listed)
    return next((each for each in hosts if each in before), next(filter(None, hosts), ""))
