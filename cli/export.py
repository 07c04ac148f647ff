"""`archipelago export`: the signed bundle that partners read as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from archipelago.model import foreign
from archipelago.problems import Problem, Refused
from cli import consoles
from cli.deployed import Predict, from_outputs, predicted
from cli.load import OutputsFile
from cli.secrets import SeedFile
from cli.stacks import HERE, Directory, Stack, Target, find_one


def export(
    target: Target = None,
    stack: Stack = None,
    directory: Directory = HERE,
    out: Annotated[
        Path | None, typer.Option(help="File to write, instead of standard output.", show_default=False)
    ] = None,
    outputs: OutputsFile = None,
    predict: Predict = False,
    seed_file: SeedFile = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is no bundle, too.")] = False,
) -> None:
    """Write the signed bundle that a partner on another backend reads as {file: …}.

    It holds public facts, and what is sealed to single partners. They pin its key (archipelago identity prints it).

    Example:  archipelago export -s cluster-a --out alpha.json
    """
    if out is not None and not force:
        _check_own(out)
    if predict:
        made = predicted(find_one([target, stack], directory), seed_file)
    else:
        made = from_outputs(outputs, None if outputs else find_one([target, stack], directory))
    text = json.dumps(made, indent=2) + "\n"
    if out is None:
        consoles.write(text)
    else:
        out.write_text(text)
        consoles.note(f"{out}: {made['organisation']}, {len(made['externalNodes'])} nodes, signed by {made['key']}")


def _check_own(out: Path) -> None:
    """An earlier bundle may be written over, and no other file.

    Raises:
        Refused: There is a file that is no bundle.
    """
    if not out.exists() or out.is_char_device() or out.is_fifo():
        return
    try:
        found = foreign.read(out)
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict) or not {"organisation", "externalNodes"} <= found.keys():
        cure = "Nothing was written. Name another file with --out, or write over this one with --force."
        raise Refused([Problem("", "it is there already, and it is no bundle.", cure)], str(out))
