"""How the resolution of the toolchain is told: a live line on a terminal, plain lines elsewhere, nothing in tests."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

Tick = Callable[[str], None]
"""Called a few times a second while work goes on, with a detail to show (may be empty)."""

_PLAIN_EVERY = 30.0
"""Seconds between two plain lines about the same work, where there is no terminal."""


@dataclass(frozen=True)
class Estimate:
    """How long something will take.

    Args:
        seconds: how long.
        measured: whether it took so long here last time; else the number was measured on another machine.
    """

    seconds: float
    measured: bool

    def __str__(self) -> str:
        told = duration(self.seconds)
        return f"took {told} last time" if self.measured else f"takes about {told} on two cores"


class Report(Protocol):
    """What the resolver tells while it works."""

    def step(self, tool: str, text: str) -> None:
        """One place was looked at for a tool, without success: which, and why not."""

    def found(self, tool: str, text: str) -> None:
        """A tool is there: which version, from where."""

    def note(self, text: str) -> None:
        """Something worth knowing that belongs to no tool."""

    def work(self, title: str, estimate: Estimate | None) -> contextlib.AbstractContextManager[Tick]:
        """Something slow begins, and ends with the block; another one may begin meanwhile.

        Args:
            title: what is being done.
            estimate: how long it will take, if that is known.
        """


class QuietReport:
    """Tells nothing."""

    def step(self, tool: str, text: str) -> None:
        """See `Report.step`."""

    def found(self, tool: str, text: str) -> None:
        """See `Report.found`."""

    def note(self, text: str) -> None:
        """See `Report.note`."""

    @contextlib.contextmanager
    def work(self, title: str, estimate: Estimate | None) -> Iterator[Tick]:  # noqa: ARG002 - part of the protocol
        """See `Report.work`."""
        yield lambda _detail: None


class ConsoleReport:
    """Tells on a rich console.

    Args:
        console: where to; without a terminal behind it, slow work is told in plain lines.
        verbose: also tell where each tool was looked for and found; else only what takes time.
    """

    def __init__(self, console: Console, verbose: bool = True) -> None:
        self._console = console
        self._verbose = verbose
        self._changing = threading.Lock()
        self._progress: Progress | None = None
        self._works = 0

    def step(self, tool: str, text: str) -> None:
        """See `Report.step`."""
        if self._verbose:
            self._console.print(f"  [dim]{tool}: {escape(text)}[/dim]", highlight=False, soft_wrap=True)

    def found(self, tool: str, text: str) -> None:
        """See `Report.found`."""
        if self._verbose:
            self._console.print(f"[green]✓[/green] {tool}: {escape(text)}", highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """See `Report.note`."""
        self._console.print(text, highlight=False, soft_wrap=True)

    def work(self, title: str, estimate: Estimate | None) -> contextlib.AbstractContextManager[Tick]:
        """See `Report.work`."""
        expected = f" ({estimate})" if estimate else ""
        self._console.print(f"  {title}{expected} …", highlight=False, soft_wrap=True)
        if self._console.is_terminal:
            return self._live(estimate.seconds if estimate else None)
        return self._plain(title)

    @contextlib.contextmanager
    def _live(self, estimate: float | None) -> Iterator[Tick]:
        with self._shown() as progress:
            task = progress.add_task("", total=estimate, detail="")
            started = time.monotonic()

            def tick(detail: str) -> None:
                elapsed = time.monotonic() - started
                # A bar that has reached its end before the work has would be a lie.
                shown = min(elapsed, estimate * 0.99) if estimate else elapsed
                progress.update(task, completed=shown, detail=escape(detail))

            try:
                yield tick
            finally:
                progress.remove_task(task)

    @contextlib.contextmanager
    def _shown(self) -> Iterator[Progress]:
        """The one display of a console, in which each work that goes on has a line."""
        with self._changing:
            if self._progress is None:
                self._progress = Progress(*_columns(), console=self._console, transient=True)
                self._progress.start()
            progress = self._progress
            self._works += 1
        try:
            yield progress
        finally:
            with self._changing:
                self._works -= 1
                if not self._works:
                    progress.stop()
                    self._progress = None

    @contextlib.contextmanager
    def _plain(self, title: str) -> Iterator[Tick]:
        started = told = time.monotonic()

        def tick(detail: str) -> None:
            nonlocal told
            now = time.monotonic()
            if now - told >= _PLAIN_EVERY:
                told = now
                more = f" ({detail})" if detail else ""
                self._console.print(
                    f"  … {title}: {duration(now - started)}{more}", highlight=False, markup=False, soft_wrap=True
                )

        yield tick


def _columns() -> tuple[ProgressColumn, ...]:
    return (
        TextColumn(" "),
        SpinnerColumn(),
        BarColumn(bar_width=30),
        TimeElapsedColumn(),
        # The last of them is the one that may be cut.
        TextColumn("{task.fields[detail]}", style="dim", table_column=Column(no_wrap=True, overflow="ellipsis")),
    )


def duration(seconds: float) -> str:
    """A duration for people: `48 s`, `2 min 36 s`."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
