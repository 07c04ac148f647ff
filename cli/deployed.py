"""A stack's bundle: from its outputs, or computed before it was ever deployed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from archipelago.model import foreign
from archipelago.model.endpoint import Exposed
from archipelago.model.plan import NodePlan
from archipelago.model.record import is_signed
from archipelago.problems import Problem, Refused
from archipelago.settings.read import Settings
from archipelago.stack.bundles import bundle_of
from archipelago.stack.outputs import bundle
from cli import consoles
from cli.engine import Failed, pulumi
from cli.load import EXPORTED, read_outputs, written
from cli.secrets import opened, read_seed
from cli.stacks import StackFile

Predict = Annotated[
    bool, typer.Option("--predict", help="Compute it from the stack file alone, where every port is pinned.")
]
Bundle = dict[str, Any]


def from_outputs(outputs: Path | None, file: StackFile | None) -> Bundle:
    """The bundle of a stack that was deployed.

    Args:
        outputs: What `pulumi stack output --json` printed; None to ask pulumi.
        file: Whose stack to ask.

    Raises:
        Refused: Nothing was exported, or it was changed on the way.
    """
    source = str(outputs or (file and file.source))
    found = read_outputs(outputs) if outputs or file is None else ask(file)
    made = bundle_of(found)
    if not is_signed(made):
        cure = (
            "Take the outputs as pulumi prints them, all of them; after an update of this program run pulumi up first."
        )
        raise Refused([Problem("", "these outputs do not bear their own signature.", cure)], source)
    return made


def predicted(file: StackFile, seed_file: Path | None, *, addressed: bool = True) -> Bundle:
    """The bundle that a stack will export.

    Args:
        file: The stack file.
        seed_file: Where its seed is.
        addressed: Whether every port has to be known.

    Raises:
        Refused: The stack file is wrong, or a port or address is the cluster's to choose.
    """
    plan = written(file, opened(file, read_seed(seed_file))).plan()
    unknown = [problem for node in plan.nodes for problem in _unknown(node, plan.settings)]
    if addressed and unknown:
        raise Refused(unknown, file.source)
    if plan.waiting_for:
        consoles.note(
            f"{'' if plan.genesis else 'without a genesis: '}the stack waits for {', '.join(plan.waiting_for)}"
        )
    return bundle(plan, plan.records).plain()


def ask(file: StackFile) -> dict[str, Any]:
    """A stack's outputs, from pulumi.

    Raises:
        Refused: There are none.
    """
    hint = f"Deploy it with pulumi up -s {file.name}; or give --outputs FILE, or --predict before it is deployed."
    try:
        found: dict[str, Any] = foreign.parsed(pulumi(["stack", "output", "--json", "--stack", file.name], file.root))
    except (Failed, ValueError) as error:
        raise Refused([Problem("", f"its outputs cannot be read: {error}.", hint)], file.source) from None
    if EXPORTED not in found:
        raise Refused([Problem("", "this stack has exported nothing yet.", hint)], file.source)
    return found


def _unknown(node: NodePlan, settings: Settings) -> Iterator[Problem]:
    """What only the cluster can tell of a node."""
    if node.service.settled:
        return
    path = f"{settings.path_of(node.name)}.exposure"
    deployed = "or deploy the stack and export without --predict."
    if node.service.type is Exposed.NODE_PORT:
        known = node.service.endpoints()
        ports = ", ".join(port.name for port in node.service.ports if port.name not in known)
        yield Problem(f"{path}.ports", f"the cluster chooses its NodePorts for {ports}.", f"Pin them, {deployed}")
    else:
        yield Problem(f"{path}.host", "its load balancer's address is not known yet.", f"Write it there, {deployed}")
