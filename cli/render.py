"""`archipelago render`: what `pulumi up` would register, as files, without cluster and engine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from archipelago.manifests import limits
from archipelago.manifests.common import Manifest, full_name
from archipelago.manifests.stack import manifests
from archipelago.manifests.workload import public_files, waits_for_endpoints
from archipelago.problems import Problem, Refused
from archipelago.stack.plan import StackPlan
from cli import consoles, yaml_text
from cli.load import OutputsFile, parse_partners, read_outputs, written
from cli.secrets import SeedFile, opened, read_seed
from cli.stacks import HERE, Directory, Stack, Target, find_one

# kubectl applies a folder in the order of its file names
_KINDS = (
    "Namespace",
    "ConfigMap",
    "Secret",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Service",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Deployment",
    "StatefulSet",
)
# kinds and accounts come before what is of them: Kubernetes deletes a token whose ServiceAccount it does not find
_FIRST = ("CustomResourceDefinition", "ServiceAccount")
_ORDER = {kind: at for at, kind in enumerate(_KINDS)} | dict.fromkeys(_FIRST, 0)
_FILES = "files"
_PRIVATE, _PUBLIC = 0o600, 0o644


def render(
    target: Target = None,
    stack: Stack = None,
    directory: Directory = HERE,
    out: Annotated[
        Path | None, typer.Option(help="Folder for one file per object, instead of one stream.", show_default=False)
    ] = None,
    files: Annotated[bool, typer.Option("--files", help="Also the chain's own files, in OUT/files/<node>.")] = False,
    secrets: Annotated[bool, typer.Option("--secrets", help="Private keys too; else they are redacted.")] = False,
    partner: Annotated[
        list[str] | None,
        typer.Option(help="A bundle that stands in for a partner's stack, NAME=FILE.", show_default=False),
    ] = None,
    outputs: OutputsFile = None,
    seed_file: SeedFile = None,
) -> None:
    """Print the Kubernetes objects of a stack as YAML, without a cluster and without pulumi.

    A partner's stack is not asked: give what it exported with --partner, or it is planned as not there yet.

    Example:  archipelago render -s cluster-b --partner alpha=alpha.json --out build/cluster-b --files
    """
    if files and out is None:
        raise Refused([Problem("", "there is no folder for them.", "Name one with --out FOLDER.")], "--files")
    file = find_one([target, stack], directory)
    ready = written(file, opened(file, read_seed(seed_file)), parse_partners(partner), read_outputs(outputs))
    plan = ready.plan()
    if found := list(limits.problems(plan)):
        raise Refused(found, file.source)
    _say(plan)
    objects = [each if secrets else yaml_text.redacted(each) for each in manifests(plan)]
    if out is None:
        consoles.write(yaml_text.stream(objects))
        return
    _write_all(out, plan, objects, files=files, secrets=secrets)


def _write_all(out: Path, plan: StackPlan, objects: Sequence[Manifest], *, files: bool, secrets: bool) -> None:
    before = {path.name for path in out.glob("[0-9]-*.yaml*")}
    for each in objects:
        _write(
            out / _name(each, plan.namespace), yaml_text.document(each), private=secrets and each["kind"] == "Secret"
        )
    for path, text, private in _chain_files(plan, secrets) if files else ():
        _write(out / _FILES / path, text, private)
    if old := sorted(before - {_name(each, plan.namespace) for each in objects}):
        consoles.warn(f"{out} also holds what this run did not write: {', '.join(old)}")


def _say(plan: StackPlan) -> None:
    """What is not as it will be in the cluster."""
    for given in plan.imports:
        if given.absent and plan.settings.sources[given.name].stack:
            consoles.note(f"nothing is known of {given.name}: planned as not there yet (--partner {given.name}=FILE)")
        elif given.absent:
            consoles.note(f"{given.absent}: planned without {given.name}")
    if plan.waiting_for:
        idle = ", ".join(node.name for node in plan.nodes if not node.runs) if plan.genesis else ""
        without = f"no workload of {idle}: " if idle else "" if plan.genesis else "no workloads: "
        consoles.note(f"{without}the stack waits for {', '.join(plan.waiting_for)}")
    if plan.unasked:
        listed = ", ".join(map(str, plan.unasked))
        consoles.note(f"no cluster was asked for {listed}: what depends on it may come out otherwise")
    if waiting := [node.name for node in plan.nodes if waits_for_endpoints(node)]:
        consoles.note(f"@endpoint:…@ stands for what the cluster gives at the first up: {', '.join(waiting)}")


def _name(manifest: Manifest, home: str) -> str:
    """A file name; kubectl does not see a redacted Secret, which would overwrite keys."""
    kind, name = manifest["kind"], full_name(manifest, home)
    values = manifest.get("stringData", {}).values()
    suffix = ".redacted" if any(not isinstance(value, str) for value in values) else ""
    return f"{_ORDER.get(kind, len(_ORDER))}-{kind.lower()}-{name.replace('/', '.')}.yaml{suffix}"


def _chain_files(plan: StackPlan, secrets: bool) -> Iterator[tuple[Path, str, bool]]:
    """Every file that a node's containers mount: path, text, whether it is private."""
    for node in plan.nodes:
        shown = {**plan.live_files, **public_files(node, node.service.endpoints())}
        if plan.genesis:
            shown[plan.genesis.file] = plan.genesis.text
        for name, text in sorted(shown.items()):
            yield Path(node.name, name), text, False
        for name, text in sorted(node.private_files.items()) if secrets else ():
            yield Path(node.name, name), text, True


def _write(path: Path, text: str, private: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # an old file would keep its old mode
    mode = _PRIVATE if private else _PUBLIC
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
