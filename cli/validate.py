"""`archipelago validate`: everything that can be found without a cluster and without the engine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import typer

from archipelago.chains.registry import CHAINS
from archipelago.manifests import limits
from archipelago.problems import Problem, Refused
from archipelago.settings.read import Settings
from archipelago.settings.secrecy import SEED, in_plain_text
from archipelago.settings.stack_file import from_file
from archipelago.settings.types import SEALED
from archipelago.stack import clashes
from archipelago.stack.bundles import read_files
from archipelago.stack.converge import Written, converge
from archipelago.stack.partners import Import, accept
from cli import consoles
from cli.load import Outputs, OutputsFile, read_outputs, settings_of, written
from cli.secrets import SeedFiles, opened_by_passphrase, read_seeds
from cli.stacks import HERE, Directory, StackFile, Stacks, Targets, find


@dataclass
class Findings:
    """What was found in one stack file.

    Args:
        file: The stack file.
        settings: None where it is refused.
        problems: What `pulumi up` would refuse.
        warnings: What it may refuse.
        doubts: What it accepts, and is seldom meant.
        stack: The stack with its partners' files; None while its secrets are sealed, or where it is refused.
    """

    file: StackFile
    settings: Settings | None = None
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    doubts: list[Problem] = field(default_factory=list)
    stack: Written | None = None

    def plain(self) -> dict[str, Any]:
        """For programs."""
        return {
            "file": self.file.source,
            "stack": self.file.stack,
            "valid": not self.problems,
            "problems": [asdict(each) for each in self.problems],
            "warnings": [asdict(each) for each in (*self.warnings, *self.doubts)],
        }


def validate(
    targets: Targets = None,
    stacks: Stacks = None,
    directory: Directory = HERE,
    seed_files: SeedFiles = None,
    outputs: OutputsFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Check stack files without a cluster and without pulumi. The exit code is 0 if all of them are valid.

    Secrets stay sealed; with a seed at hand the network is planned too, with the bundles that partners sent as files,
    and --outputs tells whether it still has the genesis that it runs.

    Example:  archipelago validate -s cluster-a -s cluster-b
    """
    files = find([*(targets or []), *(stacks or [])], directory)
    if outputs and len(files) != 1:
        raise Refused([Problem("", "outputs are one stack's, and several are named.", "Name it with -s.")], "--outputs")
    last = read_outputs(outputs)
    found = [_look(file, seed, last) for file, seed in zip(files, read_seeds(seed_files, files), strict=True)]
    _twice(found)
    _plan(found)
    if as_json:
        consoles.out.print_json(json.dumps([each.plain() for each in found]))
    else:
        _show(found)
    if any(each.problems for each in found):
        raise typer.Exit(1)


def _look(file: StackFile, seed: str | None, last: Outputs) -> Findings:
    """What is wrong with one file; its secrets are opened only where that needs nobody's help."""
    found = Findings(file)
    try:
        config = from_file(file.path)
        found.settings = settings_of(file, config if seed is None else config | {SEED: seed})
        found.problems += in_plain_text(found.settings, set() if seed is None else {SEED})
        found.problems += _partners(found.settings, file)
        network = found.settings.network
        found.doubts += (Problem("", words, "") for words in CHAINS[network.kind].doubts(found.settings))
        if network.founder and not last and not getattr(network, "genesis_file", None):
            found.warnings += CHAINS[network.kind].unfoundable(found.settings)
        whole = None if found.problems else opened_by_passphrase(file, seed)
        if whole:
            found.stack = written(file, whole, last=last)
        elif last:
            consoles.note("the seed stays sealed, so the genesis is not compared with these outputs")
    except Refused as refused:
        found.problems += refused.problems
    return found


def _twice(found: list[Findings]) -> None:
    """Nodes of one name in two stacks of one organisation and network: with one seed they have the same keys."""
    first: dict[tuple[str, str, str, str], Findings] = {}
    for each in found:
        if (settings := each.settings) is None:
            continue
        for node in settings.nodes:
            place = (settings.organisation, settings.network.kind, settings.network.name, node)
            other = first.setdefault(place, each)
            if other is each or not other.settings or _another_seed(settings, other.settings):
                continue
            words = f"{other.file.source} has a node of this name, too: with one seed both would have the same keys."
            cure = "Give one of them another name; or where each has a seed of its own, check them one by one."
            each.problems.append(Problem(settings.path_of(node), words, cure))


def _another_seed(one: Settings, other: Settings) -> bool:
    seeds = [each.identity_seed.get_secret_value() for each in (one, other)]
    return SEALED not in seeds and one.seed != other.seed


def _plan(found: list[Findings]) -> None:
    """What only a plan can tell: each stack alone, then those that were named together."""
    planned = [each for each in found if each.stack]
    for each in planned:
        try:
            assert each.stack  # noqa: S101 - chosen so, one line above
            each.problems += limits.problems(each.stack.plan())
        except Refused as refused:
            each.problems += [problem for problem in refused.problems if problem not in each.warnings]
    sound = [each.stack for each in planned if each.stack and not each.problems and not each.warnings]
    try:
        converge(sound)
    except Refused as refused:
        next(each for each in planned if each.file.source == refused.source).problems += refused.problems


def _partners(settings: Settings, file: StackFile) -> Iterator[Problem]:
    """What is wrong with what partners sent as files, or with what was pasted of them."""
    chain = CHAINS[settings.network.kind]
    received = read_files(settings, file.root, file.source)
    taken: dict[str, Import] = {}
    for name, partner in settings.sources.items():
        if partner.stack is not None:
            continue
        given = accept(name, partner, received.get(name), settings, chain)
        if isinstance(given, Import):
            taken[name] = given
        else:
            yield from given
    yield from clashes.settled(settings, taken, clashes.Ours(), {}, runs=False)[1]


def _show(found: Iterable[Findings]) -> None:
    notices: dict[str, None] = {}  # once each, in order
    for each in found:
        if each.problems:
            for problem in each.problems:
                consoles.out.print(problem.text(each.file.source), style="red", markup=False)
        elif each.settings:
            consoles.out.print(f"[green]✓[/green] {each.file.source}: {_summary(each.settings)}")
        for warning in each.warnings:
            consoles.warn(f"unless the network is founded already: {warning.text(each.file.source)}")
        for doubt in each.doubts:
            consoles.warn(f"{each.file.source}: {doubt.message}")
        if each.settings and (notice := CHAINS[each.settings.network.kind].notice):
            notices[notice] = None
    for notice in notices:
        consoles.note(notice)


def _summary(settings: Settings) -> str:
    network = settings.network
    part = "founds" if network.founder else f"joins {network.joins} in"
    nodes = f"{len(settings.nodes)} node{'' if len(settings.nodes) == 1 else 's'}"
    return f"{settings.organisation} {part} the {network.kind} network {network.name} with {nodes}"
