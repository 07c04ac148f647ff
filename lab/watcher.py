"""Ends and deletes a lab when the process that it was started for has ended: `python -m lab.watcher <folder> <pid>`."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from pathlib import Path

from lab.lab import Lab


def main() -> None:
    """Wait for the process, then take the lab down."""
    folder, pid = Path(sys.argv[1]), int(sys.argv[2])
    with contextlib.suppress(ProcessLookupError):
        # A descriptor of a process becomes readable when it ends; it costs nothing to wait for.
        select.select([os.pidfd_open(pid)], [], [])
    Lab(folder).down(purge=True)


if __name__ == "__main__":
    main()
