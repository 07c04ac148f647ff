"""The end of the demo: the height of every node, live, until all of them rise together."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.live import Live
from rich.table import Table

from cli import consoles
from lab.errors import LabError
from operate.kubectl import Failed
from operate.site import Seen, Site, look

_WITHIN = 240.0
_BLOCKS = 2


def watch_blocks(sites: Sequence[Site]) -> None:
    """Show every node until all have made some blocks together and know each other.

    Args:
        sites: The stacks.

    Raises:
        LabError: They did not in time; with what each node said last.
    """
    began = time.monotonic()
    first: int | None = None
    with Live(console=consoles.out, refresh_per_second=4, transient=not consoles.out.is_terminal) as live:
        while True:
            try:
                seen = look(sites)
            except Failed as error:
                raise LabError(f"A cluster does not answer: {error}") from None
            live.update(_table(seen))
            heights = [each.state.height for each in seen if each.state]
            if len(heights) == len(seen):
                first = max(heights) if first is None else first
                if _together(seen, first + _BLOCKS):
                    break
            if time.monotonic() - began > _WITHIN:
                said = "; ".join(f"{each}: {each.trouble or each.state}" for each in seen)
                raise LabError(f"The nodes made no blocks together within {_WITHIN:g} s. {said}")
            time.sleep(0.5)
    if not consoles.out.is_terminal:
        consoles.out.print(_table(seen))
    blocks = f"{_BLOCKS} more blocks on all {len(seen)} nodes after {time.monotonic() - began:.1f} s"
    consoles.out.print(f"  {blocks}; none is made without both organisations")


def _together(seen: Sequence[Seen], goal: int) -> bool:
    """Whether every node is at the goal, within a block of the others, and connected to all of them."""
    states = [each.state for each in seen if each.state]
    heights = [state.height for state in states]
    peers = all(state.connections == len(seen) - 1 for state in states)
    return len(states) == len(seen) and min(heights) >= goal and max(heights) - min(heights) <= 1 and peers


def _table(seen: Sequence[Seen]) -> Table:
    table = Table(title="blocks", title_justify="left", expand=False)
    for column in ("node", "cluster", "block", "peers"):
        table.add_column(column, justify="right" if column in ("block", "peers") else "left", no_wrap=True)
    for each in seen:
        state = each.state
        told = (str(state.height), f"{state.connections} of {len(seen) - 1}") if state else ("-", each.trouble)
        table.add_row(str(each), each.site.stack, *told)
    return table
