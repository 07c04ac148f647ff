"""What Kubernetes would not take, found before anything is registered: else the run would fail half way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator

from archipelago.manifests.common import Manifest, live_config, place
from archipelago.manifests.stack import manifests
from archipelago.problems import Problem
from archipelago.stack.plan import StackPlan

LARGEST = 1 << 20
"""Bytes of a ConfigMap's or Secret's values, as Kubernetes counts; and of a policy, of which etcd takes 1.5 MiB."""
_VALUES = {"ConfigMap": "data", "Secret": "stringData"}


def problems(plan: StackPlan) -> Iterator[Problem]:
    """Objects that are too large, or that are two under one name.

    Args:
        plan: The stack.
    """
    made = list(manifests(plan))
    yield from _doubles(made)
    yield from _too_large(plan, made)


def _doubles(made: Iterable[Manifest]) -> Iterator[Problem]:
    """The last one would overwrite the first, and whichever goes deletes both."""
    for (kind, namespace, name), number in Counter(map(place, made)).items():
        if number > 1:
            where = f"{namespace}/{name}" if namespace else name
            words = f"{kind} {where} must be one object, got {number} of that name."
            yield Problem(
                "", words, "Choose another name for what it is made of: a node, a pool, an identity or a Secret."
            )


def _too_large(plan: StackPlan, made: Iterable[Manifest]) -> Iterator[Problem]:
    """Other kinds have the same size whatever partners give."""
    told = set()
    for each in made:
        kind, name = each["kind"], each["metadata"]["name"]
        if kind not in (*_VALUES, "NetworkPolicy") or (kind, name) in told:
            continue
        parts = _parts(each)
        if (size := sum(parts.values())) > LARGEST:
            told.add((kind, name))  # once, in however many namespaces it stands
            listed = ", ".join(f"{part} {number:,}" for part, number in parts.items() if part)
            words = f"{kind} {name} must have at most {LARGEST:,} bytes, got {size:,}"
            yield _problem(plan, name, f"{words}: {listed}." if listed else f"{words}.")


def _problem(plan: StackPlan, name: str, words: str) -> Problem:
    """Whose fault it is: what changes with the address book is too large where the book is."""
    if name != live_config(plan):
        return Problem("", words, "Make smaller what it is made of.")
    nodes = {given.name: len(given.nodes) for given in plan.imports}
    most = max(nodes, key=lambda each: nodes[each], default="")
    if not nodes or nodes[most] < len(plan.nodes):
        return Problem("nodes", words, f"This stack has {len(plan.nodes)} nodes: make several networks of them.")
    listed = ", ".join(f"{each} {number}" for each, number in sorted(nodes.items(), key=lambda pair: -pair[1])[:5])
    cure = f"Ask {most} to hand over fewer nodes, or take a partner out; those with the most nodes: {listed}."
    return Problem(plan.settings.path_of_source(most), words, cure)


def _parts(manifest: Manifest) -> dict[str, int]:
    """Bytes of an object by file."""
    if (values := _VALUES.get(manifest["kind"])) is None:
        return {"": len(json.dumps(manifest).encode())}
    return {name: len(text.encode()) for name, text in manifest.get(values, {}).items()}
