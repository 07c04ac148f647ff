"""What is looked at again and again while something else goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def again_and_again(look: Callable[[], object], every: float) -> Iterator[None]:
    """Look at something in the background, at once and then again and again, until the block ends.

    Args:
        look: Called in a thread of its own, at least once.
        every: Seconds between the end of one look and the next.

    Raises:
        Exception: What a look raised, once the block has ended. It was the last look: what was seen is not the whole.
    """
    ended = threading.Event()

    def looking() -> None:
        look()
        while not ended.wait(every):
            look()

    with ThreadPoolExecutor(max_workers=1) as pool:
        looks = pool.submit(looking)
        try:
            yield
        finally:
            ended.set()
            looks.result()
