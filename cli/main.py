"""The command line `archipelago`: thin commands over the core."""

from __future__ import annotations

import importlib
import importlib.util

import typer

from cli.export import export
from cli.group import Commands
from cli.identity import identity
from cli.nodes import nodes
from cli.picture import picture
from cli.render import render
from cli.schema import schema
from cli.validate import validate

app = typer.Typer(
    name="archipelago",
    cls=Commands,
    help="Blockchain networks across Kubernetes clusters: look at a stack before, without and after `pulumi up`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they print local variables, and some of those are private keys
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (validate, identity, picture, render, export, nodes, schema):
    app.command()(command)


def _mount(name: str) -> None:
    """Mount a room's own commands; a build without that room lacks them."""
    if importlib.util.find_spec(f"cli.{name}"):
        app.add_typer(importlib.import_module(f"cli.{name}").app, name=name)


_mount("lab")
_mount("demo")


def main() -> None:
    """Run the command line."""
    app()
