"""Many organisations in one lab, each with a stack of its own: `python -m bench.consortium [--stacks N]`.

It runs `pulumi up` of all of them, round after round, until a round changes nothing, and tells rounds, time and memory.
The exit code is 1 if that took more rounds than there are stacks, and one.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from ruamel.yaml import YAML

from bench.programs import REPOSITORY
from lab import processes
from lab.lab import Lab
from lab.profiles import PROFILES
from lab.tools import ConsoleReport, resolve
from lab.tools.toolchain import PULUMI_TOOLS
from lab.workspace import Stack, Workspace

FOUNDER = "org01"
_PAGE = os.sysconf("SC_PAGE_SIZE")
_LETTERS = "ab"


def names(stacks: int) -> list[str]:
    """The organisations; the first one founds the network."""
    return [f"org{number:02}" for number in range(1, stacks + 1)]


def config(name: str, everybody: list[str], context: str, address: str) -> dict[str, Any]:
    """What an organisation's stack file says, its seed apart: one node, and all others as partners."""
    network = {"founder": True, "chainId": 1337, "consensus": "qbft"} if name == FOUNDER else {"joins": FOUNDER}
    partners = {
        other: {"stack": f"organization/archipelago/{other}", "required": False, "allowInside": True}
        for other in everybody
        if other != name
    }
    return {
        "organisation": name,
        "cluster": {"context": context, "namespace": name, "address": address},
        "network": {"kind": "goquorum", "name": "many", "version": "22.7.4", **network},
        "defaults": {"validator": name == FOUNDER, "awaitReady": False},
        "nodes": {"node1": {}},
        "partners": partners,
    }


def seed(name: str) -> str:
    """A throw-away seed."""
    return hashlib.sha256(f"throw-away seed of {name}".encode()).hexdigest()


def converge(stacks: Mapping[str, Stack]) -> list[int]:
    """Run all stacks, round after round, until one changes nothing.

    Returns:
        How many stacks changed something, by round; the last one is 0, unless they did not converge.
    """
    changed: list[int] = []
    while len(changed) <= len(stacks) and (not changed or changed[-1]):
        began = time.monotonic()
        runs = [stack.up().expect() for stack in stacks.values()]
        changed.append(sum(bool(run.changes) for run in runs))
        sys.stderr.write(f"round {len(changed)}: {changed[-1]} stacks changed, {time.monotonic() - began:.0f} s\n")
    return changed


def memory(lab: Lab) -> int:
    """Bytes that are resident of all processes of a lab; what they share counts for each."""
    found = 0
    for process in processes.marked(lab.folder):
        try:
            found += int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * _PAGE
        except OSError:  # it has ended
            continue
    return found


def main() -> int:
    """Start a lab, converge, tell, end it."""
    processes.take_interrupts()
    parser = argparse.ArgumentParser(prog="python -m bench.consortium", description=__doc__)
    parser.add_argument("--stacks", type=int, default=10, help="how many organisations; default 10")
    everybody = names(parser.parse_args().stacks)
    tools = (*PULUMI_TOOLS, *PROFILES["control-plane"].tools)
    toolchain = resolve(tools, ConsoleReport(Console(stderr=True), verbose=False))
    with tempfile.TemporaryDirectory(prefix="archipelago-many-") as folder:
        lab = Lab(Path(folder) / "lab")
        try:
            lab.up(toolchain, clusters=len(_LETTERS), owner=os.getpid())
            stacks = {}
            for index, name in enumerate(everybody):
                cluster = lab.cluster(_LETTERS[index % len(_LETTERS)])
                written = config(name, everybody, cluster.context, cluster.address)
                text = io.StringIO()
                YAML().dump({"config": {f"archipelago:{key}": value for key, value in written.items()}}, text)
                workspace = Workspace(Path(folder) / name, REPOSITORY)
                stacks[name] = workspace.stack(name, text.getvalue(), lab.stack_environment(name, toolchain))
                stacks[name].set_seed(seed(name))
            began = time.monotonic()
            changed = converge(stacks)
            told = f"{len(stacks)} stacks, {len(changed)} rounds, {time.monotonic() - began:.0f} s"
            sys.stdout.write(f"{told}; the lab's processes hold {memory(lab) >> 20} MiB\n")
        finally:
            lab.down(purge=True)
    return 0 if changed[-1] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
