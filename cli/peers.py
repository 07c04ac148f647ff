"""`archipelago peers`: what partners show of themselves in this cluster, and whether they are reachable."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from archipelago.problems import Problem, Refused
from cli import consoles
from cli.running import site_of, unreachable
from cli.stacks import HERE, Directory, StackFile, Stacks, Targets, find
from operate.kubectl import Failed
from operate.swarm import Peer, Told, told

UNWELL = 3  # exit code: somebody is missing, or a run is due
_COLOURS = {"Online": "green", "Missing": "red"}


def peers(
    targets: Targets = None,
    stacks: Stacks = None,
    directory: Directory = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the Peers in a stack's namespaces: partners' identities, reachable or not, up to date or not.

    The exit code is 3 where one is missing, or where a `pulumi up` of the stack is due.

    Example:  archipelago peers -s ipfs-a
    """
    found = [(file, asked(file)) for file in find([*(targets or []), *(stacks or [])], directory)]
    if as_json:
        rows = [{"stack": file.stack, **asdict(each)} for file, said in found for each in said.peers]
        consoles.out.print_json(json.dumps(rows))
    else:
        consoles.wide.print(_table([each for _, said in found for each in said.peers]))
    for file, said in found:
        warn(file, said)
        for each in said.peers:
            if each.due:
                consoles.warn(f"{each.namespace}/{each.peer}: {each.why or each.due}")
    if not all(each.is_well for _, said in found for each in said.peers):
        raise typer.Exit(UNWELL)


def asked(file: StackFile) -> Told:
    """What the monitor of a stack told.

    Raises:
        Refused: The cluster does not answer, or its network has no such thing.
    """
    site = site_of(file)
    if not site.chain.profiles:
        words = f"a network of kind {site.chain.kind} has no swarms, and nobody publishes identities in it."
        raise Refused(
            [Problem("network.kind", words, f"archipelago status -s {file.stack} shows its nodes.")], file.source
        )
    try:
        return told(site)
    except Failed as error:
        raise unreachable(error, file.source) from None


def warn(file: StackFile, said: Told) -> None:
    """Say why what was shown may be old."""
    if said.trouble:
        consoles.warn(f"{file.stack}: {said.trouble}")


def _table(found: Sequence[Peer]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("namespace", "peer", "name", "status", "missed", "IP", "description", "profile"):
        table.add_column(title, no_wrap=True)
    for each in found:
        colour = _COLOURS.get(each.status, "dim")
        status = f"[{colour}]{escape(each.status) or 'unknown'}[/{colour}]"
        profile = f"[yellow]{escape(each.due)}[/yellow]" if each.due else ""
        words = (each.namespace, each.peer, escape(each.name), status, str(each.missing), escape(each.url))
        table.add_row(*words, escape(each.description), profile)
    return table
