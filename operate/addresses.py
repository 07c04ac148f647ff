"""Where the ports of a stack's nodes are dialled, as its cluster says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from archipelago.model.balancer import balancer_host
from archipelago.model.endpoint import Endpoint, Exposed
from archipelago.model.names import service_host
from operate.kubectl import Manifest
from operate.site import Site

_HEADLESS = "None"  # Kubernetes' word for no address: the name leads to the pod


@dataclass(frozen=True, slots=True)
class Address:
    """One port of a node.

    Args:
        node: Its name.
        port: The port's name.
        exposed: By which way out.
        endpoint: What is dialled.
        service: Name of the Service.
    """

    node: str
    port: str
    exposed: Exposed
    endpoint: Endpoint
    service: str

    def plain(self) -> dict[str, str | int]:
        """For programs."""
        return {
            "node": self.node,
            "port": self.port,
            "type": str(self.exposed),
            "host": self.endpoint.host,
            "number": self.endpoint.port,
            "service": self.service,
        }


def addresses(site: Site, exposed: Exposed | None, hosts: Mapping[str, str]) -> Iterator[Address]:
    """The addresses of one kind, sorted by node and Service.

    Args:
        site: The stack.
        exposed: Which way out; None for each Service's own. A NodePort has a cluster address too, a load balancer all.
        hosts: What is dialled for a NodePort, by node.

    Raises:
        Failed: The cluster does not answer.
    """
    services = site.access.get(["services"], f"archipelago/network={site.network}")
    for service in sorted(services, key=lambda each: (_node(each), str(each["metadata"]["name"]))):
        if _node(service) in site.nodes:
            way = exposed or Exposed(service["spec"].get("type", "ClusterIP"))
            yield from _of(service, way, hosts.get(_node(service), ""))


def _of(service: Manifest, way: Exposed, node_host: str) -> Iterator[Address]:
    spec, name = service["spec"], str(service["metadata"]["name"])
    match way:
        case Exposed.NODE_PORT:
            host = node_host
        case Exposed.LOAD_BALANCER:
            host = balancer_host(service)
        case Exposed.CLUSTER_IP:
            host = spec.get("clusterIP", "")
            if host == _HEADLESS:
                host = service_host(name, service["metadata"]["namespace"])
    for port in spec.get("ports", []):
        number = port.get("nodePort") if way is Exposed.NODE_PORT else port["port"]
        if host and number:
            yield Address(_node(service), port["name"], way, Endpoint(host=host, port=number, exposure=way), name)


def _node(service: Manifest) -> str:
    return str(service["metadata"].get("labels", {}).get("archipelago/node", ""))
