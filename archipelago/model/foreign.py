"""Texts and data of others, read within limits: the one reader of JSON that another party wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEEPEST = 64  # levels of lists and mappings; this program writes fewer than 20
LARGEST = 64 << 20  # bytes of a bundle, or of a stack's outputs
# a string without an end is one to the end: a search that fails there would begin anew at each of its quotes
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)
_LARGEST_NUMBER = 1 << 1000  # below what a float holds; unquoted addresses of Qubernetes have 160 bits
# sdk/go/common/resource/sig/sig.go: the key that makes a mapping an asset, an archive, a secret or an output
_MARK = "4dabf18193072939515e22adb298388d"
# sdk/go/common/resource/plugin/rpc.go: texts that stand for values which are not known
_UNKNOWN = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
_LONE = re.compile("[\\ud800-\\udfff]")  # half of a character


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
            raise _too_deep(DEEPEST)
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


def check(value: Any, deepest: int = DEEPEST) -> None:
    """Refuse data that is not what JSON holds, or that means something else to the engine than what it says.

    What is relayed stands in our own outputs: the engine would read a file that a mapping with its mark names.

    Args:
        value: As it was received.
        deepest: Levels of lists and mappings that it may have.

    Raises:
        ValueError: It is no such data, too large, or nested too deep.
    """
    level = [value]
    size = 0
    for _ in range(deepest + 1):
        size += sum(len(each) if isinstance(each, str) else 1 for each in level)
        if size > LARGEST:
            raise ValueError(f"it must have at most {LARGEST} bytes")
        level = [child for each in level for child in _children(each)]
        if not level:
            return
    raise _too_deep(deepest)


def _children(value: Any) -> list[Any]:
    """What is inside a list or a mapping, keys too."""
    if isinstance(value, str):
        if value == _MARK or value in _UNKNOWN or (not value.isascii() and _LONE.search(value)):
            raise ValueError("it holds a text that is no text to the engine")
    elif isinstance(value, (int, float)):
        if not -_LARGEST_NUMBER < value < _LARGEST_NUMBER:  # nor is NaN
            raise ValueError("it holds a number that does not cross stacks")
    elif isinstance(value, Mapping):
        return [*value, *value.values()]
    elif isinstance(value, (list, tuple)):
        return list(value)
    elif value is not None:
        raise ValueError(f"it holds a {type(value).__name__}, which is no plain data")
    return []


def _too_deep(deepest: int) -> ValueError:
    return ValueError(f"it is nested too deep: at most {deepest} levels are read")
