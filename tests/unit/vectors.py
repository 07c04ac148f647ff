"""The vector files of this folder, parsed once."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def vectors(name: str) -> Any:
    """The content of `<name>_vectors.json`; nobody changes it."""
    return json.loads(Path(__file__).with_name(f"{name}_vectors.json").read_text())
