"""Objects beside the workload: Namespaces, ConfigMaps, Secrets, Services, routes; volumes are in `storage`."""

from __future__ import annotations

from collections.abc import Mapping

from archipelago.manifests import common
from archipelago.manifests.common import Manifest
from archipelago.model.endpoint import Exposed, Reach
from archipelago.model.plan import NodePlan, Route, Service
from archipelago.stack.plan import StackPlan

POD_SECURITY = "pod-security.kubernetes.io/enforce"


def namespace(plan: StackPlan, name: str) -> Manifest:
    """A namespace that the stack makes; where its own pods are, no pod with more rights than they need is let in.

    The label is read when a pod is made, so that none restarts for it (Pod Security admission of Kubernetes).
    """
    labels = common.labels(plan)
    if name in (plan.namespace, *plan.populated):
        labels |= {POD_SECURITY: plan.settings.cluster.pod_security}
    metadata = common.kept(plan, {"name": name, "labels": labels})
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def config_map(
    plan: StackPlan, name: str, data: dict[str, str], node: NodePlan | None = None, namespace: str = ""
) -> Manifest:
    """Public files, of one node or of all in a namespace."""
    metadata = common.metadata(plan, name, node, namespace)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def identity(plan: StackPlan, node: NodePlan) -> Manifest:
    """A node's keys. They outlive the node: `destroy` leaves them."""
    return secret(plan, node, common.identity_secret(node), node.private_files)


def secret(plan: StackPlan, node: NodePlan, name: str, values: Mapping[str, str]) -> Manifest:
    """A Secret that a node needs, and that outlives it."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": common.kept(plan, common.metadata(plan, name, node)),
        "type": "Opaque",
        "stringData": dict(values),
    }


def service(plan: StackPlan, node: NodePlan | None, exposed: Service) -> Manifest:
    """A Service with some of a node's ports; without a node any of ours answers."""
    # The provider waits 10 s for endpoints that a peer-to-peer port must not need; an address it has to wait for.
    waiting = (
        {"pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress}"}
        if exposed.awaited
        else {"pulumi.com/skipAwait": "true"}
    )
    metadata = common.metadata(plan, exposed.name, node)
    metadata["annotations"] = waiting | dict(exposed.annotations)
    if exposed.reserved:
        metadata["annotations"][common.RESERVED] = f"{exposed.reserved[0]}-{exposed.reserved[-1]}"
    ports = []
    for port in exposed.ports:
        dialled = exposed.dialled(port)
        entry: Manifest = {"name": port.name, "port": dialled, "targetPort": port.name, "protocol": "TCP"}
        if port.name in exposed.node_ports:
            entry["nodePort"] = exposed.node_ports[port.name]
        ports.append(entry)
    spec: Manifest = {"type": str(exposed.type), "selector": common.selected(plan, node), "ports": ports}
    if exposed.headless:
        spec["clusterIP"] = "None"
    if exposed.address:
        spec["loadBalancerIP"] = exposed.address
    if exposed.headless or any(port.reach is Reach.PARTNERS for port in exposed.ports):
        spec["publishNotReadyAddresses"] = True  # a node must be dialled to become ready
    if exposed.type is not Exposed.CLUSTER_IP and any(client.cidr for client in exposed.clients):
        spec["externalTrafficPolicy"] = "Local"  # or the policy would see a machine's address in the client's place
    spec |= exposed.balancing
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def route(plan: StackPlan, node: NodePlan | None, exposed: Service, through: Route) -> Manifest:
    """What tells Traefik to hand whatever comes to an entry point to a Service; without TLS no connection names a host.

    Args:
        plan: The stack.
        node: Whose Service it is; None for one that any node answers.
        exposed: The Service.
        through: The entry point.
    """
    services = [{"name": exposed.name, "port": exposed.dialled(port)} for port in exposed.ports]
    return {
        "apiVersion": through.api_version,
        "kind": "IngressRouteTCP",
        "metadata": common.metadata(plan, exposed.name, node),
        "spec": {"entryPoints": [through.entry_point], "routes": [{"match": "HostSNI(`*`)", "services": services}]},
    }
