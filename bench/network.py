"""The network that is measured: n GoQuorum nodes with Tessera and pinned NodePorts."""

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
LARGEST = len(NODE_PORTS) // 2
_VALIDATORS = 21  # consensus takes messages squared in them: a network of a hundred nodes has no hundred validators
_HALF = LARGEST
_PORTS_A_NODE = 2

Config = dict[str, Any]


def config(nodes: int, *, namespace: str, context: str = "", half: int | None = None) -> Config:
    """What the stack file of an n-node founder says, the seed apart.

    Args:
        nodes: How many.
        namespace: Of its own, so that several can stand in one cluster.
        context: Of the kubeconfig.
        half: 0 or 1: which half of the cluster's NodePorts it pins; None where it has them all.

    Raises:
        ValueError: The cluster has not so many NodePorts.
    """
    room = LARGEST if half is None else _HALF // _PORTS_A_NODE
    if not 1 <= nodes <= room:
        raise ValueError(f"{nodes} nodes: one to {room} can have NodePorts of their own here")
    first = NODE_PORTS.start + (half or 0) * _HALF
    return {
        "organisation": "alpha",
        "cluster": {"context": context, "namespace": namespace, "address": "203.0.113.10"},
        "network": {"kind": "goquorum", "name": "bench", "chainId": 1000, "consensus": "qbft", "founder": True},
        "nodes": {f"node{index:04}": _node(index, first + _PORTS_A_NODE * index) for index in range(nodes)},
    }


def _node(index: int, port: int) -> Config:
    return {"validator": index < _VALIDATORS, "exposure": {"ports": {"p2p": port, "tessera": port + 1}}}


def settings(written: Config) -> Settings:
    """A configuration, validated as the program does it."""
    return read(written | {"identitySeed": SEED}, "bench", CHAINS, lambda found: problems(found, CHAINS))


def plan(validated: Settings, stack: str) -> StackPlan:
    """The plan of its first run."""
    return plan_stack(validated, CHAINS[validated.network.kind], stack, {}, {}, Path.cwd(), "bench")


def write_manifests(made: StackPlan, file: Path) -> list[Manifest]:
    """Write all objects of a plan, as the floor registers them; they hold (worthless) private keys."""
    listed = list(manifests(made))
    file.touch(mode=0o600)
    file.write_text(json.dumps(listed))
    return listed
