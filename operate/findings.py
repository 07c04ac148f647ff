"""What was found in a running network, in words for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How good it is."""

    OK = "ok"
    WARNING = "warning"  # works, and somebody should look at it
    FAILED = "failed"
    SKIPPED = "skipped"  # was not looked at, and counts for nothing


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        check: Which question, as `peers`.
        subject: Whom it is about, as `beta/quorum-node1` or `cluster-a`.
        mark: How good it is.
        seen: What was seen.
        cure: What to type or ask next; empty where there is nothing to do.
    """

    check: str
    subject: str
    mark: Mark
    seen: str
    cure: str = ""


def short(hash_: str) -> str:
    """A hash that people compare with another one."""
    return f"{hash_[:8]}…{hash_[-4:]}" if hash_ else "none"
