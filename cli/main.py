"""The command line `archipelago`: thin commands over the core."""

from __future__ import annotations

import gc

import typer

from cli.group import Commands

app = typer.Typer(
    name="archipelago",
    cls=Commands,
    help="Decentralised networks across Kubernetes clusters: look at a stack before, without and after `pulumi up`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they print local variables, and some of those are private keys
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _group() -> None:
    """Its commands are in `cli.commands`."""


def main() -> None:
    """Run the command line."""
    gc.set_threshold(100_000)  # commands import by need, and what modules make stays: a quarter of that import's CPU
    app()
