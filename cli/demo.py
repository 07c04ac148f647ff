"""`archipelago demo`: two clusters, two organisations, one network, wired by the real `pulumi up`."""

from __future__ import annotations

import secrets
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from archipelago.identity.derive import SEED_BYTES
from archipelago.settings.models import Cluster
from cli import consoles
from cli.demo_screen import Steps, show
from cli.drawing import Drawing
from cli.picture import demo_seed, picture_of
from cli.stacks import find
from lab.errors import LabError
from lab.files import cache_folder
from lab.lab import Lab
from lab.profiles import DEFAULT, PROFILES
from lab.tools import ConsoleReport, Toolchain, resolve
from lab.workspace import Stack, Workspace
from operate.cluster import Unreachable, connect, node_addresses

app = typer.Typer(name="demo", help="Two clusters, two organisations, one network.", invoke_without_command=True)

PROGRAM = Path(__file__).parents[1]
_TOOLS = ("pulumi", "kubernetes-provider")
_NAMES = ("cluster-a", "cluster-b")  # the example stacks; alpha's founds, beta's joins


@dataclass(frozen=True, slots=True)
class Place:
    """Where one organisation of the demo lives.

    Args:
        context: Context of the kubeconfig.
        address: What its partner dials.
        namespace: Of all its objects.
    """

    context: str
    address: str
    namespace: str

    def move(self, config: dict[str, Any]) -> None:
        """Move a stack's configuration here."""
        config["archipelago:cluster"].update(
            {"context": self.context, "address": self.address, "namespace": self.namespace}
        )


@app.callback()
def demo(
    context: typer.Context,
    a: Annotated[str | None, typer.Option(help="Context of your own cluster for alpha; no lab is started.")] = None,
    b: Annotated[str | None, typer.Option(help="Context of your own cluster for beta.")] = None,
) -> None:
    """Deploy the two example stacks and show how they found each other.

    Example:  archipelago demo        or, on clusters of your own:  archipelago demo --a kind-a --b kind-b
    """
    if context.invoked_subcommand:
        return
    if (a is None) != (b is None):
        raise typer.BadParameter("give both --a and --b, or neither to use the lab")
    began = time.monotonic()
    files = find(_NAMES, PROGRAM)
    consoles.out.print(Drawing(picture_of(files, [demo_seed(file) for file in files])), soft_wrap=False)
    with _failures():
        lab = _lab(own=a is not None)
        toolchain = _toolchain(own=a is not None)
        places = _own_places(a, b) if a and b else _lab_places(lab, toolchain)
        stacks = _stacks(lab, toolchain, places, own=a is not None)
        _converge(stacks)
    consoles.out.print(f"[green]✓[/green] done after {time.monotonic() - began:.0f} s")
    _next_steps(lab, places, own=a is not None)


@app.command()
def down() -> None:
    """End the demo: what runs, and all its files; on clusters of your own, what `pulumi destroy` deletes.

    Example:  archipelago demo down
    """
    with _failures():
        own = _lab(own=True)
        if (own.folder / "project").exists():
            toolchain = _toolchain(own=True)
            for name in reversed(_NAMES):
                stack = Stack(name, own.folder / "project", _environment(own, toolchain, name, own=True))
                stack.destroy().expect()
            consoles.note("keys, volumes and namespaces were kept, as always: kubectl delete namespace ends them")
        for lab in (own, _lab(own=False)):
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


def _lab(*, own: bool) -> Lab:
    """The demo's folder; on a user's own clusters no lab is started in it, but the stacks' backend is there."""
    return Lab(cache_folder() / "lab" / ("demo-own" if own else "demo"))


def _toolchain(*, own: bool) -> Toolchain:
    names = _TOOLS if own else (*_TOOLS, *PROFILES[DEFAULT].tools)
    return resolve(names, ConsoleReport(consoles.out))


def _lab_places(lab: Lab, toolchain: Toolchain) -> list[Place]:
    lab.up(toolchain, say=lambda line: consoles.out.print(f"  {line}", markup=True))
    return [Place(f"lab-{letter}", lab.cluster(letter).address, "consortium") for letter in "ab"]


def _own_places(*contexts: str) -> list[Place]:
    """A user's own clusters; two organisations in one cluster get a namespace each."""
    places = []
    for name, context in zip(_NAMES, contexts, strict=True):
        try:
            with closing(connect(Cluster.model_validate({"context": context}))) as client:
                addresses = node_addresses(client)
        except Unreachable as reason:
            raise LabError(
                f"The cluster {context} cannot be reached: {reason}. Try: kubectl --context {context} get nodes"
            ) from None
        if not addresses:
            raise LabError(f"No node of {context} tells an address that the other cluster could dial.")
        namespace = f"consortium-{name}" if len(set(contexts)) == 1 else "consortium"
        places.append(Place(context, addresses[0], namespace))
    return places


def _environment(lab: Lab, toolchain: Toolchain, name: str, *, own: bool) -> Mapping[str, str]:
    environment = lab.stack_environment(name, toolchain)
    if own:
        del environment["KUBECONFIG"]  # the user's own stays in force
    return environment


def _stacks(lab: Lab, toolchain: Toolchain, places: list[Place], *, own: bool) -> list[Stack]:
    """Copies of the example stacks, moved to where the demo runs; those of an earlier run are used again."""
    workspace = Workspace(lab.folder / "project", PROGRAM)
    stacks = []
    for file, place in zip(find(_NAMES, PROGRAM), places, strict=True):
        environment = _environment(lab, toolchain, file.stack, own=own)
        stack = workspace.stack(file.stack, file.path.read_text(), environment)
        stack.configure(place.move)
        if "archipelago:identitySeed" not in stack.configuration:
            stack.set_seed(secrets.token_hex(SEED_BYTES))
        stacks.append(stack)
    return stacks


def _converge(stacks: list[Stack]) -> None:
    """A, B, A; then a preview of both, which has to find nothing to do."""
    alpha, beta = stacks
    with Steps() as steps:
        steps.run("alpha founds the network", alpha.up)
        steps.run("beta joins it", beta.up)
        steps.run("alpha learns of beta's nodes", alpha.up)
        previews = [steps.run(f"preview of {stack.name}", stack.preview) for stack in stacks]
    clean = True
    for stack, preview in zip(stacks, previews, strict=True):
        show(stack.name, stack.outputs(), preview)
        clean = clean and not preview.changes
    if not clean:
        raise LabError("The stacks did not converge: a preview still finds something to change.")


def _next_steps(lab: Lab, places: list[Place], *, own: bool) -> None:
    kubeconfig = "" if own else f"KUBECONFIG={shlex.quote(str(lab.kubeconfig))} "
    consoles.out.print("look at it:", style="bold")
    for place in places:
        line = f"{kubeconfig}kubectl --context {place.context} -n {place.namespace} get all,pvc,secret,configmap"
        consoles.out.print(f"  {line}", markup=False)
    consoles.out.print("end it:  make demo-down")
