"""What a tool of the lab is, and every way to get it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from lab.tools.versions import Version

MODULES = Path(__file__).resolve().parent.parent / "toolchain"
"""The folder of pinned Go modules."""


@dataclass(frozen=True)
class Probe:
    """How a program that is already there says its version.

    `arguments` follow the program; None means that it cannot say, and its folder's name has to (a Pulumi plugin).
    """

    arguments: tuple[str, ...] | None
    minimum: Version
    exactly: bool = False


@dataclass(frozen=True)
class Download:
    """One file that a vendor serves, with the vendor's checksum file.

    `members` maps a program to its path inside the archive; the one key of a file that is no archive maps to "".
    """

    url: str
    checksums: str
    members: dict[str, str]


@dataclass(frozen=True)
class GoCommand:
    """One run of `go build` in a pinned module.

    `packages` maps a package to the file name that `go build` gives its binary. `copies` maps a file of a dependency,
    written `module path//file`, to its name in the result (scripts, made executable). `links` are further names
    of a binary that looks at the name it was started by. `environment` is set for this command alone.
    """

    module: str
    packages: dict[str, str]
    ldflags: str = "-s -w"
    copies: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Build:
    """Programs built from the Go module proxy.

    `seconds` is the first estimate: on two cores from empty caches, after those that have less to fetch.
    """

    name: str
    title: str
    commands: tuple[GoCommand, ...]
    seconds: float


@dataclass(frozen=True)
class Tool:
    """Programs that are taken together from one place, and every place they may come from, in order of preference."""

    name: str
    title: str
    programs: tuple[str, ...]
    probe: Probe
    build: Build
    downloads: tuple[Download, ...] = ()
    plugin: str | None = None

    @property
    def download_key(self) -> str:
        """A name for what its vendor serves: the version is part of every address."""
        addresses = "\n".join(download.url for download in self.downloads)
        return f"download-{hashlib.sha256(addresses.encode()).hexdigest()[:12]}"
