"""Who manages the fields of a stack's objects: those of lost states hand them over to the one that there is now."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from lightkube import Client
from lightkube.core.resource import NamespacedResource
from lightkube.types import PatchType

from archipelago.manifests.common import MANAGER, OWNER, Manifest
from archipelago.stack.plan import StackPlan
from operate import conflicts

_DRAWN = "pulumi-kubernetes-"  # and eight digits: what the provider calls itself where the program names no manager


def take_over(client: Client, wanted: Iterable[Manifest], plan: StackPlan) -> None:
    """Rename managers that no run has any more, so that what a later run leaves out of an object goes.

    No field of an object changes, and no object that is not this stack's is touched.

    Args:
        client: Of the stack's cluster.
        wanted: Every object of the stack.
        plan: The stack.

    Raises:
        ApiError, HTTPError: What lightkube raises.
    """
    spaces: dict[str, list[Manifest]] = {}
    for each in wanted:
        if "namespace" in each["metadata"]:
            spaces.setdefault(each["metadata"]["namespace"], []).append(each)
    for namespace, there in spaces.items():
        for kind in conflicts.kinds(client, there, namespace):
            for found in client.list(kind, namespace=namespace, labels={OWNER: plan.owner}):
                _renamed(client, kind, found.to_dict())  # type: ignore[attr-defined]  # lightkube's stub


def _renamed(client: Client, kind: type[NamespacedResource], found: Manifest) -> None:
    metadata = found["metadata"]
    entries = metadata.get("managedFields") or []
    made = one_manager(entries)
    if made != entries:
        change = [{"op": "replace", "path": "/metadata/managedFields", "value": made}]
        client.patch(kind, metadata["name"], change, namespace=metadata["namespace"], patch_type=PatchType.JSON)


def one_manager(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries of `managedFields` in which ours are one.

    Args:
        entries: As the API server tells them. `fieldsV1` is a set of paths, written as nested mappings.
    """
    ours = [each for each in entries if _is_ours(each)]
    if not any(each["manager"].startswith(_DRAWN) for each in ours):
        return entries
    union: dict[str, Any] = {}
    for each in ours:
        _add(union, each.get("fieldsV1") or {})
    last = max(ours, key=lambda each: str(each.get("time", "")))
    return [*(each for each in entries if not _is_ours(each)), {**last, "manager": MANAGER, "fieldsV1": union}]


def _is_ours(entry: dict[str, Any]) -> bool:
    applied = entry.get("operation") == "Apply" and not entry.get("subresource")
    return applied and (entry["manager"] == MANAGER or entry["manager"].startswith(_DRAWN))


def _add(union: dict[str, Any], more: dict[str, Any]) -> None:
    for key, below in more.items():
        if key in union:
            _add(union[key], below)
        else:
            union[key] = copy.deepcopy(below)
