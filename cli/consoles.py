"""Where the command line writes: results to standard output, words about them to standard error."""

from __future__ import annotations

import typer
from rich.console import Console

from archipelago.foreign_text import NEWLINE, safe

# No highlighting: a half-coloured address reads worse than a plain one. No wrapping: lines are copied.
out = Console(soft_wrap=True, highlight=False, emoji=False)
wide = Console(width=1 << 10, highlight=False, emoji=False)  # for tables: an address that was cut to fit is none
err = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)


def write(text: str) -> None:
    """Print exactly this text: other programs read it, and rich would expand its tabs."""
    typer.echo(text, nl=False)


def note(text: str) -> None:
    """Say something on standard error that does not belong to the result."""
    err.print(f"note: {safe(text, NEWLINE)}", style="dim", markup=False)


def warn(text: str) -> None:
    """Say something on standard error that a user should act on."""
    err.print(f"warning: {safe(text, NEWLINE)}", style="yellow", markup=False)


def fail(text: str) -> None:
    """Say on standard error why there is no result."""
    err.print(safe(text, NEWLINE), style="red", markup=False)


def ask(name: str, deed: str, refusal: str) -> None:
    """Go on only after a name was typed.

    Args:
        name: What it is about.
        deed: What will be done.
        refusal: Said where something else was typed.

    Raises:
        typer.Exit: Something else was typed.
    """
    if typer.prompt(f"Type {name} to {deed}", default="", show_default=False, err=True) != name:
        fail(refusal)
        raise typer.Exit(1)
