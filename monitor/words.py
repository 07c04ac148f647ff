"""What came from elsewhere, taken for what it should be or for nothing."""

from __future__ import annotations

from typing import Any

LONGEST = 300  # characters of anything that goes on into an object or a metric
_MOST = 2000  # entries of a list


def text(value: Any) -> str:
    """A text of a sensible length; empty for everything else."""
    return value if isinstance(value, str) and len(value) <= LONGEST and value.isprintable() else ""


def whole(value: Any) -> int | None:
    """A number that counts something; from another stack it may come as a float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value < 1 << 53 and value == int(value) else None


def entries(value: Any) -> list[Any]:
    """A list's entries, some thousand at most; none for everything else."""
    return value[:_MOST] if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """A mapping, of some thousand entries at most; an empty one for everything else."""
    return value if isinstance(value, dict) and len(value) <= _MOST else {}
