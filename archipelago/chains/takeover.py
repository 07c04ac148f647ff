"""A network that another tool made, on its way into a stack file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Left:
    """What the other tool left.

    Args:
        folder: Name of its folder.
        files: Content by path in it, as far as `Importer.wanted` asks for them.
        names: Every name that stands in the folder itself.
        command: The line that made it.
        named: Text of the file that the line names.
        manifests: Texts of the Kubernetes objects that it made, as far as they are there.
        organisation: Who goes on with it.
        mine: Which nodes this stack takes; None for all that have their keys here.
    """

    folder: str
    files: Mapping[str, bytes] = field(repr=False)
    names: frozenset[str]
    command: str = field(repr=False)
    named: str
    manifests: tuple[str, ...] = field(default=(), repr=False)
    organisation: str = ""
    mine: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A Secret of Kubernetes that nodes wait for, and that this program does not make.

    Args:
        namespace: Where it stands.
        name: Its name.
        key: Under which its one file is.
        content: The file; None where it has to come another way.
        made_after: Whether the first `pulumi up` makes its namespace.
    """

    namespace: str
    name: str
    key: str
    content: bytes | None = field(repr=False)
    made_after: bool = False

    @property
    def place(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.namespace, self.name


@dataclass(frozen=True, slots=True)
class Takeover:
    """The same network in our words.

    Args:
        config: Our keys of a stack file, without secrets.
        secrets: What is set as a secret, by path in the stack file.
        genesis_file: Name of the file that `network.genesisFile` names.
        genesis: Its text.
        notes: What has to be done or known before `pulumi up`.
        stored: Secrets in the cluster that have to be made by hand.
    """

    config: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    genesis_file: str
    genesis: str
    notes: tuple[str, ...]
    stored: tuple[Stored, ...] = ()


class Importer(Protocol):
    """What a protocol knows of another tool's folders."""

    wanted: tuple[str, ...]  # patterns of the files that are read, from the folder

    def named(self, command: str) -> str:
        """Path of the file that a command line names, from where it ran.

        Raises:
            Refused: It is no command of the tool.
        """
        ...

    def manifests(self, folder: str) -> tuple[str, ...]:
        """Patterns of the files with Kubernetes objects, from where the line ran."""
        ...

    def take_over(self, left: Left) -> Takeover:
        """Make settings of it.

        Raises:
            Refused: With everything that does not fit; no text has a password.
        """
        ...


class Translator(Protocol):
    """What a protocol knows of another tool's Kubernetes objects."""

    def translate(self, objects: Sequence[Mapping[str, Any]], organisation: str, network: str, joins: str) -> Takeover:
        """Make settings of them.

        Args:
            objects: As they are written or as the cluster shows them; those of other tools are passed over.
            organisation: Whose they are.
            network: What the network is to be called.
            joins: The organisation that founded it; empty where this one does.

        Raises:
            Refused: With everything that does not fit.
        """
        ...
