"""The reference of a stack file's keys, from its JSON Schema: one table a section."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from archipelago.settings.schema import Schema

_TABLE = re.compile(r"(?P<begin><!-- keys: (?P<section>[\w ./-]+) -->\n).*?(?P<end><!-- end of keys -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section.

    Args:
        name: Dotted, as `exposure.ports`.
        type: In words.
        default: As it would be written; empty where there is none.
        meaning: One sentence.
    """

    name: str
    type: str
    default: str
    meaning: str


def refreshed(text: str, schema: Schema) -> str:
    """A document whose tables between `<!-- keys: … -->` and `<!-- end of keys -->` are as the schema has them.

    Args:
        text: The document; a section is named as `keys` takes it.
        schema: Of the stack file.

    Raises:
        KeyError: The document names a section that the schema does not have.
    """

    def table(match: re.Match[str]) -> str:
        return f"{match['begin']}\n{_table(keys(schema, match['section']))}\n{match['end']}"

    return _TABLE.sub(table, text)


def keys(schema: Schema, section: str) -> list[Key]:
    """The keys of one section, in the models' order.

    Args:
        schema: Of the stack file.
        section: A key of ours, or one below it, as `pools.swarms`, with the kind where that matters, as
            `nodes goquorum`; `stack` for our keys themselves.

    Raises:
        KeyError: There is no such section.
    """
    name, _, kind = section.partition(" ")
    config = schema["properties"]["config"]
    if name == "stack":
        return [_key(schema, each.rpartition(":")[2], found) for each, found in config["properties"].items()]
    properties = _branch(config, kind) if kind else config["properties"]
    first, *below = name.split(".")
    found = _inner(schema, properties[f"archipelago:{first}"])
    for step in below:
        found = _inner(schema, found["properties"][step])
    return list(_walk(schema, found, ""))


def _branch(config: Schema, kind: str) -> Mapping[str, Any]:
    """The properties that hold for one kind of network."""
    for branch in config["allOf"]:
        (asked,) = branch["if"]["properties"].values()
        if asked["properties"]["kind"]["const"] == kind:
            found: Mapping[str, Any] = branch["then"]["properties"]
            return found
    raise KeyError(kind)


def _inner(schema: Schema, node: Schema) -> Schema:
    """The mapping that a section is, or that each of its named entries is."""
    node = _resolved(schema, node["allOf"][0] if "allOf" in node else node)
    if "patternProperties" in node:
        entry = next(iter(node["patternProperties"].values()))
        return _resolved(schema, entry["anyOf"][0] if "anyOf" in entry else entry)
    return node


def _walk(schema: Schema, node: Schema, prefix: str) -> Iterator[Key]:
    for name, given in node["properties"].items():
        found = _resolved(schema, given)
        nested = next((each for each in (found, *found.get("anyOf", [])) if "properties" in each), None)
        if nested is None or "secure" in nested["properties"]:
            yield _key(schema, prefix + name, given)
            continue
        if "anyOf" in found:
            yield _key(schema, prefix + name, given)
        yield from _walk(schema, nested, f"{prefix}{name}.")


def _key(schema: Schema, name: str, node: Schema) -> Key:
    found = _resolved(schema, node)
    if "items" in found:
        found = found | {"items": _resolved(schema, found["items"])}
    if "anyOf" in found:
        found = found | {"anyOf": [_resolved(schema, each) for each in found["anyOf"]]}
    default = "" if "default" not in found or found["default"] in ("", [], {}) else _written(found["default"])
    return Key(name, _type(found), default, found.get("description", ""))


def _resolved(schema: Schema, node: Schema) -> Schema:
    """A node with what its reference says; what stands beside the reference wins."""
    if "$ref" not in node:
        return node
    target: Schema = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return target | {key: value for key, value in node.items() if key != "$ref"}


def _type(node: Schema) -> str:
    if "enum" in node or "const" in node:
        return " or ".join(_written(each) for each in node.get("enum", [node.get("const")]))
    if "anyOf" in node:
        return " or ".join(_type(each) for each in node["anyOf"])
    if "secure" in node.get("properties", {}):
        return "secret"
    kind = node.get("type", "any")
    if kind == "integer":
        return _range(node)
    if kind == "array":
        return f"list of {_plural(node['items'])}"
    if kind == "object":
        values = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
        inner = next((each for each in values if isinstance(each, dict)), None)
        return f"mapping of {_plural(inner)}" if inner and "type" in inner else "mapping"
    if kind == "string":
        return "name" if "maxLength" in node else "text"  # only names of Kubernetes objects have a length
    return {"boolean": "true or false", "null": "nothing"}.get(kind, str(kind))


def _plural(node: Schema) -> str:
    return {"string": "texts", "integer": "numbers", "object": "mappings"}.get(node.get("type", ""), _type(node))


def _range(node: Schema) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and high is not None:
        return f"number, {low} to {high}"
    return "number" if low is None else f"number from {low}"


def _written(value: Any) -> str:
    """A value as YAML in a line of prose."""
    if isinstance(value, str):
        return f'`"{value}"`' if re.fullmatch(r"[\d.]+", value) else f"`{value}`"
    return f"`{json.dumps(value)}`"


def _table(found: list[Key]) -> str:
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    lines += [f"| `{each.name}` | {each.type} | {each.default} | {_cell(each.meaning)} |" for each in found]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
