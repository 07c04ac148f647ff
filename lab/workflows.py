"""`python -m lab.workflows`: holds the workflows of CI against actionlint, which is built as the lab's tools are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rich.console import Console

from lab.errors import LabError
from lab.tools import ConsoleReport, resolve

FOLDER = Path(__file__).resolve().parents[1] / ".github" / "workflows"


def main() -> int:
    """Say what is wrong in them; the exit code is actionlint's, or 1 where it cannot be had."""
    try:
        toolchain = resolve(["actionlint"], ConsoleReport(Console(stderr=True), verbose=False))
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    # Without shellcheck and pyflakes: whether a machine has them must not decide.
    files = (str(file) for file in sorted(FOLDER.glob("*.yml")))
    command = [str(toolchain.path("actionlint")), "-shellcheck=", "-pyflakes=", *files]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - files of our own


if __name__ == "__main__":
    sys.exit(main())
