"""`archipelago lab toolchain`: finished tools, carried to other machines, and the key that they are kept under."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from cli import consoles
from lab.errors import LabError
from lab.profiles import BESIDES, asked_for
from lab.tools.carried import Carrier
from lab.tools.resolver import key as key_of

app = typer.Typer(name="toolchain", help="Carry finished tools to other machines.", no_args_is_help=True)

Names = Annotated[
    list[str] | None,
    typer.Argument(help="Tools or programs; by default all that the profiles need.", show_default=False),
]
Besides = Annotated[
    list[str] | None,
    typer.Option("--with", help=f"What to have besides, more than once: {', '.join(BESIDES)}.", show_default=False),
]


@app.command("export")
def export(file: Annotated[Path, typer.Argument(help="The archive to write, a gzipped tar.")]) -> None:
    """Write all finished tools that this checkout uses into one archive.

    Example:  archipelago lab toolchain export toolchain.tar.gz
    """
    try:
        carried = Carrier().export(file)
    except LabError as error:
        fail(error)
    for entry in carried.taken:
        consoles.out.print(f"  {entry}")
    consoles.out.print(f"[green]✓[/green] {len(carried.taken)} in {file}, {file.stat().st_size >> 20} MiB")
    consoles.out.print(f"On the other machine: archipelago lab toolchain import {file.name}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="An archive of `export`, made by those whom you trust.")],
) -> None:
    """Take the tools of an archive, so that they are neither downloaded nor built.

    Example:  archipelago lab toolchain import toolchain.tar.gz
    """
    try:
        carried = Carrier().take(file)
    except LabError as error:
        fail(error)
    for entry in carried.taken:
        consoles.out.print(f"[green]✓[/green] {entry}")
    for entries, why in ((carried.there, "is there already"), (carried.foreign, "is of no use to this checkout")):
        for entry in entries:
            consoles.out.print(f"  [dim]{entry} {why}[/dim]")
    consoles.out.print(
        "Next: archipelago lab up" if carried.taken or carried.there else "Nothing of it is used by this checkout."
    )


@app.command()
def key(names: Names = None, besides: Besides = None) -> None:
    """Print one line that changes when tools would be built anew, for the key of a cache.

    Example:  archipelago lab toolchain key --with ipfs
    """
    try:
        typer.echo(key_of(asked_for(names or (), besides or ())))
    except LabError as error:
        fail(error)


def fail(error: LabError) -> NoReturn:
    """End the command with what the lab says."""
    consoles.fail(str(error))
    raise typer.Exit(1)
