"""`archipelago status`, `wait` and `urls`: what the nodes of a stack do, and where they are dialled."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from archipelago.model.endpoint import Exposed
from archipelago.problems import Problem, Refused
from cli import consoles, same_cluster
from cli.running import sealed_settings, site_of, unreachable
from cli.stacks import HERE, Directory, Stack, StackFile, Stacks, Target, Targets, find, find_one
from operate.addresses import Address, addresses
from operate.kubectl import Failed
from operate.site import Seen, Site, look

_PAUSE = 2.0  # seconds between two looks


def status(
    targets: Targets = None,
    stacks: Stacks = None,
    directory: Directory = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what each node does: pod, restarts, block height, peers, image.

    Example:  archipelago status -s cluster-a
    """
    files = find([*(targets or []), *(stacks or [])], directory)
    seen = _look([site_of(file) for file in files])
    same_cluster.check_missing([(file, sealed_settings(file)) for file in files], seen)
    if as_json:
        consoles.out.print_json(json.dumps([_plain(each) for each in seen]))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("node", "pod", "ready", "restarts", "block", "peers", "validates", "image"):
        table.add_column(title, no_wrap=True)
    for each in seen:
        row = _plain(each)
        ready = f"{row['ready']}/{row['containers']}"
        said = [row["block"], row["peers"], {True: "yes", False: "no"}.get(row["validates"])]
        unknown = "-" if each.state and each.site.chain.running.blocks else "?"
        shown = [unknown if value is None else str(value) for value in said]
        table.add_row(row["node"], escape(row["pod"]), ready, str(row["restarts"]), *shown, row["image"])
    consoles.wide.print(table)
    for each in seen:
        if each.trouble:
            consoles.warn(f"{each}: {each.trouble}")


def wait(
    targets: Targets = None,
    stacks: Stacks = None,
    directory: Directory = HERE,
    timeout: Annotated[int, typer.Option(help="Seconds after which it gives up.")] = 300,
) -> None:
    """Wait until every node of a stack is ready, and makes or follows blocks where its protocol has any.

    The exit code is 0 as soon as they do, 1 after the time-out; then it says which do not.

    Example:  archipelago wait -s cluster-a --timeout 120
    """
    sites = [site_of(file) for file in find([*(targets or []), *(stacks or [])], directory)]
    first: dict[str, int] = {}
    began = time.monotonic()
    with consoles.err.status("looking at the nodes") as shown:
        while True:
            seen, late = _late_ones(sites, first)
            if not late:
                break
            if time.monotonic() - began >= timeout:
                problems = [
                    Problem("", f"{name}: {reason}.", "archipelago status, then verify")
                    for name, reason in late.items()
                ]
                raise Refused(problems, f"after {timeout} s")
            shown.update(escape(f"waiting for {', '.join(late)}"))
            time.sleep(_PAUSE)
    heights = [each.state.height for each in seen if each.state and each.site.chain.running.blocks is None]
    where = f" at block {max(heights)}" if heights else ""
    consoles.out.print(f"[green]✓[/green] {len(seen)} nodes are ready{where} after {time.monotonic() - began:.0f} s")


def urls(
    target: Target = None,
    stack: Stack = None,
    directory: Directory = HERE,
    exposed: Annotated[
        Exposed | None,
        typer.Option(
            "--type",
            help="nodeport, clusterip or loadbalancer; without it each Service's own.",
            case_sensitive=False,
            show_default=False,
        ),
    ] = None,
    node: Annotated[list[str] | None, typer.Option(help="Only this node; may be repeated.", show_default=False)] = None,
    port: Annotated[
        list[str] | None, typer.Option(help="Only this port, as p2p or rpc; may be repeated.", show_default=False)
    ] = None,
    node_ip: Annotated[
        str | None, typer.Option(help="Host of all NodePorts, instead of the stack file's.", show_default=False)
    ] = None,
    bare: Annotated[bool, typer.Option("--bare", "-b", help="Only host:port, a line each.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List where each node's ports are dialled, as the cluster has them now.

    Example:  archipelago urls -s cluster-a --type nodeport --bare
    """
    file = find_one([target, stack], directory)
    found = [
        each
        for each in _addresses(file, exposed, node_ip)
        if (not node or each.node in node) and (not port or each.port in port)
    ]
    if as_json:
        consoles.out.print_json(json.dumps([each.plain() for each in found]))
    elif bare:
        consoles.write("".join(f"{each.endpoint}\n" for each in found))
    else:
        table = Table(box=None, pad_edge=False)
        for title in ("node", "port", "address", "Service"):
            table.add_column(title, no_wrap=True)
        for each in found:
            table.add_row(each.node, each.port, str(each.endpoint), f"{each.exposed} {each.service}")
        consoles.wide.print(table)


def _look(sites: Sequence[Site]) -> list[Seen]:
    try:
        return look(sites)
    except Failed as error:
        raise unreachable(error, ", ".join(site.stack for site in sites)) from None


def _late_ones(sites: Sequence[Site], first: dict[str, int]) -> tuple[list[Seen], dict[str, str]]:
    """Every node, and why some are not there yet; a cluster that does not answer may still be starting."""
    try:
        seen = look(sites)
    except Failed as error:
        return [], {", ".join(site.stack for site in sites): f"the cluster does not tell: {error}"}
    return seen, {str(each): reason for each in seen if (reason := _late(each, first))}


def _late(each: Seen, first: dict[str, int]) -> str:
    """Why a node is not there yet; empty where it is."""
    if each.state is None:
        return each.trouble
    start = first.setdefault(str(each), each.state.height)
    if each.pod is None or not each.pod.is_ready:
        return "it is not ready yet"
    return "" if each.state.height > start or each.site.chain.running.blocks else f"it stays at block {start}"


def _plain(each: Seen) -> dict[str, Any]:
    pod, state = each.pod, each.state
    chained = state if each.site.chain.running.blocks is None else None
    return {
        "stack": each.site.stack,
        "node": str(each),
        "pod": pod.phase if pod else "none",
        "ready": pod.ready if pod else 0,
        "containers": len(pod.images) if pod else 0,
        "restarts": pod.restarts if pod else 0,
        "block": chained.height if chained else None,
        "syncing": state.syncing if state else None,
        "peers": state.connections if state else None,
        "validates": chained.address in chained.validators if chained else None,
        "image": pod.images.get(each.site.chain.running.main, "") if pod else "",
        "trouble": each.trouble,
    }


def _addresses(file: StackFile, exposed: Exposed | None, node_ip: str | None) -> Iterator[Address]:
    settings = sealed_settings(file)
    hosts = {
        name: node_ip or getattr(node.exposure, "host", None) or settings.cluster.address or ""
        for name, node in settings.nodes.items()
    }
    try:
        yield from addresses(site_of(file), exposed, hosts)
    except Failed as error:
        raise unreachable(error, file.source) from None
