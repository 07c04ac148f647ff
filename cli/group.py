"""One place where a command is imported, and where expected failures become a sentence and an exit code."""

from __future__ import annotations

import errno
import importlib
from functools import cached_property
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from archipelago.problems import Refused
from cli.commands import PLACES, Place
from cli.consoles import fail


class Later(TyperCommand):
    """A command that is imported when it is run or asked for its own help, not for the list of all.

    Args:
        name: What is typed.
        place: Where it is.
    """

    def __init__(self, name: str, place: Place) -> None:
        super().__init__(name, help=place.text)
        self._place = place

    @cached_property
    def imported(self) -> Any:
        """The command itself; typer's own copies of click's classes have no public names."""
        found = getattr(importlib.import_module(self._place.module), self._place.attribute)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False)
            alone.command(self.name)(found)
            return typer.main.get_command(alone)
        return typer.main.get_group(found)

    def make_context(self, *given: Any, **more: Any) -> Any:
        """That of the command itself, which is what runs in it."""
        return self.imported.make_context(*given, **more)


class Commands(TyperGroup):
    """The commands of `archipelago`: what a user can cause ends in a message, never in a traceback."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands.update({name: Later(name, place) for name, place in PLACES.items()})

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except Refused as refused:
            fail(str(refused))
        except OSError as error:
            if error.errno == errno.EPIPE or error.filename is None:  # a closed pager; or a failure nobody expected
                raise
            fail(f"{error.filename}: {error.strerror}.\n  Check the path, and who may read and write there.")
        raise typer.Exit(1)
