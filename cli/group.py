"""One place where expected failures become a sentence and an exit code."""

from __future__ import annotations

import errno
from typing import Any

import typer
from typer.core import TyperGroup

from archipelago.problems import Refused
from cli.consoles import fail


class Commands(TyperGroup):
    """The commands of `archipelago`: what a user can cause ends in a message, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:  # typer's own copy of click's Context, which has no public name
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
