"""What a cluster holds from the start, and how one sees that it works; the node is that of `control-plane`."""

from __future__ import annotations

import datetime
import http.client
import platform
from typing import Any

from lab.cluster import Cluster
from lab.profiles.api import ApiError, call, get

STORAGE_CLASS = "standard"
PROVISIONER = "archipelago.local/lab"
"""The name by which the lab's own controller knows the claims that are its to serve."""

_LEASE = datetime.timedelta(seconds=40)
"""How long the node's lease lasts; kwok is told the same."""


def unready(cluster: Cluster) -> str | None:
    """None if the API server calls itself ready, else what it lacks."""
    try:
        call(cluster, "/readyz")
    except ApiError as error:
        failing = [line.split()[0].removeprefix("[-]") for line in error.text.splitlines() if line.startswith("[-]")]
        return f"the API server is not ready ({', '.join(failing) or error.code})"
    except OSError as error:
        return f"the API server does not answer ({getattr(error, 'reason', error)})"
    return None


def apply(cluster: Cluster) -> None:
    """Create the simulated node and the default StorageClass, where they are missing."""
    node: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": cluster.context,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/hostname": cluster.context,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "amd64"),
                "node-role.kubernetes.io/worker": "",
            },
        },
    }
    create(cluster, "/api/v1/nodes", node)
    create(cluster, *storage_class())


def storage_class() -> tuple[str, dict[str, Any]]:
    """The default StorageClass, with the path that it is created at."""
    return "/apis/storage.k8s.io/v1/storageclasses", {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": True,
    }


def create(cluster: Cluster, path: str, thing: dict[str, Any]) -> None:
    """Create an object where it is missing.

    Args:
        cluster: whose API server.
        path: of the collection.
        thing: the object.

    Raises:
        ApiError: the server refused.
    """
    # Asked first: a Service whose address is taken, by itself, is refused in other words than one that is there.
    if _found(cluster, f"{path}/{thing['metadata']['name']}") is None:
        call(cluster, path, thing)


def node_unready(cluster: Cluster) -> str | None:
    """None if the node is ready, its lease fresh and the controller manager at work, else what is missing.

    Raises:
        ApiError: the server refused.
        OSError: the server cannot be reached.
    """
    name = cluster.context
    if not_ready := registered_unready(cluster):
        return f"{not_ready} (kwok makes it so)"
    lease = _found(cluster, f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}")
    renewed = (lease or {}).get("spec", {}).get("renewTime")
    if renewed is None or datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(renewed) > _LEASE:
        return f"node {name} has no fresh lease (kwok keeps it)"
    return accounts_missing(cluster)


def registered_unready(cluster: Cluster) -> str | None:
    """None if the cluster's node is there and ready, whoever makes it so."""
    name = cluster.context
    node = _found(cluster, f"/api/v1/nodes/{name}")
    if node is None:
        return f"node {name} is not registered"
    conditions = node.get("status", {}).get("conditions", [])
    if any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions):
        return None
    return f"node {name} is not ready"


def accounts_missing(cluster: Cluster) -> str | None:
    """None if the controller manager is at work: no pod is admitted before it has made a service account."""
    if _found(cluster, "/api/v1/namespaces/default/serviceaccounts/default") is None:
        return "the controller manager has made no service account yet"
    return None


def _found(cluster: Cluster, path: str) -> dict[str, Any] | None:
    try:
        return get(cluster, path)
    except ApiError as error:
        if error.code == http.client.NOT_FOUND:
            return None
        raise
