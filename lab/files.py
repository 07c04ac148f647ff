"""Where files go, and how they are written."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_UNUSED = 30 * 24 * 3600
"""Seconds after which something in the cache that nobody used makes room."""


def cache_folder() -> Path:
    """The folder that everything of this program lives in which can be made again.

    `$XDG_CACHE_HOME/archipelago`, or `~/.cache/archipelago` (XDG base directory specification, where a relative path
    does not count).
    """
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = configured if configured.is_absolute() else Path.home() / ".cache"
    return base / "archipelago"


def write_whole(file: Path, text: str, mode: int = 0o644) -> None:
    """Write a file so that a reader, or a crash, meets the old content or the new one and nothing between.

    Args:
        file: the file; its folder is made if need be.
        text: the whole content.
        mode: the file's permissions, in force before the first byte is written.
    """
    with _written(file, text, mode) as temporary:
        temporary.replace(file)


def write_new(file: Path, text: str, mode: int = 0o644) -> None:
    """Write a file as `write_whole` does, unless it is there: of several writers at once the first one counts."""
    with _written(file, text, mode) as temporary, contextlib.suppress(FileExistsError):
        file.hardlink_to(temporary)


@contextlib.contextmanager
def _written(file: Path, text: str, mode: int) -> Iterator[Path]:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        os.fchmod(descriptor, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        yield Path(temporary)
    finally:
        Path(temporary).unlink(missing_ok=True)


@contextlib.contextmanager
def exclusive(file: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Hold a lock that one process of this machine can have; it goes with the process, however that ends.

    Args:
        file: made where it is missing, and left there.
        waiting: called once if somebody else has it.

    Returns:
        The file's descriptor: a child that inherits it holds the lock as well.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def used(entry: Path) -> None:
    """Note that an entry of the cache is in use: its time of change is that of its last use."""
    with contextlib.suppress(OSError):  # somebody else's cache, that we may only read
        os.utime(entry)


def make_room(folder: Path, pattern: str) -> None:
    """Remove entries of the cache that nobody has used for a month; what others make right now is younger.

    Args:
        folder: of the cache.
        pattern: which names in it are entries.
    """
    for entry in folder.glob(pattern):
        with contextlib.suppress(OSError):
            if time.time() - entry.stat().st_mtime > _UNUSED:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
