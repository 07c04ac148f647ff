"""The last place to get a tool from: built from the Go module proxy, pinned by the modules under `lab/toolchain/`."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Protocol

from lab.tools import golang
from lab.tools.ahead import beside
from lab.tools.definitions import MODULES, Build, GoCommand
from lab.tools.go_run import GoRun
from lab.tools.report import Tick

SETTINGS = {
    "CGO_ENABLED": "0",
    # The user's own flags could turn verification off or choose other versions. Programs are linked without what a
    # debugger reads (-s -w), so it is not made either.
    "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false -gcflags=all=-dwarf=false",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
    # What is built here runs on every machine of its kind.
    "GOAMD64": "v1",
    "GOARM64": "v8.0",
}
"""Environment of every build, which its result depends on."""
_BEHIND = 10
"""How far downloads for later builds run behind the compiler."""


class Builder(Protocol):
    """What makes programs out of pinned sources."""

    def describe(self) -> str:
        """What it builds with, for people."""

    def key(self, build: Build) -> str:
        """A name for everything that the result depends on."""

    def weight(self, build: Build) -> int:
        """How much a build has to fetch, by any measure: those with little of it begin, while the rest is fetched."""

    def ahead(self, builds: Sequence[Build], log: Path) -> contextlib.AbstractContextManager[None]:
        """Prepare, while the block lasts, what can be prepared for later builds beside earlier ones."""

    def run(
        self, build: Build, folder: Path, log: Path, tick: Tick, lock: int | None, linking: Callable[[], None]
    ) -> None:
        """Make the programs of a build in a folder.

        Args:
            build: what to make.
            folder: an empty folder for the result.
            log: the file that gets all output.
            tick: told what is being done now.
            lock: a file descriptor that every child has to inherit (see `Cache.lock`).
            linking: called when all is compiled: what is left needs one processor, and nothing that others compile.

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

    def weight(self, build: Build) -> int:
        """See `Builder.weight`: the size of the lists of modules with their sums."""
        sums = {self._modules / command.module / "go.sum" for command in build.commands}
        return sum(file.stat().st_size for file in sums if file.exists())

    def ahead(self, builds: Sequence[Build], log: Path) -> contextlib.AbstractContextManager[None]:
        """See `Builder.ahead`: their modules are downloaded, one after another, and the Go that some ask for.

        The module cache is locked, so a build that has caught up just waits for the download that is under way.
        """
        if not builds:
            return contextlib.nullcontext()
        commands = [command for build in builds for command in build.commands]
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("")

        def download(tick: Tick) -> None:
            for command in commands:
                run = self._run(command, log, tick, nice=_BEHIND)
                with tempfile.TemporaryDirectory(prefix="archipelago-ahead-") as scratch:
                    answer = Path(scratch) / "packages"
                    run.go("list", "-deps", *run.replacing(Path(scratch)), *command.packages, answer=answer)

        return beside(download)

    def run(
        self, build: Build, folder: Path, log: Path, tick: Tick, lock: int | None, linking: Callable[[], None]
    ) -> None:
        """See `Builder.run`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"{build.title}, with {self.go}\n")
        tick("getting Go")
        for command in build.commands:
            last = command is build.commands[-1]
            watching = self._watching(command, log, tick, linking if last else lambda: None)
            run = self._run(command, log, watching, lock)
            flags = ("-tags", ",".join(command.tags), "-ldflags", command.ldflags)
            with tempfile.TemporaryDirectory(prefix="archipelago-build-") as scratch:
                replacing = run.replacing(Path(scratch))
                run.go("build", "-v", *flags, *replacing, "-o", f"{folder}{os.sep}", *command.packages)
            _finish(command, folder, run)

    def _run(self, command: GoCommand, log: Path, tick: Tick, lock: int | None = None, nice: int = 0) -> GoRun:
        environment = {**_environment(), **command.environment}
        return GoRun(self.go.program, self._modules / command.module, environment, log, tick, lock, nice)

    def _watching(self, command: GoCommand, log: Path, tick: Tick, linking: Callable[[], None]) -> Tick:
        """A tick that sees in the log when nothing is left to compile: a package is named when its turn comes."""
        module = re.search(r"^module (\S+)", (self._modules / command.module / "go.mod").read_text(), re.MULTILINE)
        own = module.group(1) if module else command.module
        mains = {own + package.lstrip(".") if package.startswith(".") else package for package in command.packages}
        told = False

        def watch(detail: str) -> None:
            nonlocal told
            if not told and mains <= set(log.read_text(errors="replace").splitlines()):
                told = True
                linking()
            tick("linking" if told else detail)

        return watch


def _finish(command: GoCommand, folder: Path, run: GoRun) -> None:
    """Give the programs of a command their names, and add what belongs to them."""
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


def _environment() -> dict[str, str]:
    # A lab that is taken down ends what it started; a build is not the lab's, whoever asked for it.
    kept = {name: value for name, value in os.environ.items() if name not in ("ARCHIPELAGO_LAB", "GOOS", "GOARCH")}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {**_hurry(memory), **kept, **SETTINGS}


def _hurry(memory: int) -> dict[str, str]:
    """What makes the compiler quicker and changes nothing of what it makes: it collects less often.

    Measured on the largest packages of Kubernetes: a fifth less of processor for a third more of memory.

    Args:
        memory: bytes that the machine has.
    """
    for least, percent in ((12, 400), (6, 200)):
        if memory >= least << 30:
            return {"GOGC": str(percent)}
    return {}
