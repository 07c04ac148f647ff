"""Processes: told apart, found by their marker, and ended; with real ones that only sleep."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab import processes
from lab.processes import MARKER, PART, Process

pytestmark = pytest.mark.unit

Starter = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    began: list[Process] = []

    def starter(*arguments: str, part: str = "a/sleep", folder: Path = tmp_path) -> Process:
        environ = {"PATH": os.environ["PATH"], MARKER: str(folder), PART: part}
        command = arguments or ("sleep", "60")
        process = processes.start(command, environ, tmp_path, tmp_path / "logs" / f"{len(began)}.log")
        began.append(process)
        wait_until(lambda: processes.environment(process).get(MARKER) == str(folder))  # exec has happened
        return process

    yield starter
    processes.end(began, patience=0.1)


def wait_until(condition: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_started_process_lives_in_a_session_of_its_own(start: Starter) -> None:
    process = start()
    assert processes.alive(process)
    assert os.getsid(process.pid) == process.pid
    assert processes.command(process) == ["sleep", "60"]
    assert processes.memory(process) > 0


def test_a_recycled_number_is_another_process(start: Starter) -> None:
    process = start()
    earlier = replace(process, started=process.started - 1)
    assert not processes.alive(earlier)
    processes.end([earlier], patience=0.1)
    assert processes.alive(process)


def test_a_zombie_is_gone() -> None:
    child = subprocess.Popen(["true"])
    wait_until(lambda: "Z" in Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2])
    assert processes.identify(child.pid) is None
    child.wait()


def test_the_marker_finds_what_belongs_to_a_lab_and_nothing_else(start: Starter, tmp_path: Path) -> None:
    mine, child_of_mine = start(), start("sh", "-c", "sleep 60; true", part="a/shell")
    start(folder=tmp_path / "longer")
    wait_until(lambda: len(processes.marked(tmp_path)) == 3)
    assert {mine, child_of_mine} < set(processes.marked(tmp_path))
    # The shell's child has the shell's environment, but is no part.
    assert processes.parts(tmp_path) == {"a/sleep": mine, "a/shell": child_of_mine}


def test_all_that_is_marked_ends_descendants_and_deaf_ones_included(start: Starter, tmp_path: Path) -> None:
    start("sh", "-c", "trap '' TERM; sleep 60 & sleep 60; sleep 60")
    wait_until(lambda: len(processes.marked(tmp_path)) == 3)
    assert processes.end_marked(tmp_path, [], patience=0.3) == 3
    assert processes.marked(tmp_path) == []


def test_the_last_group_ends_after_all_others(start: Starter, tmp_path: Path) -> None:
    script = (
        f"trap 'ls /proc/$OTHER >/dev/null 2>&1 && touch {tmp_path}/early; exit' TERM; while :; do sleep 0.05; done"
    )
    other = start("sh", "-c", "trap 'sleep 0.3; exit' TERM; while :; do sleep 0.05; done", part="a/other")
    last = start("sh", "-c", script.replace("$OTHER", str(other.pid)), part="a/etcd")
    processes.end_marked(tmp_path, [lambda name: name == "a/etcd"], patience=5)
    assert not processes.alive(last)
    assert not processes.alive(other)
    assert not (tmp_path / "early").exists()


def test_whoever_asks_stays_and_so_do_its_ancestors(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from lab import processes;"
        "folder = Path(sys.argv[1]); print(processes.end_marked(folder, [], 0.2), processes.marked(folder))"
    )
    shell = f'sleep 60 & "{sys.executable}" -c "{script}" "{tmp_path}"; echo alive'
    answer = subprocess.run(
        ["sh", "-c", shell], env={**os.environ, MARKER: str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines() == ["1 []", "alive"]


def test_the_log_of_the_process_before_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "part.log"
    for word in ("first", "second"):
        process = processes.start(["echo", word], dict(os.environ), tmp_path, log)
        wait_until(lambda expected=f"{word}\n": log.read_text() == expected)  # type: ignore[misc]
        processes.end([process], patience=5)
    assert log.read_text() == "second\n"
    assert log.with_name("part.log.1").read_text() == "first\n"


def test_the_name_of_a_program_may_look_like_anything(tmp_path: Path, start: Starter) -> None:
    odd = tmp_path / "a) Z 1 (b"
    odd.symlink_to("/bin/sleep")
    process = start(str(odd), "60")
    assert processes.identify(process.pid) == process


@pytest.mark.parametrize(("call", "said"), [("pass", "went on"), ("processes.take_interrupts()", "")])
def test_what_a_background_shell_starts_takes_interrupts_again(call: str, said: str) -> None:
    """The first case is what a shell does to a program that it starts with `&`."""
    child = "subprocess.run(['sh', '-c', 'kill -INT $$; echo went on'])"
    script = f"import subprocess; from lab import processes; {call}; {child}"
    started = ["sh", "-c", 'trap "" INT; exec "$@"', "-", sys.executable, "-c", script]
    assert subprocess.run(started, capture_output=True, text=True, check=True).stdout.strip() == said
