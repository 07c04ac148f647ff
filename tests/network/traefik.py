"""A real Traefik in a cluster of the lab, as a platform team would have put it there before any of our stacks."""

from __future__ import annotations

import json
from typing import Any

from lab.tools import Toolchain
from lab.tools.node_tools import TRAEFIK, TRAEFIK_KINDS
from tests.network.networks import Organisation, eventually

NAMESPACE = "traefik-v2"
SERVICE = "traefik"
ENTRY_POINT = "ipfs"
PORT = 4001
_READS = ["get", "list", "watch"]


def install(organisation: Organisation, toolchain: Toolchain) -> str:
    """Traefik with one entry point for TCP, behind a load balancer.

    Args:
        organisation: In whose cluster.
        toolchain: With the kinds that Traefik's release publishes.

    Returns:
        The load balancer's address.
    """
    kinds = str(toolchain.path(TRAEFIK_KINDS))
    organisation.run("apply", "--server-side", "-f", kinds)
    objects = {"apiVersion": "v1", "kind": "List", "items": _objects()}
    organisation.run("-n", NAMESPACE, "apply", "-f", "-", text=json.dumps(objects))
    address = "jsonpath={.status.loadBalancer.ingress[0].ip}"
    ready = "jsonpath={.status.readyReplicas}"
    eventually(
        lambda: organisation.run("-n", NAMESPACE, "get", "deploy", SERVICE, "-o", ready), lambda seen: seen == "1"
    )
    return eventually(lambda: organisation.run("-n", NAMESPACE, "get", "service", SERVICE, "-o", address), bool)


def remove(organisation: Organisation) -> None:
    """Everything of it but its kinds."""
    organisation.run("delete", "namespace", NAMESPACE, "--wait=false", "--ignore-not-found")
    organisation.run("delete", "clusterrole,clusterrolebinding", SERVICE, "--ignore-not-found")


def _objects() -> list[dict[str, Any]]:
    rbac, here, labels = "rbac.authorization.k8s.io/v1", {"name": SERVICE, "namespace": NAMESPACE}, {"app": SERVICE}
    rules = [
        {"apiGroups": [""], "resources": ["services", "secrets", "nodes", "configmaps"], "verbs": _READS},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": _READS},
        {
            "apiGroups": ["networking.k8s.io", "extensions"],
            "resources": ["ingresses", "ingressclasses"],
            "verbs": _READS,
        },
        {"apiGroups": ["traefik.io"], "resources": ["*"], "verbs": _READS},
    ]
    arguments = [
        f"--entryPoints.{ENTRY_POINT}.address=:{PORT}/tcp",
        "--providers.kubernetescrd=true",
        "--ping=true",
        "--ping.entryPoint=ping",
        "--entryPoints.ping.address=:8082/tcp",
        "--global.checkNewVersion=false",
        "--global.sendAnonymousUsage=false",
        "--log.level=INFO",
    ]
    container = {
        "name": SERVICE,
        "image": f"docker.io/library/traefik:v{TRAEFIK}",
        "args": arguments,
        "readinessProbe": {"httpGet": {"path": "/ping", "port": 8082}, "periodSeconds": 1},
    }
    template = {"metadata": {"labels": labels}, "spec": {"serviceAccountName": SERVICE, "containers": [container]}}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": SERVICE}
    ports = [{"name": ENTRY_POINT, "port": PORT, "targetPort": PORT}]
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": here},
        {"apiVersion": rbac, "kind": "ClusterRole", "metadata": {"name": SERVICE}, "rules": rules},
        {
            "apiVersion": rbac,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": SERVICE},
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", **here}],
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": here,
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": here,
            "spec": {"type": "LoadBalancer", "selector": labels, "ports": ports},
        },
    ]
