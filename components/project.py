"""The project's folder: where the stack file stands, and the paths in it start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pulumi

from archipelago.problems import Problem, Refused
from archipelago.settings.read import Settings
from archipelago.settings.secrecy import in_file
from archipelago.settings.stack_file import from_file


def folder(source: str) -> Path:
    """The folder of Pulumi.yaml, which with `main:` is not that of the program.

    Args:
        source: The stack file's name.
    """
    if told := pulumi.get_root_directory():
        return Path(told)
    # An older language host does not tell it. Pulumi is typed in that folder or below it, and a shell says where; the
    # program's own folder may hold a stack file of the same name, as an example.
    here = Path.cwd()
    typed = Path(os.environ.get("PWD") or here)
    return next((each for each in (typed, *typed.parents) if (each / source).is_file()), here)


def in_plain_text(settings: Settings, root: Path, source: str) -> Iterator[Problem]:
    """Every secret that the stack file holds as it is. What is wrong with the file itself is the engine's to say.

    Args:
        settings: As the engine gave them, opened.
        root: The project's folder.
        source: The stack file's name; it may be elsewhere (`--config-file`).
    """
    try:
        written = from_file(root / source)
    except Refused:
        return
    yield from in_file(settings, written)
