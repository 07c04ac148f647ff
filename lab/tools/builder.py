"""The last place to get a tool from: built from the Go module proxy, pinned by the modules under `lab/toolchain/`."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from lab.errors import LabError
from lab.tools import golang
from lab.tools.ahead import downloading
from lab.tools.definitions import MODULES, Build
from lab.tools.report import Tick

SETTINGS = {
    "CGO_ENABLED": "0",
    # The user's own flags could turn verification off or choose other versions.
    "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
    # What is built here runs on every machine of its kind.
    "GOAMD64": "v1",
    "GOARM64": "v8.0",
}
"""Environment of every build, which its result depends on."""
_LAST_LINES = 15
_REPLACED = "replaced"


class BuildError(LabError):
    """A build failed. The text ends in the last lines of its log and where to read the rest."""


class Builder(Protocol):
    """What makes programs out of pinned sources."""

    def describe(self) -> str:
        """What it builds with, for people."""

    def key(self, build: Build) -> str:
        """A name for everything that the result depends on."""

    def ahead(self, builds: Sequence[Build], log: Path) -> contextlib.AbstractContextManager[None]:
        """Prepare, while the block lasts, what can be prepared for later builds beside earlier ones."""

    def run(self, build: Build, folder: Path, log: Path, tick: Tick, lock: int | None) -> None:
        """Make the programs of a build in a folder.

        Args:
            build: what to make.
            folder: an empty folder for the result.
            log: the file that gets all output.
            tick: told what is being done now.
            lock: a file descriptor that every child has to inherit (see `Cache.lock`).

        Raises:
            BuildError: it failed.
        """


class GoBuilder:
    """Builds with the user's own Go caches, so that a second module finds what the first one compiled.

    Args:
        modules: the folder that holds the pinned modules.
    """

    def __init__(self, modules: Path = MODULES) -> None:
        self._modules = modules

    @cached_property
    def go(self) -> golang.Go:
        """The Go toolchain, looked for once."""
        return golang.locate()

    def describe(self) -> str:
        """See `Builder.describe`."""
        return str(self.go)

    def key(self, build: Build) -> str:
        """See `Builder.key`: the modules' files, the commands, the settings, Go's minor release, the machine's kind."""
        system = os.uname()
        content = hashlib.sha256()
        content.update(json.dumps([system.sysname, system.machine, SETTINGS], sort_keys=True).encode())
        for command in build.commands:
            # A command that names its own release is built by that one, whatever the machine has.
            release = None if "GOTOOLCHAIN" in command.environment else self.go.minor
            content.update(json.dumps([release, asdict(command)], sort_keys=True).encode())
            module = self._modules / command.module
            for file in sorted(file for file in module.rglob("*") if file.is_file()):
                content.update(f"\0{file.relative_to(module)}\0".encode() + file.read_bytes())
        return content.hexdigest()[:16]

    def ahead(self, builds: Sequence[Build], log: Path) -> contextlib.AbstractContextManager[None]:
        """See `Builder.ahead`: their modules are downloaded."""
        if not builds:
            return contextlib.nullcontext()
        commands = [command for build in builds for command in build.commands]
        modules = [
            (self._modules / command.module, list(command.packages))
            for command in commands
            if not (self._modules / command.module / _REPLACED).is_dir()  # it would bring what nobody needs
        ]
        return downloading(self.go.program, modules, _environment(), log)

    def run(self, build: Build, folder: Path, log: Path, tick: Tick, lock: int | None) -> None:
        """See `Builder.run`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"{build.title}, with {self.go}\n")
        tick("getting Go")
        for command in build.commands:
            environment = {**_environment(), **command.environment}
            run = _Run(self.go.program, self._modules / command.module, environment, log, tick, lock)
            flags = ("-tags", ",".join(command.tags), "-ldflags", command.ldflags)
            with tempfile.TemporaryDirectory(prefix="archipelago-build-") as scratch:
                replacing = run.replacing(Path(scratch))
                run.go("build", "-v", *flags, *replacing, "-o", f"{folder}{os.sep}", *command.packages)
            for package, program in command.packages.items():
                # `go build -o folder/` names a binary after its package's path, and "." after the module's.
                made = folder / (Path(package).name if package not in (".", "") else command.module)
                if made.name != program:
                    made.rename(folder / program)
            for link, target in command.links.items():
                (folder / link).symlink_to(target)
            for source, name in command.copies.items():
                path, _, inside = source.partition("//")
                # The module cache is verified against go.sum and read-only: the copy has to lose that.
                shutil.copyfile(Path(run.asked("list", "-m", "-f", "{{.Dir}}", path)) / inside, folder / name)
                (folder / name).chmod(0o755)


@dataclass(frozen=True)
class _Run:
    """Runs of `go` in one module."""

    program: Path
    module: Path
    environment: Mapping[str, str]
    log: Path
    tick: Tick
    lock: int | None

    def replacing(self, scratch: Path) -> Sequence[str]:
        """Flags with which files of dependencies are replaced by those of the module's folder `replaced`.

        There a file stands under the import path of its package. Go's own `-overlay` refuses files of its module cache.

        Args:
            scratch: a folder for copies of such dependencies, which has to last as long as the build.
        """
        places = self.module / _REPLACED
        files = sorted(places.rglob("*.go"))
        if not files:
            return ()
        copies: dict[str, Path] = {}
        for file in files:
            package = file.parent.relative_to(places).as_posix()
            path, folder = self.asked("list", "-f", "{{.Module.Path}} {{.Module.Dir}}", package).split(" ", 1)
            if path not in copies:
                copies[path] = scratch / str(len(copies))
                # not with its modes: the module cache is read-only
                shutil.copytree(folder, copies[path], copy_function=shutil.copyfile)
                for inside in (copies[path], *copies[path].rglob("*/")):
                    inside.chmod(0o755)
            shutil.copyfile(file, copies[path] / package.removeprefix(path).lstrip("/") / file.name)
        lines = "".join(f"\nreplace {path} => {copy}\n" for path, copy in copies.items())
        (scratch / "go.mod").write_text((self.module / "go.mod").read_text() + lines)
        shutil.copyfile(self.module / "go.sum", scratch / "go.sum")
        return (f"-modfile={scratch / 'go.mod'}",)

    def asked(self, *arguments: str) -> str:
        """What `go` answers, without the end of its line."""
        answer = self.log.with_suffix(".answer")
        answer.unlink(missing_ok=True)
        self.go(*arguments, answer=answer)
        text = answer.read_text().strip()
        answer.unlink()
        return text

    def go(self, *arguments: str, answer: Path | None = None) -> None:
        """Run `go`; all that it says goes to the log, or its standard output to `answer`."""
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
            try:
                while process.poll() is None:
                    self.tick(_last_lines(self.log, 1))
                    time.sleep(0.25)
            except BaseException:
                process.terminate()
                process.wait()
                raise
        if process.returncode != 0:
            raise BuildError(
                f"go {arguments[0]} failed in {self.module} (exit code {process.returncode}). It ended with:\n"
                f"{_last_lines(self.log, _LAST_LINES)}\nThe whole log is in {self.log}\n"
                "Try it again: what is compiled is kept."
            )


def _environment() -> dict[str, str]:
    # A lab that is taken down ends what it started; a build is not the lab's, whoever asked for it.
    kept = {name: value for name, value in os.environ.items() if name not in ("ARCHIPELAGO_LAB", "GOOS", "GOARCH")}
    return {**kept, **SETTINGS}


def _last_lines(log: Path, count: int) -> str:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 8192))
        lines = stream.read().decode("utf-8", errors="replace").splitlines()
    return "\n".join(lines[-count:])
