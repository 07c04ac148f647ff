"""Texts and data of others, read within limits: the one reader of JSON that another party wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEEPEST = 64  # levels of lists and mappings; this program writes fewer than 20
LARGEST = 64 << 20  # bytes of a bundle, or of a stack's outputs
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)


def parsed(text: str) -> Any:
    """The data of a JSON text.

    Raises:
        ValueError: It is no JSON, too large, or nested too deep.
    """
    if len(text) > LARGEST:
        raise ValueError(f"it must have at most {LARGEST} bytes")
    # before it is parsed: what the parser bears depends on a limit of Python that any library may raise
    level = 0
    for bracket in _BRACKET.finditer(text):
        level += {"[": 1, "{": 1, "]": -1, "}": -1}.get(bracket[0], 0)
        if level > DEEPEST:
            raise ValueError(_TOO_DEEP)
    return json.loads(text)


def read(path: Path) -> Any:
    """The data of a JSON file; a file that is too large is not read.

    Raises:
        OSError: It cannot be read.
        ValueError: As `parsed`, or it is no UTF-8.
    """
    if (size := path.stat().st_size) > LARGEST:
        raise ValueError(f"it must have at most {LARGEST} bytes, got {size}")
    return parsed(path.read_text())


def check_depth(value: Any) -> None:
    """Refuse data that is nested too deep for functions that call themselves.

    Raises:
        ValueError: It is nested too deep.
    """
    level = [value]
    for _ in range(DEEPEST):
        level = [child for each in level for child in _children(each)]
        if not level:
            return
    raise ValueError(_TOO_DEEP)


_TOO_DEEP = f"it is nested too deep: at most {DEEPEST} levels are read"


def _children(value: Any) -> list[Any]:
    found = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return [each for each in found if isinstance(each, (Mapping, list, tuple))]
