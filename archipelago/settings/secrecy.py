"""Secrets that stand in plain text: Git, CI logs and pull requests keep them for ever."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from archipelago.problems import Problem
from archipelago.settings.models import SET_SEED
from archipelago.settings.read import Settings, path_text
from archipelago.settings.types import SEALED

SEED = "identitySeed"


def in_plain_text(settings: Settings, sealed: Container[str]) -> Iterator[Problem]:
    """Every secret that nobody sealed.

    Args:
        settings: As read.
        sealed: Paths, or top-level keys, that are known to be secret or were given from elsewhere.
    """
    for path in _secrets(settings):
        if path not in sealed and path.partition(".")[0] not in sealed:
            cure = SET_SEED if path == SEED else f"Set it with: pulumi config set --secret --path archipelago:{path}"
            yield Problem(path, "is a secret, and stands there in plain text.", cure)


def _secrets(value: Any, location: tuple[int | str, ...] = ()) -> Iterator[str]:
    if isinstance(value, SecretStr) and value.get_secret_value() != SEALED:
        yield path_text(location)
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            if not field.exclude:  # what follows from other fields is not where the user would look
                yield from _secrets(getattr(value, name), (*location, field.alias or name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets(item, (*location, key))
