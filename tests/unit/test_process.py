"""The shell that stays as process 1, run for real in every shell that an image may have."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from archipelago.chains.process import STAY

pytestmark = pytest.mark.unit

SHELLS = tuple(
    pytest.param(words, id=words[-1])
    for words in (("sh",), ("dash",), ("busybox", "sh"), ("bash", "--posix"))
    if shutil.which(words[0])
)
_SUBREAPER = 36  # linux/prctl.h: orphans of our children come to us, as they come to process 1


def _as_process_1() -> None:
    """Orphans come to it, and no signal is ignored: a shell cannot trap one that was when it started."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def started(shell: tuple[str, ...], program: str) -> Iterator[tuple[subprocess.Popen[str], Callable[[], str]]]:
    """A container that runs a program, which is a line of shell here; and what it prints, line by line."""
    with subprocess.Popen(
        [*shell, "-c", f'set -eu\n{STAY}stay "$@"\n', "program", "sh", "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=_as_process_1,  # noqa: PLW1509 - two system calls, and no thread here
    ) as process:
        assert process.stdout
        yield process, process.stdout.readline


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("program", "code"), [("exit 0", 0), ("exit 1", 1), ("exit 112", 112), ("kill -KILL $$", 137)])
def test_a_container_ends_as_its_program_does(shell: tuple[str, ...], program: str, code: int) -> None:
    """112 is geth without its transaction manager, 137 what the kernel does to one that takes too much memory."""
    with started(shell, program) as (process, _):
        assert process.wait(10) == code


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_handed_on_and_the_program_takes_the_time_that_it_needs(
    shell: tuple[str, ...], number: signal.Signals
) -> None:
    script = 'trap "sleep 0.5; echo flushed; exit 7" TERM; echo ready; while :; do sleep 0.05; done'
    with started(shell, script) as (process, line):
        assert line() == "ready\n"
        process.send_signal(number)
        process.send_signal(number)
        assert line() == "flushed\n"
        assert process.wait(10) == 7


@pytest.mark.parametrize("shell", SHELLS)
def test_what_a_question_leaves_behind_is_reaped(shell: tuple[str, ...]) -> None:
    """Probes that ran out of time left 21 defunct processes a pod within twelve minutes."""
    leaves = "for i in 1 2 3 4 5; do (sleep 0.2 &); done; sleep 0.1; echo there; exec sleep 60"
    with started(shell, leaves) as (process, line):
        assert line() == "there\n"
        end = time.monotonic() + 10
        while len(children(process.pid)) != 1:
            assert time.monotonic() < end, children(process.pid)
            time.sleep(0.05)
        os.kill(children(process.pid)[0], signal.SIGKILL)
        assert process.wait(10) == 137


def children(parent: int) -> list[int]:
    """Processes whose parent it is, those that have ended and are not reaped among them."""
    return [int(each) for each in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
