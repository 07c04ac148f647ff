"""`archipelago logs`, `attach`, `exec` and `connect`: one node, its log, its console, its shell."""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

from archipelago.chains.running import Unanswered
from archipelago.problems import Problem, Refused
from cli import consoles
from cli.running import NodeName, able, node_of, pod_of, unreachable
from cli.stacks import HERE, Directory, Stack
from operate.kubectl import Failed, Kubectl
from operate.site import Seen, Site

Container = Annotated[
    str | None, typer.Argument(help="One of the pod's containers; by default the node itself.", show_default=False)
]


def logs(
    node: NodeName,
    container: Container = None,
    stack: Stack = None,
    directory: Directory = HERE,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as it grows.")] = False,
    tail: Annotated[int, typer.Option(help="Last lines; -1 for all.")] = 200,
    previous: Annotated[
        bool, typer.Option("--previous", "-p", help="Of the container before its last restart.")
    ] = False,
) -> None:
    """Print a node's log, or that of another container of its pod.

    Example:  archipelago logs quorum-node1 tessera -s cluster-a -f
    """
    site, name = node_of(node, [stack], directory)
    pod = pod_of(site, name)
    chosen = container or site.chain.running.main
    flags = ["--follow"] * follow + ["--previous"] * previous
    _become(site, ["logs", pod.name, "--container", chosen, f"--tail={tail}", *flags], pod.namespace)


def attach(node: NodeName, stack: Stack = None, directory: Directory = HERE) -> None:
    """Open a node's own console; it speaks over a socket in the pod, so no port has to be open.

    Example:  archipelago attach quorum-node1 -s cluster-a
    """
    site, name = node_of(node, [stack], directory)
    console = able(site.chain.running.console, site.full(name))
    pod = pod_of(site, name)
    _become(
        site,
        ["exec", _terminal(), pod.name, "-c", site.chain.running.container, "--", *console.attach()],
        pod.namespace,
    )


def connect(node: NodeName, container: Container = None, stack: Stack = None, directory: Directory = HERE) -> None:
    """Open a shell in a node's pod.

    Example:  archipelago connect quorum-node1 tessera -s cluster-a
    """
    site, name = node_of(node, [stack], directory)
    pod = pod_of(site, name)
    _become(
        site, ["exec", _terminal(), pod.name, "-c", container or site.chain.running.main, "--", "sh"], pod.namespace
    )


def execute(
    node: NodeName,
    expression: Annotated[str, typer.Argument(help="A line for the node's console.", metavar="EXPRESSION")],
    stack: Stack = None,
    directory: Directory = HERE,
) -> None:
    """Type one line at a node's console and print what it gives; an error there is exit code 1 here.

    Example:  archipelago exec quorum-node1 'eth.blockNumber' -s cluster-a
    """
    site, name = node_of(node, [stack], directory)
    console = able(site.chain.running.console, site.full(name))
    seen = Seen(site, name, pod_of(site, name))
    try:
        consoles.write(console.answer(seen.ask(console.evaluate(expression))) + "\n")
    except Unanswered as error:
        consoles.fail(f"{seen}: {error}")
        raise typer.Exit(1) from None
    except Failed as error:
        cure = f"archipelago status -s {site.stack}, then archipelago logs {name} -s {site.stack}"
        raise Refused([Problem("", f"{error}.", cure)], str(seen)) from None


def _terminal() -> str:
    return "-it" if sys.stdin.isatty() else "-i"


def _become(site: Site, arguments: list[str], namespace: str) -> NoReturn:
    """Leave this process to kubectl, with its terminal, its signals and its exit code."""
    assert isinstance(site.access, Kubectl)  # noqa: S101 - a command line has no other
    try:
        command = site.access.command(*arguments, namespace=namespace)
    except Failed as error:
        raise unreachable(error, site.stack) from None
    os.execv(command[0], command)  # noqa: S606 - kubectl, without a shell
