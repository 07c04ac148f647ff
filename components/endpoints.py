"""What only the cluster can tell: allocated NodePorts and load balancers' addresses."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import pulumi

from archipelago.model.balancer import balancer_host, refusal
from archipelago.model.endpoint import Endpoint, Exposed, Port
from archipelago.model.plan import Service

Endpoints = dict[str, Endpoint]
# What an API server makes up in a dry run (portallocator/operation.go): a cluster's range may have such numbers too.
_MADE_UP = range(32769, 32769 + 16)


def endpoints_of(
    service: Service, resource: pulumi.CustomResource, before: Container[str], allowed: range
) -> pulumi.Output[Endpoints]:
    """Where a Service's ports are dialled; unknown in a preview until the cluster has said it.

    Args:
        service: As it was planned.
        resource: As it is registered.
        before: Addresses that were exported last.
        allowed: The cluster's range of NodePorts.
    """
    if service.settled and not (service.asks and not pulumi.runtime.is_dry_run()):
        return pulumi.Output.from_input(service.endpoints())
    spec, status = (pulumi.Output.from_input(getattr(resource, name)) for name in ("spec", "status"))
    return pulumi.Output.all(spec, status).apply(lambda given: _endpoints(service, before, allowed, *given))


def _endpoints(service: Service, before: Container[str], allowed: range, spec: Any, status: Any) -> Any:
    if service.asks and (reason := refusal(service.address, {"status": status})):
        raise pulumi.RunError(f"Service {service.name}: {reason}")
    host = service.host or balancer_host({"status": status}, before)
    found: Endpoints = {}
    for port in service.ports:
        number = _number(service, port, spec, allowed)
        if not host or number is None:
            if pulumi.runtime.is_dry_run():
                return pulumi.UNKNOWN
            # an optional Service of this organisation's own clients may have no address that partners could dial
            raise pulumi.RunError(f"Service {service.name}: the cluster gave port {port.name} no address.")
        found[port.name] = Endpoint(host=host, port=number, exposure=service.exposure)
    return found


def _number(service: Service, port: Port, spec: Any, allowed: range) -> int | None:
    if service.route:
        return service.route.port
    return _node_port(spec, port.name, allowed) if service.type is Exposed.NODE_PORT else service.dialled(port)


def _node_port(spec: Any, name: str, allowed: range) -> int | None:
    """An allocated NodePort; a preview shows none, or one that a dry run made up outside the range."""
    number = next((port.get("nodePort") for port in spec.get("ports") or [] if port.get("name") == name), None)
    if number is None:
        return None
    made_up = int(number) not in allowed or int(number) in _MADE_UP
    return None if made_up and pulumi.runtime.is_dry_run() else int(number)
