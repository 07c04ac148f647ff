"""What a cluster of the profile `nodes` holds from the start: cluster DNS and the default StorageClass."""

from __future__ import annotations

from typing import Any

from lab.cluster import Cluster
from lab.nodes.config import dns
from lab.nodes.images import COREDNS
from lab.profiles import objects
from lab.profiles.api import get

_COREFILE = """.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
    }
    cache 5
    reload
}
"""
_LABELS = {"k8s-app": "kube-dns"}
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_SYSTEM = "/api/v1/namespaces/kube-system"


def apply(cluster: Cluster) -> None:
    """Create what is missing."""
    for path, thing in (*_dns(cluster), objects.storage_class()):
        objects.create(cluster, path, thing)


def unready(cluster: Cluster) -> str | None:
    """None if the node is ready and names are resolved, else what is missing."""
    if not_ready := objects.registered_unready(cluster):
        return not_ready
    deployment = get(cluster, "/apis/apps/v1/namespaces/kube-system/deployments/coredns")
    if not deployment.get("status", {}).get("readyReplicas"):
        return "cluster DNS is not ready"
    return objects.accounts_missing(cluster)


def _dns(cluster: Cluster) -> list[tuple[str, dict[str, Any]]]:
    name = {"name": "coredns", "namespace": "kube-system"}
    role = {"name": "system:coredns"}
    account = {"kind": "ServiceAccount", **name}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role["name"]}
    reads = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    ports = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]
    service = {"clusterIP": dns(cluster), "selector": _LABELS, "ports": ports}
    files = {"Corefile": _COREFILE}
    return [
        (f"{_SYSTEM}/serviceaccounts", _thing("v1", "ServiceAccount", name)),
        (f"{_RBAC}/clusterroles", _thing(_RBAC[6:], "ClusterRole", role, rules=reads)),
        (
            f"{_RBAC}/clusterrolebindings",
            _thing(_RBAC[6:], "ClusterRoleBinding", role, roleRef=reference, subjects=[account]),
        ),
        (f"{_SYSTEM}/configmaps", _thing("v1", "ConfigMap", name, data=files)),
        (f"{_SYSTEM}/services", _thing("v1", "Service", {**name, "name": "kube-dns", "labels": _LABELS}, spec=service)),
        ("/apis/apps/v1/namespaces/kube-system/deployments", _thing("apps/v1", "Deployment", name, spec=_pod())),
    ]


def _thing(version: str, kind: str, metadata: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def _pod() -> dict[str, Any]:
    container = {
        "name": "coredns",
        "image": COREDNS,
        "args": ["-conf", "/etc/coredns/Corefile"],
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "20m", "memory": "40Mi"}, "limits": {"memory": "170Mi"}},
    }
    spec = {
        "serviceAccountName": "coredns",
        "dnsPolicy": "Default",
        "priorityClassName": "system-cluster-critical",
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": "coredns"}}],
    }
    return {"selector": {"matchLabels": _LABELS}, "template": {"metadata": {"labels": _LABELS}, "spec": spec}}
