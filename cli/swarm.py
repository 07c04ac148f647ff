"""`archipelago swarm status`: a stack's own members of private swarms."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from cli import consoles
from cli.peers import UNWELL, asked, warn
from cli.running import site_of
from cli.stacks import HERE, Directory, Stacks, Targets, find
from operate.swarm import Member, missing

app = typer.Typer(
    name="swarm",
    help="Private swarms: how the stack's own members are.",
    no_args_is_help=True,
)


@app.callback()
def _group() -> None:
    """Private swarms: how the stack's own members are."""


@app.command("status")
def status(
    targets: Targets = None,
    stacks: Stacks = None,
    directory: Directory = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show each member of a swarm as the stack's monitor saw it last: addresses, bootstraps, connected peers.

    The exit code is 3 where one does not answer, or where there is no monitor that could tell.

    Example:  archipelago swarm status -s ipfs-a
    """
    files = find([*(targets or []), *(stacks or [])], directory)
    found = [(file, asked(file)) for file in files]
    if as_json:
        rows = [{"stack": file.stack, **asdict(each)} for file, said in found for each in said.members]
        consoles.out.print_json(json.dumps(rows))
    else:
        consoles.wide.print(_table([each for _, said in found for each in said.members]))
    well = True
    for file, said in found:
        warn(file, said)
        silent = list(missing(said.members, site_of(file).nodes))
        if silent and not said.trouble:
            consoles.warn(f"{file.stack}: {', '.join(silent)}: no answer; archipelago status -s {file.stack}")
        well = well and not silent and not said.trouble
    if not well:
        raise typer.Exit(UNWELL)


def _table(found: Sequence[Member]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("member", "swarm", "answers", "bootstraps", "peers", "peer id", "address", "changed"):
        table.add_column(title, no_wrap=True)
    for each in found:
        answers = "[green]yes[/green]" if each.answers else "[red]no[/red]"
        counted = (str(each.bootstraps), str(each.connected) if each.answers else "?")
        first, *more = each.addresses or ("",)
        table.add_row(each.node, each.swarm, answers, *counted, each.peer_id, first, each.since)
        for address in more:
            table.add_row("", "", "", "", "", "", address, "")
    return table
