"""Configurations of two organisations as tests change them, and the shortest ways from one to a plan.

alpha founds the network `consortium` with three validators, beta joins it with two nodes; both use the names
quorum-node1 and quorum-node2.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archipelago.chains.registry import CHAINS
from archipelago.checks.settings import problems as checks
from archipelago.model.endpoint import Endpoint, Exposed
from archipelago.model.plan import NodePlan
from archipelago.model.record import ExternalNode
from archipelago.problems import Problem, Refused
from archipelago.settings.read import Settings, read
from archipelago.settings.stack_file import from_file
from archipelago.stack.bundles import bundle_of
from archipelago.stack.outputs import outputs
from archipelago.stack.plan import StackPlan, plan_stack

Config = dict[str, Any]

GONE = object()  # as a value of `changed`: take the key out
STACKS = {"alpha": "cluster-a", "beta": "cluster-b", "gamma": "cluster-c"}
SOURCE = "Pulumi.cluster-a.yaml"
NOWHERE = Path("/nonexistent")


def seed(organisation: str) -> str:
    """A throw-away seed, the same in every run."""
    return hashlib.sha256(f"throw-away seed of {organisation}".encode()).hexdigest()


def alpha(changes: Mapping[str, Any] | None = None) -> Config:
    """The founder's configuration, changed by dotted path (see `changed`)."""
    config: Config = {
        "identitySeed": seed("alpha"),
        "organisation": "alpha",
        "cluster": {"context": "cluster-a", "namespace": "consortium", "address": "203.0.113.10"},
        "network": {
            "kind": "goquorum",
            "name": "consortium",
            "chainId": 1000,
            "consensus": "istanbul",
            "version": "22.7.4",
            "founder": True,
            "privacy": {"manager": "tessera", "version": "22.1.7"},
        },
        "defaults": {"validator": True, "storage": {"size": "20Gi"}},
        "nodes": {
            "quorum-node1": {"exposure": {"ports": {"p2p": 30303, "tessera": 30901}}},
            "quorum-node2": {},
            "quorum-node3": {},
        },
        "partners": {"beta": {"stack": "organization/archipelago/cluster-b", "required": False}},
    }
    return changed(config, changes or {})


ONE_NODE: Config = {"nodes.quorum-node2": GONE, "nodes.quorum-node3": GONE}
"""Changes of `alpha` for tests whose number of nodes means nothing: a node is ten objects for the API server."""


def beta(changes: Mapping[str, Any] | None = None) -> Config:
    """The joiner's configuration, changed by dotted path (see `changed`)."""
    config: Config = {
        "identitySeed": seed("beta"),
        "organisation": "beta",
        "cluster": {"context": "cluster-b", "namespace": "consortium", "address": "198.51.100.20"},
        "network": {
            "kind": "goquorum",
            "name": "consortium",
            "joins": "alpha",
            "privacy": {"manager": "tessera", "version": "22.1.7"},
        },
        "nodes": {"quorum-node1": {}, "quorum-node2": {}},
        "partners": {"alpha": {"stack": "organization/archipelago/cluster-a"}},
    }
    return changed(config, changes or {})


def committed(path: Path, organisation: str) -> Config:
    """A stack file of this repository, with a throw-away seed."""
    return {**copy.deepcopy(_as_committed(path)), "identitySeed": seed(organisation)}


@functools.cache  # to read it takes as long as to plan it
def _as_committed(path: Path) -> Config:
    return from_file(path)


def changed(config: Mapping[str, Any], changes: Mapping[str, Any]) -> Config:
    """A copy with other values at some dotted paths; missing mappings on the way are made."""
    made = copy.deepcopy(dict(config))
    for path, value in changes.items():
        *way, last = path.split(".")
        place: Any = made
        for step in way:
            place = place.setdefault(step, {})
        if value is GONE:
            place.pop(last, None)
        else:
            place[last] = value
    return made


def settings_of(config: Mapping[str, Any], source: str = SOURCE) -> Settings:
    """The settings, or Refused."""
    return read(config, source, CHAINS, lambda found: checks(found, CHAINS))


def problems_of(config: Mapping[str, Any]) -> tuple[Problem, ...]:
    """What is wrong with a configuration."""
    try:
        settings_of(config)
    except Refused as refused:
        return refused.problems
    return ()


def plan_of(
    config: Mapping[str, Any],
    received: Mapping[str, Mapping[str, Any] | None] | None = None,
    last: Mapping[str, Any] | None = None,
    root: Path = NOWHERE,
) -> StackPlan:
    """The plan of a stack.

    Args:
        config: Its configuration.
        received: Bundles by partner; None for a stack that is not there.
        last: Its own last outputs.
        root: Where paths in it start.
    """
    settings = settings_of(config)
    stack = STACKS.get(settings.organisation, "cluster-z")
    return plan_stack(
        settings, CHAINS[settings.network.kind], stack, received or {}, last or {}, root, f"Pulumi.{stack}.yaml"
    )


def refusal_of(
    config: Mapping[str, Any],
    received: Mapping[str, Mapping[str, Any] | None] | None = None,
    last: Mapping[str, Any] | None = None,
    root: Path = NOWHERE,
) -> tuple[Problem, ...]:
    """Why a stack is not planned; empty where it is."""
    try:
        plan_of(config, received, last, root)
    except Refused as refused:
        return refused.problems
    return ()


def given_endpoints(node: NodePlan) -> dict[str, Endpoint]:
    """What a cluster would give a node: pinned ports, and for the others always the same ones."""
    found = node.service.endpoints()
    for port in node.service.ports:
        if port.name not in found:
            digest = hashlib.sha256(f"{node.object_name} {port.name} {node.service.host}".encode()).digest()
            allocated = 30000 + int.from_bytes(digest[:4]) % 2768
            host = node.service.host or f"192.0.2.{digest[4]}"
            number = allocated if node.service.type is Exposed.NODE_PORT else node.service.dialled(port)
            found[port.name] = Endpoint(host=host, port=number, exposure=node.service.type)
    return found


def records_of(plan: StackPlan) -> list[ExternalNode]:
    """A plan's records, with the endpoints that its cluster gives."""
    pairs = zip(plan.records, plan.nodes, strict=True)
    return [record.model_copy(update={"endpoints": given_endpoints(node)}) for record, node in pairs]


def outputs_of(plan: StackPlan) -> dict[str, Any]:
    """What a stack exports after `up`."""
    return outputs(plan, records_of(plan))


def bundle(config: Mapping[str, Any], received: Mapping[str, Mapping[str, Any] | None] | None = None) -> Config:
    """What partners receive of a stack by a StackReference, numbers as floats."""
    return crossed(outputs_of(plan_of(config, received)))


def crossed(exported: Mapping[str, Any]) -> Config:
    """Outputs as another stack reads them: a bundle, every number a float."""
    return bundle_of(floats(exported))


def floats(value: Any) -> Any:
    """Plain data as it comes out of the engine: numbers are floats."""
    return json.loads(json.dumps(value), parse_int=float)
