"""The Kubernetes API, read-only: whose objects stand there, and which addresses its nodes have."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx2
from lightkube import Client, KubeConfig
from lightkube.core.exceptions import ApiError, ConfigError, LoadResourceError
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.operators import not_equal
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Namespace, Node, PersistentVolumeClaim, Secret, Service
from lightkube.resources.networking_v1 import NetworkPolicy

from archipelago.manifests.common import GENESIS, OWNER, Manifest
from archipelago.problems import Problem
from archipelago.settings.models import Cluster

_TIMEOUT = httpx2.Timeout(10)  # seconds; an API server that needs longer is down for our purposes
_NOT_FOUND = 404
_KINDS = (ConfigMap, Deployment, NetworkPolicy, PersistentVolumeClaim, Secret, Service)


class Unreachable(Exception):  # noqa: N818 - reads as what it is
    """The API server does not answer, or the kubeconfig does not name it; the text is the reason."""


def connect(cluster: Cluster) -> Client:
    """A client of the stack's cluster.

    Raises:
        Unreachable: There is no such kubeconfig or context.
    """
    default = os.environ.get("KUBECONFIG") or "~/.kube/config"
    paths = [cluster.kubeconfig] if cluster.kubeconfig else [each for each in default.split(os.pathsep) if each]
    reasons = []
    for path in paths:
        try:
            config = KubeConfig.from_file(Path(path).expanduser()).get(context_name=cluster.context or None)
        except (ConfigError, LoadResourceError, OSError, KeyError) as error:
            reasons.append(str(error))
        else:
            return Client(config=config, timeout=_TIMEOUT)
    raise Unreachable("; ".join(reasons))


def foreign(client: Client, wanted: Iterable[Manifest], owner: str) -> Iterator[Problem]:
    """Objects that stand where ours would, and are not ours: the provider would adopt and change them.

    Args:
        client: Of the stack's cluster.
        wanted: Every object of the stack.
        owner: Who claims them.

    Raises:
        Unreachable: The API server does not answer.
    """
    listed = list(wanted)
    try:
        for manifest in listed:
            if manifest["kind"] == "Namespace":
                yield from _namespace(client, manifest["metadata"]["name"], owner)
        yield from _taken_ports(client, listed)
        yield from _other_chain(client, listed)
        names = {(each["kind"], each["metadata"]["name"]) for each in listed}
        namespace = next((each["metadata"]["namespace"] for each in listed if "namespace" in each["metadata"]), None)
        for kind in _KINDS if namespace else ():
            # nobody's and others' objects: ours are not even read
            for found in client.list(kind, namespace=namespace, labels={OWNER: not_equal(owner)}):
                metadata: ObjectMeta = found.metadata  # type: ignore[attr-defined]  # lightkube's stub knows no field
                if (kind.__name__, metadata.name) in names:
                    words = f"{kind.__name__} {namespace}/{metadata.name} {_whose(metadata)}."
                    yield Problem("cluster.namespace", words, "Choose another namespace, or delete what stands there.")
    except ApiError as error:
        raise Unreachable(f"it refuses to list the objects of {namespace}: {error.status.message}") from None
    except httpx2.HTTPError as error:
        raise Unreachable(f"its API server does not answer: {error}") from None


def node_addresses(client: Client) -> list[str]:
    """Addresses of the cluster's nodes that a user could mean by `cluster.address`, external ones first.

    Raises:
        Unreachable: The API server does not answer, or tells us nothing.
    """
    try:
        statuses = [node.status for node in client.list(Node)]
    except httpx2.HTTPError as error:
        raise Unreachable(str(error)) from None
    found = [each for status in statuses if status for each in status.addresses or []]
    kinds = ("ExternalIP", "ExternalDNS", "InternalIP")
    return [each.address for kind in kinds for each in found if each.type == kind]


def _namespace(client: Client, name: str, owner: str) -> Iterator[Problem]:
    try:
        metadata = client.get(Namespace, name).metadata
    except ApiError as error:
        if error.status.code == _NOT_FOUND:
            return
        raise
    if metadata is None or (metadata.labels or {}).get(OWNER) != owner:
        cure = (
            "Choose another namespace, or set archipelago:cluster.createNamespace: false where it belongs to you and "
            "this stack may use it."
        )
        yield Problem("cluster.namespace", f"the namespace {name} {_whose(metadata)}.", cure)


def _taken_ports(client: Client, wanted: list[Manifest]) -> Iterator[Problem]:
    """Pinned NodePorts that another Service of the cluster has; the API server would say it with half a stack made."""
    services = [each for each in wanted if each["kind"] == "Service"]
    pinned = {
        port["nodePort"]: service["metadata"]
        for service in services
        for port in service["spec"]["ports"]
        if "nodePort" in port
    }
    if not pinned:
        return
    ours = {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in services}
    try:
        found = [(each.metadata, each.spec) for each in client.list(Service, namespace="*")]
    except ApiError:
        return  # whoever may not look beyond the own namespace hears it from the API server
    for metadata, spec in found:
        for port in (spec and spec.ports) or []:
            if metadata and (metadata.namespace, metadata.name) not in ours and port.nodePort in pinned:
                node = pinned[port.nodePort]["labels"]["archipelago/node"]
                owner = f"{metadata.namespace}/{metadata.name}"
                words = f"NodePort {port.nodePort} belongs to the Service {owner} of this cluster."
                yield Problem(f"nodes.{node}", words, "Choose another port, or leave it out to let the cluster choose.")


def _other_chain(client: Client, wanted: list[Manifest]) -> Iterator[Problem]:
    """Claims of ours with the blocks of another chain: a stack that was destroyed has forgotten its genesis."""
    claims = {each["metadata"]["name"]: each["metadata"] for each in wanted if each["kind"] == "PersistentVolumeClaim"}
    if not claims:
        return
    namespace = next(iter(claims.values()))["namespace"]
    for found in client.list(PersistentVolumeClaim, namespace=namespace):
        name = (found.metadata and found.metadata.name) or ""
        holds = ((found.metadata and found.metadata.annotations) or {}).get(GENESIS)
        runs = claims[name]["annotations"].get(GENESIS) if name in claims else None
        if holds and runs and holds != runs:
            node = claims[name]["labels"]["archipelago/node"]
            words = f"its volume {namespace}/{name} holds the chain of genesis {holds}, this stack would run {runs}."
            cure = (
                "Name the old genesis in archipelago:network.genesisFile (a partner's output `network` has its text); "
                f"or delete the claim if its blocks shall go: kubectl -n {namespace} delete pvc {name}"
            )
            yield Problem(f"nodes.{node}", words, cure)


def _whose(metadata: ObjectMeta | None) -> str:
    owner = ((metadata and metadata.labels) or {}).get(OWNER)
    return f"belongs to the stack {owner}" if owner else "is there already and was not made by this program"
