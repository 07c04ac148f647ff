"""What only the cluster can tell: allocated NodePorts and load balancers' addresses."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import pulumi

from archipelago.model.balancer import balancer_host
from archipelago.model.endpoint import NODE_PORTS, Endpoint, Exposed, Port
from archipelago.model.plan import Service

Endpoints = dict[str, Endpoint]


def endpoints_of(service: Service, resource: pulumi.CustomResource, before: Container[str]) -> pulumi.Output[Endpoints]:
    """Where a Service's ports are dialled; unknown in a preview until the cluster has said it.

    Args:
        service: As it was planned.
        resource: As it is registered.
        before: Addresses that were exported last.
    """
    if service.settled:
        return pulumi.Output.from_input(service.endpoints())
    spec, status = (pulumi.Output.from_input(getattr(resource, name)) for name in ("spec", "status"))
    return pulumi.Output.all(spec, status).apply(lambda given: _endpoints(service, before, *given))


def _endpoints(service: Service, before: Container[str], spec: Any, status: Any) -> Any:
    host = service.host or balancer_host({"status": status}, before)
    found: Endpoints = {}
    for port in service.ports:
        number = _number(service, port, spec)
        if not host or number is None:
            if pulumi.runtime.is_dry_run():
                return pulumi.UNKNOWN
            # an optional Service of this organisation's own clients may have no address that partners could dial
            raise pulumi.RunError(f"Service {service.name}: the cluster gave port {port.name} no address.")
        found[port.name] = Endpoint(host=host, port=number, exposure=service.exposure)
    return found


def _number(service: Service, port: Port, spec: Any) -> int | None:
    if service.route:
        return service.route.port
    return _node_port(spec, port.name) if service.type is Exposed.NODE_PORT else port.number


def _node_port(spec: Any, name: str) -> int | None:
    """An allocated NodePort; a preview shows none, or one that a dry run made up outside the range."""
    number = next((port.get("nodePort") for port in spec.get("ports") or [] if port.get("name") == name), None)
    if number is None or (pulumi.runtime.is_dry_run() and int(number) not in NODE_PORTS):
        return None
    return int(number)
