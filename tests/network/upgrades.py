"""Stacks that an older commit's program made, and what is seen while this one takes them over."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from lightkube import Client
from lightkube.resources.core_v1 import Pod
from ruamel.yaml import YAML

from lab.workspace import Run, Stack
from tests.again import again_and_again
from tests.engine.organisations import PROGRAM
from tests.network.networks import Network, Organisation

WORKLOADS = ("Deployment", "StatefulSet")
LOOKS_EVERY = 0.1  # seconds
_REPLACES = ("create-replacement", "delete-replaced", "discard-replaced", "replace")


def program_of(commit: str, folder: Path) -> Path:
    """The whole tree of a commit, as a program that stacks can run; skips where this clone has no such commit."""
    known = subprocess.run(["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=PROGRAM, check=False)
    if known.returncode:
        pytest.skip(f"the history of this clone does not reach {commit}: git fetch --unshallow")
    tree = folder / commit
    tree.mkdir()
    packed = subprocess.run(["git", "archive", commit], cwd=PROGRAM, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(tree)], input=packed, check=True)
    return tree


def runs(stack: Stack, program: Path) -> None:
    """Let a stack be run by the program in another folder."""
    path, yaml = stack.folder / "Pulumi.yaml", YAML()
    project = yaml.load(path)
    project["main"] = str(program)
    with path.open("w") as stream:
        yaml.dump(project, stream)


@dataclass
class Watched:
    """What is seen of pods, in the order of time.

    Args:
        pods: By node, the UIDs of its pods, in the order in which they were met.
        restarts: By UID of a pod, how often containers of it were started again.
        twice: Nodes of which two pods were there at one moment.
        away: For each moment, the nodes that had no pod that was ready.
        heights: For each moment, seconds and a height of the chain; empty where there is no chain.
    """

    pods: dict[str, list[str]] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    twice: set[str] = field(default_factory=set)
    away: list[frozenset[str]] = field(default_factory=list)
    heights: list[tuple[float, int]] = field(default_factory=list)

    def look(self, pods: list[Pod]) -> None:
        """Note one moment."""
        ready: dict[str, bool] = {}
        for pod in pods:
            assert pod.metadata and pod.status
            if (name := (pod.metadata.labels or {}).get("archipelago/node")) is None:
                continue  # a monitor's holds nothing
            node = f"{pod.metadata.namespace}/{name}"
            if node in ready:
                self.twice.add(node)
            uid, met = pod.metadata.uid or "", self.pods.setdefault(node, [])
            if uid not in met:
                met.append(uid)
            self.restarts[uid] = sum(each.restartCount for each in pod.status.containerStatuses or [])
            is_ready = any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or [])
            ready[node] = ready.get(node, False) or (is_ready and pod.metadata.deletionTimestamp is None)
        self.away.append(frozenset(node for node in self.pods if not ready.get(node)))

    @property
    def longest(self) -> float:
        """The longest time without a block, in seconds."""
        seen = self.heights
        risen = [seen[0][0], *(at for (_, low), (at, high) in pairwise(seen) if high > low), seen[-1][0]]
        return max(later - before for before, later in pairwise(risen))

    def each_restarted_once_in_turn(self, nodes: int) -> None:
        """See that so many nodes had at most two pods, one after another, and no node was away beside another one."""
        assert not self.twice, "two pods with one node's keys"
        assert len(self.pods) == nodes
        assert {node: len(uids) for node, uids in self.pods.items() if len(uids) > 2} == {}, "more than one restart"
        assert {
            node: self.restarts[uid] for node, uids in self.pods.items() for uid in uids if self.restarts[uid]
        } == {}
        together = [each for each in self.away if len(each) > 1]
        assert not together, "two nodes of a stack were away at once"


@contextmanager
def watched(network: Network, name: str, namespaces: tuple[str, ...], *, blocks: str = "") -> Iterator[Watched]:
    """Watch the pods of an organisation.

    Args:
        network: The network.
        name: The organisation.
        namespaces: Where its pods stand.
        blocks: `organisation/node` whose height is asked meanwhile.
    """
    seen = Watched()
    client: Client = network.consortium.client(network[name].letter)
    whom = blocks.partition("/")

    def look() -> None:
        seen.look([pod for each in namespaces for pod in client.list(Pod, namespace=each)])
        if blocks:
            seen.heights.append((time.monotonic(), network.height(network, network[whom[0]], whom[2])))

    with again_and_again(look, every=LOOKS_EVERY):
        yield seen


def loses_nothing(run: Run) -> None:
    """See that nothing but workloads is replaced, and nothing at all is deleted for good."""
    replaced = {(op, kind, name) for op, kind, name in run.changes if op in _REPLACES}
    assert {kind.rpartition(":")[2] for _, kind, _ in replaced} <= set(WORKLOADS), replaced
    assert not [each for each in run.changes if each[0] == "delete"], run.changes


@dataclass(frozen=True)
class Held:
    """What an upgrade has to leave as it is.

    Args:
        uids: Of all objects but workloads, by namespace, kind and name.
        keys: What Secrets hold.
        volumes: By claim, its volume.
        records: What partners know nodes by, and where they dial them.
        genesis: The network's.
    """

    uids: Mapping[tuple[str, str, str], str]
    keys: Mapping[tuple[str, str], Mapping[str, str]]
    volumes: Mapping[tuple[str, str], str]
    records: Sequence[Any]
    genesis: str


def held(organisation: Organisation, network: Network, namespaces: tuple[str, ...]) -> Held:
    """What an organisation has now."""
    uids, keys, volumes = {}, {}, {}
    for namespace in namespaces:
        for (kind, name), each in network.consortium.objects(organisation.letter, namespace).items():
            if kind not in WORKLOADS:
                uids[namespace, kind, name] = each.metadata.uid
            if kind == "Secret":
                keys[namespace, name] = each.data
            if kind == "PersistentVolumeClaim":
                volumes[namespace, name] = each.spec.volumeName
    outputs = organisation.stack.outputs()
    return Held(uids, keys, volumes, outputs["externalNodes"], outputs["network"]["genesis"])
