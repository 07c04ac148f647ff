"""The JSON Schema of a stack file (draft 2020-12), from the same models that validate it, for editors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from archipelago.settings.read import Dialect
from archipelago.settings.stack_file import NAMESPACE

Schema = dict[str, Any]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SECRET: Schema = {
    "title": "Secret",
    "description": "Set it with: pulumi config set --secret; never in plain text.",
    "type": "object",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
}
_BY_KIND = ("network", "defaults", "nodes")  # what a protocol adds its keys to; or it has other sections than these
_NAMES = ("properties", "patternProperties")
# what models check in code, in a schema's words
_FOUNDER_OR_JOINER: Schema = {
    "oneOf": [
        {"properties": {"founder": {"const": True}}, "required": ["founder"], "not": {"required": ["joins"]}},
        {"properties": {"founder": {"const": False}}, "required": ["joins"]},
    ]
}


def schema(dialects: Mapping[str, Dialect]) -> Schema:
    """The schema of `Pulumi.<stack>.yaml`.

    Args:
        dialects: What each kind of network adds, by kind.
    """
    models = {kind: each.stack_model for kind, each in sorted(dialects.items())}
    places, made = models_json_schema([(model, "validation") for model in models.values()])
    defs: dict[str, Schema] = {name: _plain(each) for name, each in made["$defs"].items()}
    roots = {kind: defs.pop(_name(places[model, "validation"])) for kind, model in models.items()}
    nodes = [{"$ref": root["properties"]["defaults"]["$ref"]} for root in roots.values()]
    defs = {name: _with_names_alone(each, nodes) for name, each in defs.items()}
    roots = {kind: _with_names_alone(each, nodes) for kind, each in roots.items()}
    defs["Secret"] = _SECRET
    defs["Partner"] |= _one_of("stack", "file", "nodes")
    defs["Sibling"] |= _one_of("stack", "file")
    return {
        "$schema": _DRAFT,
        "title": "Stack file of an archipelago",
        "type": "object",
        "properties": {
            "config": _config(roots),
            "encryptionsalt": {"type": "string", "description": "Written by pulumi."},
            "secretsprovider": {"type": "string", "description": "Written by pulumi."},
            "encryptedkey": {"type": "string", "description": "Written by pulumi."},
        },
        "required": ["config"],
        "$defs": dict(sorted(defs.items())),
    }


def _config(roots: Mapping[str, Schema]) -> Schema:
    """The section `config`: our keys, and whatever other namespaces hold."""
    kind = {"enum": list(roots), "description": "Protocol of the network."}
    words = "What all organisations agree on, and what this one chooses."
    network = {"type": "object", "description": words, "properties": {"kind": kind}, "required": ["kind"]}
    every = [root["properties"] for root in roots.values()]
    known = {name: each for found in reversed(every) for name, each in found.items()}
    ordered = dict.fromkeys(name for found in every for name in found)
    by_kind = {*_BY_KIND, *(name for name in known if any(name not in found for found in every))}
    properties = {name: _outline(known[name]) if name in by_kind else known[name] for name in ordered}
    properties["network"] = network
    required = [name for name in ordered if all(name in root["required"] for root in roots.values())]
    return {
        "type": "object",
        "properties": {_key(name): each for name, each in properties.items()},
        # a key of our namespace that is not ours to know, and a bare one, which would silently belong to us
        "patternProperties": {f"^(?!{NAMESPACE}:)[^:]+:.": True},
        "additionalProperties": False,
        # identitySeed is set last, by a command: a file without it is unfinished, not wrong
        "required": [_key(name) for name in required if name != "identitySeed"],
        "allOf": [_branch(name, root, [each for each in ordered if each in by_kind]) for name, root in roots.items()],
    }


def _one_of(*sources: str) -> Schema:
    return {"oneOf": [{"required": [source]} for source in sources]}


def _outline(node: Schema) -> Schema:
    """What holds whatever the kind is."""
    if node.get("type") == "array":  # a list has no parts that another kind could have too
        return node
    return {"type": "object", "description": node.get("description", "")}


def _branch(kind: str, root: Schema, sections: Iterable[str]) -> Schema:
    """What holds for one kind of network; a section that only others have is refused."""
    own: dict[str, Any] = {name: root["properties"].get(name, False) for name in sections}
    own["network"] = {"allOf": [own["network"], _FOUNDER_OR_JOINER]}
    says = {"properties": {"kind": {"const": kind}}, "required": ["kind"]}
    return {
        "if": {"properties": {_key("network"): says}},
        "then": {"properties": {_key(name): each for name, each in own.items()}},
    }


def _with_names_alone(node: Any, nodes: Sequence[Schema]) -> Any:
    """A schema in which a mapping of nodes may hold a name alone, as in `quorum-node2:`."""
    if isinstance(node, list):
        return [_with_names_alone(each, nodes) for each in node]
    if not isinstance(node, dict):
        return node
    made = {key: _with_names_alone(value, nodes) for key, value in node.items()}
    if isinstance(entries := made.get("patternProperties"), dict):
        made["patternProperties"] = {
            label: {"anyOf": [each, {"type": "null"}]} if each in nodes else each for label, each in entries.items()
        }
    return made


def _key(name: str) -> str:
    return f"{NAMESPACE}:{name}"


def _name(reference: Mapping[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _plain(node: Any) -> Any:
    """A schema as an editor shows it best: no titles made of key names, no null, secrets by one name."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("format") == "password":
        return {"$ref": "#/$defs/Secret"} | {key: node[key] for key in ("description",) if key in node}
    made = {
        # names of settings are no keywords: one of them may be called `default` or `title`
        key: {name: _plain(each) for name, each in value.items()} if key in _NAMES else _plain(value)
        for key, value in node.items()
        if not _is_noise(key, value)
    }
    if "patternProperties" in made:
        made.setdefault("additionalProperties", False)
    given = [each for each in made.get("anyOf", []) if each != {"type": "null"}]
    if len(given) == 1:
        del made["anyOf"]
        made = given[0] | made
    elif given:
        made["anyOf"] = given
    return made


def _is_noise(key: str, value: Any) -> bool:
    """Titles repeat the key; a default that is null or a mapping says what its parts say."""
    return (key == "title" and isinstance(value, str)) or (
        key == "default" and (value is None or isinstance(value, dict))
    )
