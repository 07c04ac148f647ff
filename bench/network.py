"""The network that is measured: n GoQuorum nodes with Tessera and pinned NodePorts, as many as a cluster has."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from archipelago.chains.registry import CHAINS
from archipelago.checks.settings import problems
from archipelago.manifests.common import Manifest
from archipelago.manifests.stack import manifests
from archipelago.model.endpoint import NODE_PORTS
from archipelago.settings.read import Settings, read
from archipelago.stack.plan import StackPlan, plan_stack

SEED = hashlib.sha256(b"the benchmark's seed, which guards nothing").hexdigest()
FLOORS_SEED = hashlib.sha256(b"the floor's seed: one cluster runs no key twice").hexdigest()
_VALIDATORS = 21  # consensus takes messages squared in them: a network of a hundred nodes has no hundred validators
_HALF = len(NODE_PORTS) // 2
_PORTS_A_NODE = 2

Config = dict[str, Any]


def config(nodes: int, *, namespace: str, context: str = "", half: int | None = None) -> Config:
    """What the stack file of an n-node founder says, the seed apart.

    Args:
        nodes: How many.
        namespace: Of its own, so that several can stand in one cluster.
        context: Of the kubeconfig.
        half: 0 or 1: which half of the cluster's NodePorts it pins; None where it has them all.
    """
    first = NODE_PORTS.start + (half or 0) * _HALF
    end = first + (len(NODE_PORTS) if half is None else _HALF)
    return {
        "organisation": "alpha",
        "cluster": {"context": context, "namespace": namespace, "address": "203.0.113.10"},
        "network": {"kind": "goquorum", "name": "bench", "chainId": 1000, "consensus": "qbft", "founder": True},
        "nodes": {f"node{index:04}": _node(index, first + _PORTS_A_NODE * index, end) for index in range(nodes)},
    }


def _node(index: int, port: int, end: int) -> Config:
    """A node with NodePorts of its own; the cluster has none left for those after, which have as many objects."""
    pinned = port + _PORTS_A_NODE <= end
    exposure = {"ports": {"p2p": port, "tessera": port + 1}} if pinned else {"type": "ClusterIP"}
    return {"validator": index < _VALIDATORS, "exposure": exposure}


def settings(written: Config) -> Settings:
    """A configuration, validated as the program does it."""
    return read({"identitySeed": SEED} | written, "bench", CHAINS, lambda found: problems(found, CHAINS))


def plan(validated: Settings, stack: str) -> StackPlan:
    """The plan of its first run."""
    return plan_stack(validated, CHAINS[validated.network.kind], stack, {}, {}, Path.cwd(), "bench")


def write_manifests(made: StackPlan, file: Path) -> list[Manifest]:
    """Write all objects of a plan, as the floor registers them; they hold (worthless) private keys."""
    listed = list(manifests(made))
    file.touch(mode=0o600)
    file.write_text(json.dumps(listed))
    return listed
