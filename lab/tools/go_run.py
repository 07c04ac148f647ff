"""Runs of `go` in one pinned module: watched, logged, ended with the one who waits for them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.tools.report import Tick

_LAST_LINES = 15
_REPLACED = "replaced"


class BuildError(LabError):
    """A build failed. The text ends in the last lines of its log and where to read the rest."""


@dataclass(frozen=True)
class GoRun:
    """How `go` runs in one module.

    Args:
        program: the `go` program.
        module: the module's folder.
        environment: all of it.
        log: gets what `go` says.
        tick: called a few times a second with the log's last line; what it raises ends `go`, and goes on.
        lock: a file descriptor that `go` inherits (see `Cache.lock`).
        nice: how far behind others it runs.
    """

    program: Path
    module: Path
    environment: Mapping[str, str]
    log: Path
    tick: Tick
    lock: int | None = None
    nice: int = 0

    def replacing(self, scratch: Path) -> Sequence[str]:
        """Flags with which files of dependencies are replaced by those of the module's folder `replaced`.

        There a file stands under the import path of its package. Go's own `-overlay` refuses files of its module cache.

        Args:
            scratch: a folder for copies of such dependencies, which has to last as long as the flags are used.
        """
        places = self.module / _REPLACED
        files = sorted(places.rglob("*.go"))
        if not files:
            return ()
        copies: dict[str, Path] = {}
        for package, inside in self._packages(places, files).items():
            path, folder = self.asked("list", "-f", "{{.Module.Path}} {{.Module.Dir}}", package).split(" ", 1)
            if path not in copies:
                copies[path] = scratch / str(len(copies))
                # not with its modes: the module cache is read-only
                shutil.copytree(folder, copies[path], copy_function=shutil.copyfile)
                for made in (copies[path], *copies[path].rglob("*/")):
                    made.chmod(0o755)
            for file in inside:
                shutil.copyfile(file, copies[path] / package.removeprefix(path).lstrip("/") / file.name)
        lines = "".join(f"\nreplace {path} => {copy}\n" for path, copy in copies.items())
        (scratch / "go.mod").write_text((self.module / "go.mod").read_text() + lines)
        shutil.copyfile(self.module / "go.sum", scratch / "go.sum")
        return (f"-modfile={scratch / 'go.mod'}",)

    @staticmethod
    def _packages(places: Path, files: Sequence[Path]) -> dict[str, list[Path]]:
        packages: dict[str, list[Path]] = {}
        for file in files:
            packages.setdefault(file.parent.relative_to(places).as_posix(), []).append(file)
        return packages

    def asked(self, *arguments: str) -> str:
        """What `go` answers, without the end of its line."""
        answer = self.log.with_suffix(".answer")
        answer.unlink(missing_ok=True)
        self.go(*arguments, answer=answer)
        text = answer.read_text().strip()
        answer.unlink()
        return text

    def go(self, *arguments: str, answer: Path | None = None) -> None:
        """Run `go`; all that it says goes to the log, or its standard output to `answer`.

        Raises:
            BuildError: it failed.
        """
        with self.log.open("ab") as errors, (answer or self.log).open("ab") as output:
            errors.write(f"$ cd {self.module} && go {' '.join(arguments)}\n".encode())
            errors.flush()
            process = subprocess.Popen(  # noqa: S603 - arguments come from the catalogue
                [self.program, *arguments],
                cwd=self.module,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                pass_fds=() if self.lock is None else (self.lock,),
            )
            if self.nice:
                with contextlib.suppress(OSError):
                    os.setpriority(os.PRIO_PROCESS, process.pid, self.nice)
            try:
                while process.poll() is None:
                    self.tick(last_lines(self.log, 1))
                    time.sleep(0.25)
            except BaseException:
                process.terminate()
                process.wait()
                raise
        if process.returncode != 0:
            raise BuildError(
                f"go {arguments[0]} failed in {self.module} (exit code {process.returncode}). It ended with:\n"
                f"{last_lines(self.log, _LAST_LINES)}\nThe whole log is in {self.log}\n"
                "Try it again: what is compiled is kept."
            )


def last_lines(log: Path, count: int) -> str:
    """The end of a log."""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 8192))
        lines = stream.read().decode("utf-8", errors="replace").splitlines()
    return "\n".join(lines[-count:])
