"""Downloads for later builds while an earlier one compiles: `go build` compiles nothing before it has everything."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_NICE = 10
"""The compiler goes first."""


@contextlib.contextmanager
def downloading(
    go: Path, modules: Sequence[tuple[Path, Sequence[str]]], environment: Mapping[str, str], log: Path
) -> Iterator[None]:
    """Download what packages need, one module after another, until the block ends.

    Whatever fails here fails again in the build itself, and is told there. The module cache is locked, so a build
    that has caught up just waits for the download that is under way.

    Args:
        go: the `go` program.
        modules: folders of modules, each with the packages that will be built there.
        environment: the builds' whole environment.
        log: gets what `go` says.
    """
    ended = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def download() -> None:
        with log.open("wb") as output:
            for module, packages in modules:
                if ended.is_set():
                    return
                process = subprocess.Popen(  # noqa: S603 - packages come from the catalogue
                    [go, "list", "-deps", *packages],
                    cwd=module,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=output,
                )
                running.append(process)
                with contextlib.suppress(OSError):
                    os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
                process.wait()

    log.parent.mkdir(parents=True, exist_ok=True)
    thread = threading.Thread(target=download, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        thread.join(timeout=10)
