"""The rules in a genesis' config: those that hold from block 0 on, and those that begin at a later block."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_LISTS = ("transitions", "maxcodesizeconfig")  # each entry says at which block it begins

Later = tuple[tuple[int, str], ...]


def split(config: Mapping[str, Any]) -> tuple[str, Later]:
    """The rules from block 0 on as a text, and the later ones by block, sorted.

    geth takes other rules for a chain that it has where they begin after its head (`geth init`, CheckCompatible in
    params/config.go); everything else in a config is as good as block 0.

    Raises:
        TypeError: A list of rules is not a list, or an entry has no block.
        KeyError: The same.
    """
    later: list[tuple[int, str]] = []
    first = _first(config, later, "")
    return json.dumps(first, sort_keys=True), tuple(sorted(later))


def _first(config: Mapping[str, Any], later: list[tuple[int, str]], above: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):  # the engine's own block
            kept[key] = _first(value, later, f"{name}.")
        elif key.lower() in _LISTS and value:
            entries: dict[int, list[Any]] = {}
            for entry in value:  # all of one block together: of two that say the same thing the last one holds
                entries.setdefault(entry["block"], []).append(entry)
            later += [(block, f"{name} {_text(entries[block])}") for block in sorted(entries) if block > 0]
            if now := [entry for entry in value if not entry["block"] > 0]:
                kept[key] = now
        elif key.lower().endswith("block") and isinstance(value, int) and value > 0:
            later.append((value, f"{name} {value}"))
        elif value not in (None, []):  # as if it were not there
            kept[key] = value
    return kept


def _text(entries: list[Any]) -> str:
    return ", ".join(json.dumps(entry, sort_keys=True) for entry in entries)
