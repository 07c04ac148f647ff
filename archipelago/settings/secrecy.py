"""Secrets that stand in plain text: Git, CI logs and pull requests keep them for ever."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from archipelago.problems import Problem
from archipelago.settings.models import SET_SEED
from archipelago.settings.read import Settings, path_text
from archipelago.settings.types import SEALED, Location

SEED = "identitySeed"


def in_plain_text(settings: Settings, sealed: Container[str]) -> Iterator[Problem]:
    """Every secret that nobody sealed.

    Args:
        settings: As read.
        sealed: Paths, or top-level keys, that are known to be secret or were given from elsewhere.
    """
    for location, _ in _secrets(settings):
        path = path_text(location)
        if path not in sealed and path.partition(".")[0] not in sealed:
            yield _plain(path)


def in_file(settings: Settings, written: Mapping[str, Any]) -> Iterator[Problem]:
    """Every secret that stands in the stack file as it is, whatever stands beside it.

    The engine tells sections only: one sealed key makes the whole of `nodes` a secret.

    Args:
        settings: As the engine gave them, opened.
        written: The stack file, in which what was sealed is `[secure]`.
    """
    for location, secret in _secrets(settings):
        found: Any = written
        for step in location:
            found = found.get(step) if isinstance(found, Mapping) else None
        if found == secret:
            yield _plain(path_text(location))


def _plain(path: str) -> Problem:
    cure = SET_SEED if path == SEED else f"Set it with: pulumi config set --secret --path archipelago:{path}"
    return Problem(path, "is a secret, and stands there in plain text.", cure)


def _secrets(value: Any, location: Location = ()) -> Iterator[tuple[Location, str]]:
    if isinstance(value, SecretStr) and value.get_secret_value() != SEALED:
        yield location, value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            if not field.exclude:  # what follows from other fields is not where the user would look
                yield from _secrets(getattr(value, name), (*location, field.alias or name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets(item, (*location, key))
