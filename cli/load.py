"""From files to plans: the one home of what the commands have in common."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from archipelago.chains.contract import Given
from archipelago.chains.registry import CHAINS
from archipelago.checks.settings import problems
from archipelago.model import foreign
from archipelago.problems import Problem, Refused
from archipelago.settings.read import Settings, located, read
from archipelago.stack.bundles import bundle_of, read_files
from archipelago.stack.converge import Received, Written
from archipelago.stack.partners import Import, accept
from cli import consoles
from cli.stacks import StackFile

EXPORTED = "identities"  # the output that only this program's stacks have
Outputs = dict[str, Any]
OutputsFile = Annotated[
    Path | None,
    typer.Option(
        "--outputs",
        help="The stack's own outputs, as pulumi stack output --json prints them; - for standard input.",
        show_default=False,
    ),
]


def settings_of(file: StackFile, config: Mapping[str, Any]) -> Settings:
    """Validate what a stack file says.

    Raises:
        Refused: With every problem found.
    """
    return located(read(config, file.source, CHAINS, lambda found: problems(found, CHAINS)), file.root)


def written(
    file: StackFile,
    config: Mapping[str, Any],
    given: Received | None = None,
    last: Mapping[str, Any] | None = None,
    *,
    ask: Callable[[StackFile, Settings], Given] | None = None,
) -> Written:
    """A stack with everything that files tell of its partners.

    Args:
        file: The stack file.
        config: What it says, decrypted.
        given: Bundles by partner that stand in for stacks that nobody asks here.
        last: Its own last outputs.
        ask: Asks its cluster for what the plan depends on; most commands promise to need none.

    Raises:
        Refused: Something is wrong with what was written, or a bundle cannot be read.
    """
    settings = settings_of(file, config)
    _check_names(settings, given or {}, file)
    received = {**read_files(settings, file.root, file.source), **(given or {})}
    made = Written(
        stack=file.stack,
        settings=settings,
        chain=CHAINS[settings.network.kind],
        root=file.root,
        source=file.source,
        received=received,
        last=last or {},
        given=ask(file, settings) if ask else {},
    )
    return made if last else replace(made, last=_remembered(made))


def read_outputs(path: Path | None) -> Outputs:
    """A stack's outputs from a file, `-` for standard input; empty where none was named.

    Raises:
        Refused: It holds no outputs.
    """
    if path is None:
        return {}
    found = read_json(path)
    if EXPORTED not in found:
        cure = "Write them with: pulumi stack output --json > outputs.json"
        raise Refused([Problem("", "these are no outputs of this program.", cure)], str(path))
    return found


def read_bundle(path: Path) -> dict[str, Any]:
    """A partner's bundle, or its stack's outputs.

    Raises:
        Refused: It is neither.
    """
    found = read_json(path)
    return bundle_of(found) if EXPORTED in found else found


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file, `-` for standard input.

    Raises:
        Refused: There is none.
    """
    try:
        found = foreign.parsed(sys.stdin.read()) if str(path) == "-" else foreign.read(path)
    except (OSError, ValueError) as error:
        cure = "Name a file that archipelago export or pulumi stack output --json wrote."
        raise Refused([Problem("", f"it is no JSON: {error}.", cure)], str(path)) from None
    if not isinstance(found, dict):
        cure = "Name a file that archipelago export or pulumi stack output --json wrote."
        raise Refused([Problem("", "it is no JSON object.", cure)], str(path))
    return found


def parse_partners(pairs: list[str] | None) -> dict[str, dict[str, Any]]:
    """Bundles by partner, from arguments NAME=FILE.

    Raises:
        Refused: One is written otherwise, or its file holds no bundle.
    """
    found = {}
    for pair in pairs or []:
        name, separator, path = pair.partition("=")
        if not separator or not name or not path:
            cure = "Write it as --partner alpha=alpha.json"
            raise Refused([Problem("", f"{pair!r} names no partner and file.", cure)], "--partner")
        found[name] = read_bundle(Path(path))
    return found


def _check_names(settings: Settings, given: Received, file: StackFile) -> None:
    for name in sorted(set(given) - set(settings.sources)):
        near = difflib.get_close_matches(name, settings.sources, n=1)
        known = ", ".join(settings.sources) or "none"
        cure = f"Did you mean {near[0]}? " if near else ""
        raise Refused(
            [Problem(f"partners.{name}", "there is no such partner.", f"{cure}Known here: {known}.")], file.source
        )


def _remembered(stack: Written) -> Mapping[str, Any]:
    """Our own frozen genesis as a partner recorded it, where our outputs are not at hand: its text and nothing else.

    It is asked only of bundles that are accepted, and never of what the founder says anyway: its namespace and names.
    Nor is it asked where our settings or our file give that block 0: a partner may have other rules of later blocks.
    """
    settings, network = stack.settings, stack.settings.network
    if not network.founder or getattr(network, "genesis_file", None):
        return {}
    own = settings.organisation
    for name, partner in settings.sources.items():
        given = accept(name, partner, stack.received.get(name), settings, stack.chain)
        theirs = given.network if isinstance(given, Import) else None
        if theirs and theirs.founder == own and theirs.genesis:
            if _founds(stack, theirs.genesis_hash):
                return {}
            consoles.note(f"the genesis is taken as {name} recorded it; give --outputs for this stack's own record")
            said = {"name": network.name, "kind": network.kind, "organisation": own, "founder": own}
            frozen = {"chainId": theirs.chain_id, "genesis": theirs.genesis, "genesisHash": theirs.genesis_hash}
            return {"network": said | frozen}
    return {}


def _founds(stack: Written, block: str) -> bool:
    """Whether the settings of a founder make a genesis with this block 0."""
    try:
        made = stack.plan().genesis
    except Refused:
        return False
    return made is not None and made.hash == block
