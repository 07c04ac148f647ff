"""Whether a stack's objects in the cluster are those that its settings make."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from archipelago.manifests.common import MANAGED_BY, MANAGER, OWNER, STACK, Manifest, full_name
from archipelago.manifests.stack import manifests
from archipelago.model.endpoint import Exposed
from archipelago.model.plan import NodePlan, Service
from archipelago.model.record import ExternalNode
from archipelago.settings.types import quantity
from archipelago.stack.plan import StackPlan
from operate.findings import Finding, Mark
from operate.stack import Stack

# annotations that tell the provider something, or people, and the cluster nothing
_TOLD = ("pulumi.com/", STACK)
# may be left over where the settings want none any more; nodes were Deployments once
_EARLIER = frozenset(["networkpolicy.networking.k8s.io", "deployment.apps"])
_SHOWN = 3  # differences of an object
_KEPT = ("Secret", "PersistentVolumeClaim", "PersistentVolume")  # what a removed node leaves behind on purpose


@dataclass(frozen=True, slots=True)
class Hidden:
    """A secret value: it can be compared, and is never shown. A short one could be found by its digest."""

    value: bytes = field(repr=False)

    def __str__(self) -> str:
        return "a secret value"


def drift(stack: Stack, expected: Collection[str] = ()) -> Iterator[Finding]:
    """Objects that are missing, that were changed, or that no settings want.

    Args:
        stack: The stack.
        expected: Names of objects of which it is told already that the next `pulumi up` changes them.

    Raises:
        Failed: The cluster does not answer.
    """
    name = stack.site.stack
    if stack.plan is None:
        if not stack.problems:
            cure = "Set PULUMI_CONFIG_PASSPHRASE (ARCHIPELAGO_PASSPHRASE_FILES for several), or give --seed-file."
            mark = Mark.FAILED if stack.locked else Mark.SKIPPED
            yield Finding("drift", name, mark, f"its objects need its seed: {stack.sealed}", cure)
        return
    wanted = {_key(each): each for each in manifests(settled(stack.plan, stack.records))}
    namespaces = [each for each in wanted.values() if each["kind"] == "Namespace"]
    kinds = sorted({_resource(each) for each in wanted.values() if each not in namespaces} | _EARLIER)
    live = {_key(each): each for each in stack.site.access.get(kinds, f"{MANAGED_BY}={MANAGER}")}
    found = False
    for key, manifest in wanted.items():
        if manifest in namespaces:
            continue
        if key in live and manifest["metadata"]["name"] in expected:
            continue
        for problem in _changed(manifest, live.get(key), stack):
            found = True
            yield problem
    for problem in _left_over(stack, wanted, live):
        found = True
        yield problem
    if not found and not expected:
        yield Finding("drift", name, Mark.OK, f"{len(wanted) - len(namespaces)} objects are as the settings make them")


def settled(plan: StackPlan, records: tuple[ExternalNode, ...]) -> StackPlan:
    """The plan with the addresses that the cluster gave, so that nothing in a manifest is open any more."""
    given = {record.name: record for record in records}
    nodes = tuple(_settled(node, given[node.name]) if node.name in given else node for node in plan.nodes)
    return replace(plan, nodes=nodes)


def differences(wanted: Any, live: Any, path: str = "") -> Iterator[str]:
    """Paths at which a live object differs from what was wanted; what only the cluster says never does."""
    if isinstance(wanted, Mapping):
        there = live if isinstance(live, Mapping) else {}
        for key, value in wanted.items():
            if not str(key).startswith(_TOLD):
                yield from differences(value, there.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(wanted, list):
        entries = live if isinstance(live, list) else []
        if len(wanted) != len(entries):
            yield f"{path}: {len(entries)} entries instead of {len(wanted)}"
            return
        for index, (value, other) in enumerate(zip(wanted, entries, strict=True)):
            yield from differences(value, other, f"{path}[{_label(value, index)}]")
    elif not _equal(wanted, live):
        yield f"{path}: {_difference(wanted, live)}"


def _settled(node: NodePlan, record: ExternalNode) -> NodePlan:
    known = record.endpoints
    names = [port.name for port in node.service.ports]
    if node.service.settled or any(name not in known for name in names):
        return node
    # the cluster gives a load balancer NodePorts, too, that nobody dials
    chosen = node.service.type is Exposed.NODE_PORT
    ports = {name: known[name].port for name in names} if chosen else node.service.node_ports
    service: Service = replace(node.service, host=known[names[0]].host, node_ports=ports)
    # whoever compares by identity (is this the partners' Service?) gets the new one in both places
    return replace(node, service=service)


def _changed(manifest: Manifest, live: Manifest | None, stack: Stack) -> Iterator[Finding]:
    kind, name = manifest["kind"], full_name(manifest, stack.site.access.namespace)
    subject = _subject(manifest, stack)
    if live is None:
        cure = f"pulumi up --refresh -s {stack.site.stack} makes it again."
        yield Finding("drift", subject, Mark.FAILED, f"{kind} {name} is missing", cure)
        return
    expected, there = _comparable(manifest), _comparable(live)
    found = list(differences(expected, there))
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        words = f"{kind} {name}: {'; '.join(found[:_SHOWN])}{more}"
        cure = (
            f"pulumi preview --refresh -s {stack.site.stack} shows the difference, pulumi up --refresh takes it back; "
            "kubectl get --show-managed-fields tells who made it."
        )
        yield Finding("drift", subject, Mark.FAILED, words, cure)


def _left_over(stack: Stack, wanted: Mapping[Any, Manifest], live: Mapping[Any, Manifest]) -> Iterator[Finding]:
    owner = stack.plan.owner if stack.plan else ""
    for key, manifest in live.items():
        labels = manifest["metadata"].get("labels", {})
        if key in wanted or labels.get(OWNER) != owner or manifest["metadata"].get("ownerReferences"):
            continue
        kind, node = manifest["kind"], labels.get("archipelago/node", "")
        name = full_name(manifest, stack.site.access.namespace)
        if kind in _KEPT and node:
            cure = f"archipelago release {node} -s {stack.site.stack} deletes it, add the node again to use it."
            words = f"{kind} {name} is kept of a node that was taken out"
        else:
            cure = (
                f"pulumi up --refresh -s {stack.site.stack}; if it stays, no stack's state has it: kubectl describe it."
            )
            words = f"{kind} {name} is in no settings"
        yield Finding("drift", _subject(manifest, stack), Mark.WARNING, words, cure)


def _comparable(manifest: Manifest) -> Manifest:
    """What counts of an object; a Secret's values hidden, so that no difference shows one."""
    metadata = manifest["metadata"]
    kept = {key: metadata.get(key) or {} for key in ("labels", "annotations")}
    body = {key: value for key, value in manifest.items() if key not in ("metadata", "status", "apiVersion")}
    if manifest["kind"] == "Secret":
        values = {key: base64.b64decode(value) for key, value in (body.pop("data", None) or {}).items()}
        values |= {key: str(value).encode() for key, value in (body.pop("stringData", None) or {}).items()}
        body["data"] = {key: Hidden(value) for key, value in values.items()}
    return {"metadata": kept, **body}


def _key(manifest: Manifest) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def _resource(manifest: Manifest) -> str:
    """As kubectl takes it: `deployment.apps`."""
    group, slash, _ = manifest["apiVersion"].partition("/")
    return f"{manifest['kind'].lower()}.{group}" if slash else manifest["kind"].lower()


def _subject(manifest: Manifest, stack: Stack) -> str:
    node = manifest["metadata"].get("labels", {}).get("archipelago/node")
    return stack.site.full(node) if node else stack.site.stack


def _label(value: Any, index: int) -> str:
    return str(value["name"]) if isinstance(value, Mapping) and "name" in value else str(index)


def _equal(wanted: Any, live: Any) -> bool:
    if wanted == live or (live is None and wanted in ("", False, {}, [])):
        return True
    try:
        return isinstance(wanted, str) and isinstance(live, str) and quantity(wanted) == quantity(live)
    except AssertionError:  # no quantities, just texts
        return False


def _difference(wanted: Any, live: Any) -> str:
    """Two values that differ, in a message: no secret, no digest of one, and no screen full of a file."""
    if isinstance(wanted, Hidden) and isinstance(live, Hidden):
        return "another secret value"
    shown, instead = _shown(live), _shown(wanted)
    if shown == instead:
        lines = zip(str(live).splitlines(), str(wanted).splitlines(), strict=False)
        first = next((number for number, (one, other) in enumerate(lines, 1) if one != other), 1)
        return f"another text of {len(str(live))} characters, from line {first} on"
    return f"{shown} instead of {instead}"


def _shown(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    if "\n" in text or len(text) > 60:  # noqa: PLR2004 - a line's worth
        return f"a text of {len(text)} characters"
    return text
