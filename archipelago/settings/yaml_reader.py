"""YAML within limits: aliases stand for what they name, and are counted so."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import Node

from archipelago.model.foreign import DEEPEST

_TOO_DEEP = f"it is nested too deep: at most {DEEPEST} levels are read"
_PREFIXES = ("0x", "0o", "0b")
_WIDEST = 64  # bits of a number
MOST_VALUES = 100_000
"""Values of a file whose aliases are written out; a stack file of 700 nodes has 10 000."""


class _Counted(Composer):
    """Counts values as if each alias were written out, so that few letters do not stand for a million values."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._values = self._level = 0
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Node:
        """The next value."""
        event = self.parser.peek_event()
        before = self._values
        self._level += 1
        if self._level > DEEPEST:
            raise ComposerError(None, None, _TOO_DEEP, event.start_mark)
        node: Node = super().compose_node(parent, index)
        self._level -= 1
        if not isinstance(event, AliasEvent):
            self._values += 1
            self._sizes[id(node)] = self._values - before
        elif id(node) not in self._sizes:
            raise ComposerError(None, None, f"the alias *{event.anchor} stands inside what it names", event.start_mark)
        else:
            self._values += self._sizes[id(node)]
            if self._values > MOST_VALUES:
                words = f"with its aliases written out it must have at most {MOST_VALUES} values"
                raise ComposerError(None, None, words, event.start_mark)
        return node


class _AsTheEngine(SafeConstructor):
    """Reads numbers as the engine does: a hexadecimal one of more than 64 bits, as an address is, is a text."""

    def construct_yaml_int(self, node: Any) -> Any:
        """An integer, or the text that stands there."""
        value = super().construct_yaml_int(node)
        prefixed = str(node.value).lstrip("+-")[:2].lower() in _PREFIXES
        return str(node.value) if prefixed and value.bit_length() > _WIDEST else value


_AsTheEngine.add_constructor("tag:yaml.org,2002:int", _AsTheEngine.construct_yaml_int)


def load_all(text: str) -> list[Any]:
    """The documents of a text, as YAML 1.2 has it as far as that goes: no yes/no booleans, no sexagesimal numbers.

    Raises:
        ruamel.yaml.error.YAMLError: It is broken, nested too deep, or its aliases are too many.
    """
    return list(_reader().load_all(text))


def load(text: str) -> Any:
    """The one document of a text; raises what `load_all` raises."""
    return copy.deepcopy(_loaded(text))


@lru_cache(maxsize=16)  # a command reads a stack file more than once, and each time takes as long as to plan it
def _loaded(text: str) -> Any:
    return _reader().load(text)


def _reader() -> YAML:
    reader = YAML(typ="safe", pure=True)
    reader.Composer = _Counted
    reader.Constructor = _AsTheEngine
    return reader
