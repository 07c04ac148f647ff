"""A founder with many partners, without an engine: `python -m bench.partners <partners> <nodes each>`.

In a process of its own, as the pure part is.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archipelago.chains.registry import CHAINS
from archipelago.manifests.common import live_config
from archipelago.manifests.stack import manifests
from archipelago.stack.bundles import bundle_of
from archipelago.stack.outputs import outputs
from archipelago.stack.plan import StackPlan, plan_stack
from bench import network
from bench.pure import memory

NODES = 20


@dataclass(frozen=True, slots=True)
class Joined:
    """One plan of a founder that has heard of all its partners.

    Args:
        partners: How many.
        nodes: Of each, and of the founder.
        cpu: CPU seconds from settings to outputs.
        peak: The most memory that was ever resident, in bytes; the partners' own plans are in it.
        received: Bytes of what partners exported.
        exported: Bytes of its own outputs.
        peers: Bytes of the ConfigMap with the lists of peers.
        policy: Bytes of the NetworkPolicy that lets nodes dial them.
    """

    partners: int
    nodes: int
    cpu: float
    peak: int
    received: int
    exported: int
    peers: int
    policy: int


def measure(partners: int) -> Joined:
    """Plan once, in a new process."""
    repository = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-m", "bench.partners", str(partners), str(NODES)]
    done = subprocess.run(command, cwd=repository, text=True, stdout=subprocess.PIPE, check=True)  # noqa: S603 - our own
    return Joined(**json.loads(done.stdout))


def run(partners: int, nodes: int) -> Joined:
    """Plan once, in this process."""
    bundles = {name: _exported(name, index, nodes) for index, name in enumerate(_names(partners))}
    references = {name: {"stack": f"organization/archipelago/{name}", "required": False} for name in bundles}
    written = network.config(nodes, namespace="bench") | {"partners": references}
    started = time.process_time()
    plan = _planned(written, "bench", bundles)
    sizes = {(each["kind"], each["metadata"]["name"]): each for each in manifests(plan)}
    exported = outputs(plan, plan.records)
    cpu = time.process_time() - started
    peers = sizes["ConfigMap", live_config(plan)]["data"]
    return Joined(
        partners=partners,
        nodes=nodes,
        cpu=cpu,
        peak=memory("VmHWM"),
        received=len(json.dumps(bundles)),
        exported=len(json.dumps(exported)),
        peers=sum(len(text) for text in peers.values()),
        policy=len(json.dumps(sizes["NetworkPolicy", live_config(plan)])),
    )


def _names(partners: int) -> list[str]:
    return [f"partner{index:03}" for index in range(partners)]


def _exported(name: str, index: int, nodes: int) -> dict[str, Any]:
    """What a joiner without partners exports, as another stack reads it: every number a float."""
    written = network.config(nodes, namespace="bench") | {"organisation": name}
    written["cluster"] |= {"address": f"198.18.{index // 256}.{index % 256}"}
    written["network"] = {"kind": "goquorum", "name": "bench", "joins": "alpha"}
    written["partners"] = {"alpha": {"stack": "organization/archipelago/bench", "required": False}}
    seed = hashlib.sha256(name.encode()).hexdigest()
    plan = _planned(written | {"identitySeed": seed}, name, {})
    made: dict[str, Any] = json.loads(json.dumps(bundle_of(outputs(plan, plan.records))), parse_int=float)
    return made


def _planned(written: network.Config, stack: str, bundles: dict[str, Any]) -> StackPlan:
    settings = network.settings(written)
    return plan_stack(settings, CHAINS[settings.network.kind], stack, bundles, {}, Path.cwd(), "bench")


if __name__ == "__main__":
    made = run(int(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.write(json.dumps({name: getattr(made, name) for name in Joined.__slots__}))
