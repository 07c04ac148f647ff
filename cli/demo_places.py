"""Where the demo's organisations live: clusters of the lab, with real nodes where this machine can, or a user's own."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from archipelago.model.endpoint import inside
from archipelago.settings.models import Cluster
from cli import consoles
from lab.errors import LabError
from lab.files import cache_folder
from lab.lab import Lab
from lab.nodes.config import REFRESH
from lab.nodes.images import TESSERA_STAND_IN, tessera
from lab.profiles import DEFAULT, PROFILES
from lab.tools import ConsoleReport, Toolchain, resolve
from lab.tools.toolchain import PULUMI_TOOLS
from operate.cluster import Unreachable, connect, node_addresses

STACKS = ("cluster-a", "cluster-b")
"""The example stacks; alpha's founds, beta's joins."""

OWN = "own"
"""Stands for a user's own clusters where else a profile of the lab is named."""

REAL = "nodes"
"""The profile whose nodes make blocks."""

_SMALL = {"cpu": "50m", "memory": "128Mi", "memoryLimit": "1Gi"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where one organisation of the demo lives.

    Args:
        context: Context of the kubeconfig.
        address: What its partner dials.
        namespace: Of all its objects.
        blocks: Whether its nodes really run, side by side with its partner's on one small machine.
    """

    context: str
    address: str
    namespace: str
    blocks: bool = False

    def move(self, config: dict[str, Any]) -> None:
        """Move a stack's configuration here."""
        config["archipelago:cluster"].update(
            {"context": self.context, "address": self.address, "namespace": self.namespace}
        )
        if inside(self.address):  # the lab's clusters are on loopback
            for partner in config["archipelago:partners"].values():
                partner["allowInside"] = True
        if self.blocks:
            # the demo looks for blocks itself, so that no `up` has to wait until a node has been ready for 15 s
            config.setdefault("archipelago:defaults", {}).update(resources=_SMALL, awaitReady=False)
            network = config["archipelago:network"]
            if tessera() == TESSERA_STAND_IN:
                network["images"] = {"tessera": TESSERA_STAND_IN}
            _share(network, config["archipelago:nodes"])


def _share(network: dict[str, Any], nodes: dict[str, Any]) -> None:
    """Two validators each, so that no block is made without both organisations; what is left over just follows."""
    two, rest = list(nodes)[:2], list(nodes)[2:]
    if network.get("founder"):
        network["genesis"] = {"validators": [*two, *(f"beta/{name}" for name in ("quorum-node1", "quorum-node2"))]}
    for name in two:
        nodes[name]["validator"] = True
    for name in rest:
        nodes[name]["validator"] = False


def best_profile() -> str:
    """The profile that shows most on this machine; what is missing for real nodes is told."""
    obstacle = PROFILES[REAL].obstacle()
    if obstacle is None:
        return REAL
    consoles.note(f"nodes and pods are simulated, so no block will be made. {obstacle}")
    return DEFAULT


def lab_of(kind: str) -> Lab:
    """The folder of a kind of demo.

    Args:
        kind: A profile; or `OWN`, for which no lab is started, but the stacks' backend is there.
    """
    return Lab(cache_folder() / "lab" / f"demo-{kind}")


def toolchain_of(kind: str) -> Toolchain:
    """The tools that a kind of demo needs."""
    if kind == OWN:
        return resolve(PULUMI_TOOLS, ConsoleReport(consoles.out))
    tools = lab_of(kind).equip(kind, say)
    return resolve((*PULUMI_TOOLS, *tools), ConsoleReport(consoles.out))


def say(line: str) -> None:
    """Say what the lab does."""
    consoles.out.print(f"  {line}", markup=True)


def lab_places(lab: Lab, toolchain: Toolchain, profile: str) -> list[Place]:
    """Two clusters of the lab, started where they do not run."""
    lab.up(toolchain, profile=profile, say=say)
    places = [Place(f"lab-{letter}", lab.cluster(letter).address, "consortium", profile == REAL) for letter in "ab"]
    if profile == REAL:
        if tessera() == TESSERA_STAND_IN:
            consoles.note(
                f"Tessera's image cannot be had here: {TESSERA_STAND_IN} takes its place, and private payloads are off."
            )
        consoles.note(f"The kubelets of the lab look at changed ConfigMaps every {REFRESH}; by default it is a minute.")
    return places


def own_places(*contexts: str) -> list[Place]:
    """A user's own clusters; two organisations in one cluster get a namespace each.

    Raises:
        LabError: A cluster cannot be reached, or has no address.
    """
    places = []
    for name, context in zip(STACKS, contexts, strict=True):
        try:
            with closing(connect(Cluster.model_validate({"context": context}))) as client:
                addresses = node_addresses(client)
        except Unreachable as reason:
            raise LabError(
                f"The cluster {context} cannot be reached: {reason}. Try: kubectl --context {context} get nodes"
            ) from None
        if not addresses:
            raise LabError(f"No node of {context} tells an address that the other cluster could dial.")
        namespace = f"consortium-{name}" if len(set(contexts)) == 1 else "consortium"
        places.append(Place(context, addresses[0], namespace))
    return places


def environment_of(lab: Lab, toolchain: Toolchain, name: str, kind: str) -> Mapping[str, str]:
    """What `pulumi` runs with for one organisation."""
    environment = lab.stack_environment(name, toolchain)
    if kind == OWN:
        del environment["KUBECONFIG"]  # the user's own stays in force
    return environment
