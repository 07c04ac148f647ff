"""`archipelago keys`: the private half of a stack's identities, for who asks for it by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archipelago.problems import Problem, Refused
from cli import consoles
from cli.private import check_free, holder, write_folder
from cli.secrets import SeedFile
from cli.stacks import HERE, Directory, Stack, find_one

app = typer.Typer(name="keys", help="The private half of a stack's identities.", no_args_is_help=True)
SUPER_ADMIN = "super-admin"  # the folder's name


@app.command()
def export(
    node: Annotated[str | None, typer.Argument(help="A node of the stack.", metavar="NODE", show_default=False)] = None,
    stack: Stack = None,
    directory: Directory = HERE,
    super_admin: Annotated[
        bool, typer.Option("--super-admin", help="The account that governs the network, derived from your seed.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder in which it gets one of its own.")] = Path("keys"),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False,
    seed_file: SeedFile = None,
) -> None:
    """Write the private half of a node, or of the account that governs the network, into a folder of its own.

    Whoever has these files can be this node. They go into OUT/NODE with mode 0600, and nothing is written over.

    Example:  archipelago keys export quorum-node1 -s cluster-a --out keys
    """
    if (node is None) == (not super_admin):
        raise Refused([Problem("", "this is about one node, or about --super-admin.", "Name one of them.")], "keys")
    file = find_one([stack], directory)
    name = node.rpartition("/")[2] if node else SUPER_ADMIN
    check_free(out / name)
    owner = holder(file, seed_file)
    files = owner.stack.chain.keys(owner.node(name)) if node else owner.governor().files
    consoles.warn(f"whoever has these files can act as {name}")
    if not yes:
        consoles.ask(name, f"write its private keys to {out / name}", "Nothing was written.")
    write_folder(out / name, files)
    consoles.out.print(f"{out / name}: {', '.join(sorted(files))}", markup=False)
