"""Ports, and where they can be dialled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

NODE_PORTS = range(30000, 32768)  # the API server's default --service-node-port-range


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


def _host(text: str) -> str:
    if not text or any(c in text for c in " /@?#\t\n") or "://" in text:
        raise ValueError(f"{text!r} is no host name or IP address")
    return text


Host = Annotated[str, AfterValidator(_host)]


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
    exposure: str = "external"

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
