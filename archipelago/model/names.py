"""Names of Kubernetes objects: one home, because workloads take them as plain text and partners dial them."""

from __future__ import annotations

LONGEST = 63  # a Service's name is a DNS label (RFC 1123)
LONGEST_SUFFIX = "-identity"
LONGEST_STATEFUL = 52  # with a hyphen and ten characters of a hash it is the value of a label of its pod
PEERS, GENESIS = "peers", "genesis"  # after the network's name, its own ConfigMaps
RESERVED = (PEERS, GENESIS)


def may_be_stateful(workload: str) -> bool:
    """Whether a workload may be a StatefulSet; one that was named before that mattered stays a Deployment."""
    return len(workload) <= LONGEST_STATEFUL


def node_object(network: str, node: str) -> str:
    """The stem of a node's objects and the name of its Service."""
    return f"{network}-{node}"


def api_service(network: str, node: str) -> str:
    """The Service that opens a node's client ports."""
    return f"{node_object(network, node)}-api"


def service_host(service: str, namespace: str) -> str:
    """The DNS name by which any pod of the cluster finds a Service."""
    return f"{service}.{namespace}.svc.cluster.local"
