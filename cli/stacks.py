"""Which stack files a command is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from archipelago.problems import Problem, Refused

Directory = Annotated[
    Path, typer.Option("-C", "--dir", help="The project's folder.", exists=True, file_okay=False, show_default=False)
]
Stack = Annotated[
    str | None, typer.Option("-s", "--stack", help="The stack, as cluster-a.", metavar="STACK", show_default=False)
]
Stacks = Annotated[
    list[str] | None,
    typer.Option("-s", "--stack", help="A stack, as cluster-a; may be repeated.", metavar="STACK", show_default=False),
]
Target = Annotated[
    str | None, typer.Argument(help="A stack, or the path of its file.", metavar="STACK", show_default=False)
]
Targets = Annotated[
    list[str] | None,
    typer.Argument(help="Stacks, or paths of their files.", metavar="STACK", show_default=False),
]
HERE = Path()


@dataclass(frozen=True, slots=True)
class StackFile:
    """A stack file on disk.

    Args:
        name: The stack as pulumi takes it, as `organization/archipelago/cluster-a`.
        path: Its file.
    """

    name: str
    path: Path

    @property
    def stack(self) -> str:
        """The stack's short name, as the program itself sees it."""
        return self.name.rpartition("/")[2]

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.path.parent

    @property
    def source(self) -> str:
        """The file's name, for messages."""
        return self.path.name


def find(named: Iterable[str | None], directory: Path) -> tuple[StackFile, ...]:
    """The stack files that were named; all in the folder where none was.

    Args:
        named: Names of stacks or paths of their files.
        directory: The project's folder.

    Raises:
        Refused: None was named, and there is none.
    """
    given = [each for each in named if each]
    if given:
        return tuple(dict.fromkeys(_file(each, directory) for each in given))
    found = tuple(_at(path) for path in sorted(directory.glob("Pulumi.*.yaml")))
    if not found:
        cure = "Name the project's folder with -C, or make a stack: pulumi stack init cluster-a"
        raise Refused([Problem("", "there is no stack file Pulumi.<stack>.yaml.", cure)], str(directory.resolve()))
    return found


def find_one(named: Iterable[str | None], directory: Path) -> StackFile:
    """The one stack file that was named, or the only one in the folder.

    Raises:
        Refused: There is none, or which one is meant is open.
    """
    found = find(named, directory)
    if len(found) > 1:
        names = ", ".join(each.stack for each in found)
        cure = f"Name one of them: -s {found[0].stack}"
        raise Refused([Problem("", f"this is about one stack, and there are {names}.", cure)], str(directory.resolve()))
    return found[0]


def _file(named: str, directory: Path) -> StackFile:
    if named.endswith((".yaml", ".yml")):
        return _at(Path(named))
    return StackFile(named, directory / f"Pulumi.{named.rpartition('/')[2]}.yaml")


def _at(path: Path) -> StackFile:
    return StackFile(path.stem.removeprefix("Pulumi."), path)
