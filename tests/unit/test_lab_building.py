"""Builds that follow one another: the next one compiles while the last one links, and what is told about it is true."""

from __future__ import annotations

import contextlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from lab.tools import builder
from lab.tools.ahead import beside
from lab.tools.builder import GoBuilder
from lab.tools.definitions import Build, GoCommand
from lab.tools.go_run import BuildError
from lab.tools.report import ConsoleReport, Estimate, Tick
from lab.tools.turns import Turn, take_turns
from tests.unit.toolbox import FakeBuilder, Run, etcd

pytestmark = pytest.mark.unit


def named(name: str) -> Build:
    return Build(name, name, (GoCommand(name, {".": "etcd"}),), 30)


class Linking(FakeBuilder):
    """Compiles in no time, and links until it is told that it has."""

    def __init__(self, linked: threading.Event) -> None:
        super().__init__()
        self.linked, self.order = linked, list[str]()

    def weight(self, build: Build) -> int:
        return {"small": 1, "large": 9}[build.name]

    def run(
        self, build: Build, folder: Path, log: Path, tick: Tick, lock: int | None, linking: Callable[[], None]
    ) -> None:
        self.order.append(f"{build.name} begins")
        super().run(build, folder, log, tick, lock, linking)
        if build.name == "small":
            linking()
            assert self.linked.wait(10), "the next build has not begun"
        self.linked.set()
        self.order.append(f"{build.name} ends")


def test_the_next_build_begins_when_the_last_one_links_and_what_needs_few_modules_goes_first(tmp_path: Path) -> None:
    run = Run(tmp_path, etcd(build=named("large")), etcd(name="two", programs=("etcdctl",), build=named("small")))
    run.resolver._builder = linking = Linking(threading.Event())
    toolchain = run()
    assert linking.order[:2] == ["small begins", "large begins"]
    assert set(linking.order[2:]) == {"small ends", "large ends"}
    assert list(toolchain.programs) == ["etcd", "etcdctl"], "as the catalogue has them"
    assert run.told.lines[-1].startswith("Built in 0 s: ")
    assert {"small 0 s", "large 0 s"} <= set(run.told.lines[-1].removeprefix("Built in 0 s: ").strip(".").split(", "))


def test_what_a_build_links_beside_the_next_one_is_not_expected_twice(tmp_path: Path) -> None:
    run = Run(tmp_path, etcd(build=named("first")), etcd(name="two", programs=("etcdctl",), build=named("second")))
    run.cache.root.mkdir()
    for name, seconds in {"first": 100, "first: linking": 30, "second": 50, "second: linking": 20}.items():
        run.cache.remember_duration(name, seconds)
    run()
    assert "Building with go0: first, second. About 2 min 0 s in all." in run.told.lines


@pytest.mark.parametrize(("passed_on", "at_once"), [(True, 2), (False, 1)])
def test_turns_are_taken_in_order_by_no_more_than_two_and_alone_where_they_are_kept(
    passed_on: bool, at_once: int
) -> None:
    running, most, order = 0, 0, []

    def work(number: int, turn: Turn) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        order.append(number)
        if passed_on:
            turn.pass_on()
            turn.pass_on()  # a second time it means nothing
        time.sleep(0.02)
        running -= 1

    take_turns([partial(work, number) for number in range(6)])
    assert order == list(range(6))
    assert most == at_once


def test_a_failure_ends_what_runs_beside_it_and_begins_nothing_more() -> None:
    seen = []

    def fails(turn: Turn) -> None:
        turn.pass_on()
        time.sleep(0.05)
        raise BuildError("the reason")

    def waits(turn: Turn) -> None:
        while not turn.ended:
            time.sleep(0.01)
        seen.append("ended")
        raise BuildError("ended by another")

    with pytest.raises(BuildError, match="the reason"):
        take_turns([fails, waits, lambda _turn: seen.append("begun")])
    assert seen == ["ended"]


def test_what_is_done_beside_ends_with_the_block_and_its_failure_is_nobodys() -> None:
    ended = []

    def goes_on(tick: Tick) -> None:
        try:
            while True:
                tick("")
                time.sleep(0.01)
        finally:
            ended.append(True)

    def fails(_tick: Tick) -> None:
        raise BuildError("told where it is needed")

    with beside(goes_on), beside(fails):
        time.sleep(0.03)
    assert ended == [True]


def test_linking_begins_when_the_log_names_every_main_package(tmp_path: Path) -> None:
    (tmp_path / "kubernetes").mkdir()
    (tmp_path / "kubernetes" / "go.mod").write_text("module toolchain.local/kubernetes\n\ngo 1.26\n")
    command = GoCommand("kubernetes", {"./node": "node", "k8s.io/kubectl": "kubectl"})
    log, told, details = tmp_path / "log", list[str](), list[str]()
    watch = GoBuilder(tmp_path)._watching(command, log, details.append, lambda: told.append("linking"))
    log.write_text("$ cd kubernetes && go build ./node k8s.io/kubectl\nk8s.io/kubectl\n")
    watch("k8s.io/kubectl")
    assert not told, "one of them is not compiled yet"
    log.write_text(f"{log.read_text()}toolchain.local/kubernetes/node\n")
    watch("toolchain.local/kubernetes/node")
    watch("toolchain.local/kubernetes/node")
    assert told == ["linking"], "it is told once"
    assert details == ["k8s.io/kubectl", "linking", "linking"]


@pytest.mark.parametrize(("gigabytes", "percent"), [(4, None), (6, "200"), (11, "200"), (24, "400")])
def test_a_compiler_collects_less_often_where_there_is_memory(gigabytes: int, percent: str | None) -> None:
    assert builder._hurry(gigabytes << 30).get("GOGC") == percent


def test_how_fast_a_build_is_says_nothing_of_its_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sysconf", lambda _name: 1 << 20)
    monkeypatch.delenv("GOGC", raising=False)
    before = GoBuilder(tmp_path).key(named("etcd"))
    assert builder._environment()["GOGC"] == "400"
    monkeypatch.setenv("GOGC", "50")
    assert builder._environment()["GOGC"] == "50", "who sets it knows why"
    assert GoBuilder(tmp_path).key(named("etcd")) == before
    assert "GOGC" not in builder.SETTINGS


@contextlib.contextmanager
def terminal() -> Iterator[tuple[ConsoleReport, io.StringIO]]:
    stream = io.StringIO()
    yield ConsoleReport(Console(file=stream, force_terminal=True, width=80)), stream


def test_two_works_at_once_share_the_terminal() -> None:
    """A console has one live display: a second one was refused."""
    with terminal() as (report, stream):
        with report.work("building one", Estimate(30, False)) as one, report.work("building two", None) as two:
            one("k8s.io/api")
            two("linking")
            report.note("meanwhile")
        with report.work("building three", None) as three:
            three("")
    text = stream.getvalue()
    assert all(word in text for word in ("building one", "building two", "meanwhile", "building three"))
    assert "takes about 30 s on two cores" in text


def test_without_a_terminal_a_line_says_which_work_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.tools.report._PLAIN_EVERY", 0.0)
    stream = io.StringIO()
    report = ConsoleReport(Console(file=stream, width=80))
    with report.work("building one", None) as one, report.work("building two", None) as two:
        one("k8s.io/api")
        two("linking")
    assert "  … building one: 0 s (k8s.io/api)\n  … building two: 0 s (linking)\n" in stream.getvalue()
