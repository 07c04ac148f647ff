"""Settings to manifests without an engine: `python -m bench.pure <nodes>`.

In a process of its own, so that its memory is told apart from everything else's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from archipelago.manifests.stack import manifests
from archipelago.stack.outputs import outputs
from bench import network
from bench.stopwatch import Stopwatch

_CHAIN = "archipelago.chains.goquorum"
PLACES: Mapping[str, str] = {
    f"{_CHAIN}.identity:keystore_v3": "keystores",
    "archipelago.identity.derive:Keyring.secret": "key derivation",
    f"{_CHAIN}.identity:node_id": "public keys",
    f"{_CHAIN}.identity:address_of": "addresses",
    f"{_CHAIN}.identity:tessera_public": "public keys",
    f"{_CHAIN}.identity:ExternalNode": "records",
    "archipelago.stack.plan:decide": "genesis",
    f"{_CHAIN}.chain:GoQuorum.plan": "node plans",
    f"{_CHAIN}.chain:GoQuorum.live_files": "peer lists",
    "archipelago.stack.clashes:settled": "address book",
}
"""Stages by the function that makes them up."""

_OUTER = ("settings", "identities, rest", "manifests", "outputs")
STAGES = tuple(dict.fromkeys([*_OUTER[:1], *PLACES.values(), *_OUTER[1:]]))


@dataclass(frozen=True, slots=True)
class Pure:
    """One run without an engine.

    Args:
        nodes: The size.
        seconds: By the clock on the wall.
        stages: CPU seconds by stage.
        grown: Memory that it took on top of the imported modules, at its peak, in bytes.
        peak: The most memory that was ever resident, in bytes.
        objects: How many manifests came out.
    """

    nodes: int
    seconds: float
    stages: Mapping[str, float]
    grown: int
    peak: int
    objects: int

    @property
    def cpu(self) -> float:
        """CPU seconds in all."""
        return sum(self.stages.values())


def measure(nodes: int) -> Pure:
    """Run once, in a new process."""
    repository = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-m", "bench.pure", str(nodes)]
    done = subprocess.run(command, cwd=repository, text=True, stdout=subprocess.PIPE, check=True)  # noqa: S603 - our own
    return Pure(**json.loads(done.stdout))


def run(nodes: int) -> Pure:
    """Run once, in this process, whose functions are wrapped for good."""
    watch = Stopwatch()
    watch.wrap(PLACES)
    written = network.config(nodes, namespace="bench")
    before = memory("VmRSS")
    started = time.perf_counter()
    with watch.stage("settings"):
        validated = network.settings(written)
    with watch.stage("identities, rest"):
        plan = network.plan(validated, "bench")
    with watch.stage("manifests"):
        listed = list(manifests(plan))
    with watch.stage("outputs"):
        outputs(plan, plan.records)
    seconds = time.perf_counter() - started
    peak = memory("VmHWM")
    return Pure(nodes, seconds, dict(watch.seconds), peak - before, peak, len(listed))


def memory(field: str) -> int:
    """A field of proc_pid_status(5), in bytes."""
    status = Path(f"/proc/{os.getpid()}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(f"{field}:")).split()[1]) * 1024


if __name__ == "__main__":
    made = run(int(sys.argv[1]))
    sys.stdout.write(json.dumps({name: getattr(made, name) for name in Pure.__slots__}))
