"""One profile on its way: as this stack holds it and hands it on, and as a relay does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archipelago.model.profile import Heard, wholes
from archipelago.model.texts import is_label

Place = tuple[str, str]  # organisation and identity
Path = tuple[str, ...]  # organisations between us and the one whose profile it is

_NAMED = ("organisation", "identity")
_READABLE = 130  # characters of two names
_LONGEST = 100  # organisations on a way, and ways of one profile


@dataclass(frozen=True, slots=True)
class Known:
    """A profile of somebody else that this stack holds.

    Args:
        heard: The profile.
        via: The way beyond each relay that gives it; empty where its organisation gives it itself.
        later: A later edition that others still hold of an organisation that has lost count; told back to it.
    """

    heard: Heard
    via: Mapping[str, Path] = field(default_factory=dict)
    later: Heard | None = None

    @property
    def edition(self) -> int:
        """That of the profile."""
        return self.heard.edition

    @property
    def paths(self) -> list[Path]:
        """Every way to its organisation, the shortest first; an empty one where there is nobody between."""
        return sorted([(relay, *path) for relay, path in self.via.items()] or [()], key=lambda path: (len(path), path))

    def plain(self) -> dict[str, Any]:
        """As it is exported, for partners and for the next run."""
        told = {"via": {relay: list(path) for relay, path in sorted(self.via.items())}, "profile": self.heard.raw}
        return told | ({"later": self.later.raw} if self.later else {})


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
