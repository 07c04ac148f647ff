"""Arguments of geth as people write them: a list, or one text as Qubernetes keeps them in `Geth_Startup_Params`."""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from archipelago.settings.types import fault

_SEVERAL = re.compile(r"-[^\s=]+\s|.*\s--?[a-z]")


def split(value: Any) -> Any:
    """The arguments one by one, as a shell would split them; quotes that YAML has escaped are quotes.

    An entry of a list that is one argument with a space in its value stays one, as `--identity=node one`.

    Raises:
        PydanticCustomError: A quote is not closed.
    """
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, (list, tuple)) or not all(isinstance(each, str) for each in entries):
        return value
    found: list[str] = []
    for entry in entries:
        whole = entry if isinstance(value, str) or _SEVERAL.match(entry) else None
        try:
            found += [entry] if whole is None else shlex.split(whole.replace('\\"', '"').replace("\\'", "'"))
        except ValueError:
            raise fault(f"{entry!r} has a quote that is not closed", "Write one argument for each entry.") from None
    return tuple(found)


Arguments = Annotated[
    tuple[str, ...],
    BeforeValidator(split),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
