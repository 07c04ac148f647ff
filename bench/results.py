"""What one run of the bench found out, and where."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from bench.engine import Measured
from bench.partners import Joined
from bench.pure import Pure


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _machine() -> str:
    cores = len(os.sched_getaffinity(0))
    packages = ", ".join(f"{name} {version(name)}" for name in ("pulumi", "pulumi-kubernetes"))
    return f"{platform.system()} {platform.machine()}, {cores} cores, Python {platform.python_version()}, {packages}"


@dataclass(frozen=True)
class Results:
    """Everything that is shown.

    Args:
        engine: By size, smallest first; empty where the engine was not run.
        pure: One run a size or several, smallest first.
        skipped: Repetitions that there was no time for, in words.
        date: Of the run, ISO 8601.
        machine: What it ran on, in words.
        joined: Founders with many partners, fewest first.
        load: How many processes wanted a core when it began and when it ended, on average of 15 minutes.
    """

    engine: Sequence[Measured]
    pure: Sequence[Pure]
    skipped: Sequence[str] = ()
    date: str = field(default_factory=_today)
    machine: str = field(default_factory=_machine)
    joined: Sequence[Joined] = ()
    load: tuple[float, float] = (0.0, 0.0)

    def json(self) -> str:
        """All single measurements, for a machine to read."""
        plain: dict[str, Any] = asdict(self)
        return json.dumps(plain, indent=2) + "\n"
