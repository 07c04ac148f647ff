"""A real Prometheus in a cluster of the lab, which scrapes what our monitor says, over TLS and with a token."""

from __future__ import annotations

import json
from typing import Any

from archipelago.manifests.pods import POD_SECURITY
from archipelago.manifests.workload import CONTAINER_SECURITY
from lab.tools.node_tools import PROMETHEUS
from tests.network.networks import Organisation, eventually

_NAME = "prometheus"


def install(organisation: Organisation, service: str, certificate: str) -> None:
    """Prometheus in the organisation's namespace, as an account that may get `/metrics`.

    Args:
        organisation: Whose monitor is scraped.
        service: The monitor's Service.
        certificate: Its certificate, which is its own authority.
    """
    objects = _objects(organisation.namespace, service, certificate)
    organisation.run("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    ready = "jsonpath={.status.containerStatuses[0].ready}"
    eventually(lambda: organisation.run("get", "pod", _NAME, "-o", ready), lambda seen: seen == "true")


def remove(organisation: Organisation) -> None:
    """Everything of it."""
    organisation.run("delete", f"pod/{_NAME}", f"configmap/{_NAME}", f"serviceaccount/{_NAME}", "--ignore-not-found")
    organisation.run("delete", "clusterrole,clusterrolebinding", _NAME, "--ignore-not-found")


def query(organisation: Organisation, expression: str) -> dict[tuple[tuple[str, str], ...], float]:
    """What an expression gives now: by the labels of each series, its value."""
    path = f"/api/v1/namespaces/{organisation.namespace}/pods/{_NAME}:9090/proxy/api/v1/query?query={expression}"
    answer: dict[str, Any] = json.loads(organisation.run("get", "--raw", path))
    return {tuple(sorted(each["metric"].items())): float(each["value"][1]) for each in answer["data"]["result"]}


def _objects(namespace: str, service: str, certificate: str) -> list[dict[str, Any]]:
    rbac, here = "rbac.authorization.k8s.io/v1", {"name": _NAME, "namespace": namespace}
    target = f"{service}.{namespace}.svc"
    job = {
        "job_name": "swarms",
        "scheme": "https",
        "authorization": {"credentials_file": "/var/run/secrets/kubernetes.io/serviceaccount/token"},
        "tls_config": {"ca_file": "/etc/prometheus/tls.crt"},
        "static_configs": [{"targets": [f"{target}:8443"]}],
    }
    files = {
        "prometheus.yml": json.dumps({"global": {"scrape_interval": "2s"}, "scrape_configs": [job]}),
        "tls.crt": certificate,
    }
    container = {
        "name": _NAME,
        "image": f"docker.io/prom/prometheus:v{PROMETHEUS}",
        "securityContext": CONTAINER_SECURITY,
        "args": ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/data"],
        "readinessProbe": {"httpGet": {"path": "/-/ready", "port": 9090}, "periodSeconds": 1},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/prometheus"}, {"name": "data", "mountPath": "/data"}],
    }
    pod = {
        "serviceAccountName": _NAME,
        "securityContext": POD_SECURITY,  # in our namespace no pod gets in that needs more
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": _NAME}}, {"name": "data", "emptyDir": {}}],
    }
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": _NAME}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": here},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": here, "data": files},
        {
            "apiVersion": rbac,
            "kind": "ClusterRole",
            "metadata": {"name": _NAME},
            "rules": [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}],
        },
        {
            "apiVersion": rbac,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": _NAME},
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", **here}],
        },
        {"apiVersion": "v1", "kind": "Pod", "metadata": here, "spec": pod},
    ]
