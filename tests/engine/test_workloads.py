"""Nodes that were Deployments become StatefulSets: one after another, never two pods of one node, no volume lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from lightkube import Client
from lightkube.resources.core_v1 import Pod

from lab.workspace import Stack
from tests import cita
from tests.again import again_and_again
from tests.engine.organisations import PROGRAM, Consortium
from tests.engine.test_namespaces import ready_since
from tests.stacks import GONE, Config, alpha, changed

pytestmark = pytest.mark.engine

BEFORE = Path(__file__).parent / "deployments_program"
TWO: Config = {"partners": {}, "nodes.quorum-node3": GONE}
STACKS: dict[str, Config] = {
    "goquorum": alpha(TWO),
    "cita-cloud": cita.local({"defaults.kmsPassword": GONE, "partners": {}}),
}
KEPT = {"PersistentVolumeClaim", "Secret", "Service"}


@contextmanager
def watched(client: Client, namespace: str) -> Iterator[list[frozenset[str]]]:
    """For each node of which two pods are there at the same moment, the names of both."""
    twice: list[frozenset[str]] = []

    def look() -> None:
        by_node: dict[str, set[str]] = {}
        for pod in client.list(Pod, namespace=namespace):
            assert pod.metadata
            node = (pod.metadata.labels or {}).get("archipelago/node", "")
            by_node.setdefault(node, set()).add(pod.metadata.name or "")
        twice.extend(frozenset(names) for names in by_node.values() if len(names) > 1)

    with again_and_again(look, every=0.05):
        yield twice


def program(stack: Stack, folder: Path) -> None:
    """Let a stack be run by another program."""
    path = stack.folder / "Pulumi.yaml"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(f"main: {folder}" if each.startswith("main:") else each for each in lines) + "\n")


def workloads(there: dict[tuple[str, str], Any]) -> set[tuple[str, str]]:
    return {key for key in there if key[0] in ("Deployment", "StatefulSet")}


def in_turn(client: Client, namespace: str, names: list[str]) -> None:
    """No pod was made before the one before it was ready."""
    found = [client.get(Pod, name, namespace=namespace) for name in names]
    for before, after in pairwise(found):
        made = after.metadata and after.metadata.creationTimestamp
        assert isinstance(made, datetime)
        assert made >= ready_since(before)


@pytest.mark.parametrize("kind", ["goquorum", pytest.param("cita-cloud", marks=pytest.mark.soak)])
def test_c5_a_stack_of_deployments_becomes_one_of_stateful_sets_in_turn(
    consortium: Consortium, space: str, kind: str
) -> None:
    config = changed(STACKS[kind], {"cluster.namespace": space})
    a = consortium.stack("cluster-a", config, "a", await_ready=True, program=BEFORE)
    a.up().expect()
    before = consortium.seen("a", space)
    were = workloads(consortium.objects("a", space))
    assert were
    assert {each for each, _ in were} == {"Deployment"}

    program(a, PROGRAM)
    with watched(consortium.client("a"), space) as twice:
        run = a.up().expect()
    assert not twice
    after = consortium.seen("a", space)
    assert workloads(consortium.objects("a", space)) == {("StatefulSet", name) for _, name in were}
    assert {key: uid for key, (uid, _) in before.items() if key[0] in KEPT} == {
        key: uid for key, (uid, _) in after.items() if key[0] in KEPT
    }
    assert {(op, name) for op, _, name in run.changes if op == "replace"} == {("replace", name) for _, name in were}
    in_turn(consortium.client("a"), space, [f"{name}-0" for _, name in sorted(were)])
    assert a.preview().expect().changes == []
    a.destroy().expect()
    assert not workloads(consortium.objects("a", space))
