"""Both programs under the real engine, in pairs, on a lab of the bench's own."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import network
from bench.figures import Pair, Usage
from bench.programs import REPOSITORY, Program
from lab.lab import Lab
from lab.tools import Toolchain

FIRST, UP, UNCHANGED = "first preview", "up from nothing", "preview, unchanged"
OPERATIONS = (FIRST, UP, UNCHANGED)
_LARGEST_UP = 200  # nodes: a backend of files writes the whole state at each step, which hides all else in larger ones
_AT_ONCE = "64"  # workloads take 15 s to be ready: by the default, 1,000 of them take half an hour
_ONE_STATE = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}  # it is written at the end alone
_PREVIEWS = 2  # of a stack that is up: they are quick, and `up` is not
Say = Callable[[str], None]


@dataclass
class Measured:
    """All that was measured at one size.

    Args:
        nodes: The size.
        resources: Kubernetes objects of its nodes, without those that all share.
        pairs: By operation.
    """

    nodes: int
    resources: int = 0
    pairs: dict[str, list[Pair]] = field(default_factory=lambda: {operation: [] for operation in OPERATIONS})

    @property
    def resources_per_node(self) -> float:
        """Kubernetes objects a node."""
        return self.resources / self.nodes


@contextlib.contextmanager
def running_lab(folder: Path, toolchain: Toolchain, say: Say) -> Iterator[Lab]:
    """A lab of one cluster, which ends with the block, and with this process if that is killed."""
    lab = Lab(folder)
    try:
        lab.up(toolchain, clusters=1, owner=os.getpid(), say=say)
        yield lab
    finally:
        lab.down(purge=True)


class Bench:
    """Measures one size after the other on a running lab.

    Args:
        lab: Whose cluster `a` is used.
        toolchain: With `pulumi` and `kubectl`.
        folder: For projects and manifests.
        say: Told what happens, a line at a time.
        profiles: Where cProfile's figures of one more, unmeasured, preview of ours go.
    """

    def __init__(self, lab: Lab, toolchain: Toolchain, folder: Path, say: Say, profiles: Path | None = None) -> None:
        self._context = lab.cluster("a").context
        self._kubectl, self._pulumi = str(toolchain.path("kubectl")), str(toolchain.path("pulumi"))
        self._environment = {**os.environ, **lab.stack_environment("bench", toolchain)}
        self._folder, self._say, self._profiles = folder, say, profiles
        self._ours = self._program("ours", REPOSITORY)
        self._floor = self._program("floor", REPOSITORY / "bench" / "floor")

    def _program(self, name: str, source: Path) -> Program:
        program = Program(name, source, self._folder / name, self._pulumi, self._environment)
        program.prepare()
        return program

    def warm_up(self) -> None:
        """Run both once and forget it: what is read from disk and compiled once is nobody's cost."""
        self._say("warming up")
        self._repetition(Measured(1), "warm-up", ours_first=True)

    def repetition(self, measured: Measured, index: int) -> None:
        """Measure one size once more: a pair of first previews, one of `up`, and some of unchanged previews.

        Args:
            measured: Which size; what is measured is added here.
            index: Counted from 0; the stacks are named after it.

        Raises:
            LabError: A run failed.
        """
        self._repetition(measured, f"n{measured.nodes}-{index}", ours_first=index % 2 == 0)

    def _repetition(self, measured: Measured, stack: str, *, ours_first: bool) -> None:
        namespaces = [f"ours-{stack}", f"floor-{stack}"]
        try:
            measured.resources = self._make_stacks(measured.nodes, stack, *namespaces)
            # who goes first changes places, so that a machine that grows slower favours nobody
            self._pair(measured, FIRST, stack, ours_first, "preview")
            up = ("up", "--yes", "--skip-preview")
            if measured.nodes <= _LARGEST_UP:
                self._pair(measured, UP, stack, not ours_first, *up)
            else:
                self._say(f"{measured.nodes:4} nodes  {UP:18}  not measured")
                for program in (self._ours, self._floor):
                    program.measure(stack, *up, "--parallel", _AT_ONCE, besides=_ONE_STATE)
            for turn in range(_PREVIEWS):
                self._pair(measured, UNCHANGED, stack, ours_first == (turn % 2 == 0), "preview", "--expect-no-changes")
            if self._profiles:
                profile = self._profiles / f"{stack}.prof"
                self._ours.measure(stack, "preview", "--expect-no-changes", profile=profile)
        finally:
            self._clear(stack, namespaces)

    def _make_stacks(self, nodes: int, stack: str, ours: str, floor: str) -> int:
        """Make the two stacks: the same network in two namespaces, with NodePorts that do not meet.

        Returns:
            How many Kubernetes objects its nodes have of their own.
        """
        written = network.config(nodes, namespace=ours, context=self._context, half=0)
        config: dict[str, Any] = {f"archipelago:{key}": value for key, value in written.items()}
        self._ours.make_stack(stack, config, {"archipelago:identitySeed": network.SEED})
        same = network.config(nodes, namespace=floor, context=self._context, half=1)
        same |= {"identitySeed": network.FLOORS_SEED}
        made = network.plan(network.settings(same), stack)
        file = self._folder / f"{stack}.json"
        listed = network.write_manifests(made, file)
        told = {"context": self._context, "owner": made.owner, "manifests": str(file)}
        self._floor.make_stack(stack, {f"floor:{key}": value for key, value in told.items()}, {})
        return sum("archipelago/node" in each["metadata"].get("labels", {}) for each in listed)

    def _pair(self, measured: Measured, operation: str, stack: str, ours_first: bool, *arguments: str) -> None:
        taken: dict[str, Usage] = {}
        for program in (self._ours, self._floor) if ours_first else (self._floor, self._ours):
            taken[program.name] = program.measure(stack, *arguments)
        pair = Pair(**taken)
        measured.pairs[operation].append(pair)
        ours, floor = pair.ours, pair.floor
        self._say(
            f"{measured.nodes:4} nodes  {operation:18}  ours {ours.seconds:6.1f} s  floor {floor.seconds:6.1f} s"
            f"  ratio {ours.seconds / floor.seconds:.2f}, of CPU {ours.cpu / floor.cpu:.2f}"
        )

    def _clear(self, stack: str, namespaces: list[str]) -> None:
        """Take everything away, what `destroy` would retain included: the next repetition pins the same NodePorts."""
        command = [self._kubectl, "--context", self._context, "delete", "namespace", *namespaces]
        command += ["--ignore-not-found", "--timeout=300s"]
        subprocess.run(command, env=self._environment, check=False, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        for program in (self._ours, self._floor):
            with contextlib.suppress(Exception):  # an unmade stack; the backend goes with the lab anyway
                program.pulumi("stack", "rm", stack, "--yes", "--force", "--preserve-config")
