"""From stack files to what runs: the one home of what the commands about running nodes have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError

from archipelago.chains.contract import Chain, Given
from archipelago.chains.registry import CHAINS
from archipelago.chains.running import Lack
from archipelago.model import foreign
from archipelago.model.record import NetworkRecord
from archipelago.problems import Problem, Refused
from archipelago.settings.read import Settings
from archipelago.settings.secrecy import SEED
from archipelago.settings.stack_file import from_file
from archipelago.settings.types import SEALED
from archipelago.stack import accepted, clashes
from archipelago.stack.bundles import bundle_of, read_files
from archipelago.stack.plan import StackPlan
from cli import consoles, same_cluster
from cli.deployed import ask
from cli.engine import Failed as NoPulumi
from cli.engine import pulumi
from cli.load import EXPORTED, Outputs, read_outputs, settings_of, written
from cli.secrets import opened, passphrase_openers
from cli.stacks import StackFile, find
from operate.cluster import Unreachable, connect, given
from operate.kubectl import Failed, Kubectl
from operate.site import Pod, Site, pods
from operate.stack import Stack

OutputsFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--outputs",
        help="A stack's outputs, as pulumi stack output --json prints them; repeated in the order of the stacks.",
        show_default=False,
    ),
]
Partners = Annotated[
    list[str] | None,
    typer.Option("--partner", help="A bundle that stands in for a partner's stack, NAME=FILE.", show_default=False),
]
NodeName = Annotated[
    str, typer.Argument(help="A node, as quorum-node1; as alpha/quorum-node1 among several stacks.", metavar="NODE")
]
Able = TypeVar("Able")
Received = Mapping[str, Mapping[str, Any] | None]


def site_of(file: StackFile) -> Site:
    """Where a stack's nodes run, as far as its file tells; no secret is opened."""
    return _site(file, sealed_settings(file))


def sealed_settings(file: StackFile) -> Settings:
    """A stack's settings without its secrets; what runs is found without a seed, even where none was set yet."""
    return settings_of(file, {SEED: SEALED} | from_file(file.path))


def node_of(named: str, stacks: Sequence[str | None], directory: Path) -> tuple[Site, str]:
    """The stack and the name of a node.

    Args:
        named: The node, with or without its organisation.
        stacks: Stacks that were named; all in the folder where none was.
        directory: The project's folder.

    Raises:
        Refused: No stack has it, or several do.
    """
    organisation, _, node = named.rpartition("/")
    sites = [site_of(file) for file in find(stacks, directory)]
    listed = [site for site in sites if organisation in ("", site.organisation)]
    found = [site for site in listed if node in site.nodes]
    if len(found) == 1:
        return found[0], node
    if found:
        names = ", ".join(site.full(node) for site in found)
        raise Refused([Problem("", f"several stacks have a node {node}.", f"Name one of {names}.")], named)
    known = ", ".join(site.full(each) for site in sites for each in site.nodes)
    raise Refused([Problem("", "there is no such node.", f"Known here: {known}.")], named)


def pod_of(site: Site, node: str) -> Pod:
    """The pod of a node.

    Raises:
        Refused: It has none, or the cluster does not answer.
    """
    try:
        found = pods(site)
    except Failed as error:
        raise unreachable(error, site.stack) from None
    if node not in found:
        cure = f"archipelago verify -s {site.stack} tells what is missing, and what brings it back."
        raise Refused([Problem("", "it has no pod.", cure)], site.full(node))
    return found[node]


def able(found: Able | Lack, source: str) -> Able:
    """What a protocol's nodes can be asked.

    Args:
        found: The way to ask it.
        source: Whom, for messages.

    Raises:
        Refused: There is no such thing in this protocol.
    """
    if isinstance(found, Lack):
        raise Refused([Problem("", found.words, found.instead)], source)
    return found


def unreachable(error: Failed, source: str) -> Refused:
    """What to say when kubectl could not tell."""
    cure = "Try it by hand: kubectl --context <context> get pods. The stack file names context and namespace."
    return Refused([Problem("cluster", f"the cluster does not tell: {error}.", cure)], source)


def load(
    files: Sequence[StackFile],
    outputs: Sequence[Path] | None,
    partners: Received,
    seeds: Sequence[str | None],
) -> list[Stack]:
    """Several stacks as they were deployed, each other's partners where they are.

    Args:
        files: Their files.
        outputs: Their outputs in the same order; None to ask pulumi.
        partners: Bundles that stand in for partners' stacks.
        seeds: Their seeds in the same order; None to open the stack file.

    Raises:
        Refused: One was never deployed, or nobody can be asked.
    """
    if outputs and len(outputs) != len(files):
        names = ", ".join(file.stack for file in files)
        cure = f"Repeat --outputs in the order of the stacks: {names}"
        raise Refused([Problem("", f"{len(files)} stacks need as many outputs.", cure)], "--outputs")
    known = {name for file in files for name in sealed_settings(file).sources}
    if unknown := sorted(set(partners) - known):
        cure = f"Known here: {', '.join(sorted(known)) or 'none'}."
        raise Refused([Problem("", f"there is no partner {unknown[0]}.", cure)], "--partner")
    told = [read_outputs(path) for path in outputs] if outputs else [ask(file) for file in files]
    bundles = {file.stack: bundle_of(each) for file, each in zip(files, told, strict=True)}
    return [
        _stack(file, each, {**bundles}, partners, seed) for file, each, seed in zip(files, told, seeds, strict=True)
    ]


def _site(file: StackFile, settings: Settings) -> Site:
    return Site(
        stack=file.stack,
        organisation=settings.organisation,
        network=settings.network.name,
        nodes=tuple(sorted(settings.nodes)),
        chain=CHAINS[settings.network.kind],
        access=Kubectl(settings.cluster, settings.namespaces),
        elsewhere={
            name: namespace
            for name in settings.nodes
            if (namespace := settings.namespace_of(name)) != settings.cluster.namespace
        },
    )


def _stack(file: StackFile, told: Outputs, bundles: Received, given: Received, seed: str | None) -> Stack:
    settings = sealed_settings(file).signed_by((told.get(EXPORTED) or {}).get("key"))
    site = _site(file, settings)
    same_cluster.check(file, settings, told, site.access)
    problems: list[Problem] = []
    received = _received(file, settings, bundles, given, problems)
    imports, wrong = accepted.imports(settings, site.chain, received, accepted.read(told, settings))
    network, records = _exported(file, told, site.chain)
    plan, sealed, locked = _plan(file, seed, received, told, problems)
    problems += wrong  # the plan tells them, too, where there is one
    return Stack(
        site=site,
        network=network,
        records=records,
        imports=plan.imports if plan else tuple(imports.values()),
        waiting_for=tuple(told.get("waitingFor") or ()),
        plan=plan,
        sealed=sealed,
        problems=tuple(dict.fromkeys(problems)),
        locked=locked,
    )


def _exported(file: StackFile, told: Outputs, chain: Chain) -> tuple[NetworkRecord, tuple[Any, ...]]:
    try:
        network = NetworkRecord.model_validate(told["network"])
        records = [chain.parse_node(each, network.name, network.organisation) for each in told["externalNodes"]]
    except (KeyError, ValidationError, ValueError) as error:
        cure = "Run pulumi up with this version of the program, and take its outputs."
        raise Refused([Problem("", f"its outputs cannot be read: {error}.", cure)], file.source) from None
    return network, tuple(records)


def _received(
    file: StackFile, settings: Settings, bundles: Received, given: Received, problems: list[Problem]
) -> dict[str, Mapping[str, Any] | None]:
    """What partners hand over now: files, stacks that were named with this one, stacks that pulumi reads."""
    found: dict[str, Mapping[str, Any] | None] = {}
    try:
        found |= read_files(settings, file.root, file.source)
    except Refused as refused:
        problems += refused.problems
    for name, partner in settings.sources.items():
        if name in given:
            found[name] = given[name]
        elif partner.stack and partner.stack.rpartition("/")[2] in bundles:
            found[name] = bundles[partner.stack.rpartition("/")[2]]
        elif partner.stack:
            found[name] = _ask_partner(name, partner.stack, file)
    return found


def _ask_partner(name: str, stack: str, file: StackFile) -> Mapping[str, Any] | None:
    try:
        return bundle_of(foreign.parsed(pulumi(["stack", "output", "--json", "--stack", stack], file.root)))
    except (NoPulumi, ValueError) as error:
        consoles.note(f"{file.stack}: {name}'s stack {stack} cannot be read: {error} (--partner {name}=FILE)")
        return None


def told_by_cluster(file: StackFile, settings: Settings) -> Given:
    """What the stack's cluster has of what its plan depends on; nothing where it does not answer."""
    asks = CHAINS[settings.network.kind].asks(settings)
    if not asks:
        return {}
    try:
        with closing(connect(settings.cluster)) as client:
            return given(client, asks)
    except Unreachable as reason:
        consoles.note(f"{file.stack}: its cluster does not tell of {', '.join(map(str, asks))}: {reason}")
        return {}


def _plan(
    file: StackFile, seed: str | None, received: Received, told: Outputs, problems: list[Problem]
) -> tuple[StackPlan | None, str, bool]:
    """What the settings make now; else why nothing at hand opens them, and whether a passphrase was at hand.

    A partner whose words are refused is left out of it, and told: it has no say in what is asked of our own nodes.
    """
    try:
        config = opened(file, seed)
    except Refused as refused:
        return None, refused.problems[0].message.rstrip("."), bool(passphrase_openers())
    if problems:
        return None, "", False
    while True:
        try:
            return written(file, config, received, told, ask=told_by_cluster).plan(), "", False
        except Refused as refused:
            problems += refused.problems
            wrong = {accepted.whose(each) for each in refused.problems}
            if not (left_out := {name for name in wrong if received.get(name) is not None}):
                return None, "", False
            received = {**received, **dict.fromkeys(left_out)}


def sound(stack: Stack) -> None:
    """Say what is wrong with partners, without whose words a command goes on as `pulumi up` does.

    Raises:
        Refused: Something of the stack's own is wrong.
    """
    ours = [problem for problem in stack.problems if not accepted.whose(problem)]
    if ours:
        raise Refused(ours, f"Pulumi.{stack.site.stack}.yaml")
    for problem in stack.problems:
        consoles.warn(f"{stack.site.stack}: archipelago:{problem.path}: {problem.message}")
    for each in stack.imports:
        if each.absent and each.nodes:
            consoles.warn(f"{stack.site.stack}: {each.name}: {each.absent}. Its nodes are those that were taken last.")
    for words in clashes.warnings(stack.imports):
        consoles.warn(f"{stack.site.stack}: {words}")
