"""YAML as Kubernetes reads it: version 1.1."""

from __future__ import annotations

import re
from typing import Any

import yaml  # type: ignore[import-untyped]


class _Reader(yaml.CSafeLoader):  # type: ignore[misc]
    """Sixteen times as fast as in pure Python; where `y` and `n` stand unquoted, it breaks off."""


_Reader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("[yYnN]$"), list("yYnN"))


def parsed(text: str) -> list[dict[str, Any]]:
    """The objects of a stream."""
    return list(yaml.load_all(text, Loader=_Reader))
