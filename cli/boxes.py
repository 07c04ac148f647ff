"""One organisation of a picture as a box of text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from rich import box
from rich.panel import Panel
from rich.text import Text

from archipelago.picture.model import ALLOCATED, NodeMark, Organisation

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue")
_FRAME = 4  # a box's two edges and the space beside them
_MOST = 12  # nodes of one organisation; a hundred would push the rest off the screen
_ABSENT = 34  # characters a line of the reason why there is nothing
_DASHED = box.Box("╭┄┄╮\n┊ ┊┊\n├┄┼┤\n┊ ┊┊\n├┄┼┤\n├┄┼┤\n┊ ┊┊\n╰┄┄╯\n")


@dataclass(frozen=True, slots=True)
class Signs:
    """What a terminal can show."""

    validator: str = "◆"
    member: str = "○"
    left: str = "◀"
    right: str = "▶"
    up: str = "▲"
    down: str = "▼"
    line: str = "─"
    dot: str = " · "
    ellipsis: str = "…"

    def of(self, role: str) -> str:
        """The sign of a node's role."""
        return self.validator if role == "validator" else self.member


PLAIN = Signs("*", "o", "<", ">", "^", "v", "-", ", ", "...")  # for a terminal without Unicode


@dataclass(frozen=True, slots=True)
class Box:
    """An organisation's box before it has a place.

    Args:
        organisation: Whose it is.
        lines: What stands in it.
        colour: Of its frame.
    """

    organisation: Organisation
    lines: tuple[Text, ...]
    colour: str

    @property
    def width(self) -> int:
        """The columns it needs."""
        return max(self.title.cell_len + 2, *(line.cell_len for line in self.lines)) + _FRAME

    @property
    def height(self) -> int:
        """The rows it needs."""
        return len(self.lines) + 2

    @property
    def title(self) -> Text:
        """Who, and what its part is."""
        who = Text.assemble(" ", (self.organisation.name, f"bold {self.colour}"))
        return who.append(f"  {self.organisation.part} " if self.organisation.part else " ", style="not bold")

    def panel(self, width: int, height: int | None = None) -> Panel:
        """The box in its place."""
        absent = bool(self.organisation.absent)
        return Panel(
            Text("\n").join(self.lines),
            title=self.title,
            title_align="left",
            box=_DASHED if absent else box.ROUNDED,
            border_style="dim" if absent else self.colour,
            width=width,
            height=height,
        )


def boxes(organisations: tuple[Organisation, ...], signs: Signs, *, wide: bool) -> tuple[Box, ...]:
    """The boxes of all organisations.

    Args:
        organisations: In their order.
        signs: What the terminal can show.
        wide: Whether a node's id and ports share a line.
    """
    return tuple(
        Box(each, tuple(_lines(each, signs, wide=wide)), _COLOURS[index % len(_COLOURS)])
        for index, each in enumerate(organisations)
    )


def _lines(organisation: Organisation, signs: Signs, *, wide: bool) -> Iterator[Text]:
    if organisation.absent:
        yield from (Text(line, style="dim") for line in textwrap.wrap(organisation.absent, _ABSENT))
        return
    yield Text(organisation.place, style="dim")
    if organisation.address:
        yield Text.assemble(("dialled at ", "dim"), organisation.address)
    for node in organisation.nodes[:_MOST]:
        yield Text()
        yield from _node(node, signs, wide=wide)
    if more := len(organisation.nodes[_MOST:]):
        yield Text()
        yield Text(f"{signs.ellipsis} and {more} more", style="dim")


def _node(node: NodeMark, signs: Signs, *, wide: bool) -> Iterator[Text]:
    colour = "green" if node.role == "validator" else ""
    yield Text.assemble((f"{signs.of(node.role)} ", colour), (node.name, "bold"), (f"  {node.role}", "dim"))
    identity, ports = node.identity.replace("…", signs.ellipsis), _ports(node, signs)
    if wide:
        yield Text.assemble((f"  {identity}  ", "dim"), ports)
    else:
        yield Text(f"  {identity}", style="dim")
        yield Text.assemble("  ", ports)


def _ports(node: NodeMark, signs: Signs) -> Text:
    if node.ports and all(where == ALLOCATED for _, where in node.ports):
        return Text.assemble(signs.dot.join(name for name, _ in node.ports), (f" {ALLOCATED}", "italic"))
    parts = (
        Text.assemble(f"{name} ", (where, "italic" if where == ALLOCATED else "bold")) for name, where in node.ports
    )
    return Text(signs.dot).join(parts)
