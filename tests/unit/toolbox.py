"""A tool that can be found, fetched or built, a builder that builds nothing, and one resolution in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from lab.tools import Toolchain
from lab.tools.cache import Cache
from lab.tools.definitions import Build, Download, GoCommand, Probe, Tool
from lab.tools.go_run import BuildError
from lab.tools.report import Estimate, Tick
from lab.tools.resolver import Resolver
from lab.tools.vendor import Vendor
from lab.tools.versions import Version

PROGRAM = b"#!/bin/sh\necho etcd Version: 3.6.8\n"


class Told:
    """A report that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def step(self, tool: str, text: str) -> None:
        self.lines.append(f"- {tool}: {text}")

    def found(self, tool: str, text: str) -> None:
        self.lines.append(f"+ {tool}: {text}")

    def note(self, text: str) -> None:
        self.lines.append(text)

    @contextmanager
    def work(self, title: str, estimate: Estimate | None) -> Iterator[Tick]:
        self.lines.append(f"… {title}, {estimate}" if estimate else f"… {title}")
        yield lambda _detail: None


class FakeBuilder:
    """Builds in no time, or fails."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.built: list[str] = []

    def describe(self) -> str:
        return "go0"

    def key(self, build: Build) -> str:
        return f"key-of-{build.name}"

    def weight(self, build: Build) -> int:
        return 0

    def ahead(self, builds: Sequence[Build], log: Path) -> AbstractContextManager[None]:
        return nullcontext()

    def run(
        self, build: Build, folder: Path, log: Path, tick: Tick, lock: int | None, linking: Callable[[], None]
    ) -> None:
        self.built.append(build.name)
        (folder / "half-done").touch()
        if self.fails:
            raise BuildError(f"it failed, see {log}")
        for name in ("etcd", "etcdctl"):
            (folder / name).write_bytes(b"built")
            (folder / name).chmod(0o755)


def etcd(base: str = "http://127.0.0.1:9", **changes: object) -> Tool:
    build = Build("etcd", "etcd", (GoCommand("etcd", {".": "etcd"}),), 30)
    download = Download(f"{base}/etcd.tar.gz", f"{base}/SHA256SUMS", {"etcd": "etcd-v3/etcd"})
    values: dict[str, object] = {
        "name": "etcd",
        "title": "etcd",
        "programs": ("etcd",),
        "probe": Probe(("--version",), Version(3, 5, 13)),
        "build": build,
        "downloads": (download,),
    }
    return Tool(**{**values, **changes})  # type: ignore[arg-type]


class Run:
    """One resolution in a temporary folder."""

    def __init__(self, tmp_path: Path, *tools: Tool, fails: bool = False) -> None:
        self.told = Told()
        self.builder = FakeBuilder(fails)
        self.cache = Cache(tmp_path / "cache")
        environment = {"PATH": f"{tmp_path / 'bin'}", "HOME": str(tmp_path)}
        self.resolver = Resolver(
            self.told,
            tools=tools,
            cache=self.cache,
            vendor=Vendor(connect_within=0.5),
            builder=self.builder,
            environment=environment,
        )

    def __call__(self) -> Toolchain:
        return self.resolver.resolve()


def put(path: Path, name: str, script: str) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / name).write_text(f"#!/bin/sh\n{script}\n")
    (path / name).chmod(0o755)
    return path / name
