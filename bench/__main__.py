"""`python -m bench`: ours by the floor under the real engine, and the pure part alone."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench import partners, report
from bench.engine import Bench, Measured, running_lab
from bench.pure import Pure, measure
from bench.results import Results
from lab.errors import LabError
from lab.processes import take_interrupts
from lab.profiles import DEFAULT, PROFILES
from lab.tools import ConsoleReport, resolve
from lab.tools.toolchain import PULUMI_TOOLS

_SMALL, _MIDDLE, _LARGE = 10, 50, 200
_PURE_REPEAT, _PURE_SECONDS = 3, 30


def repetitions(nodes: int, given: int | None) -> int:
    """How often a size is measured: a small one varies more, and costs less."""
    if given is not None:
        return given
    return 5 if nodes <= _SMALL else 3 if nodes <= _MIDDLE else 2 if nodes <= _LARGE else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, show, write; the exit code is 0 whatever was measured: a busy machine is no error."""
    chosen = _parser().parse_args(arguments)
    take_interrupts()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before it was done"))  # so that the lab ends too
    started, load = time.monotonic(), os.getloadavg()[2]
    try:
        measured, skipped = _engine(chosen, started + 60 * chosen.minutes) if chosen.nodes else ([], [])
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    runs: list[Pure] = []
    for nodes in sorted(set(chosen.pure)):
        try:
            runs += _pure(nodes)
        except subprocess.CalledProcessError:  # it has said why; what was measured before is not lost
            skipped.append(f"{nodes} nodes without an engine: the run failed.")
    joined = [_joined(number) for number in sorted(set(chosen.partners))]
    results = Results(measured, runs, skipped, joined=joined, load=(load, os.getloadavg()[2]))
    sys.stdout.write(f"\n{report.text(results)}")
    if chosen.json:
        chosen.json.write_text(results.json())
    if chosen.markdown:
        report.write_into(chosen.markdown, results)
    return 0


def _engine(chosen: argparse.Namespace, end: float) -> tuple[list[Measured], list[str]]:
    """Every size once, then every size once more, so that an early end leaves the most even picture."""
    tools = (*PULUMI_TOOLS, *PROFILES[DEFAULT].tools)
    toolchain = resolve(tools, ConsoleReport(Console(stderr=True), verbose=False))
    sizes = [Measured(nodes) for nodes in sorted(set(chosen.nodes))]
    took: dict[int, float] = {}
    skipped = []
    if chosen.profile:
        chosen.profile.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="archipelago-bench-") as name:
        folder = Path(name)
        with running_lab(folder / "lab", toolchain, _say) as lab:
            bench = Bench(lab, toolchain, folder, _say, chosen.profile and chosen.profile.resolve())
            bench.warm_up()
            for index in range(max(repetitions(each.nodes, chosen.repeat) for each in sizes)):
                for measured in sizes:
                    if index >= repetitions(measured.nodes, chosen.repeat):
                        continue
                    if index and time.monotonic() + took[measured.nodes] > end:
                        skipped.append(f"Repetition {index + 1} of {measured.nodes} nodes was left out: out of time.")
                        continue
                    began = time.monotonic()
                    try:
                        bench.repetition(measured, index)
                    except LabError as error:  # what was measured before is not lost
                        _say(str(error))
                        skipped.append(f"Repetition {index + 1} of {measured.nodes} nodes ended early: it failed.")
                    took[measured.nodes] = time.monotonic() - began
    return sizes, skipped


def _pure(nodes: int) -> list[Pure]:
    """One size without an engine, more than once where that is quick."""
    runs: list[Pure] = []
    began = time.monotonic()
    while len(runs) < _PURE_REPEAT and time.monotonic() - began < _PURE_SECONDS:
        _say(f"{nodes:4} nodes  without an engine")
        runs.append(measure(nodes))
    return runs


def _joined(number: int) -> partners.Joined:
    """A founder that has heard of many partners."""
    _say(f"{number:4} partners of {partners.NODES} nodes  without an engine")
    return partners.measure(number)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("--nodes", type=_size, nargs="*", default=[5, 25, 100, 1000], help="sizes under the engine; none: leave it out")
    add("--repeat", type=int, help="pairs of `up` at each size; by default more for small sizes")
    add("--minutes", type=float, default=30, help="begin no second repetition that would end later; default 30")
    add(
        "--pure",
        type=_size,
        nargs="*",
        default=[5, 100, 1000, 2000],
        help="sizes without an engine; none: leave it out; the ConfigMap of peers has room for some 2,400 nodes",
    )
    add("--partners", type=_size, nargs="*", default=[50], help="partners of 20 nodes each; none: leave them out")
    add("--json", type=Path, metavar="FILE", help="write every single measurement")
    add("--markdown", type=Path, metavar="FILE", help="put the tables into a page, as docs/bench.md")
    add("--profile", type=Path, metavar="FOLDER", help="keep cProfile's figures of one more preview of each stack")
    return parser


def _size(text: str) -> int:
    nodes = int(text)
    if nodes < 1:
        raise argparse.ArgumentTypeError(f"{nodes} is no number of nodes")
    return nodes


if __name__ == "__main__":
    sys.exit(main())
