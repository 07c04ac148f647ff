"""The Kubernetes API: whose objects stand there, which cluster it is, and which addresses its nodes have."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
from lightkube import Client, KubeConfig
from lightkube.core.exceptions import ApiError, ConfigError, LoadResourceError
from lightkube.core.resource import NamespacedResource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ConfigMap, Namespace, Node, PersistentVolumeClaim, Secret, Service

from archipelago.chains.contract import Ask
from archipelago.manifests.common import GENESIS, MANAGED_BY, MANAGER, NETWORK, NODE, OWNER, STACK, Manifest
from archipelago.model import names
from archipelago.problems import Problem
from archipelago.settings.models import Cluster
from archipelago.settings.read import Settings
from archipelago.stack import standing
from archipelago.stack.ownership import Met
from archipelago.stack.plan import StackPlan
from archipelago.stack.standing import Trace
from operate import conflicts
from operate.managers import take_over
from operate.twins import twins

_TIMEOUT = httpx2.Timeout(10)  # seconds; an API server that needs longer is down for our purposes
_NOT_FOUND = 404
_EVERY_CLUSTERS = "kube-system"  # made with the cluster, and only then: its UID names the cluster
_ASKED: dict[str, type[Secret] | type[Service]] = {"Secret": Secret, "Service": Service}


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


def foreign(client: Client, wanted: Iterable[Manifest], plan: StackPlan) -> Iterator[Problem]:
    """What is in a stack's way; objects of others among it, which the provider would adopt and change.

    Args:
        client: Of the stack's cluster.
        wanted: Every object of the stack.
        plan: The stack.

    Raises:
        Unreachable: The API server does not answer.
    """
    listed = list(wanted)
    namespaces = sorted({each["metadata"]["namespace"] for each in listed if "namespace" in each["metadata"]})
    where = ", ".join(namespaces)
    try:
        for name, made in plan.settings.namespaces.items():
            yield from _namespace(client, plan, name) if made else _somebodys(client, plan, name)
        yield from conflicts.taken_ports(client, listed, plan)
        yield from conflicts.taken_volumes(client, listed, plan)
        yield from conflicts.unknown_kinds(client, listed, plan)
        yield from twins(client, plan)
        for where in namespaces:
            there = [each for each in listed if each["metadata"].get("namespace") == where]
            yield from conflicts.data(client, there, plan)
            yield from conflicts.others(client, there, plan)
    except ApiError as error:
        raise Unreachable(f"it refuses to list the objects of {where}: {error.status.message}") from None
    except httpx2.HTTPError as error:
        raise Unreachable(f"its API server does not answer: {error}") from None


def adopt(client: Client, wanted: Iterable[Manifest], plan: StackPlan) -> None:
    """Take over what earlier states of the stack manage; see `managers.take_over`.

    Raises:
        Unreachable: The API server does not answer, or refuses.
    """
    try:
        take_over(client, wanted, plan)
    except ApiError as error:
        raise Unreachable(f"it refuses to hand over the stack's objects: {error.status.message}") from None
    except httpx2.HTTPError as error:
        raise Unreachable(f"its API server does not answer: {error}") from None


def met(client: Client) -> Met:
    """Which cluster it is.

    Args:
        client: Of the stack's cluster.

    Raises:
        Unreachable: The API server does not answer.
    """
    uid = withheld = ""
    try:
        metadata = client.get(Namespace, _EVERY_CLUSTERS).metadata
        uid = (metadata and metadata.uid) or ""
    except ApiError as error:
        withheld = error.status.message or "it refuses"
    except httpx2.HTTPError as error:
        raise Unreachable(f"its API server does not answer: {error}") from None
    return Met(uid, client.config.context_name or "", withheld)


def remembered(client: Client, settings: Settings, last: Mapping[str, Any], there: Met) -> Met:
    """What the cluster knows of a stack and its outputs do not tell: whose objects stand there, and of which chain.

    Args:
        client: Of the stack's cluster.
        settings: The stack's.
        last: Its own outputs of the last run: of what they tell nothing is asked.
        there: The cluster.

    Raises:
        Unreachable: The API server does not answer, or does not show it.
    """
    try:
        owners = frozenset() if last.get("owner") else frozenset(_owners(client, settings))
        traces = tuple(_traces(client, settings)) if standing.missing(last, settings) else ()
    except ApiError as error:
        raise Unreachable(f"it refuses to list the objects of its namespaces: {error.status.message}") from None
    except httpx2.HTTPError as error:
        raise Unreachable(f"its API server does not answer: {error}") from None
    return replace(there, owners=owners, traces=traces)


def _owners(client: Client, settings: Settings) -> Iterator[tuple[str, str]]:
    """Who owns objects of a network of this name, as their labels say, and the stack that they name."""
    labels = {MANAGED_BY: MANAGER, NETWORK: settings.network.name}
    for namespace in settings.namespaces:
        for kind in (Secret, ConfigMap):
            for each in client.list(kind, namespace=namespace, labels={**labels}):
                metadata: ObjectMeta = each.metadata  # type: ignore[attr-defined]  # lightkube's stub knows no field
                if owner := (metadata.labels or {}).get(OWNER):
                    yield owner, (metadata.annotations or {}).get(STACK, "")


def _traces(client: Client, settings: Settings) -> Iterator[Trace]:
    """Of which chain the claims of a network of this name are, and the genesis that its nodes mount."""
    network = settings.network.name
    labels = {MANAGED_BY: MANAGER, NETWORK: network}
    for namespace in settings.namespaces:
        for claim in client.list(PersistentVolumeClaim, namespace=namespace, labels={**labels}):
            marks, told = _told(claim.metadata)
            if held := told.get(GENESIS):
                yield Trace(marks.get(OWNER, ""), namespace, marks.get(NODE, ""), held)
        try:
            shared = client.get(ConfigMap, f"{network}-{names.GENESIS}", namespace=namespace)
        except ApiError as error:
            if error.status.code != _NOT_FOUND:
                raise
            continue
        marks, _ = _told(shared.metadata)
        yield from (Trace(marks.get(OWNER, ""), namespace, "", text) for text in (shared.data or {}).values())


def _told(metadata: ObjectMeta | None) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Labels and annotations."""
    return (metadata and metadata.labels) or {}, (metadata and metadata.annotations) or {}


def given(client: Client, asks: Iterable[Ask]) -> dict[Ask, Manifest | None]:
    """What the cluster has of what a plan depends on; None for an object that is not there.

    Args:
        client: Of the stack's cluster.
        asks: What is asked.

    Raises:
        Unreachable: The API server does not answer, or does not show it to us.
    """
    found: dict[Ask, Manifest | None] = {}
    for ask in asks:
        try:
            found[ask] = _object(client, ask)
        except ApiError as error:
            raise Unreachable(f"it does not show the {ask}: {error.status.message}") from None
        except httpx2.HTTPError as error:
            raise Unreachable(f"its API server does not answer: {error}") from None
    return found


def _object(client: Client, ask: Ask) -> Manifest | None:
    try:
        if ask.kind == "Namespace":
            return client.get(Namespace, ask.name).to_dict()
        return client.get(_ASKED[ask.kind], ask.name, namespace=ask.namespace).to_dict()
    except ApiError as error:
        if error.status.code == _NOT_FOUND:
            return None
        raise


def own(client: Client, kind: type[NamespacedResource], name: str, namespace: str, plan: StackPlan) -> Manifest | None:
    """An object of this stack's; None where there is none, or it is not its own.

    Args:
        client: Of the stack's cluster.
        kind: Its kind.
        name: Its name.
        namespace: Where it stands.
        plan: The stack.

    Raises:
        ApiError, HTTPError: What lightkube raises.
    """
    try:
        found: Manifest = client.get(kind, name, namespace=namespace).to_dict()  # type: ignore[attr-defined]  # lightkube's stub knows no method
    except ApiError as error:
        if error.status.code == _NOT_FOUND:
            return None
        raise
    return found if (found["metadata"].get("labels") or {}).get(OWNER) == plan.owner else None


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


def _namespace(client: Client, plan: StackPlan, name: str) -> Iterator[Problem]:
    """A namespace that the stack makes must not be there, or be its own."""
    try:
        metadata = client.get(Namespace, name).metadata
    except ApiError as error:
        if error.status.code == _NOT_FOUND:
            return
        raise
    if metadata is None or (metadata.labels or {}).get(OWNER) != plan.owner:
        path = plan.settings.path_of_namespace(name)
        cure = (
            f"Choose another namespace, or set archipelago:{_create(path)}: false where it belongs to you and this "
            "stack may use it."
        )
        yield Problem(path, f"the namespace {name} {conflicts.whose(metadata)}.", cure)


def _somebodys(client: Client, plan: StackPlan, name: str) -> Iterator[Problem]:
    """A namespace that the stack does not make has to be there: half a stack would be made without it."""
    try:
        client.get(Namespace, name)
    except ApiError as error:
        if error.status.code != _NOT_FOUND:
            return  # whoever may not look at namespaces hears it from the API server
        path = plan.settings.path_of_namespace(name)
        cure = f"Make it: kubectl create namespace {name}; or set archipelago:{_create(path)}: true."
        yield Problem(path, f"there is no namespace {name} in this cluster.", cure)


def _create(path: str) -> str:
    """The key that says whether the stack makes a namespace, beside the one that names it."""
    return f"{path.rpartition('.')[0]}.createNamespace"
