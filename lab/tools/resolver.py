"""Where each tool comes from: PATH, an earlier run, its vendor, or the Go module proxy, in that order."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from lab.errors import LabError
from lab.files import used
from lab.tools import ambient
from lab.tools.builder import Builder, GoBuilder
from lab.tools.cache import Cache, complete
from lab.tools.catalogue import catalogue
from lab.tools.definitions import Build, Tool
from lab.tools.go_run import BuildError
from lab.tools.report import Estimate, Report, duration
from lab.tools.toolchain import Toolchain
from lab.tools.turns import Turn, take_turns
from lab.tools.vendor import Vendor, VendorError

_LINKING = ": linking"
"""Suffix of the name under which the end of a build is remembered, beside which the next one has begun."""


class Resolver:
    """One run of the resolution.

    Args:
        report: told every step.
        tools: what there is; by default everything of the lab.
        cache: where downloads and builds are kept.
        vendor: downloads.
        builder: builds.
        environment: instead of the process's own, for what is looked for on PATH.
    """

    def __init__(
        self,
        report: Report,
        *,
        tools: Sequence[Tool] | None = None,
        cache: Cache | None = None,
        vendor: Vendor | None = None,
        builder: Builder | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._report = report
        self._tools = tuple(tools) if tools is not None else catalogue()
        self._cache = cache if cache is not None else Cache()
        self._vendor = vendor if vendor is not None else Vendor()
        self._builder: Builder = builder if builder is not None else GoBuilder()
        self._environment = environment
        self._programs: dict[str, Path] = {}
        self._sources: dict[str, str] = {}

    def resolve(self, names: Sequence[str] | None = None) -> Toolchain:
        """Find, download or build tools.

        Args:
            names: tools or programs; None means all.

        Raises:
            LabError: a name is unknown, or a build failed.
        """
        wanted = list(self._tools) if names is None else select(self._tools, names)
        missing = self._from_path(wanted)
        missing = [tool for tool in missing if not self._from_cache(tool)]
        if missing:
            waiting = "Another process is preparing the toolchain; waiting for it …"
            with self._cache.lock(lambda: self._report.note(waiting)) as lock:
                # Whoever held the lock may have made what is missing here.
                missing = [tool for tool in missing if not self._from_cache(tool)]
                missing = self._from_vendors(missing)
                self._from_builds(missing, lock)
        programs = {program: self._programs[program] for tool in wanted for program in tool.programs}
        return Toolchain(programs, dict(self._sources))

    def _from_path(self, tools: Sequence[Tool]) -> list[Tool]:
        def look(tool: Tool) -> ambient.Ambient | str:
            try:
                return ambient.look(tool, self._environment)
            except ambient.NotThereError as reason:
                return str(reason)

        missing = []
        with ThreadPoolExecutor(max_workers=len(tools) or 1) as pool:
            for tool, result in zip(tools, pool.map(look, tools), strict=True):
                if isinstance(result, str):
                    self._report.step(tool.title, result)
                    missing.append(tool)
                else:
                    place = result.programs[tool.programs[0]]
                    self._take(tool, result.programs, f"{result.version}, {place}")
        return missing

    def _from_cache(self, tool: Tool) -> bool:
        for folder, how in ((self._downloaded(tool), "downloaded"), (self._built(tool.build), "built")):
            programs = {program: folder / program for program in tool.programs}
            if complete(folder, tool.programs):
                used(folder)
                self._take(tool, programs, f"{how} by an earlier run, {folder}")
                return True
        return False

    def _from_vendors(self, tools: Sequence[Tool]) -> list[Tool]:
        if tools:
            self._vendor.ask(tools)
        missing = []
        for tool in tools:
            try:
                self._vendor.offer(tool)
                self._download(tool)
            except VendorError as reason:
                self._report.step(tool.title, str(reason))
                missing.append(tool)
        return missing

    def _download(self, tool: Tool) -> None:
        folder = self._downloaded(tool)
        with (
            self._cache.making(tool.name, tool.download_key) as fresh,
            self._report.work(f"downloading {tool.title}", None) as tick,
        ):
            self._vendor.fetch(tool, fresh, tick)
        hosts = ", ".join(dict.fromkeys(urlsplit(download.url).netloc for download in tool.downloads))
        programs = {program: folder / program for program in tool.programs}
        self._take(tool, programs, f"downloaded from {hosts}, checksum right")

    def _from_builds(self, tools: Sequence[Tool], lock: int) -> None:
        builds = {tool.build.name: tool.build for tool in tools}
        if not builds:
            return
        ordered = sorted(builds.values(), key=self._builder.weight)
        total = duration(self._expected(ordered))
        names = ", ".join(build.name for build in ordered)
        self._report.note(f"Building with {self._builder.describe()}: {names}. About {total} in all.")
        took: dict[str, float] = {}

        def work(position: int, build: Build, turn: Turn) -> None:
            took[build.name] = self._build(build, f"{position} of {len(ordered)}: {build.title}", lock, turn)
            for tool in tools:
                if tool.build.name == build.name:
                    programs = {program: self._built(build) / program for program in tool.programs}
                    self._take(tool, programs, f"built in {duration(took[build.name])}")

        began = time.monotonic()
        with self._builder.ahead(ordered[1:], self._cache.log("ahead")):
            take_turns([partial(work, position, build) for position, build in enumerate(ordered, start=1)])
        parts = ", ".join(f"{name} {duration(seconds)}" for name, seconds in took.items())
        self._report.note(f"Built in {duration(time.monotonic() - began)}: {parts}.")

    def _build(self, build: Build, title: str, lock: int, turn: Turn) -> float:
        started = time.monotonic()
        compiled: list[float] = []

        def linking() -> None:
            compiled.append(time.monotonic() - started)
            turn.pass_on()

        with (
            self._cache.making(build.name, self._builder.key(build)) as fresh,
            self._report.work(f"building {title}", self._estimate(build)) as tick,
        ):

            def tick_or_end(detail: str) -> None:
                if turn.ended:
                    raise BuildError(f"{build.title} is not built: another build failed before it was ready.")
                tick(detail)

            self._builder.run(build, fresh, self._cache.log(build.name), tick_or_end, lock, linking)
        seconds = time.monotonic() - started
        self._cache.remember_duration(build.name, seconds)
        self._cache.remember_duration(f"{build.name}{_LINKING}", seconds - (compiled or [seconds])[0])
        return seconds

    def _expected(self, builds: Sequence[Build]) -> float:
        """How long builds take together: what one of them links, the next one does not wait for."""
        overlaps = (self._cache.duration(f"{build.name}{_LINKING}") or 0.0 for build in builds[:-1])
        return sum(self._estimate(build).seconds for build in builds) - sum(overlaps)

    def _estimate(self, build: Build) -> Estimate:
        measured = self._cache.duration(build.name)
        return Estimate(measured, True) if measured else Estimate(build.seconds, False)

    def _downloaded(self, tool: Tool) -> Path:
        return self._cache.entry(tool.name, tool.download_key)

    def _built(self, build: Build) -> Path:
        return self._cache.entry(build.name, self._builder.key(build))

    def _take(self, tool: Tool, programs: Mapping[str, Path], text: str) -> None:
        self._programs.update(programs)
        self._sources[tool.name] = text
        self._report.found(tool.title, text)


def select(tools: Sequence[Tool], names: Sequence[str]) -> list[Tool]:
    """Those of some tools that have these names, or programs of these names.

    Raises:
        LabError: a name is unknown.
    """
    known = {name: tool for tool in tools for name in (tool.name, *tool.programs)}
    for name in names:
        if name not in known:
            raise LabError(f"There is no tool {name}. Name one of: {', '.join(known)}")
    chosen = {known[name].name for name in names}
    return [tool for tool in tools if tool.name in chosen]


def key(names: Sequence[str]) -> str:
    """One name for all that tools would be built from, and the kind of machine: another one means other programs.

    Args:
        names: as in `resolve`.

    Raises:
        LabError: a name is unknown.
    """
    builder, system = GoBuilder(), os.uname()
    builds = {tool.build.name: tool.build for tool in select(catalogue(), names)}
    keys = sorted(f"{name}-{builder.key(build)}" for name, build in builds.items())
    return f"{system.sysname}-{system.machine}-{hashlib.sha256(' '.join(keys).encode()).hexdigest()[:16]}".lower()


def resolve(names: Sequence[str], report: Report) -> Toolchain:
    """Find, download or build the lab's tools.

    Args:
        names: tools of the catalogue or single programs: what will be run, because all of it may have to be built.
        report: told every step.

    Raises:
        LabError: a name is unknown, Go cannot be had, or a build failed (then a `BuildError` with the log's place).
    """
    return Resolver(report).resolve(names)


__all__ = ["BuildError", "Resolver", "resolve"]
