"""Where the time goes: named functions are wrapped, and each is told what it took itself, without those it called."""

from __future__ import annotations

import functools
import importlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Clock = Callable[[], float]


class Stopwatch:
    """Shares time out between stages, to the last moment: what no inner stage took is the outer one's.

    Args:
        clock: Seconds; by default those of the CPU, because others use this machine too.
    """

    def __init__(self, clock: Clock = time.process_time) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._clock = clock
        self._running: list[str] = []
        self._since = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block as a stage."""
        self._switch()
        self._running.append(name)
        try:
            yield
        finally:
            self._switch()
            self._running.pop()

    def wrap(self, places: Mapping[str, str]) -> None:
        """Time functions wherever they are called from now on.

        Args:
            places: Stages by place, as `package.module:function` or `package.module:Class.function`: the place where a
                caller looks a function up, which is the importing module for one that was imported by name.

        Raises:
            AttributeError: A place is not there (any more).
        """
        for place, stage in places.items():
            owner, name = find(place)
            setattr(owner, name, self._timed(getattr(owner, name), stage))

    def _timed(self, function: Any, stage: str) -> Any:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.stage(stage):
                return function(*args, **kwargs)

        return timed

    def _switch(self) -> None:
        now = self._clock()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now


def find(place: str) -> tuple[Any, str]:
    """The module or class that holds a function, and the function's name there.

    Raises:
        AttributeError: It is not there.
    """
    module, _, path = place.partition(":")
    *way, last = path.split(".")
    owner: Any = importlib.import_module(module)
    for step in way:
        owner = getattr(owner, step)
    getattr(owner, last)
    return owner, last
