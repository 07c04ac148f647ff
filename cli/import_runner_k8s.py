"""`archipelago import-runner-k8s`: a chain that runner_k8s made goes on as a stack."""

from __future__ import annotations

import copy
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from archipelago.chains.registry import IMPORTERS
from archipelago.chains.takeover import Importer, Left, Takeover
from archipelago.problems import Problem, Refused
from archipelago.settings.secrecy import SEED
from archipelago.settings.stack_file import NAMESPACE
from archipelago.settings.types import SEALED
from cli import consoles, yaml_text
from cli.load import settings_of
from cli.private import check_free, write_folder
from cli.stacks import Stack, StackFile

_TOOL = "runner-k8s"


def import_runner_k8s(
    folder: Annotated[
        Path, typer.Argument(help="The folder cita-cloud/<chain>.", metavar="FOLDER", exists=True, file_okay=False)
    ],
    organisation: Annotated[str, typer.Option(help="Who goes on with it, as archipelago:organisation says it.")],
    command: Annotated[
        str | None, typer.Option(help="The create_k8s_config.py line that made the folder.", show_default=False)
    ] = None,
    command_file: Annotated[
        Path | None,
        typer.Option(
            help="File with that line, - for standard input: passwords in it are in no shell history.",
            show_default=False,
        ),
    ] = None,
    service_config: Annotated[
        Path | None,
        typer.Option(help="The service-config.toml, where it is not where the line names it.", show_default=False),
    ] = None,
    nodes: Annotated[
        str | None,
        typer.Option(help="Indices that this stack takes, as 0,1; without it all with keys.", show_default=False),
    ] = None,
    stack: Stack = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the stack file, chain.json and the secrets.", show_default=False),
    ] = None,
) -> None:
    """Print the stack file that goes on with a chain of runner_k8s; with --out write it, its genesis and its secrets.

    Keys, genesis, ports and volumes stay as they are. Everything in the folder is checked first. The stack file has
    no secret: with --out the commands that set them from files are printed.

    Example:  archipelago import-runner-k8s cita-cloud/test-chain --organisation alpha --command-file made.txt --out .
    """
    importer = IMPORTERS[_TOOL]
    taken = importer.take_over(
        _left(importer, folder.resolve(), _line(command, command_file), service_config, nodes, organisation)
    )
    file = StackFile(stack or folder.resolve().name, (out or Path()) / f"Pulumi.{stack or folder.resolve().name}.yaml")
    settings_of(file, _whole(taken))
    text = yaml_text.document({"config": {f"{NAMESPACE}:{key}": value for key, value in taken.config.items()}})
    if out is None:
        consoles.write(text)
        consoles.note("nothing was written; --out FOLDER writes this, chain.json and the secrets to set")
    else:
        _write(file, text, taken)
        consoles.write("".join(f"{each}\n" for each in _commands(file, taken)))
    for each in taken.notes:
        consoles.note(each)


def _line(command: str | None, path: Path | None) -> str:
    if (command is None) == (path is None):
        cure = "Give it as --command-file FILE, or without passwords of any worth as --command TEXT."
        raise Refused([Problem("", "which command line made the folder has to be said, once.", cure)], "--command")
    if path is not None:
        return sys.stdin.read() if str(path) == "-" else path.read_text(errors="replace")
    consoles.warn("passwords in --command are in this shell's history now; --command-file keeps them out")
    return command or ""


def _left(
    importer: Importer, folder: Path, line: str, service_config: Path | None, nodes: str | None, organisation: str
) -> Left:
    work = folder.parent.parent
    patterns = importer.manifests(folder.name)
    return Left(
        folder=folder.name,
        files={
            str(path.relative_to(folder)): path.read_bytes()
            for pattern in importer.wanted
            for path in folder.glob(pattern)
            if path.is_file()
        },
        names=frozenset(path.name for path in folder.iterdir()),
        command=line,
        named=_named(service_config, work, importer.named(line)),
        manifests=tuple(
            path.read_text(errors="replace") for pattern in patterns for path in sorted(work.glob(pattern))
        ),
        organisation=organisation,
        mine=_indices(nodes),
    )


def _named(given: Path | None, work: Path, path: str) -> str:
    places = [given] if given else [work / path, Path(path)]
    for place in places:
        if place.is_file():
            return place.read_text(errors="replace")
    cure = "Name the service-config.toml that the chain was made with: --service-config FILE"
    raise Refused([Problem("", "there is no such file.", cure)], str(places[0]))


def _indices(nodes: str | None) -> tuple[int, ...] | None:
    if nodes is None:
        return None
    try:
        return tuple(int(each) for each in nodes.split(","))
    except ValueError:
        raise Refused([Problem("", "these are no indices.", "Write them as 0,1")], "--nodes") from None


def _whole(taken: Takeover) -> dict[str, Any]:
    """The settings with their secrets in place, for a check."""
    whole: dict[str, Any] = copy.deepcopy(dict(taken.config)) | {SEED: SEALED}
    for path, value in taken.secrets.items():
        place = whole
        *steps, last = path.split(".")
        for step in steps:
            place = place.setdefault(step, {})
        place[last] = value
    return whole


def _write(file: StackFile, text: str, taken: Takeover) -> None:
    genesis = file.root / taken.genesis_file
    if not genesis.exists() or genesis.read_text() != taken.genesis:  # another stack of the same chain has the same
        check_free(genesis)
    check_free(file.path)
    write_folder(_secrets(file), {path: value.encode() for path, value in taken.secrets.items()})
    file.path.write_text(text)
    genesis.write_text(taken.genesis)


def _secrets(file: StackFile) -> Path:
    return file.root / f"secrets-{file.stack}"


def _commands(file: StackFile, taken: Takeover) -> Iterator[str]:
    """What puts the secrets into the stack file, sealed; they go through pipes and are no arguments."""
    at = f"-C {shlex.quote(str(file.root))} -s {shlex.quote(file.name)}"
    yield f"pulumi stack init {at}"
    yield f"openssl rand -hex 32 | pulumi config set --secret {NAMESPACE}:{SEED} {at}"
    for path in taken.secrets:
        source = shlex.quote(str(_secrets(file) / path))
        yield f"pulumi config set --secret --path {NAMESPACE}:{path} {at} < {source}"
    yield f"rm -r {shlex.quote(str(_secrets(file)))}"
