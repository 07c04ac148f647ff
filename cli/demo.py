"""`archipelago demo`: two clusters, two organisations, one network, wired by the real `pulumi up`."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from archipelago.identity.derive import SEED_BYTES
from cli import consoles
from cli.demo_blocks import watch_blocks
from cli.demo_places import (
    OWN,
    REAL,
    STACKS,
    Place,
    best_profile,
    environment_of,
    lab_of,
    lab_places,
    own_places,
    toolchain_of,
)
from cli.demo_screen import Steps, show
from cli.drawing import Drawing
from cli.picture import demo_seed, picture_of
from cli.running import site_of
from cli.secrets import PASSPHRASE_FILES
from cli.stacks import StackFile, find
from lab.errors import LabError
from lab.lab import Lab
from lab.processes import take_interrupts
from lab.profiles import PROFILES
from lab.tools import Toolchain
from lab.workspace import Run, Stack, Workspace

app = typer.Typer(name="demo", help="Two clusters, two organisations, one network.", invoke_without_command=True)

PROGRAM = Path(__file__).parents[1]


@app.callback()
def demo(
    context: typer.Context,
    a: Annotated[str | None, typer.Option(help="Context of your own cluster for alpha; no lab is started.")] = None,
    b: Annotated[str | None, typer.Option(help="Context of your own cluster for beta.")] = None,
    profile: Annotated[
        str | None,
        typer.Option(help=f"Kind of clusters: {', '.join(PROFILES)}; by default the best that this machine can run."),
    ] = None,
) -> None:
    """Deploy the two example stacks and show how they found each other, and the blocks that they make together.

    Example:  archipelago demo        or, on clusters of your own:  archipelago demo --a kind-a --b kind-b
    """
    take_interrupts()
    if context.invoked_subcommand:
        return
    if (a is None) != (b is None):
        raise typer.BadParameter("give both --a and --b, or neither to use the lab")
    if profile is not None and profile not in PROFILES:
        raise typer.BadParameter(f"there is no profile {profile}; take {' or '.join(PROFILES)}")
    began = time.monotonic()
    files = find(STACKS, PROGRAM)
    consoles.out.print(Drawing(picture_of(files, [demo_seed(file) for file in files])), soft_wrap=False)
    with _failures():
        kind = OWN if a else profile or best_profile()
        lab, toolchain = lab_of(kind), toolchain_of(kind)
        places = own_places(a, b) if a and b else lab_places(lab, toolchain, kind)
        stacks = _stacks(lab, toolchain, places, kind)
        _converge(stacks, joint=kind == REAL)
        if kind == REAL:
            os.environ.update(stacks[0].environment)  # kubectl and the kubeconfig
            watch_blocks([site_of(StackFile(stack.name, stack.file)) for stack in stacks])
    consoles.out.print(f"[green]✓[/green] done after {time.monotonic() - began:.0f} s")
    _next_steps(lab, stacks, places, kind)


@app.command()
def down() -> None:
    """End the demo: what runs, and all its files; on clusters of your own, what `pulumi destroy` deletes.

    Example:  archipelago demo down
    """
    with _failures():
        own = lab_of(OWN)
        if (own.folder / "project").exists():
            toolchain = toolchain_of(OWN)
            for name in reversed(STACKS):
                stack = Stack(name, own.folder / "project", environment_of(own, toolchain, name, OWN))
                stack.destroy().expect()
            consoles.note(
                "keys, volumes and namespaces were kept, as always: see Delete for good in docs/operations.md"
            )
        for lab in (own, *(lab_of(profile) for profile in PROFILES)):
            lab.down(purge=True)
            shutil.rmtree(lab.folder / "project", ignore_errors=True)
            with suppress(OSError):  # somebody keeps files of their own there
                lab.folder.rmdir()
    consoles.out.print("[green]✓[/green] the demo is gone")


@contextmanager
def _failures() -> Iterator[None]:
    """What the lab or pulumi cannot do ends in its own words."""
    try:
        yield
    except LabError as error:
        consoles.fail(str(error))
        raise typer.Exit(1) from None


def _stacks(lab: Lab, toolchain: Toolchain, places: list[Place], kind: str) -> list[Stack]:
    """Copies of the example stacks, moved to where the demo runs; those of an earlier run are used again."""
    workspace = Workspace(lab.folder / "project", PROGRAM)
    stacks = []
    for file, place in zip(find(STACKS, PROGRAM), places, strict=True):
        environment = environment_of(lab, toolchain, file.stack, kind)
        stack = workspace.stack(file.stack, file.path.read_text(), environment)
        stack.configure(place.move)
        if "archipelago:identitySeed" not in stack.configuration:
            stack.set_seed(secrets.token_hex(SEED_BYTES))
        stacks.append(stack)
    return stacks


def _converge(stacks: list[Stack], *, joint: bool) -> None:
    """A, B, A, and B once more where the genesis names both; then previews, which have to find nothing to do.

    Stacks that met in an earlier run are previewed alone, which is half of the work.
    """
    alpha, beta = stacks
    runs = [("alpha founds the network", alpha), ("beta joins it", beta), ("alpha learns of beta's nodes", alpha)]
    if joint:
        runs = [("alpha tells its nodes, and waits", alpha), ("beta tells its nodes, and waits", beta)]
        runs += [("alpha founds the chain", alpha), ("beta takes it over", beta)]
    met = all(outputs and not outputs["waitingFor"] for outputs in (each.outputs() for each in stacks))
    with Steps() as steps:
        previews = _previews(steps, stacks) if met else []
        if not met or any(each.changes for each in previews):
            for label, stack in runs:
                steps.run(label, stack.up)
            previews = _previews(steps, stacks)
    for stack, preview in zip(stacks, previews, strict=True):
        show(stack.name, stack.outputs(), preview)
    if any(each.changes for each in previews):
        raise LabError("The stacks did not converge: a preview still finds something to change.")


def _previews(steps: Steps, stacks: list[Stack]) -> list[Run]:
    """Previews of all stacks at once."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda each: steps.run(f"preview of {each.name}", each.preview), stacks))


def _next_steps(lab: Lab, stacks: list[Stack], places: list[Place], kind: str) -> None:
    """How to look further, as lines to paste."""
    kubeconfig = "" if kind == OWN else f"KUBECONFIG={shlex.quote(str(lab.kubeconfig))} "
    consoles.out.print("look at it:", style="bold")
    for place in places:
        line = f"{kubeconfig}kubectl --context {place.context} -n {place.namespace} get all,pvc,secret,configmap"
        consoles.out.print(f"  {line}", markup=False)
    if kind == REAL:
        (stacks[0].folder / "environment").write_text(_environment(stacks))
        consoles.out.print("ask it:", style="bold")
        consoles.out.print(f"  source {shlex.quote(str(stacks[0].folder / 'environment'))}", markup=False)
        for command in ("verify", "status", "validators plan", "attach -s cluster-a quorum-node1"):
            line = f"uv run archipelago {command} -C {shlex.quote(str(stacks[0].folder))}"
            consoles.out.print(f"  {line}", markup=False)
    consoles.out.print("end it:  make demo-down")


def _environment(stacks: list[Stack]) -> str:
    """Lines for a shell that is to ask all the demo's stacks, each of which has a passphrase of its own."""
    ours = ("PATH", "KUBECONFIG", *(name for name in stacks[0].environment if name.startswith("PULUMI_")))
    known = {name: stacks[0].environment[name] for name in ours}
    known[PASSPHRASE_FILES] = os.pathsep.join(stack.environment["PULUMI_CONFIG_PASSPHRASE_FILE"] for stack in stacks)
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in known.items())
