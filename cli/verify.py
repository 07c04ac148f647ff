"""`archipelago verify`: the acceptance of a running network."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from cli import consoles
from cli.load import parse_partners
from cli.running import OutputsFiles, Partners, load, unreachable
from cli.secrets import SeedFiles, read_seeds
from cli.stacks import HERE, Directory, Stacks, Targets, find
from operate.findings import Finding, Mark
from operate.kubectl import Failed
from operate.verify import Limits
from operate.verify import verify as look_at

_MARKS = {
    Mark.OK: "[green]✓[/green]",
    Mark.WARNING: "[yellow]![/yellow]",
    Mark.FAILED: "[red]✗[/red]",
    Mark.SKIPPED: "[dim]-[/dim]",
}


def verify(
    targets: Targets = None,
    stacks: Stacks = None,
    directory: Directory = HERE,
    transact: Annotated[
        bool, typer.Option("--transact", help="Send transactions too; they leave a small contract on the chain.")
    ] = False,
    timeout: Annotated[
        int, typer.Option(help="Seconds for blocks and peers that may be on their way, and for each transaction.")
    ] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="The findings, for programs.")] = False,
    outputs: OutputsFiles = None,
    partner: Partners = None,
    seed_files: SeedFiles = None,
) -> None:
    """Check a running network: blocks, genesis, peers, validators, partners' ports, objects. It changes nothing.

    Stacks of yours that are named together are compared; partners are looked at from your nodes. The exit code is 1
    where a check failed; warnings and what was skipped do not count.

    Example:  archipelago verify -s cluster-a -s cluster-b --transact
    """
    files = find([*(targets or []), *(stacks or [])], directory)
    found: list[Finding] = []
    with consoles.err.status("asking pulumi for the stacks' outputs") as status:
        loaded = load(files, outputs, parse_partners(partner), read_seeds(seed_files, files))
        try:
            for each in look_at(loaded, Limits(timeout, transact), lambda words: status.update(escape(words))):
                found.append(each)
        except Failed as error:
            raise unreachable(error, ", ".join(file.source for file in files)) from None
    if as_json:
        consoles.out.print_json(json.dumps([asdict(each) for each in found]))
    else:
        _show(found)
    if any(each.mark is Mark.FAILED for each in found):
        raise typer.Exit(1)


def _show(found: Sequence[Finding]) -> None:
    check, subject = (max((len(getattr(each, name)) for each in found), default=0) for name in ("check", "subject"))
    for each in found:
        place = f"{each.check:{check}}  {each.subject:{subject}}"
        consoles.out.print(f"{_MARKS[each.mark]} {escape(place)}  {escape(each.seen)}")
        if each.cure and each.mark is not Mark.OK:
            consoles.out.print(f"  {'':{check}}  [dim]→ {escape(each.cure)}[/dim]")
    counts = Counter(each.mark for each in found)
    words = [f"{counts[mark]} {mark}" for mark in Mark if counts[mark]]
    consoles.out.print(f"{_MARKS[Mark.FAILED if counts[Mark.FAILED] else Mark.OK]} {', '.join(words)}")
