"""A picture of a network in a terminal: boxes side by side where they fit, one below the other where not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from archipelago.picture.model import ALLOCATED, Link, Picture, short
from cli.boxes import PLAIN, Box, Signs, boxes

_GAP = 3  # between two boxes that no drawn line links
_NOT_YET = "not yet"
_PAIR = 2


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture that rich can print.

    Args:
        picture: What is shown.
    """

    picture: Picture

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        signs = PLAIN if options.ascii_only else Signs()
        yield from self._headline(signs)
        yield Text()
        yield from self._boxes(options.max_width, signs)
        yield Text()
        yield self._legend(signs)

    def _headline(self, signs: Signs) -> Iterator[Text]:
        picture = self.picture
        yield Text(signs.dot.join((picture.network, *picture.summary)), style="bold")
        if picture.genesis:
            ends = short(picture.genesis).replace("…", signs.ellipsis)
            yield Text.assemble(("genesis ", "dim"), ends)
        elif not picture.founded:
            if picture.waiting_for:
                yield Text(f"waits for {', '.join(picture.waiting_for)}", style="yellow")
        else:
            words = ", ".join(picture.waiting_for) or "its founder"
            yield Text.assemble(("genesis ", "dim"), (f"waits for {words}", "yellow"))

    def _boxes(self, width: int, signs: Signs) -> Iterator[RenderableType]:
        organisations, links = self.picture.organisations, self.picture.links
        pair = len(organisations) == _PAIR
        gutter = _gutter(links) if pair else _GAP
        made = boxes(organisations, signs, wide=True)
        if _needed(made, gutter) > width:
            made = boxes(organisations, signs, wide=False)
        if pair and _needed(made, gutter) <= width:
            yield _side_by_side(made, links, gutter, signs, width)
        elif pair:
            yield from _one_below_the_other(made, links, signs, width)
        else:
            yield from _rows(made, width)
            yield from (_listed(link, signs) for link in links if link.forth or link.back)

    def _legend(self, signs: Signs) -> Text:
        nodes = [node for each in self.picture.organisations for node in each.nodes]
        words = [f"{signs.of(role)} {role}" for role in sorted({node.role for node in nodes}, reverse=True)]
        if any(where == ALLOCATED for node in nodes for _, where in node.ports):
            words.append(f"{ALLOCATED}: chosen by the cluster at the first up")
        return Text("   ".join(words), style="dim")


def _needed(made: Sequence[Box], gap: int) -> int:
    return sum(each.width for each in made) + gap * (len(made) - 1)


def _gutter(links: Sequence[Link]) -> int:
    live = [link for link in links if link.forth or link.back]
    words = [port for link in live for port in link.ports] or [_NOT_YET]
    return max(len(word) for word in words) + (6 if live else 2)


def _side_by_side(made: Sequence[Box], links: Sequence[Link], gutter: int, signs: Signs, width: int) -> Table:
    equal = max(each.width for each in made)
    widths = [equal if 2 * equal + gutter <= width else each.width for each in made]
    height = max(each.height for each in made)
    first, second = (each.panel(own, height) for each, own in zip(made, widths, strict=True))
    return _grid([first, _across(links, gutter - 2, signs), second], [widths[0], gutter, widths[1]])


def _one_below_the_other(
    made: Sequence[Box], links: Sequence[Link], signs: Signs, width: int
) -> Iterator[RenderableType]:
    equal = min(width, max(each.width for each in made))
    yield made[0].panel(equal)
    for link in links:
        up, down = signs.up if link.back else "|", signs.down if link.forth else "|"
        words = signs.dot.join(link.ports) if link.forth or link.back else _NOT_YET
        yield Text(f"    {up} {words}\n    {down}" if link.forth or link.back else f"      {words}")
    yield made[1].panel(equal)


def _rows(made: Sequence[Box], width: int) -> Iterator[RenderableType]:
    """Boxes of one width in as many columns as fit."""
    equal = min(width, max(each.width for each in made))
    columns = max(1, (width + _GAP) // (equal + _GAP))
    for start in range(0, len(made), columns):
        row = made[start : start + columns]
        height = max(each.height for each in row)
        yield _grid([each.panel(equal, height) for each in row], [equal] * len(row), _GAP)


def _grid(cells: Sequence[RenderableType], widths: Sequence[int], gap: int = 0) -> Table:
    grid = Table.grid(padding=(0, gap, 0, 0))
    for width in widths:
        grid.add_column(width=width, vertical="middle")
    grid.add_row(*cells)
    return grid


def _across(links: Sequence[Link], width: int, signs: Signs) -> Text:
    """The lines between two boxes side by side."""
    lines = []
    for link in links:
        if not (link.forth or link.back):
            return Text(_NOT_YET, style="dim", justify="center")
        left, right = _ends(link, signs)
        lines += [f"{port}\n{left}{signs.line * (width - 2)}{right}" for port in link.ports]
    return Text("\n".join(lines), justify="center")


def _listed(link: Link, signs: Signs) -> Text:
    """A link that no line between two boxes can show."""
    left, right = _ends(link, signs)
    return Text(f"{link.first} {left}{signs.line} {signs.dot.join(link.ports)} {signs.line}{right} {link.second}")


def _ends(link: Link, signs: Signs) -> tuple[str, str]:
    """An arrow's ends: who lists whom."""
    return signs.left if link.back else signs.line, signs.right if link.forth else signs.line
