"""Work in the background: what later builds need is downloaded while an earlier one compiles."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from lab.errors import LabError
from lab.tools.report import Tick


class _Over(Exception):  # noqa: N818 - not an error: the end of what is done beside
    """Raised into the work when its time is over."""


@contextlib.contextmanager
def beside(work: Callable[[Tick], None]) -> Iterator[None]:
    """Do something in another thread until the block ends.

    Whatever fails there fails again where it is needed, and is told there.

    Args:
        work: gets a function that it has to call a few times a second, and that raises when the block has ended.
    """
    over = threading.Event()

    def tick(_detail: str) -> None:
        if over.is_set():
            raise _Over

    def run() -> None:
        with contextlib.suppress(_Over, LabError, OSError):
            work(tick)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=10)
