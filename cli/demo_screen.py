"""What the demo shows: each step as it runs, and in the end how the stacks know each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli import consoles
from lab.workspace import Event, Run

_LABEL = 32


class Steps:
    """Runs of `pulumi`, one after another, with a bar each on a terminal and a line each elsewhere."""

    def __init__(self) -> None:
        live = consoles.out.is_terminal
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.fields[last]}"))
        self._progress = Progress(*columns, TimeElapsedColumn(), console=consoles.out, disable=not live)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def run(self, label: str, operation: Callable[[Callable[[Event], None]], Run]) -> Run:
        """Run one operation.

        Args:
            label: What it means to the reader.
            operation: Runs it, and hands on the engine's events.

        Raises:
            LabError: It failed; with what it printed.
        """
        task = self._progress.add_task(label.ljust(_LABEL), total=None, last="")

        def watch(event: Event) -> None:
            step = event.get("resourcePreEvent", {}).get("metadata")
            if step and step["op"] not in ("same", "read"):
                self._progress.update(task, last=step["urn"].rpartition("::")[2][:40])

        began = time.monotonic()
        run = operation(watch).expect()
        seconds = time.monotonic() - began
        what = f"{len(run.changes)} changes" if run.changes else "no changes"
        self._progress.update(task, total=1, completed=1, last=what)
        if not consoles.out.is_terminal:
            consoles.out.print(f"  {label.ljust(_LABEL)} {what}, {seconds:.1f} s")
        return run


def show(stack: str, outputs: dict[str, Any], preview: Run) -> None:
    """One stack's nodes and partners, as its outputs tell them.

    Args:
        stack: Its name.
        outputs: What it exports.
        preview: Of the stack as it is now.
    """
    network = outputs["network"]
    table = Table(title=f"{stack}: {network['organisation']} in {network['name']}", title_justify="left", expand=False)
    for column in ("node", "role", "enode", "p2p", "tessera"):
        table.add_column(column, no_wrap=True)
    for node in outputs["externalNodes"]:
        ends = node["endpoints"]
        p2p, tessera = ends["p2p"], ends.get("tessera")
        enode = f"{node['nodeId'][:8]}…@{p2p['host']}:{p2p['port']}"
        table.add_row(node["name"], node["role"], enode, _port(p2p), _port(tessera) if tessera else "-")
    consoles.wide.print(table)
    consoles.out.print(f"  chain {network['chainId']}, genesis {network['genesisHash']}")
    for name, partner in outputs["partners"].items():
        consoles.out.print(f"  partner {name}: {partner['nodes']} nodes, signed by {partner['key'][:20]}…")
    for name in outputs["partnersMissing"]:
        consoles.out.print(f"  partner {name}: not there yet", style="yellow")
    changes = ", ".join(f"{op} {name}" for op, _, name in preview.changes)
    consoles.out.print(f"  [yellow]would change: {changes}[/yellow]" if changes else "  [green]no changes[/green]")


def _port(endpoint: dict[str, Any]) -> str:
    return f"{endpoint['exposure']} {endpoint['port']}"
