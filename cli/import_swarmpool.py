"""`archipelago import-swarmpool`: SwarmPools and Identities of cluster-discovery become a stack file."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml.error import YAMLError

from archipelago.chains.registry import TRANSLATORS
from archipelago.chains.takeover import Stored, Takeover
from archipelago.problems import Problem, Refused
from archipelago.settings.secrecy import SEED
from archipelago.settings.stack_file import NAMESPACE
from archipelago.settings.types import SEALED
from archipelago.settings.yaml_reader import load_all
from cli import consoles, yaml_text
from cli.load import settings_of
from cli.private import check_free, write_folder
from cli.stacks import Stack, StackFile

_TOOL = "swarmpool"


def import_swarmpool(
    files: Annotated[
        list[str], typer.Argument(help="Manifests, or what kubectl printed; - for standard input.", metavar="FILE…")
    ],
    organisation: Annotated[str, typer.Option(help="Whose they are, as archipelago:organisation says it.")],
    network: Annotated[str, typer.Option(help="Name of the network, the same for all who are in it.")] = "research",
    joins: Annotated[
        str | None, typer.Option(help="Who founded the network; without it you do.", show_default=False)
    ] = None,
    stack: Stack = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the stack file.", show_default=False)] = None,
) -> None:
    """Print the stack file that SwarmPools and Identities of cluster-discovery mean; with --out write it.

    Keys stay in the Secrets in which they are. The stack file has no secret: with --out the commands that follow are
    printed, and a key that a Secret among the documents holds is in a file that only you can read.

    Example:  kubectl get swarmpools,identities -A -o yaml | archipelago import-swarmpool - --organisation alpha
    """
    objects = [each for name in files for each in _objects(name)]
    taken = TRANSLATORS[_TOOL].translate(objects, organisation, network, joins or "")
    config = _completed(taken, joins)
    name = stack or organisation
    file = StackFile(name, (out or Path()) / f"Pulumi.{name}.yaml")
    settings_of(file, {**config, SEED: SEALED})
    text = yaml_text.document({"config": {f"{NAMESPACE}:{key}": value for key, value in config.items()}})
    if out is None:
        consoles.write(text)
        consoles.note("nothing was written; --out FOLDER writes this")
    else:
        check_free(file.path)
        keys = {_file(each): each.content for each in taken.stored if each.content is not None}
        if keys:
            write_folder(_secrets(file), keys)
        file.path.write_text(text)
        consoles.write("".join(f"{each}\n" for each in _commands(file, taken)))
    for each in (*taken.notes, *_partners(file, organisation, joins)):
        consoles.note(each)


def _completed(taken: Takeover, joins: str | None) -> dict[str, Any]:
    """The settings with the partner that they join, whose stack the original does not know."""
    partners = {"partners": {joins: {"stack": f"organization/archipelago/{joins}", "required": False}}}
    return {**taken.config, **(partners if joins else {})}


def _objects(name: str) -> Iterator[Mapping[str, Any]]:
    """The Kubernetes objects in a file; lists are opened."""
    path = Path(name)
    if name != "-" and not path.is_file():
        cure = "Name manifests that are there, or - for standard input."
        raise Refused([Problem("", "there is no such file.", cure)], name)
    text = sys.stdin.read() if name == "-" else path.read_text(errors="replace")
    try:
        documents: Sequence[Any] = load_all(text)
    except YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" (line {where.line + 1})" if where else ""
        raise Refused([Problem("", f"it is no YAML{line}.", "Give it as kubectl prints it: -o yaml")], name) from None
    for document in documents:
        yield from _opened(document, name)


def _opened(document: Any, name: str) -> Iterator[Mapping[str, Any]]:
    if document is None:
        return
    if not isinstance(document, Mapping):
        cure = "Give Kubernetes objects, one a document."
        raise Refused([Problem("", "it holds something that is no object.", cure)], name)
    items = document.get("items")
    if str(document.get("kind", "")).endswith("List") and isinstance(items, Sequence):
        for each in items:
            yield from _opened(each, name)
    else:
        yield document


def _commands(file: StackFile, taken: Takeover) -> Iterator[str]:
    """What is to be done before the first `pulumi up`; for Secrets in a namespace that it makes, after it."""
    at = f"-C {shlex.quote(str(file.root))} -s {shlex.quote(file.name)}"
    yield f"pulumi stack init {at}"
    yield f"openssl rand -hex 32 | pulumi config set --secret {NAMESPACE}:{SEED} {at}"
    yield from (_created(each, file) for each in taken.stored if not each.made_after)
    yield f"pulumi preview {at}"
    if later := [_created(each, file) for each in taken.stored if each.made_after]:
        yield f"pulumi up {at}"
        yield from later
        yield f"pulumi up {at}"


def _created(secret: Stored, file: StackFile) -> str:
    """What makes a Secret from a file; where that has to come another way, the place to name it."""
    source = str(_secrets(file) / _file(secret)) if secret.content is not None else f"{secret.name}.key"
    where = f"kubectl -n {secret.namespace} create secret generic {secret.name}"
    return f"{where} --from-file={secret.key}={shlex.quote(source)}"


def _file(secret: Stored) -> str:
    return f"{secret.namespace}.{secret.name}"


def _secrets(file: StackFile) -> Path:
    return file.root / f"secrets-{file.stack}"


def _partners(file: StackFile, organisation: str, joins: str | None) -> Iterator[str]:
    """What the founder has to write, or it does not know the one who joins."""
    if joins:
        key = f"{NAMESPACE}:partners.{organisation}"
        stack = f"organization/archipelago/{file.stack}"
        yield (
            f"{joins} has to list {organisation}, or its members dial none of yours: "
            f"{key}: {{stack: {stack}, required: false}}"
        )
