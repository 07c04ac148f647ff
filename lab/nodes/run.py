"""Run a program of the machine and hear why it failed."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

from lab.errors import LabError


def within(namespace: str) -> tuple[str, ...]:
    """What to put before a command that shall run in a network namespace.

    Not `ip netns exec`, which mounts /sys anew and so hides the cgroups.
    """
    return ("nsenter", f"--net=/run/netns/{namespace}")


def run(*command: str, text: str = "", environment: Mapping[str, str] | None = None) -> str:
    """What a program prints.

    Args:
        command: program and arguments.
        text: its standard input.
        environment: instead of this process's own.

    Raises:
        LabError: it failed; with what it said.
    """
    try:
        done = subprocess.run(  # noqa: S603 - commands are the lab's own
            command, input=text, capture_output=True, text=True, check=False, env=environment
        )
    except OSError as error:
        raise LabError(f"{command[0]} cannot be run: {error}") from None
    if done.returncode:
        raise LabError(f"{' '.join(command)} failed:\n{(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout
