"""The pod that runs a node: one workload, one replica, never two at once on one volume and one key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from archipelago.chains.contract import Genesis
from archipelago.manifests import common, disruption, pods
from archipelago.manifests.common import Manifest
from archipelago.model.endpoint import Endpoint, fill, marker
from archipelago.model.plan import Container, Mount, NodePlan, Probe, Source
from archipelago.stack.plan import StackPlan

_PLACED = 600  # seconds to find a machine, attach the volume and pull the images
# "The new pod is there and has stayed ready", asked of one state of the Deployment that its controller has seen. What
# the provider asks by itself can be true of the old pod while a Recreate is about to stop it (decision 0014).
_ROLLED_OUT = json.dumps(["jsonpath={.status.updatedReplicas}=1", "condition=Available"])
_SET_ROLLED_OUT = json.dumps(["jsonpath={.status.updatedReplicas}=1", "jsonpath={.status.availableReplicas}=1"])
KINDS = ("Deployment", "StatefulSet")
CONTAINER_SECURITY: Manifest = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


def public_files(node: NodePlan, endpoints: Mapping[str, Endpoint]) -> dict[str, str]:
    """A node's own public files, with the endpoints the cluster gave."""
    return {name: fill(text, endpoints) for name, text in node.public_files.items()}


def waits_for_endpoints(node: NodePlan) -> bool:
    """Whether a file of the node names an endpoint that only the cluster can tell."""
    known = node.service.endpoints()
    unknown = [port.name for port in node.service.ports if port.name not in known]
    return any(marker(name) in text for name in unknown for text in node.public_files.values())


def workload(plan: StackPlan, node: NodePlan, endpoints: Mapping[str, Endpoint]) -> Manifest:
    """What runs a node: a Deployment, or a StatefulSet where its pod shall keep its name.

    Args:
        plan: The stack.
        node: The node, which runs.
        endpoints: Where its shared ports are dialled; a change of one that a file names restarts the node.
    """
    spec: Manifest = {"replicas": 1}
    ready = {"minReadySeconds": node.min_ready}
    longest = _startup(node) + node.min_ready + _PLACED
    if node.stateful:
        # Parallel has nothing to order here; but else a pod that never got ready would stay in the way of its cure.
        spec |= {"serviceName": _governing(node), "podManagementPolicy": "Parallel", **ready}
        awaited = {"pulumi.com/waitFor": _SET_ROLLED_OUT, "pulumi.com/timeoutSeconds": str(longest)}
    else:
        spec |= {"strategy": {"type": "Recreate"}, **ready, "progressDeadlineSeconds": longest}
        awaited = {"pulumi.com/waitFor": _ROLLED_OUT}
    spec |= {"selector": {"matchLabels": common.selector(plan, node)}, "template": _template(plan, node, endpoints)}
    metadata = common.metadata(plan, node.object_name, node)
    metadata["labels"] = dict(node.pod.labels) | metadata["labels"] | dict(node.labels)
    metadata["annotations"] = awaited if node.await_ready else {"pulumi.com/skipAwait": "true"}
    kind = "StatefulSet" if node.stateful else "Deployment"
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _governing(node: NodePlan) -> str:
    """The Service that gives the pod of a StatefulSet its DNS name."""
    return next((each.name for each in node.services if each.headless), node.service.name)


def _template(plan: StackPlan, node: NodePlan, endpoints: Mapping[str, Endpoint]) -> Manifest:
    pod: Manifest = {
        "affinity": disruption.affinity(plan, node),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pods.security(node.pod.security),
        "terminationGracePeriodSeconds": 120,  # a database is flushed
        "initContainers": [_container(node, each) for each in node.init],
        "containers": [_container(node, each) for each in node.containers],
        "volumes": _volumes(plan, node),
        **pods.options(node.pod, node.architecture),
    }
    if node.share_processes:
        pod["shareProcessNamespace"] = True
    # What the containers read at start and Kubernetes does not see in their spec. Never the live files.
    restart_on = {
        "files": public_files(node, endpoints),
        "identity": node.private_digest,
        "genesis": _chain(plan.genesis) if plan.genesis else "",
    }
    return {
        "metadata": {
            "labels": dict(node.pod.labels) | common.labels(plan, node) | dict(node.labels),
            "annotations": dict(node.pod.annotations) | {common.RESTART_ON: common.digest(restart_on)},
        },
        "spec": pod,
    }


def _chain(genesis: Genesis) -> str:
    """Which chain it is, and by which rules of later blocks: what reads those at its start has to start again."""
    return " ".join((genesis.hash, *([common.digest({"later": genesis.later})] if genesis.later else ())))


def _startup(node: NodePlan) -> int:
    """For how many seconds the slowest container may start."""
    return max((each.startup.period * each.startup.failures for each in node.containers if each.startup), default=0)


def _container(node: NodePlan, container: Container) -> Manifest:
    ports = [*node.closed_ports, *(port for service in node.services for port in service.ports)]
    numbers = {port.name: port.number for port in ports}
    built: Manifest = {
        "name": container.name,
        "image": container.image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(container.command),
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [_mount(node, container, mount) for mount in container.mounts],
        "resources": {
            "requests": {"cpu": container.resources.cpu, "memory": container.resources.memory},
            "limits": {"memory": container.resources.memory_limit},
        },
        # the last lines of a container that failed stand in the pod's status, and `archipelago status` prints them
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    if not container.command:
        del built["command"]
    if container.args:
        built["args"] = list(container.args)
    if container.directory:
        built["workingDir"] = container.directory
    if env := _env(node, container):
        built["env"] = env
    if container.ports:
        built["ports"] = [{"name": name, "containerPort": numbers[name]} for name in container.ports]
    for kind in ("readiness", "liveness", "startup"):
        if probe := getattr(container, kind):
            built[f"{kind}Probe"] = _probe(probe)
    return built


def _env(node: NodePlan, container: Container) -> list[Manifest]:
    plain: list[Manifest] = [{"name": name, "value": value} for name, value in sorted(container.env.items())]
    secret = common.identity_secret(node)
    return plain + [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": file}}}
        for name, file in sorted(container.secret_env.items())
    ]


def _probe(probe: Probe) -> Manifest:
    if probe.command:
        how: Manifest = {"exec": {"command": list(probe.command)}}
    elif probe.path:
        how = {"httpGet": {"path": probe.path, "port": probe.port}}
    else:
        how = {"tcpSocket": {"port": probe.port}}
    return how | {
        "periodSeconds": probe.period,
        "failureThreshold": probe.failures,
        "timeoutSeconds": probe.timeout,
    }


def _mount(node: NodePlan, container: Container, mount: Mount) -> Manifest:
    built = {"name": _volume_name(container, mount), "mountPath": mount.path, "readOnly": not mount.writable}
    # on a claim that several nodes share each has a folder, also where its protocol asks for none
    shared = node.object_name if mount.source is Source.DATA and node.volume.shared_claim else ""
    folder = mount.sub_path or shared
    return built | ({"subPath": folder} if folder else {})


def _volume_name(container: Container, mount: Mount) -> str:
    """A container that may see some files of a Secret only has a volume of its own for them."""
    return f"{mount.source}-{container.name}" if mount.files else str(mount.source)


def _volumes(plan: StackPlan, node: NodePlan) -> list[Manifest]:
    containers = (*node.init, *node.containers)
    mounts = {_volume_name(container, mount): mount for container in containers for mount in container.mounts}
    return [{"name": name, **_volume(plan, node, mount)} for name, mount in sorted(mounts.items())]


def _volume(plan: StackPlan, node: NodePlan, mount: Mount) -> Manifest:
    items: dict[str, Any] = {"items": [{"key": name, "path": name} for name in mount.files]} if mount.files else {}
    match mount.source:
        case Source.DATA:
            return {"persistentVolumeClaim": {"claimName": node.volume.shared_claim or common.claim(node)}}
        case Source.RUN:
            return {"emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}
        case Source.TMP:
            return {"emptyDir": {"sizeLimit": "256Mi"}}
        case Source.IDENTITY:
            return {"secret": {"secretName": common.identity_secret(node), "defaultMode": 0o440, **items}}
        case Source.CONFIG:
            return {"configMap": {"name": common.node_config(node), **items}}
        case Source.SHARED:
            return {"configMap": {"name": common.shared_config(plan), **items}}
        case Source.LIVE:
            return {"configMap": {"name": common.live_config(plan), **items}}
