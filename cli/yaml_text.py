"""Manifests as YAML that Kubernetes' own reader (YAML 1.1) understands as it is meant.

By hand, because a library that writes all of YAML takes twenty times as long: half a minute for a thousand nodes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from archipelago.manifests.common import Manifest

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9./_-]*")
# kubectl reads YAML 1.1, where a plain `on` is true; ours writes 1.2, where it is a text
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_UNSEEN = re.compile(r'[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|["\\]')
_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_LONGEST_KEY = 128  # before a colon in the same line; readers look that far, and up to 1024


class _InOneLine(list[str]):
    """A list that is written beside its key."""


def document(manifest: Manifest) -> str:
    """One object, without a document marker."""
    text = f"{_block(manifest, 0)}\n"
    return f"{text}...\n" if text.endswith("\n\n") else text  # where the last text ends so: else it has no end


def stream(manifests: Iterable[Manifest]) -> str:
    """Several objects as one stream."""
    return "---\n".join(document(manifest) for manifest in manifests)


def redacted(manifest: Manifest) -> Manifest:
    """A Secret without its values: `[redacted]` is a list where a text has to be, so no cluster takes it by mistake."""
    if manifest["kind"] != "Secret":
        return manifest
    mark = _InOneLine(["redacted"])
    return {
        key: dict.fromkeys(value, mark) if key in ("stringData", "data") else value for key, value in manifest.items()
    }


def _block(value: Any, column: int) -> str:
    """A value whose first line is begun already; the others begin at the column."""
    if isinstance(value, _InOneLine):
        return f"[{', '.join(map(_quoted, value))}]"
    below = "\n" + " " * column
    if isinstance(value, Mapping) and value:
        return below.join(_pairs(value, column))
    if isinstance(value, (list, tuple)) and value:
        return below.join(f"- {_block(each, column + 2)}" for each in value)
    if not isinstance(value, str):
        return json.dumps(value)
    if "\n" in value and not re.search(r"[^\n\x20-\x7e]|[ \t]\n|^\s", value):
        return _literal(value, column)
    return _quoted(value)


def _pairs(mapping: Mapping[str, Any], column: int) -> Iterator[str]:
    for name, value in mapping.items():
        key, inner = _quoted(name), column + 2
        if len(key) > _LONGEST_KEY:
            key = f"? {key}\n{' ' * column}"
        below = value and isinstance(value, (Mapping, list, tuple)) and not isinstance(value, _InOneLine)
        yield f"{key}:\n{' ' * inner}{_block(value, inner)}" if below else f"{key}: {_block(value, inner)}"


def _literal(text: str, column: int) -> str:
    """A text of several lines as it is read; none of them is empty at the beginning, or ends with a space."""
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    lines = [f"{' ' * column}{line}" if line else "" for line in body.split("\n")]
    return "\n".join([f"|{'-' if not ends else '+' if ends > 1 else ''}", *lines, *[""] * (ends - 1)])


def _quoted(text: str) -> str:
    """A text in one line."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return f'"{_UNSEEN.sub(_escaped, text)}"'


def _escaped(found: re.Match[str]) -> str:
    number = ord(found[0])
    return _ESCAPES.get(found[0]) or (f"\\x{number:02X}" if number < 1 << 8 else f"\\u{number:04X}")
