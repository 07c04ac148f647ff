"""`archipelago release`: the end of a node that was taken out of its stack."""

from __future__ import annotations

from typing import Annotated

import typer

from archipelago.problems import Problem, Refused
from cli import consoles
from cli.load import parse_partners
from cli.running import OutputsFiles, Partners, load, sealed_settings, sound, unreachable
from cli.secrets import SeedFile, read_seed
from cli.stacks import HERE, Directory, Stack, find_one
from operate import remains
from operate.kubectl import Failed
from operate.remains import Remains
from operate.stack import Stack as Deployed


def release(
    node: Annotated[str, typer.Argument(help="A node that was taken out of the stack file.", metavar="NODE")],
    stack: Stack = None,
    directory: Directory = HERE,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False,
    outputs: OutputsFiles = None,
    partner: Partners = None,
    seed_file: SeedFile = None,
) -> None:
    """Delete what a removed node left in the cluster: its keys and its chain data. They are gone for ever.

    It refuses a node that is still in the stack file or in the stack's outputs, and objects of anybody else.

    Example:  archipelago release quorum-node4 -s cluster-a
    """
    file = find_one([stack], directory)
    name = node.rpartition("/")[2]
    (deployed,) = load([file], outputs, parse_partners(partner), [read_seed(seed_file)])
    path = sealed_settings(file).path_of(name)
    _check(deployed, name, path, file.source)
    try:
        found = remains.remains(deployed.site.access, deployed.site.network, name)
        if remains.runs(deployed.site.access, deployed.site.network, name):
            cure = f"pulumi up -s {file.name} ends it first."
            raise Refused([Problem(path, "it still has a workload or a pod.", cure)], file.source)
        _check_owner(deployed, found, path, file.source)
        if not found:
            consoles.note(f"nothing is left of {deployed.site.full(name)}")
            return
        _tell(deployed, found, name)
        if not yes:
            consoles.ask(name, "delete them", "Nothing was deleted.")
        for each in found:
            deployed.site.access.delete(each.kind.lower(), each.name, each.namespace)
            consoles.out.print(f"[green]✓[/green] deleted {each.kind} {each.name}")
    except Failed as error:
        raise unreachable(error, file.source) from None


def _check(deployed: Deployed, node: str, path: str, source: str) -> None:
    if node in deployed.site.nodes:
        cure = "Take it out there and run pulumi up first; vote it out before, if it validates."
        raise Refused([Problem(path, "it stands in the stack file.", cure)], source)
    if deployed.record(node):
        cure = "Run pulumi up: it ends the node and tells the partners."
        raise Refused([Problem(path, "the stack still exports it.", cure)], source)
    sound(deployed)
    if deployed.plan is None:
        cure = "Set PULUMI_CONFIG_PASSPHRASE or give --seed-file: whose the objects are is told by the stack's key."
        problems = deployed.problems or [Problem("", f"{deployed.sealed}.", cure)]
        raise Refused(problems, source)


def _check_owner(deployed: Deployed, found: list[Remains], path: str, source: str) -> None:
    owner = deployed.plan.owner if deployed.plan else ""
    foreign = [each for each in found if each.owner != owner]
    if foreign:
        words = f"{foreign[0].kind} {foreign[0].name} belongs to {foreign[0].owner or 'nobody known'}, not to {owner}."
        cure = "Nothing was deleted. Let its owner release it."
        raise Refused([Problem(path, words, cure)], source)


def _tell(deployed: Deployed, found: list[Remains], node: str) -> None:
    spaces = sorted({each.namespace for each in found if each.namespace})
    where = " and ".join(spaces) or deployed.site.access.namespace
    consoles.out.print(f"of {deployed.site.full(node)} there are left in the namespace {where}:")
    for each in found:
        consoles.out.print(f"  {each.kind} {each.name}: {each.holds}", markup=False)
    consoles.warn(
        "deleted, they are gone for ever: the volume with its blocks and private payloads, and imported keys (derived "
        "ones come back from the seed)"
    )
