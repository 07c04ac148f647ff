"""One profile as a relay hands it on: read, and named in messages whatever stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archipelago.model.profile import wholes
from archipelago.model.texts import is_label

Path = tuple[str, ...]  # organisations between us and the one whose profile it is

_NAMED = ("organisation", "identity")
_READABLE = 130  # characters of two names
_LONGEST = 100  # organisations on a way, and ways of one profile


def entry_of(entry: Any) -> tuple[dict[str, Path], Any]:
    """The way beyond each relay, and the profile, which is not checked yet.

    Raises:
        ValueError: It is none of these; the words finish a sentence.
    """
    if not isinstance(entry, Mapping) or not isinstance(entry.get("via"), Mapping):
        raise ValueError("is no profile on its way")
    via = {}
    for relay, path in entry["via"].items():
        sound = isinstance(path, (list, tuple)) and all(map(is_label, (relay, *path)))
        if not sound or len(path) + len(entry["via"]) > _LONGEST:
            raise ValueError("came by a way that cannot be read")
        via[str(relay)] = tuple(path)
    return via, wholes(entry.get("profile"))


def said_place(raw: Any) -> tuple[str, str] | tuple[()]:
    """What a profile says that it is of, for a message: it may say anything."""
    found = [raw.get(key) for key in _NAMED] if isinstance(raw, Mapping) else []
    texts = [each for each in found if isinstance(each, str) and each and each.isprintable()]
    return (texts[0], texts[1]) if len(texts) == len(_NAMED) and sum(map(len, texts)) <= _READABLE else ()
