"""Types of texts that come from others."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from archipelago.foreign_text import is_shown, shown

LONGEST = 1000  # characters of any text that has no limit of its own
LONGEST_CODE = 256  # characters of a key, a hash, an address or a signature
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

_TITLE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def is_label(text: object) -> bool:
    """Whether this is a name as organisations, networks, swarms and identities have it."""
    return isinstance(text, str) and bool(_LABEL.fullmatch(text))


def _label(text: str) -> str:
    if not is_label(text):
        raise ValueError(f"a name must be a DNS label, got {shown(text)}")
    return text


def _some_label(text: str) -> str:
    return _label(text) if text else text


def _title(text: str) -> str:
    if not _TITLE.fullmatch(text):
        raise ValueError(
            f"a node's name must have letters, digits, '-', '_' and '.' only, 63 at most, got {shown(text)}"
        )
    return text


def _printable(text: str) -> str:
    if not is_shown(text):
        raise ValueError(f"a text must have printable characters only, got {shown(text)}")
    return text


Name = Annotated[str, AfterValidator(_label)]  # names objects and keys in other people's clusters
NameOrNone = Annotated[str, AfterValidator(_some_label)]  # or empty
Shown = Annotated[str, AfterValidator(_printable)]  # stands in other people's terminals
Printed = Annotated[Shown, Field(max_length=LONGEST)]
Coded = Annotated[Shown, Field(max_length=LONGEST_CODE)]  # a key, a hash, an address, a signature; or empty
Title = Annotated[str, AfterValidator(_title)]  # of a node: a label, or as other programs name nodes
