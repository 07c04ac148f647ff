"""Private keys on their way out: only where they were asked for, into files that nobody else can read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archipelago.chains.accounts import Account
from archipelago.chains.node import Node
from archipelago.identity.derive import Keyring
from archipelago.problems import Problem, Refused
from archipelago.stack.converge import Written
from cli.load import written
from cli.secrets import opened, read_seed
from cli.stacks import StackFile

_FOLDER, _FILE = 0o700, 0o600


@dataclass(frozen=True, slots=True)
class Holder:
    """A stack whose seed is at hand."""

    stack: Written
    source: str

    @property
    def keyring(self) -> Keyring:
        """Its keys."""
        settings = self.stack.settings
        return Keyring(settings.seed, settings.organisation, settings.network.name)

    def node(self, name: str) -> Node[Any]:
        """A node with its private half.

        Raises:
            Refused: The stack has none of this name.
        """
        settings = self.stack.settings
        if name not in settings.nodes:
            cure = f"Known here: {', '.join(settings.nodes) or 'none'}."
            raise Refused([Problem(settings.path_of(name), "there is no such node.", cure)], self.source)
        return self.stack.chain.node(settings, self.keyring, name)

    def governor(self) -> Account:
        """The account that governs the network.

        Raises:
            Refused: The seed does not give it.
        """
        genesis = self.stack.plan().genesis
        found = self.stack.chain.governor(self.stack.settings, self.keyring, genesis)
        if found is None:
            words = "the account that governs this network does not follow from this seed."
            cure = "Ask whom it names, or the network's founder, for the key."
            raise Refused([Problem("network.superAdmin", words, cure)], self.source)
        return found


def holder(file: StackFile, seed_file: Path | None) -> Holder:
    """Open a stack.

    Raises:
        Refused: Its secrets stay closed, or something is wrong with it.
    """
    return Holder(written(file, opened(file, read_seed(seed_file))), file.source)


def check_free(folder: Path) -> None:
    """Nobody's keys are ever written over.

    Raises:
        Refused: There is something of this name.
    """
    if folder.exists() or folder.is_symlink():
        cure = "Nothing was written. Name another folder with --out, or move this one away."
        raise Refused([Problem("", "it is there already, and keys are never written over.", cure)], str(folder))


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder of private files, whole or not at all: mode 0700, its files 0600.

    Raises:
        Refused: There is something of this name.
    """
    check_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f".{folder.name}.part")
    part.mkdir(_FOLDER)
    try:
        for name, content in files.items():
            path = part / name
            path.parent.mkdir(_FOLDER, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE), "wb") as file:
                file.write(content)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part)  # no half of a key stays behind
        raise
