"""The Kubernetes API, read-only: whose objects stand there, and which addresses its nodes have."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
from lightkube import Client, KubeConfig
from lightkube.core.exceptions import ApiError, ConfigError, LoadResourceError
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.operators import not_equal
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import (
    ConfigMap,
    Namespace,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Secret,
    Service,
)
from lightkube.resources.networking_v1 import NetworkPolicy

from archipelago.manifests.common import GENESIS, NETWORK, OWNER, RESERVED, Manifest
from archipelago.problems import Problem
from archipelago.settings.models import Cluster

_TIMEOUT = httpx2.Timeout(10)  # seconds; an API server that needs longer is down for our purposes
_NOT_FOUND = 404
_SHOWN = 3  # ports in a message
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
        yield from _taken_ports(client, listed, owner)
        yield from _taken_volumes(client, listed, owner)
        yield from _other_chain(client, listed)
        namespace = next((each["metadata"]["namespace"] for each in listed if "namespace" in each["metadata"]), None)
        if namespace:
            yield from _others(client, listed, namespace, owner)
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


def _others(client: Client, wanted: list[Manifest], namespace: str, owner: str) -> Iterator[Problem]:
    """Others' objects with names of ours, and others' networks with the name of ours: pods go by that name."""
    names = {(each["kind"], each["metadata"]["name"]) for each in wanted}
    network = wanted[0]["metadata"]["labels"][NETWORK]
    rivals: set[str] = set()
    for kind in _KINDS:
        # nobody's and others' objects: ours are not even read
        for found in client.list(kind, namespace=namespace, labels={OWNER: not_equal(owner)}):
            metadata: ObjectMeta = found.metadata  # type: ignore[attr-defined]  # lightkube's stub knows no field
            labels = metadata.labels or {}
            if (kind.__name__, metadata.name) in names:
                words = f"{kind.__name__} {namespace}/{metadata.name} {_whose(metadata)}."
                yield Problem("cluster.namespace", words, "Choose another namespace, or delete what stands there.")
            elif OWNER in labels and labels.get(NETWORK) == network:
                rivals.add(labels[OWNER])
    for rival in sorted(rivals):
        words = f"a network of this name in the namespace {namespace} belongs to the stack {rival}."
        cure = "Choose another name or another archipelago:cluster.namespace; or delete what that stack has left there."
        yield Problem("network.name", words, cure)


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


def _taken_ports(client: Client, wanted: list[Manifest], owner: str) -> Iterator[Problem]:
    """Pinned NodePorts that another Service of the cluster has, and numbers that another chain reserves.

    The API server would refuse the first with half a stack made, and say the second when a port is opened some day.
    """
    services = [each["metadata"] | {"spec": each["spec"]} for each in wanted if each["kind"] == "Service"]
    wants = [(each, *_numbers(each.get("annotations"), each["spec"]["ports"])) for each in services]
    if not any(pinned or reserved for _, pinned, reserved in wants):
        return
    ours = {(each["namespace"], each["name"]) for each in services}
    try:
        listed = list(client.list(Service, namespace="*"))
    except ApiError:
        return  # whoever may not look beyond the own namespace hears it from the API server
    for found in listed:
        there = found.metadata
        if there is None or (there.namespace, there.name) in ours:
            continue
        ports = [port.to_dict() for port in (found.spec and found.spec.ports) or []]
        taken, kept = _numbers(there.annotations, ports)
        if (there.labels or {}).get(OWNER) == owner:
            kept = set()  # what a Service reserves ends with it, and this run ends this one
        for service, pinned, reserved in wants:
            # a reserved number that the cluster gave to somebody by chance hurts nobody until it is opened
            if clash := sorted(pinned & taken | (pinned | reserved) & kept):
                yield _clash(service, clash, there, taken)


def _numbers(annotations: Mapping[str, str] | None, ports: Iterable[Mapping[str, Any]]) -> tuple[set[int], set[int]]:
    """The NodePorts that a Service has, and those that it keeps free for later."""
    first, _, last = (annotations or {}).get(RESERVED, "").partition("-")
    reserved = set(range(int(first), int(last) + 1)) if first.isdecimal() and last.isdecimal() else set[int]()
    return {port["nodePort"] for port in ports if port.get("nodePort")}, reserved


def _clash(service: Manifest, numbers: list[int], there: ObjectMeta, taken: set[int]) -> Problem:
    node = service["labels"].get("archipelago/node")
    listed = ", ".join(map(str, numbers[:_SHOWN])) + (", …" if len(numbers) > _SHOWN else "")
    verb = "belongs to" if taken & set(numbers) else "is reserved by"
    owner = (there.labels or {}).get(OWNER)
    whose = f", of the stack {owner}" if owner else ""
    words = (
        f"NodePort {listed} {verb} the Service {there.namespace}/{there.name} of this cluster{whose}; "
        f"{service['name']} asks for the same."
    )
    cure = "Choose another port, or leave it out to let the cluster choose."
    return Problem(f"nodes.{node}" if node else "network", words, cure)


def _taken_volumes(client: Client, wanted: list[Manifest], owner: str) -> Iterator[Problem]:
    """Volumes of the cluster that have the name or the directory of one of ours; and ours, if they would move."""
    volumes = [each for each in wanted if each["kind"] == "PersistentVolume"]
    if not volumes:
        return
    there = [(each.metadata, each.to_dict().get("spec") or {}) for each in client.list(PersistentVolume)]
    for volume in volumes:
        name, place = volume["metadata"]["name"], _place(volume["spec"])
        path = f"nodes.{volume['metadata']['labels']['archipelago/node']}.storage"
        for metadata, spec in there:
            if metadata is None:
                continue
            if metadata.name != name:
                if _place(spec) == place:
                    words = f"its directory is that of the PersistentVolume {metadata.name}, which {_whose(metadata)}."
                    yield Problem(path, words, "Give the node a directory of its own.")
            elif (metadata.labels or {}).get(OWNER) != owner:
                cure = "Choose another namespace, or delete what stands there."
                yield Problem(path, f"PersistentVolume {name} {_whose(metadata)}.", cure)
            elif _place(spec) != place:
                words = f"its volume {name} is at {' '.join(_place(spec))}, and a volume cannot move."
                cure = "Bring that back; or end the node, run archipelago release, and add it again with another one."
                yield Problem(path, words, cure)


def _place(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The directory of a volume and who has it; empty for one of another kind."""
    if nfs := spec.get("nfs"):
        return (nfs["server"], nfs["path"])
    terms = (spec.get("nodeAffinity") or {}).get("required", {}).get("nodeSelectorTerms", [])
    machines = [each for term in terms for rule in term.get("matchExpressions") or [] for each in rule["values"]]
    return (*machines, spec["local"]["path"]) if "local" in spec else ()


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
