"""What watches the nodes: a pod that runs the files of `monitor/`, and the rights that it has, which are few.

It may read the stack's own live files and what partners' identities are here, write these one's status, fill one
ConfigMap of its own, and ask the API server whose token somebody shows. It may read no Secret.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path

from archipelago.identity.certificate import P384_ORDER, certificate
from archipelago.identity.derive import Keyring
from archipelago.manifests import common, pods
from archipelago.manifests.common import Manifest
from archipelago.manifests.workload import CONTAINER_SECURITY
from archipelago.model import names
from archipelago.model.monitor import MonitorPlan
from archipelago.stack.plan import StackPlan

PORT = 8443
_PROGRAM = Path(__file__).parents[2] / "monitor"
_PEERS = "peerdiscovery.irt-saintexupery.com"
_RBAC = "rbac.authorization.k8s.io"
_COMPONENT = "archipelago/component"
_CHECKED = {"httpGet": {"path": "/healthz", "port": "https-metrics", "scheme": "HTTPS"}, "timeoutSeconds": 5}


def manifests(plan: StackPlan, monitor: MonitorPlan) -> Iterator[Manifest]:
    """Everything of the monitor, in the order in which it is made."""
    name, files, secret = common.monitor(plan), _files(plan, monitor), _certificate(plan)
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": common.metadata(plan, name)}
    yield from _rights(plan, monitor)
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": common.metadata(plan, name), "data": files}
    # without data: that is the monitor's, and the next run leaves what it has not written itself
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": common.metadata(plan, common.swarm_status(plan))}
    yield {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": common.metadata(plan, f"{name}-tls"),
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": secret[0], "tls.key": secret[1]},
    }
    yield _service(plan, name)
    if plan.settings.cluster.network_policies:
        yield from _policies(plan, monitor)
    yield _deployment(plan, monitor, name, common.digest({"files": files}))


def _certificate(plan: StackPlan) -> tuple[str, str]:
    settings, name = plan.settings, common.monitor(plan)
    keyring = Keyring(settings.seed, settings.organisation, plan.network)
    service = names.service_host(name, plan.namespace)
    hosts = (name, f"{name}.{plan.namespace}", service.removesuffix(".cluster.local"), service)
    return certificate(keyring.scalar("", "monitor certificate", order=P384_ORDER), *hosts)


@functools.cache
def _program() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(_PROGRAM.glob("*.py"))}


def _files(plan: StackPlan, monitor: MonitorPlan) -> dict[str, str]:
    """The program, what it is told, and the certificate, by which a Prometheus knows whom it asks."""
    settings = {
        "network": plan.network,
        "organisation": plan.settings.organisation,
        "stack": plan.stack,
        "namespace": plan.namespace,
        "live": common.live_config(plan),
        "status": common.swarm_status(plan),
        "peers": monitor.peers,
        "members": [each.plain() for each in monitor.members],
    }
    told = json.dumps(settings, indent=1, sort_keys=True) + "\n"
    return {**_program(), "settings.json": told, "tls.crt": _certificate(plan)[0]}


def _namespaces(monitor: MonitorPlan) -> list[str]:
    return sorted({each.namespace for each in monitor.members})


def _rights(plan: StackPlan, monitor: MonitorPlan) -> Iterator[Manifest]:
    name = common.monitor(plan)
    there = _namespaces(monitor)
    own: Manifest = {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "verbs": ["get", "patch"],
        "resourceNames": [common.swarm_status(plan)],
    }
    for namespace in sorted({plan.namespace, *there}):
        rules = [
            *([own] if namespace == plan.namespace else []),
            *(_reading(plan, monitor) if namespace in there else []),
        ]
        role = {"apiGroup": _RBAC, "kind": "Role", "name": name}
        placed = common.metadata(plan, name, namespace=namespace)
        yield {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": placed, "rules": rules}
        yield {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": placed,
            "roleRef": role,
            **_to(plan, name),
        }
    # Kubernetes' own ClusterRole for those who ask who somebody is. The name is one of the whole cluster's, and no
    # namespace has a dot in its own.
    everywhere = {"name": f"{plan.namespace}.{name}", "labels": common.labels(plan)}
    role = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "system:auth-delegator"}
    kind = {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRoleBinding"}
    yield {**kind, "metadata": everywhere, "roleRef": role, **_to(plan, name)}


def _to(plan: StackPlan, account: str) -> Manifest:
    return {"subjects": [{"kind": "ServiceAccount", "name": account, "namespace": plan.namespace}]}


def _reading(plan: StackPlan, monitor: MonitorPlan) -> list[Manifest]:
    """What it may in a namespace of members."""
    live = {"resourceNames": [common.live_config(plan)]}
    rules: list[Manifest] = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"], **live}]
    if monitor.peers == "crd":
        rules.append({"apiGroups": [_PEERS], "resources": ["peers"], "verbs": ["list"]})
        rules.append({"apiGroups": [_PEERS], "resources": ["peers/status"], "verbs": ["patch"]})
    else:
        rules.append({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]})
    return rules


def _labels(plan: StackPlan) -> dict[str, str]:
    """Labels that find the monitor's pod; none by which the nodes' pods and policies are found."""
    return {common.NETWORK: plan.network, _COMPONENT: "monitor"}


def _service(plan: StackPlan, name: str) -> Manifest:
    metadata = common.metadata(plan, name)
    metadata["labels"] |= {_COMPONENT: "monitor"}  # for a ServiceMonitor
    metadata["annotations"] = {"pulumi.com/skipAwait": "true"}
    port = {"name": "https-metrics", "port": PORT, "targetPort": "https-metrics", "protocol": "TCP"}
    spec = {"type": "ClusterIP", "selector": _labels(plan), "ports": [port]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _policies(plan: StackPlan, monitor: MonitorPlan) -> Iterator[Manifest]:
    """Pods of the cluster may ask the monitor, which asks for a token; it alone may ask the nodes how they are.

    Whom it may ask is not narrowed: no policy knows the address of an API server.
    """
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    name = common.monitor(plan)
    asked = {"from": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": PORT}]}
    spec: Manifest = {"podSelector": {"matchLabels": _labels(plan)}, "policyTypes": ["Ingress"], "ingress": [asked]}
    yield {**kind, "metadata": common.metadata(plan, name), "spec": spec}
    who = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": plan.namespace}},
        "podSelector": {"matchLabels": _labels(plan)},
    }
    for namespace in _namespaces(monitor):
        ports = sorted({each.port for each in monitor.members if each.namespace == namespace})
        rule = {"from": [who], "ports": [{"protocol": "TCP", "port": port} for port in ports]}
        metadata = common.metadata(plan, f"{name}-status", namespace=namespace)
        nodes = {"podSelector": {"matchLabels": common.members(plan)}, "policyTypes": ["Ingress"], "ingress": [rule]}
        yield {**kind, "metadata": metadata, "spec": nodes}


def _deployment(plan: StackPlan, monitor: MonitorPlan, name: str, files: str) -> Manifest:
    """One pod, never two at once: they would count the same absence twice."""
    given = monitor.resources
    container = {
        "name": "monitor",
        "image": monitor.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-P", "-m", "monitor"],
        "env": [
            {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
            {"name": "PYTHONPATH", "value": "/program"},
        ],
        "ports": [{"name": "https-metrics", "containerPort": PORT}],
        "resources": {
            "requests": {"cpu": given.cpu, "memory": given.memory},
            "limits": {"memory": given.memory_limit},
        },
        "readinessProbe": {**_CHECKED, "periodSeconds": 10},
        "livenessProbe": {**_CHECKED, "periodSeconds": 30, "failureThreshold": 4},
        "securityContext": CONTAINER_SECURITY,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "program", "mountPath": "/program/monitor", "readOnly": True},
            {"name": "tls", "mountPath": "/tls", "readOnly": True},
        ],
    }
    pod = {
        "serviceAccountName": name,
        "enableServiceLinks": False,
        "securityContext": pods.security(monitor.pod.security),
        "terminationGracePeriodSeconds": 10,
        "containers": [container],
        "volumes": [
            {"name": "program", "configMap": {"name": name}},
            {"name": "tls", "secret": {"secretName": f"{name}-tls", "defaultMode": 0o440}},
        ],
    }
    pod = pods.options(monitor.pod) | pod  # the account is its own: it reads by it
    if monitor.pod.affinity:
        pod["affinity"] = dict(monitor.pod.affinity)
    labels = dict(monitor.pod.labels) | common.labels(plan) | _labels(plan)
    annotations = dict(monitor.pod.annotations) | {"archipelago/restart-on": files}
    spec = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": _labels(plan)},
        "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": pod},
    }
    metadata = common.metadata(plan, name)
    metadata["labels"] = dict(monitor.pod.labels) | metadata["labels"]
    metadata["annotations"] = {"pulumi.com/skipAwait": "true"}  # the network does not wait for whoever looks at it
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
