"""Manifests as YAML that Kubernetes' own reader (YAML 1.1) understands as it is meant."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from archipelago.manifests.common import Manifest

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9./_-]*|[1-9][0-9]*(m|[KMGTPE]i)")  # and quantities, as people write them
# kubectl reads YAML 1.1, where a plain `on` is true; ours writes 1.2, where it is a text
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def document(manifest: Manifest) -> str:
    """One object, without a document marker."""
    writer = YAML()
    writer.default_flow_style = False
    writer.width = 1 << 16  # a folded line is a changed text to a reader's eye
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.representer.ignore_aliases = lambda *_: True  # people read this
    text = io.StringIO()
    writer.dump(_spelled(manifest), text)
    return text.getvalue()


def stream(manifests: Iterable[Manifest]) -> str:
    """Several objects as one stream."""
    return "---\n".join(document(manifest) for manifest in manifests)


def redacted(manifest: Manifest) -> Manifest:
    """A Secret without its values: `[redacted]` is a list where a text has to be, so no cluster takes it by mistake."""
    if manifest["kind"] != "Secret":
        return manifest
    mark = CommentedSeq(["redacted"])
    mark.fa.set_flow_style()
    return {
        key: dict.fromkeys(value, mark) if key in ("stringData", "data") else value for key, value in manifest.items()
    }


def _spelled(value: Any) -> Any:
    if isinstance(value, dict):
        return {_spelled(key): _spelled(item) for key, item in value.items()}
    if isinstance(value, list) and not isinstance(value, CommentedSeq):
        return [_spelled(item) for item in value]
    if not isinstance(value, str):
        return value
    if "\n" in value and not re.search(r"[^\n\x20-\x7e]|[ \t]\n|^\s", value):
        return LiteralScalarString(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return str(value)
    return DoubleQuotedScalarString(value)
