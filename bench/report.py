"""Tables and verdicts of a run, as text for a terminal and as Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from archipelago.manifests import limits
from bench import figures
from bench.engine import OPERATIONS, Measured
from bench.figures import Pair, Spread
from bench.partners import Joined
from bench.pure import STAGES, Pure
from bench.results import Results

BEGIN, END = "<!-- measured: python -m bench --markdown writes this part -->", "<!-- end of measured -->"
_MIB = 1 << 20
_ENOUGH = 0.5  # per cent of the whole: a smaller stage is not worth a row


@dataclass(frozen=True)
class Table:
    """A table under a title; its first column is text, the others are numbers."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """As Markdown."""
        rule = ["---", *("---:" for _ in self.head[1:])]
        return "\n".join(
            [f"**{self.title}**", "", *("| " + " | ".join(row) + " |" for row in (self.head, rule, *self.rows))]
        )

    def text(self) -> str:
        """In columns."""
        widths = [max(len(row[index]) for row in (self.head, *self.rows)) for index in range(len(self.head))]
        lines = [
            "  ".join(
                cell.rjust(width) if index else cell.ljust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in (self.head, *self.rows)
        ]
        return "\n".join([self.title, *(f"  {line}".rstrip() for line in lines)])


def tables(results: Results) -> Iterator[Table]:
    """All tables of a run."""
    if results.engine:
        yield _ratios(results.engine)
        yield _programs(results.engine)
    if results.pure:
        yield _pure(results.pure)
        yield _stages(results.pure)
    if results.joined:
        yield _partners(results.joined)


def _spread(spread: Spread, digits: int = 2) -> str:
    return f"{spread.median:.{digits}f} ({spread.least:.{digits}f} to {spread.most:.{digits}f})"


def _measurements(engine: Sequence[Measured]) -> Iterator[tuple[Measured, str, list[Pair]]]:
    for measured in engine:
        for operation in OPERATIONS:
            if pairs := measured.pairs[operation]:
                yield measured, operation, pairs


def _ratios(engine: Sequence[Measured]) -> Table:
    rows = []
    for measured, operation, pairs in _measurements(engine):
        ours, floor = figures.each(pairs, lambda usage: usage.seconds)
        rows.append([
            operation, str(measured.nodes),
            _spread(figures.ratio(pairs, lambda usage: usage.cpu)),
            _spread(figures.ratio(pairs, lambda usage: usage.seconds)),
            str(len(pairs)), f"{ours.median:.1f}", f"{floor.median:.1f}",
        ])  # fmt: skip
    head = ["operation", "nodes", "ratio of CPU", "ratio of time", "pairs", "ours, s", "floor, s"]
    return Table("Ours by the floor, under the engine: median of the pairs (least to most)", head, rows)


def _programs(engine: Sequence[Measured]) -> Table:
    rows = []
    for measured, operation, pairs in _measurements(engine):
        cpu = figures.each(pairs, lambda usage: usage.program_cpu)
        peak = figures.each(pairs, lambda usage: usage.program_peak / _MIB)
        numbers = [*(f"{each.median:.2f}" for each in cpu), *(f"{each.median:.0f}" for each in peak)]
        rows.append([operation, str(measured.nodes), f"{measured.resources_per_node:.2f}", *numbers])
    head = ["operation", "nodes", "objects a node", "CPU, s", "floor", "peak, MiB", "floor"]
    return Table("The Python program alone", head, rows)


def _pure(pure: Sequence[Pure]) -> Table:
    rows = []
    for nodes, runs in _by_size(pure):
        cpu, seconds = median(run.cpu for run in runs), median(run.seconds for run in runs)
        grown = median(run.grown for run in runs)
        rows.append([
            str(nodes), f"{cpu:.3f}", f"{seconds:.3f}", f"{1000 * cpu / nodes:.2f}",
            f"{runs[0].peak / _MIB:.0f}", f"{grown / _MIB:.1f}", f"{grown / 1024 / nodes:.1f}",
        ])  # fmt: skip
    head = ["nodes", "CPU, s", "time, s", "CPU a node, ms", "peak, MiB", "of it the plan's", "KiB a node"]
    return Table("Settings to manifests, without an engine", head, rows)


def _stages(pure: Sequence[Pure]) -> Table:
    """Milliseconds a node by stage; a column that grows to the right tells of a cost that is not linear."""
    sizes = _by_size(pure)
    total = sum(run.cpu for run in sizes[-1][1])
    rows = []
    for stage in STAGES:
        taken = [(nodes, median(run.stages.get(stage, 0.0) for run in runs)) for nodes, runs in sizes]
        share = 100 * sum(run.stages.get(stage, 0.0) for run in sizes[-1][1]) / total
        if share >= _ENOUGH:
            rows.append([stage, *(f"{1000 * seconds / nodes:.3f}" for nodes, seconds in taken), f"{share:.0f} %"])
    head = ["stage", *(f"{nodes} nodes" for nodes, _ in sizes), f"share at {sizes[-1][0]}"]
    return Table("Where it goes: CPU milliseconds a node", head, rows)


def _partners(joined: Sequence[Joined]) -> Table:
    rows = []
    for each in joined:
        sizes = (each.received, each.exported, each.peers, each.policy)
        share = f"{100 * each.peers / limits.LARGEST:.0f} %"
        nodes, cpu, peak = each.partners * each.nodes, f"{each.cpu:.3f}", f"{each.peak / _MIB:.0f}"
        kibibytes = (f"{size / 1024:.1f}" for size in sizes)
        rows.append([str(each.partners), str(nodes), cpu, peak, *kibibytes, share])
    head = [
        "partners", "their nodes", "CPU, s", "peak, MiB",
        "received, KiB", "outputs, KiB", "peers, KiB", "policy, KiB", "peers of their limit",
    ]  # fmt: skip
    return Table("A founder of 20 nodes that has heard of all its partners, without an engine", head, rows)


def _by_size(pure: Sequence[Pure]) -> list[tuple[int, list[Pure]]]:
    return [(nodes, [run for run in pure if run.nodes == nodes]) for nodes in sorted({run.nodes for run in pure})]


def verdicts(results: Results) -> Iterator[str]:
    """The goals, each beside what was measured; and how cost grows with nodes."""
    for measured, operation, pairs in _measurements(results.engine):
        if measured.nodes >= figures.GOAL_NODES:
            cpu = figures.ratio(pairs, lambda usage: usage.cpu).median
            seconds = figures.ratio(pairs, lambda usage: usage.seconds).median
            verdict = "met" if seconds <= figures.GOAL_RATIO else "missed"
            goal = f"goal ≤ {figures.GOAL_RATIO} at {measured.nodes} nodes: {verdict}"
            yield f"{operation}: {seconds:.2f} of the floor's time, {cpu:.2f} of its CPU ({goal})"
    if results.engine:
        most = max(each.resources_per_node for each in results.engine)
        verdict = "met" if most <= figures.GOAL_RESOURCES else "missed"
        yield f"Kubernetes objects a node: at most {most:.2f} (goal ≤ {figures.GOAL_RESOURCES}: {verdict})"
    yield from _of_the_plan(results.pure)
    for operation in OPERATIONS:
        found = [
            (m.nodes, figures.each(p, lambda usage: usage.cpu))
            for m, o, p in _measurements(results.engine)
            if o == operation
        ]
        ours = figures.growth({nodes: each[0].median for nodes, each in found})
        floor = figures.growth({nodes: each[1].median for nodes, each in found})
        if ours is not None and floor is not None:
            growth = f"{ours:.2f} times as much CPU at the large end as at the small (floor {floor:.2f}; 1 is linear)"
            yield f"{operation}: one more node costs {growth}"


def _of_the_plan(pure: Sequence[Pure]) -> Iterator[str]:
    """What a node costs without an engine: the larger sizes beside the one that the goals name."""
    a_node = {nodes: median(run.cpu for run in runs) / nodes for nodes, runs in _by_size(pure)}
    for nodes, cost in a_node.items():
        if nodes > figures.GOAL_NODES and (small := a_node.get(figures.GOAL_NODES)):
            verdict = "met" if cost <= figures.GOAL_GROWTH * small else "missed"
            goal = f"goal ≤ {figures.GOAL_GROWTH}: {verdict}"
            yield f"plan of {nodes} nodes: one costs {cost / small:.2f} of one of {figures.GOAL_NODES} ({goal})"


def text(results: Results) -> str:
    """For a terminal."""
    parts = [table.text() for table in tables(results)]
    return "\n\n".join([_origin(results), *parts, "\n".join([*verdicts(results), *results.skipped])]) + "\n"


def markdown(results: Results) -> str:
    """For the documentation."""
    parts = [table.markdown() for table in tables(results)]
    listed = "\n".join(f"- {line}" for line in [*verdicts(results), *results.skipped])
    return "\n\n".join([_origin(results), listed, *parts]) + "\n"


def _origin(results: Results) -> str:
    before, after = results.load
    return f"Measured {results.date} on {results.machine}; load {before:.1f} before, {after:.1f} after."


def write_into(file: Path, results: Results) -> None:
    """Put a run's Markdown into a page, in the place of the last one's.

    Args:
        file: The page; it has the two lines between which the results stand.
        results: The run.

    Raises:
        ValueError: The page has no such place.
    """
    page = file.read_text()
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{file} has no place for results: add the lines\n{BEGIN}\n{END}")
    file.write_text(f"{before}{BEGIN}\n\n{markdown(results)}\n{END}{after}")
