"""`archipelago schema`: the JSON Schema of a stack file."""

from __future__ import annotations

import json

from archipelago.chains.registry import CHAINS
from archipelago.settings import schema as models
from cli import consoles


def schema() -> None:
    """Print the JSON Schema of a stack file, for editors.

    A stack file names it in its first line:  # yaml-language-server: $schema=schema/stack.schema.json

    Example:  archipelago schema > schema/stack.schema.json
    """
    consoles.write(schema_text())


def schema_text() -> str:
    """The schema as it is committed."""
    return json.dumps(models.schema(CHAINS), indent=2, ensure_ascii=False) + "\n"
