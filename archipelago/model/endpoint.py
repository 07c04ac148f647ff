"""Ports, and where they can be dialled."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
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
_OWN_NAMES = (
    *("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "kubernetes", "kubernetes.default"),
    *("metadata", "metadata.google.internal", "metadata.goog", "metadata.tencentyun.com"),
    *("instance-data", "instance-data.ec2.internal"),
)
_EVERY_CLUSTERS = ("default", "kube-system", "kube-public")  # namespaces
_OWN_DOMAINS = (".localhost", ".svc", ".cluster.local")
# metadata services of clouds, which hand out credentials, as far as they are outside the link-local ranges
_METADATA = tuple(
    ipaddress.ip_network(each)
    for each in (
        "168.63.129.16",  # Azure
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle, Classic
        "fd00:ec2::/32",  # AWS: metadata, Pod Identity, DNS, time
        "fd20:ce::254",  # Google
        "fd00:c1::a9fe:a9fe",  # Oracle
        "fd00:100::100:200",  # Alibaba
        "fd00:42::42",  # Scaleway
        "fd00:a9fe:a9fe::1",  # Akamai
    )
)
# IPv6 addresses that lead to the IPv4 address in their last 32 bits: compatible, translated (RFC 2765), NAT64
_CARRIERS = tuple(map(ipaddress.ip_network, ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96")))


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


def _carried(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to by a translator or a tunnel; `::` and `::1` are none."""
    if isinstance(address, ipaddress.IPv4Address) or int(address) <= 1:
        return None
    if any(address in each for each in _CARRIERS):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour


def _own(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    near = address.is_loopback or address.is_unspecified or address.is_link_local or address.is_multicast
    return near or any(address in each for each in _METADATA)


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
        carried = _carried(address)
        own = _own(address) or (carried is not None and _own(carried))
        return "is an address of the machine's own, and nobody outside reaches it" if own else ""
    name = host.lower()
    own = name in _OWN_NAMES or name.endswith(_OWN_DOMAINS)
    return "is a name of the cluster's own, and nobody outside finds it" if own else ""


def searched(host: str, namespaces: Iterable[str]) -> str:
    """Why the name of a host from outside may lead to a Service of our own cluster; empty where it does not.

    A pod's resolver completes names by `<namespace>.svc.cluster.local` and `svc.cluster.local`.

    Args:
        host: A `Host`.
        namespaces: Those of the stack.
    """
    if _address(host):
        return ""
    first, dot, rest = host.lower().partition(".")
    if dot and rest not in {*namespaces, *_EVERY_CLUSTERS}:
        return ""
    return f"is short, and pods complete it to a Service {first} of their own cluster; allowInside is not set"


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

    @property
    def named(self) -> bool:
        """Whether it is dialled by a name: where that leads, a policy cannot know."""
        return _address(self.host) is None

    @property
    def place(self) -> str:
        """Host and port in one spelling, to compare: `::ffff:192.0.2.1` is 192.0.2.1, and names have no case."""
        return f"{_address(self.host) or self.host.lower()} {self.port}"

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
