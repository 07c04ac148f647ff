"""`archipelago lab`: local clusters to run the whole program on."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli import consoles, lab_toolchain
from lab.errors import LabError
from lab.lab import Lab
from lab.profiles import PROFILES, asked_for
from lab.status import LabStatus, look
from lab.tools import ConsoleReport, resolve

app = typer.Typer(
    name="lab",
    help="Local clusters to run the whole program on: real control planes; nodes are real with root, else simulated.",
    no_args_is_help=True,
)
app.add_typer(lab_toolchain.app)


Folder = Annotated[
    Path | None,
    typer.Option("--dir", help="Folder of the lab; by default one in the user's cache directory.", show_default=False),
]


@app.command()
def up(
    folder: Folder = None,
    profile: Annotated[
        str | None, typer.Option(help=f"Kind of clusters: {', '.join(PROFILES)}.", show_default=False)
    ] = None,
    clusters: Annotated[int, typer.Option(help="How many clusters, named a, b, …")] = 2,
    new_ports: Annotated[
        bool, typer.Option("--new-ports", help="Give up ports that another program has taken.")
    ] = False,
    besides: lab_toolchain.Besides = None,
) -> None:
    """Start whatever of the lab does not run yet, and wait until its clusters are ready."""
    lab = Lab(folder)
    began = time.monotonic()
    try:
        toolchain = resolve(lab.equip(profile, _say, besides or ()), ConsoleReport(consoles.out))
        changed = lab.up(toolchain, clusters=clusters, profile=profile, new_ports=new_ports, say=_say)
        if changed:
            _say(f"[green]✓[/green] the lab is up after {time.monotonic() - began:.1f} s")
        _show(look(lab))
    except LabError as error:
        lab_toolchain.fail(error)


@app.command()
def down(
    folder: Folder = None,
    purge: Annotated[bool, typer.Option("--purge", help="Also delete the clusters' data, stacks and keys.")] = False,
) -> None:
    """End every process of the lab, those that Pulumi left behind included."""
    lab = Lab(folder)
    try:
        ended = lab.down(purge=purge, say=_say)
    except LabError as error:
        lab_toolchain.fail(error)
    _say(f"[green]✓[/green] {ended} processes ended" if ended else "Nothing of the lab was running.")
    if purge:
        _say(f"  deleted what the lab kept in {lab.folder}")


@app.command()
def status(
    folder: Folder = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what runs. The exit code is 0 if every cluster is ready, else 1."""
    try:
        found = look(Lab(folder))
    except LabError as error:
        lab_toolchain.fail(error)
    if as_json:
        consoles.out.print_json(json.dumps(found.as_dict()))
    else:
        _show(found)
    if not found.ready:
        raise typer.Exit(1)


@app.command()
def kubeconfig(
    folder: Folder = None,
    cluster: Annotated[
        str | None, typer.Option(help="Print the context of this cluster instead.", show_default=False)
    ] = None,
) -> None:
    """Print the path of the lab's kubeconfig, or the name of a cluster's context in it."""
    lab = Lab(folder)
    try:
        text = lab.cluster(cluster).context if cluster is not None else str(lab.kubeconfig)
        if not lab.kubeconfig.exists():
            raise LabError(f"There is no lab in {lab.folder} yet. Start it with: {lab.command('up')}")
    except LabError as error:
        lab_toolchain.fail(error)
    typer.echo(text)


@app.command()
def tools(
    names: lab_toolchain.Names = None,
    besides: lab_toolchain.Besides = None,
) -> None:
    """Find, download or build the toolchain, and nothing else."""
    try:
        toolchain = resolve(asked_for(names or (), besides or ()), ConsoleReport(consoles.out))
    except LabError as error:
        lab_toolchain.fail(error)
    table = Table(box=None, pad_edge=False)
    table.add_column("program")
    table.add_column("path", style="dim")
    for program, path in toolchain.programs.items():
        table.add_row(program, str(path))
    consoles.out.print(table)


def _show(found: LabStatus) -> None:
    if not found.clusters:
        _say(f"There is no lab in {found.folder} yet. Start it with: {found.command('up')}")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("cluster", "context", "API server", "address", "state", "memory"):
        table.add_column(title)
    for cluster in found.clusters:
        state = "[green]ready[/green]" if cluster.ready else f"[red]{cluster.problem}[/red]"
        memory = f"{cluster.memory >> 20} MiB"
        table.add_row(cluster.name, cluster.context, cluster.server, cluster.address, state, memory)
    consoles.out.print(table)
    if found.others:
        _say(f"Also running with the lab's environment: {', '.join(found.others)}")
    if found.ready:
        _say(f"export KUBECONFIG={found.kubeconfig}")
    else:
        _say(f"Start what is missing with: {found.command('up')}")


def _say(line: str) -> None:
    consoles.out.print(line)
