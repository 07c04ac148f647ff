"""`archipelago account`: accounts in the folders that a protocol's own tools make."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer

from archipelago.chains.accounts import Account
from archipelago.chains.registry import accounts
from archipelago.problems import Problem, Refused
from cli import consoles
from cli.keys import SUPER_ADMIN
from cli.private import check_free, holder, write_folder
from cli.secrets import SeedFile
from cli.stacks import HERE, Directory, Stack, find_one

app = typer.Typer(name="account", help="Accounts for anybody.", no_args_is_help=True)
PASSWORD = "ARCHIPELAGO_ACCOUNT_PASSWORD"  # noqa: S105 - the variable's name
_KEY_BYTES = 32
_ACCOUNTS = accounts()
_KINDS = ", ".join(f"{name} ({kind.meaning})" for name, kind in _ACCOUNTS.items())


@app.command()
def create(
    kind: Annotated[str | None, typer.Option(help=f"{_KINDS}; sm where none is named.", show_default=False)] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(
            help=f"File with the password, - for standard input; else ${PASSWORD}, else it is asked for.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder in which the account gets one, named as its address.")] = HERE,
    stack: Stack = None,
    directory: Directory = HERE,
    node: Annotated[
        str | None, typer.Option(help="The account of this node of the stack, not a random one.", show_default=False)
    ] = None,
    super_admin: Annotated[
        bool, typer.Option("--super-admin", help="The one that governs the stack's network, not a random one.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a stack's key is written.")] = False,
    seed_file: SeedFile = None,
) -> None:
    """Write an account's folder and print its address: a new account, or with -s STACK that of a node or super admin.

    The folder is named as the address, with kms.db, key_id, node_address and the password in key_file.

    Example:  archipelago account create --kind sm --out accounts
    """
    if node or super_admin:
        if (node and super_admin) or kind or password_file:
            words = "a stack's account has its kind and password already, and is of one node or of the super admin."
            raise Refused([Problem("", words, "Write --node NAME or --super-admin, without the others.")], "account")
        owner = holder(find_one([stack], directory), seed_file)
        made = owner.stack.chain.account(owner.node(node)) if node else owner.governor()
        check_free(out / made.address)
        if not yes:
            name = node or SUPER_ADMIN
            consoles.ask(name, f"write its private key to {out / made.address}", "Nothing was written.")
    elif stack or seed_file:
        cure = "Add --node NAME or --super-admin; a random account is of no stack."
        raise Refused([Problem("", "whose account of the stack is open.", cure)], "account")
    else:
        made = _random(kind or next(iter(_ACCOUNTS)), password_file)
    write_folder(out / made.address, made.files)
    consoles.note(f"{out / made.address}: {', '.join(sorted(made.files))}")
    consoles.write(f"{made.address}\n")


def _random(kind: str, password_file: Path | None) -> Account:
    if kind not in _ACCOUNTS:
        raise Refused([Problem("", f"{kind!r} is no kind of account.", f"Write one of {_KINDS}.")], "--kind")
    chosen = _ACCOUNTS[kind]
    key = (secrets.randbelow(chosen.order - 1) + 1).to_bytes(_KEY_BYTES)
    try:
        return chosen.made(key, read_password(password_file) if chosen.protected else "")
    except ValueError as error:
        raise Refused([Problem("", f"{error}.", "Choose another one.")], "--password-file") from None


def read_password(path: Path | None) -> str:
    """A new password from a file, `-` for standard input, else from the environment, else asked for twice."""
    if path is not None:
        return (sys.stdin.read() if str(path) == "-" else path.read_text()).removesuffix("\n")
    if (given := os.environ.get(PASSWORD)) is not None:
        return given
    return str(typer.prompt("Password of the account", hide_input=True, confirmation_prompt=True, err=True))
