"""Works that follow one another, each beginning while the one before does what needs little of the machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

_AT_ONCE = 2


class Turn:
    """What a work is told about those beside it.

    Args:
        free: held by the one whose turn it is.
        ended: set when all is over, because one has failed or the caller waits no longer.
    """

    def __init__(self, free: threading.Semaphore, ended: threading.Event) -> None:
        self._free, self._ended = free, ended
        self._mine = True

    def pass_on(self) -> None:
        """Let the next work begin; the rest of this one goes on beside it."""
        if self._mine:
            self._mine = False
            self._free.release()

    @property
    def ended(self) -> bool:
        """Whether what is done now is not wanted any more."""
        return self._ended.is_set()


def take_turns(works: Sequence[Callable[[Turn], None]]) -> None:
    """Do all works in their order, at most two at once, and one of them in its turn.

    Args:
        works: each gets its turn, which ends with the work where it is not passed on before.

    Raises:
        Exception: what the first of them raised; later works are not begun, and a running one sees that all is over.
    """
    free, ended = threading.Semaphore(1), threading.Event()
    failed: list[BaseException] = []
    running: list[Future[None]] = []

    def run(work: Callable[[Turn], None]) -> None:
        turn = Turn(free, ended)
        try:
            work(turn)
        except BaseException as error:  # raised below, when nothing runs any more
            failed.append(error)
            ended.set()
        finally:
            turn.pass_on()

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        try:
            for work in works:
                free.acquire()
                if ended.is_set():
                    break
                running.append(pool.submit(run, work))
            wait(running)
        except BaseException:
            ended.set()  # Ctrl+C comes here, and the works are in other threads
            raise
    if failed:
        raise failed[0]
