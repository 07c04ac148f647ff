"""What stands in a cluster and is in a stack's way: others' objects, ports and directories, data of another place.

Every function takes the objects that the stack would have, and raises what lightkube raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import httpx2
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.core.resource import NamespacedResource
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.operators import not_equal
from lightkube.resources.apps_v1 import Deployment, StatefulSet
from lightkube.resources.core_v1 import (
    ConfigMap,
    PersistentVolume,
    PersistentVolumeClaim,
    Secret,
    Service,
    ServiceAccount,
)
from lightkube.resources.networking_v1 import NetworkPolicy
from lightkube.resources.policy_v1 import PodDisruptionBudget
from lightkube.resources.rbac_authorization_v1 import Role, RoleBinding

from archipelago.manifests.common import GENESIS, NETWORK, OWNER, RESERVED, STACK, Manifest
from archipelago.problems import Problem
from archipelago.settings.types import quantity
from archipelago.stack.plan import StackPlan

_WORKLOADS = (Deployment, StatefulSet)
_RUN = tuple(each.__name__ for each in _WORKLOADS)
_KINDS = (ConfigMap, Deployment, NetworkPolicy, PersistentVolumeClaim, Secret, Service)
_MORE = (
    StatefulSet,
    PodDisruptionBudget,
    ServiceAccount,
    Role,
    RoleBinding,
)  # looked at where the stack has one itself
_NOT_FOUND = 404
_SHOWN = 3  # ports in a message
_PORTS = range(1, 65536)
_ELSEWHERE = (
    "Choose another namespace. If its annotation archipelago/stack has an earlier name of this stack, give the stack "
    "that name again: pulumi stack rename."
)
MOVES = (
    "Bring that back. To start the node empty instead, take it out, run pulumi up and archipelago release, and add it "
    "again."
)


def others(client: Client, wanted: list[Manifest], plan: StackPlan) -> Iterator[Problem]:
    """Others' objects with names of ours, and others' networks with the name of ours: pods go by that name.

    Args:
        client: Of the stack's cluster.
        wanted: What the stack would have in one namespace.
        plan: The stack.
    """
    namespace = wanted[0]["metadata"]["namespace"]
    path = plan.settings.path_of_namespace(namespace)
    names = {(each["kind"], each["metadata"]["name"]) for each in wanted}
    # a pod of another kind of workload would run beside ours just the same
    names |= {(kind.__name__, name) for of, name in names if of in _RUN for kind in _WORKLOADS}
    rivals: set[str] = set()
    for kind in kinds(client, wanted, namespace):
        # nobody's and others' objects: ours are not even read
        for found in client.list(kind, namespace=namespace, labels={OWNER: not_equal(plan.owner)}):
            metadata: ObjectMeta = found.metadata  # type: ignore[attr-defined]  # lightkube's stub knows no field
            labels = metadata.labels or {}
            if (kind.__name__, metadata.name) in names:
                words = f"{kind.__name__} {namespace}/{metadata.name} {whose(metadata)}."
                yield Problem(path, words, _ELSEWHERE)
            elif OWNER in labels and labels.get(NETWORK) == plan.network:
                rivals.add(labels[OWNER])
    for rival in sorted(rivals):
        words = f"a network of this name in the namespace {namespace} belongs to the stack {rival}."
        cure = f"Choose another name or another archipelago:{path}. What that stack left there may be keys and blocks."
        yield Problem("network.name", words, cure)


def kinds(client: Client, wanted: list[Manifest], namespace: str) -> list[type[NamespacedResource]]:
    """Kinds of objects that a stack looks at in one of its namespaces.

    Args:
        client: Of the stack's cluster.
        wanted: What the stack would have there.
        namespace: The namespace.
    """
    named = {each["kind"] for each in wanted}
    found: list[type[NamespacedResource]] = [*_KINDS, *(each for each in _MORE if each.__name__ in named)]
    return found + [each for each in _installed(wanted) if _answers(client, each, namespace)]


def unknown_kinds(client: Client, wanted: list[Manifest], plan: StackPlan) -> Iterator[Problem]:
    """Objects of kinds that somebody has to install in the cluster, and has not; the API server would say it too late.

    What the stack installs itself is not asked for.
    """
    installs = {each["spec"]["names"]["kind"] for each in wanted if each["kind"] == "CustomResourceDefinition"}
    first = {each["kind"]: each for each in reversed(wanted)}
    for kind in _installed(wanted):
        example = first[kind.__name__]
        if kind.__name__ in installs or _answers(client, kind, example["metadata"]["namespace"]):
            continue
        words = f"this cluster knows no {kind.__name__} of {example['apiVersion']}."
        cure = "Install what it belongs to with its custom resource definitions, or choose another exposure."
        yield Problem(_path(plan, example["metadata"]["labels"]), words, cure)


def _installed(wanted: Iterable[Manifest]) -> Iterator[type[NamespacedResource]]:
    """Kinds of ours that do not belong to Kubernetes itself."""
    for version, kind in sorted(
        {(each["apiVersion"], each["kind"]) for each in wanted if "namespace" in each["metadata"]}
    ):
        group, _, name = version.rpartition("/")
        if "." in group and not group.endswith(".k8s.io"):
            yield create_namespaced_resource(group, name, kind, f"{kind.lower()}s")


def _answers(client: Client, kind: type[NamespacedResource], namespace: str) -> bool:
    """Whether the cluster knows a kind."""
    try:
        next(iter(client.list(kind, namespace=namespace)), None)
    except httpx2.HTTPStatusError as error:  # no ApiError: of a path that it does not know the server says no more
        if error.response.status_code == _NOT_FOUND:
            return False
        raise
    return True


def taken_ports(client: Client, wanted: list[Manifest], plan: StackPlan) -> Iterator[Problem]:
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
        if (there.labels or {}).get(OWNER) == plan.owner:
            kept = set()  # what a Service reserves ends with it, and this run ends this one
        for service, pinned, reserved in wants:
            # a reserved number that the cluster gave to somebody by chance hurts nobody until it is opened
            if clash := sorted(pinned & taken | (pinned | reserved) & kept):
                yield _clash(_path(plan, service["labels"]), service, clash, there, taken)


def _numbers(annotations: Mapping[str, str] | None, ports: Iterable[Mapping[str, Any]]) -> tuple[set[int], set[int]]:
    """The NodePorts that a Service has, and those that it keeps free for later."""
    first, _, last = (annotations or {}).get(RESERVED, "").partition("-")
    bounds = range(int(first), int(last) + 1) if first.isdecimal() and last.isdecimal() else range(0)
    return {port["nodePort"] for port in ports if port.get("nodePort")}, {each for each in _PORTS if each in bounds}


def _clash(path: str, service: Manifest, numbers: list[int], there: ObjectMeta, taken: set[int]) -> Problem:
    listed = ", ".join(map(str, numbers[:_SHOWN])) + (", …" if len(numbers) > _SHOWN else "")
    ports, verb = ("NodePort", "is") if len(numbers) == 1 else ("NodePorts", "are")
    fate = "held by the Service" if taken & set(numbers) else "reserved by the Service"
    owner = (there.labels or {}).get(OWNER)
    stack = f", of the stack {owner}" if owner else ""
    words = (
        f"{ports} {listed} {verb} {fate} {there.namespace}/{there.name} of this cluster{stack}; "
        f"{service['name']} asks for the same."
    )
    cure = "Choose another port, or leave it out to let the cluster choose."
    return Problem(path, words, cure)


def taken_volumes(client: Client, wanted: list[Manifest], plan: StackPlan) -> Iterator[Problem]:
    """Volumes of the cluster that have the name or the directory of one of ours; and ours, if they would move."""
    volumes = [each for each in wanted if each["kind"] == "PersistentVolume"]
    if not volumes:
        return
    there = [(each.metadata, each.to_dict().get("spec") or {}) for each in client.list(PersistentVolume)]
    for volume in volumes:
        name, place = volume["metadata"]["name"], _place(volume["spec"])
        path = f"{_path(plan, volume['metadata']['labels'])}.storage"
        for metadata, spec in there:
            if metadata is None:
                continue
            if metadata.name != name:
                if _place(spec) == place:
                    words = f"its directory is that of the PersistentVolume {metadata.name}, which {whose(metadata)}."
                    yield Problem(path, words, "Give the node a directory of its own.")
            elif (metadata.labels or {}).get(OWNER) != plan.owner:
                cure = _ELSEWHERE
                yield Problem(path, f"PersistentVolume {name} {whose(metadata)}.", cure)
            elif _place(spec) != place:
                words = f"its volume {name} is at {' '.join(_place(spec))}, and a volume cannot move."
                yield Problem(path, words, MOVES)


def _place(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The directory of a volume and who has it; empty for one of another kind."""
    if nfs := spec.get("nfs"):
        return (nfs["server"], nfs["path"])
    terms = (spec.get("nodeAffinity") or {}).get("required", {}).get("nodeSelectorTerms", [])
    machines = [each for term in terms for rule in term.get("matchExpressions") or [] for each in rule["values"]]
    return (*machines, spec["local"]["path"]) if "local" in spec else ()


def data(client: Client, wanted: list[Manifest], plan: StackPlan) -> Iterator[Problem]:
    """Nodes that would find another chain's blocks, or would leave their own behind.

    A stack that was destroyed has forgotten its genesis. And what Kubernetes cannot change of a claim, the provider
    would make anew, without a word and empty.

    Args:
        client: Of the stack's cluster.
        wanted: What the stack would have in one namespace.
        plan: The stack.
    """
    namespace = wanted[0]["metadata"]["namespace"]
    claims = {each["metadata"]["name"]: each for each in wanted if each["kind"] == "PersistentVolumeClaim"}
    for found in client.list(PersistentVolumeClaim, namespace=namespace) if claims else ():
        there = found.to_dict()
        if claim := claims.get(there["metadata"]["name"]):
            path = _path(plan, claim["metadata"]["labels"])
            yield from _other_chain(path, claim, there)
            if (there["metadata"].get("labels") or {}).get(OWNER) == plan.owner:
                yield from _moved(path, claim, there)
    workloads = {each["metadata"]["name"]: each for each in wanted if each["kind"] in _RUN}
    for kind in _WORKLOADS:  # a node's may have been of the other kind
        for running in client.list(kind, namespace=namespace, labels={OWNER: plan.owner}) if workloads else ():
            there = running.to_dict()  # type: ignore[attr-defined]  # lightkube's stub knows no method
            if workload := workloads.get(there["metadata"]["name"]):
                yield from _another_claim(_path(plan, workload["metadata"]["labels"]), workload, there)


def _other_chain(path: str, claim: Manifest, there: Manifest) -> Iterator[Problem]:
    namespace, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
    holds = (there["metadata"].get("annotations") or {}).get(GENESIS)
    runs = claim["metadata"]["annotations"].get(GENESIS)
    if holds and runs and holds != runs:
        words = f"its volume {namespace}/{name} holds the chain of genesis {holds}, this stack would run {runs}."
        cure = (
            "Name the old genesis in archipelago:network.genesisFile (a partner's output `network` has its text). A "
            "new chain is a network of another name."
        )
        yield Problem(path, words, cure)


def _moved(path: str, claim: Manifest, there: Manifest) -> Iterator[Problem]:
    """A claim of ours that would be of another class, in another directory, or of another size where none can be."""
    wants, has = claim["spec"], there.get("spec") or {}
    own = f"{claim['metadata']['namespace']}.{claim['metadata']['name']}"  # a volume that the stack has made
    given = [key for key in ("storageClassName", "volumeName") if key in wants and has.get(key) is not None]
    lost = "volumeName" not in wants and has.get("volumeName") == own
    if lost or any(has[key] != wants[key] for key in given):
        volume, kind = has.get("volumeName") or "no volume yet", has.get("storageClassName")
        words = f"its claim has the storage class {kind!r} and {volume}, and a claim never changes those."
        yield Problem(f"{path}.storage", words, MOVES)
    elif has.get("volumeName") == own and quantity(_size(has)) != quantity(_size(wants)):
        words = f"its claim has {_size(has)}, and one of a directory never grows or shrinks."
        cure = f"Write {_size(has)}: it is a number only, the directory takes what is there."
        yield Problem(f"{path}.storage.size", words, cure)


def _size(spec: Manifest) -> str:
    return str(spec["resources"]["requests"]["storage"])


def _another_claim(path: str, workload: Manifest, there: Manifest) -> Iterator[Problem]:
    before, after = _claim(there), _claim(workload)
    if before != after:
        words = f"its data is on the claim {before}; on {after} it would start without."
        yield Problem(f"{path}.storage", words, MOVES)


def _claim(workload: Manifest) -> str:
    volumes = workload["spec"]["template"]["spec"].get("volumes") or []
    claims = (each["persistentVolumeClaim"]["claimName"] for each in volumes if each.get("persistentVolumeClaim"))
    return next(claims, "")


def _path(plan: StackPlan, labels: Mapping[str, str]) -> str:
    """Where the node of an object of ours stands in the stack file; of an object of all nodes, the network."""
    node = labels.get("archipelago/node")
    return plan.settings.path_of(node) if node else "network"


def whose(metadata: ObjectMeta | None) -> str:
    """Whom an object belongs to, as the end of a sentence about it."""
    owner = ((metadata and metadata.labels) or {}).get(OWNER)
    named = ((metadata and metadata.annotations) or {}).get(STACK)
    if not owner:
        return "is there already and was not made by this program"
    return f"belongs to the stack {owner}{f' ({named})' if named else ''}"
