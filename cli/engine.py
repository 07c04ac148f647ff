"""The pulumi command, for the few commands that ask a deployed stack."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

_TIMEOUT = 120  # seconds; a backend in a cloud may be slow, a command that hangs is worse


class Failed(Exception):  # noqa: N818 - as Refused
    """Pulumi said no; the text is its own, one line."""


def is_there() -> bool:
    """Whether pulumi is on PATH."""
    return shutil.which("pulumi") is not None


def pulumi(arguments: Sequence[str], directory: Path) -> str:
    """What pulumi prints.

    Args:
        arguments: After `pulumi`; never a secret.
        directory: The project's folder.

    Raises:
        Failed: It is not there, or it failed.
    """
    program = shutil.which("pulumi")
    if program is None:
        raise Failed("pulumi is not on PATH")
    command = [program, *arguments, "--non-interactive", "--cwd", str(directory)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise Failed(f"pulumi did not answer within {_TIMEOUT} s") from None
    if done.returncode:
        words = " ".join(done.stderr.split()).removeprefix("error: ").rstrip(".")
        raise Failed(words or f"pulumi ended with exit code {done.returncode}")
    return done.stdout
