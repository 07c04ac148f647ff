"""`archipelago picture`: the network of some stacks, drawn before anything of it exists."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from archipelago.chains.registry import CHAINS
from archipelago.picture.model import Picture, draw
from archipelago.problems import Problem, Refused
from archipelago.stack.converge import converge
from cli import consoles
from cli.drawing import Drawing
from cli.load import written
from cli.secrets import SeedFiles, opened, read_seeds
from cli.stacks import HERE, Directory, StackFile, Stacks, Targets, find

_SVG_WIDTH = 80
_WEB_FONT = re.compile(r" *@font-face \{.*?\}\n", re.DOTALL)  # a drawing asks no server for its letters
_FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


def picture(
    targets: Targets = None,
    stacks: Stacks = None,
    directory: Directory = HERE,
    svg: Annotated[Path | None, typer.Option(help="Also write the drawing to this file.", show_default=False)] = None,
    demo_seeds: Annotated[
        bool,
        typer.Option("--demo-seeds", help="Draw with publicly known throw-away seeds, instead of the stacks' own."),
    ] = False,
    seed_files: SeedFiles = None,
) -> None:
    """Draw the network that some stacks make together, once each of them has run.

    Example:  archipelago picture -s cluster-a -s cluster-b --demo-seeds
    """
    files = find([*(targets or []), *(stacks or [])], directory)
    if demo_seeds:
        consoles.note("drawn with publicly known throw-away seeds: the node ids are not those of your stacks")
        seeds: Sequence[str | None] = tuple(demo_seed(file) for file in files)
    else:
        seeds = read_seeds(seed_files, files)
    drawn = Drawing(picture_of(files, seeds))
    consoles.out.print(drawn, soft_wrap=False)
    if svg:
        svg.write_text(svg_of(drawn))


def demo_seed(file: StackFile) -> str:
    """A seed that everybody can compute, for drawings and examples: whoever uses it for a network gives it away."""
    return hashlib.sha256(f"archipelago demo seed of {file.stack}, known to everybody".encode()).hexdigest()


def picture_of(files: Sequence[StackFile], seeds: Sequence[str | None]) -> Picture:
    """The network of some stacks that read each other.

    Args:
        files: Their stack files.
        seeds: A seed for each; None to decrypt the one in the file.

    Raises:
        Refused: One of them is wrong, or they are not of one network.
    """
    ready = [written(file, opened(file, seed)) for file, seed in zip(files, seeds, strict=True)]
    networks = {(each.settings.network.kind, each.settings.network.name): each.source for each in ready}
    if len(networks) > 1:
        names = ", ".join(f"{name} ({source})" for (_, name), source in networks.items())
        cure = "Draw one network at a time: name its stacks with -s."
        raise Refused([Problem("network.name", f"these are several networks: {names}.", cure)], files[0].source)
    plans = converge(ready)
    return draw(plans, CHAINS[plans[0].settings.network.kind])


def svg_of(drawn: Drawing) -> str:
    """The drawing as SVG, the same for the same picture."""
    console = Console(
        record=True,
        width=_SVG_WIDTH,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
    )
    console.print(drawn)
    made = console.export_svg(title=f"archipelago picture: {drawn.picture.network}", unique_id="archipelago")
    return _WEB_FONT.sub("", made).replace("Fira Code, monospace", _FONTS).replace("arial", "sans-serif") + "\n"
