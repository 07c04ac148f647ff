"""The command line `archipelago`: thin commands over the core."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable

import typer

from cli.consoles_of_nodes import attach, connect, execute, logs
from cli.export import export
from cli.group import Commands
from cli.identity import identity
from cli.import_runner_k8s import import_runner_k8s
from cli.import_swarmpool import import_swarmpool
from cli.nodes import nodes
from cli.nodes_running import status, urls, wait
from cli.peers import peers
from cli.picture import picture
from cli.release import release
from cli.render import render
from cli.schema import schema
from cli.validate import validate
from cli.verify import verify

app = typer.Typer(
    name="archipelago",
    cls=Commands,
    help="Decentralised networks across Kubernetes clusters: look at a stack before, without and after `pulumi up`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they print local variables, and some of those are private keys
    context_settings={"help_option_names": ["-h", "--help"]},
)
_BEFORE: tuple[Callable[..., None], ...] = (validate, identity, picture, render, export, nodes, schema)
_RUNNING: tuple[Callable[..., None], ...] = (verify, status, peers, wait, urls, logs, attach, connect, release)
for command in (*_BEFORE, *_RUNNING):
    app.command()(command)
app.command("exec")(execute)
app.command("import-runner-k8s")(import_runner_k8s)
app.command("import-swarmpool")(import_swarmpool)


def _mount(name: str) -> None:
    """Mount a room's own commands; a build without that room lacks them."""
    if importlib.util.find_spec(f"cli.{name}"):
        app.add_typer(importlib.import_module(f"cli.{name}").app, name=name)


_mount("swarm")
_mount("validators")
_mount("account")
_mount("keys")
_mount("lab")
_mount("demo")


def main() -> None:
    """Run the command line."""
    app()
