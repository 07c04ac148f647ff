"""From what a stack file says to settings, or to every problem in it at once."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any, Protocol, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from archipelago.problems import Problem, Refused
from archipelago.settings.models import SET_SEED, StackSettings
from archipelago.settings.types import SEALED, Location

type_ = type
Settings = StackSettings[Any, Any]


class Dialect(Protocol):
    """What a chain adds to a stack file."""

    @property
    def stack_model(self) -> type[Settings]:
        """All of it: `StackSettings` of its network and its node, or a subclass with sections of its own."""
        ...


def read(
    config: Mapping[str, Any],
    source: str,
    dialects: Mapping[str, Dialect],
    checks: Callable[[Settings], Iterable[Problem]],
) -> Settings:
    """Validate a stack's configuration.

    Args:
        config: The keys of our namespace, without `archipelago:`, JSON decoded.
        source: The stack file's name, for messages.
        dialects: What each kind of network adds, by kind.
        checks: Finds what single fields cannot tell, as a NodePort used twice.

    Raises:
        Refused: With every problem found.
    """
    network = config.get("network")
    kind = network.get("kind") if isinstance(network, dict) else None
    if kind is not None and (not isinstance(kind, str) or kind not in dialects):
        words = f"{kind!r} is no kind of network that this version knows"
        raise Refused([Problem("network.kind", f"{words}.", _choices(str(kind), dialects))], source)
    model = dialects[kind or next(iter(dialects))].stack_model
    nodes = frozenset(model.written_nodes(config))
    merged = _with_defaults(config, nodes)
    try:
        settings = model.model_validate(merged)
    except ValidationError as error:
        problems = list(_problems(error, model, nodes))
        raise Refused([*problems, *_more(model, merged, error, nodes, checks)], source) from None
    found = list(checks(settings))
    if found:
        raise Refused(found, source)
    return settings


def located(settings: Settings, root: Path) -> Settings:
    """The settings, whose kubeconfig is one file for every process; see `Cluster.at`."""
    return settings.model_copy(update={"cluster": settings.cluster.at(root)})


def _with_defaults(config: Mapping[str, Any], nodes: Iterable[Location]) -> dict[str, Any]:
    """Every node, completed by `defaults`; a mapping is merged key by key, anything else is the node's own."""
    defaults = config.get("defaults")
    base = defaults if isinstance(defaults, dict) else {}
    merged: dict[Any, Any] = dict(config)
    ours: dict[Location, dict[Any, Any]] = {(): merged}  # mappings that are copies, so that the given ones stay
    for location in nodes:
        place = merged
        for depth, step in enumerate(location[:-1], 1):
            way = location[:depth]
            if way not in ours:
                place[step] = ours[way] = dict(place[step])
            place = ours[way]
        node = place[location[-1]]
        place[location[-1]] = _merge(base, {} if node is None else node)
    return merged


def _merge(base: Any, over: Any) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        return {**base, **{key: _merge(base[key], value) if key in base else value for key, value in over.items()}}
    return over


def _problems(error: ValidationError, model: type[BaseModel], nodes: Set[Location]) -> Iterator[Problem]:
    details = error.errors(include_url=False, include_input=True)
    in_defaults = {detail["loc"][1:] for detail in details if detail["loc"][:1] == ("defaults",)}
    for detail in details:
        location = detail["loc"]
        if any(location[at:] in in_defaults for at in range(1, len(location)) if location[:at] in nodes):
            continue  # said once, where the user wrote it
        message, cure = _words(detail, model)
        yield Problem(path_text(location), f"{message}.", cure)


def path_text(location: Location) -> str:
    """A location as users write it: `partners.delta.nodes[0].Enode_Url`."""
    text = ""
    for step in location:
        if step == "[key]":  # pydantic's word for "the key itself"
            continue
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def _words(detail: ErrorDetails, model: type[BaseModel]) -> tuple[str, str]:
    kind, context, location = detail["type"], detail.get("ctx", {}), detail["loc"]
    if kind == "archipelago":
        return context["message"], context["cure"]
    if kind == "extra_forbidden":
        return "unknown key", _choices(str(location[-1]), _keys(_model_at(model, location[:-1])))
    if kind == "missing":
        return "is missing", _cure_of_missing(model, location)
    if kind in ("enum", "literal_error"):
        return f"{detail['input']!r} is not one of {context['expected']}", "Write one of them, in this spelling."
    if kind in ("greater_than_equal", "less_than_equal", "greater_than", "less_than"):
        return f"{detail['input']} is out of range: {detail['msg']}", "Choose a number in the range."
    if kind.endswith("_type") or kind.endswith("_parsing"):
        wanted = detail["msg"].removeprefix("Input should be ").removeprefix("a valid ")
        shown = "this number" if kind == "string_type" and _is_number(detail["input"]) else _shown(detail["input"])
        return f"{shown} should be {wanted}", "See docs/stack-files.md for the shape of this key."
    return detail["msg"].removeprefix("Value error, "), "See docs/stack-files.md for the shape of this key."


def _is_number(value: Any) -> bool:
    """A number where a text is due may be a key: YAML reads an unquoted 0x… as one."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    """An input in a message; never a whole mapping, which may hold a secret."""
    if isinstance(value, (bool, int, float)) or value is None:
        return repr(value)
    return {"str": "this text", "dict": "this mapping", "list": "this list"}.get(type_(value).__name__, "this value")


def _cure_of_missing(model: type[BaseModel], location: Location) -> str:
    if location == ("identitySeed",):
        return f"{SET_SEED}\n  (never in plain text; it is all there is to back up)"
    owner = _model_at(model, location[:-1])
    described = next((f.description for f in _fields(owner).values() if f.alias == location[-1]), None)
    return f"Add {path_text(location)}: {described}" if described else f"Add {path_text(location)}."


def _choices(given: str, known: Iterable[str]) -> str:
    names = sorted(known)
    nearest = difflib.get_close_matches(given, names, n=1)
    listed = f"Known here: {', '.join(names)}."
    return f"Did you mean {nearest[0]}? {listed}" if nearest else listed


def _fields(model: type[BaseModel] | None) -> dict[str, Any]:
    return model.model_fields if model else {}


def _keys(model: type[BaseModel] | None) -> list[str]:
    return [field.alias or name for name, field in _fields(model).items() if not field.exclude]


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    """The model that a location's keys belong to, through mappings and optional fields."""
    current: Any = model
    for step in location:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = next((f for f in current.model_fields.values() if f.alias == step), None)
            current = field.annotation if field else None
        else:  # inside a mapping or a sequence: its values' type
            current = get_args(current)[-1] if get_args(current) else None
        current = (
            next((a for a in get_args(current) if _is_model(a)), current)
            if type(None) in get_args(current)
            else current
        )
    return current if _is_model(current) else None


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _more(
    model: type[Settings],
    config: dict[str, Any],
    error: ValidationError,
    nodes: Set[Location],
    checks: Callable[[Settings], Iterable[Problem]],
) -> list[Problem]:
    """What the checks say of the rest, once the refused values are taken out: one run, every problem."""
    rest = copy.deepcopy(config)
    taken = [detail["loc"] for detail in error.errors(include_url=False, include_input=False)]
    for location in taken:
        _take_out(rest, location)
    rest.setdefault("identitySeed", SEALED)  # a bad seed is told already, and no check looks at it
    try:
        settings = model.model_validate(rest)
    except ValidationError:
        return []  # something mandatory is among them
    # but where nodes stand: what is wrong with one of them says nothing of the others
    sections = {location[0] for location in taken} - {"nodes"} - {location[0] for location in nodes}
    told = {path_text(location) for location in taken}  # they are missing now, and that is not what is wrong with them
    return [
        problem
        for problem in checks(settings)
        if problem.path not in told and problem.path.split(".")[0] not in sections
    ]


def _take_out(value: Any, location: Location) -> None:
    if location[-1] == "[key]":
        location = location[:-1]
    for step in location[:-1]:
        try:
            value = value[step]
        except (LookupError, TypeError):  # a model's own word, or what stood there was taken out already
            return
    if isinstance(value, dict):
        value.pop(location[-1], None)
