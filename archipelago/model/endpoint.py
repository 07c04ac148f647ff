"""Ports, and where they can be dialled."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from archipelago.foreign_text import shown
from archipelago.model.texts import Printed

NODE_PORTS = range(30000, 32768)  # the API server's default --service-node-port-range
LONGEST_HOST = 253
_HOST_LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_OWN_NAMES = ("localhost", "kubernetes", "kubernetes.default", "metadata.google.internal")
_OWN_DOMAINS = (".localhost", ".svc", ".cluster.local")


class Reach(StrEnum):
    """Who may open a connection to a port."""

    CLUSTER = "cluster"  # other pods of this cluster
    PARTNERS = "partners"  # nodes in the address book, whatever cluster they are in
    OPERATORS = "operators"  # people and tools of this organisation


class Exposed(StrEnum):
    """How a port leaves the pod; the values are Kubernetes' Service types."""

    NODE_PORT = "NodePort"
    LOAD_BALANCER = "LoadBalancer"
    CLUSTER_IP = "ClusterIP"


@dataclass(frozen=True, slots=True)
class Port:
    """One listening port of a node.

    Args:
        name: IANA-style name, at most 15 characters, unique in the node.
        number: Port the process listens on, 1 to 65535.
        reach: Who may connect; decides the Service it is on and whether it is exported.
    """

    name: str
    number: int
    reach: Reach


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _host(text: str) -> str:
    if _address(text) and "%" not in text:  # a zone may hold any character, and is this machine's own
        return text
    labels = text.split(".")
    numeric = _NUMBER.fullmatch(labels[-1])  # C libraries read 127.1 and 0x7f000001 as addresses
    if numeric or len(text) > LONGEST_HOST or not all(_HOST_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"a host must be an IP address or a DNS name, got {shown(text)}")
    return text


Host = Annotated[str, AfterValidator(_host)]


def inside(host: str) -> str:
    """Why a host from outside is not dialled: it is a place in our own cluster or machine; empty where it may be.

    Args:
        host: A `Host`.
    """
    if address := _address(host):
        own = address.is_loopback or address.is_unspecified or address.is_link_local or address.is_multicast
        return "is an address of the machine's own, and nobody outside reaches it" if own else ""
    name = host.lower()
    own = name in _OWN_NAMES or name.endswith(_OWN_DOMAINS)
    return "is a name of the cluster's own, and nobody outside finds it" if own else ""


class Endpoint(BaseModel):
    """Where one port of a node can be dialled.

    Args:
        host: IP address or DNS name.
        port: 1 to 65535.
        exposure: How the cluster exposes it; `external` for a node that no cluster of ours exposes.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    host: Host
    port: int = Field(ge=1, le=65535)
    exposure: Printed = "external"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def marker(port: str) -> str:
    """What stands in a file or an argument for an endpoint that only the cluster can tell, as an allocated NodePort."""
    return f"@endpoint:{port}@"


def fill(text: str, endpoints: Mapping[str, Endpoint]) -> str:
    """Put the endpoints the cluster gave in the place of their markers; markers of unknown ones stay."""
    for name, endpoint in endpoints.items():
        text = text.replace(marker(name), str(endpoint))
    return text
