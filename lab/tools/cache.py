"""Finished toolchain folders in the user's cache directory, by what they were made from; locks, logs, durations."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lab.files import cache_folder, exclusive, make_room, write_whole


class Cache:
    """Toolchain folders named `<name>-<key>`; each appears whole, in one rename, or not at all.

    Args:
        root: the folder, by default `toolchain/` in the user's cache directory.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root if root is not None else cache_folder() / "toolchain"
        self._remembering = threading.Lock()

    def entry(self, name: str, key: str) -> Path:
        """Where the result of something with this content key is, or would be."""
        return self.root / f"{name}-{key}"

    def log(self, name: str) -> Path:
        """Where the last build or download of this name writes its log."""
        return self.root / "logs" / f"{name}.log"

    @contextlib.contextmanager
    def lock(self, waiting: Callable[[], None]) -> Iterator[int]:
        """Hold the one lock of this cache: one process at a time makes something.

        What earlier, killed makings left behind is removed first.

        Args:
            waiting: called once if another process holds the lock now.

        Returns:
            The lock's file descriptor. A child that inherits it keeps the lock after this process was killed, so an
            orphaned compiler is waited for instead of being doubled.
        """
        with exclusive(self.root / "lock", waiting) as descriptor:
            for left_over in self.root.glob(".making-*"):
                shutil.rmtree(left_over, ignore_errors=True)
            yield descriptor

    @contextlib.contextmanager
    def making(self, name: str, key: str) -> Iterator[Path]:
        """A fresh folder that becomes the entry when the block ends well; only for the holder of the lock.

        In the end, what was not used for a month is removed.
        """
        entry = self.entry(name, key)
        folder = Path(tempfile.mkdtemp(prefix=".making-", dir=self.root))
        try:
            yield folder
            for file in folder.rglob("*"):
                if file.is_file() and not file.is_symlink():
                    _to_disk(file)
            folder.chmod(0o755)
            if entry.exists():  # damaged: programs were missing, or it would have been used
                shutil.rmtree(entry)
            folder.rename(entry)
            make_room(self.root, f"{name}-*")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def duration(self, name: str) -> float | None:
        """How many seconds the last successful making of this name took here, if there was one."""
        value = self._durations().get(name)
        return float(value) if isinstance(value, int | float) else None

    def remember_duration(self, name: str, seconds: float) -> None:
        """Keep for next time how long a making took, in seconds."""
        with self._remembering:  # two things may be made at once
            durations = {**self._durations(), name: round(seconds, 1)}
            write_whole(self.root / "durations.json", json.dumps(durations, indent=2) + "\n")

    def _durations(self) -> dict[str, object]:
        try:
            content = json.loads((self.root / "durations.json").read_text())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def complete(folder: Path, programs: Iterable[str]) -> bool:
    """Whether a folder has all of some programs, ready to run."""
    return all(os.access(folder / program, os.X_OK) for program in programs)


def _to_disk(file: Path) -> None:
    # Without this a power cut after the rename could leave a complete name with empty content.
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
