"""Processes of a lab: started in sessions of their own, marked by an environment variable, found and ended by it.

There are no pid files that could go stale: every process that descends from a lab carries the lab's folder in its
environment, and `/proc` tells which those are (proc(5), Linux only).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARKER = "ARCHIPELAGO_LAB"
"""Environment variable that holds the lab's folder in everything that belongs to it."""

PART = "ARCHIPELAGO_LAB_PART"
"""Environment variable that holds `<cluster>/<part>` in the processes that make up the clusters themselves."""

_PROC = Path("/proc")
_POLL = 0.05


def take_interrupts() -> None:
    """Take SIGINT again, where a shell started this process in the background and so made it ignore it.

    All that it starts would ignore it, too: `pulumi` ends each language host by SIGINT, and waits five seconds for one
    that goes on. Only a process's main thread may call this.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class _Detached(subprocess.Popen[bytes]):
    """A child that is meant to go on when this process ends."""

    def __del__(self, *_arguments: object) -> None:
        """Without the warning that it still runs."""


_children: list[_Detached] = []
"""What this process has started itself: kept to reap it, so that a test that goes on for long gathers no zombies."""


@dataclass(frozen=True)
class Process:
    """One process, told apart from any later one with the same number.

    Args:
        pid: its number.
        started: clock ticks between boot and its start, field 22 of `/proc/<pid>/stat`.
    """

    pid: int
    started: int


@dataclass(frozen=True)
class _Status:
    state: str
    parent: int
    session: int
    started: int


def _status(pid: int) -> _Status | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The second field is the program's name in parentheses and may itself hold spaces and parentheses.
    fields = text.rpartition(")")[2].split()
    return _Status(state=fields[0], parent=int(fields[1]), session=int(fields[3]), started=int(fields[19]))


def identify(pid: int) -> Process | None:
    """The process that has this number now; None if there is none, or only a zombie that nobody has reaped yet."""
    status = _status(pid)
    return None if status is None or status.state in "ZX" else Process(pid, status.started)


def alive(process: Process) -> bool:
    """Whether this very process still runs."""
    return identify(process.pid) == process


def environment(process: Process) -> dict[str, str]:
    """The environment that a process was started with; empty for a process of another user, or one that is gone."""
    try:
        content = (_PROC / str(process.pid) / "environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.decode("utf-8", errors="surrogateescape").partition("=") for entry in content.split(b"\0") if entry)
    return {name: value for name, _, value in pairs}


def command(process: Process) -> list[str]:
    """The command line of a process; empty if it is gone."""
    try:
        content = (_PROC / str(process.pid) / "cmdline").read_bytes()
    except OSError:
        return []
    return content.decode("utf-8", errors="surrogateescape").split("\0")[:-1]


def memory(process: Process) -> int:
    """Resident memory of a process in bytes; 0 if it is gone."""
    try:
        pages = (_PROC / str(process.pid) / "statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def lineage() -> set[int]:
    """The numbers of this process and all its ancestors."""
    pids: set[int] = set()
    pid = os.getpid()
    while pid > 0 and pid not in pids:
        pids.add(pid)
        status = _status(pid)
        pid = status.parent if status else 0
    return pids


def marked(folder: Path) -> list[Process]:
    """Every process that belongs to a lab, this process and its ancestors excepted.

    Args:
        folder: the lab's folder, as absolute as the marker is.
    """
    wanted = f"{MARKER}={folder}".encode()
    mine = lineage()
    found = []
    for entry in _PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) in mine:
            continue
        process = identify(int(entry.name))
        if process is None:
            continue
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0") and alive(process):
                found.append(process)
    return found


def parts(folder: Path) -> dict[str, Process]:
    """The running processes that make up a lab's clusters, by `<cluster>/<part>`.

    Only the leader of a session counts: what a part starts inherits its environment, but not its place.
    """
    found = {}
    for process in marked(folder):
        name = environment(process).get(PART)
        status = _status(process.pid)
        if name and status is not None and status.session == process.pid:
            found[name] = process
    return found


def start(arguments: Sequence[str], environ: Mapping[str, str], folder: Path, log: Path) -> Process:
    """Start a process that outlives this one.

    Args:
        arguments: program and arguments.
        environ: its whole environment, marker included.
        folder: its working directory.
        log: gets its output; what an earlier process of this name wrote is kept beside it, ending in `.1`.

    Raises:
        OSError: it could not be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))
    with log.open("wb") as output:
        child = _Detached(
            arguments,
            env=dict(environ),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children.append(child)
    status = _status(child.pid)
    return Process(child.pid, status.started if status else 0)


def end(processes: Iterable[Process], patience: float) -> None:
    """End processes: ask all of them, wait, then force those that remain. Returns when all are gone.

    Args:
        processes: what to end; a number that has passed to another process since is left alone.
        patience: seconds between asking (TERM) and forcing (KILL).
    """
    left = [process for process in processes if _send(process, signal.SIGTERM)]
    left = _wait(left, patience)
    left = [process for process in left if _send(process, signal.SIGKILL)]
    _wait(left, patience)


def end_marked(folder: Path, last: Sequence[Callable[[str], bool]], patience: float = 8.0) -> int:
    """End everything that belongs to a lab.

    Args:
        folder: the lab's folder.
        last: groups of parts, by a test of `<cluster>/<part>`, that go one group after another when all else has gone.
        patience: seconds for each group before it is forced.

    Returns:
        How many processes were ended.
    """
    ended: set[Process] = set()
    named = {process: name for name, process in parts(folder).items()}
    late = {process for process, name in named.items() if any(group(name) for group in last)}
    for _ in range(3):  # something that is being ended may just have started something
        first = [process for process in marked(folder) if process not in late]
        ended.update(first)
        end(first, patience)
        if not first:
            break
    for group in last:
        members = [process for process in late if group(named[process])]
        ended.update(members)
        end(members, patience)
    rest = marked(folder)
    ended.update(rest)
    end(rest, patience)
    return len(ended)


def _send(process: Process, number: signal.Signals) -> bool:
    """Signal a process that is certainly the right one; False if it is gone."""
    try:
        # The descriptor holds on to whatever has the number now, so that nothing can change after the comparison.
        descriptor = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        if not alive(process):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def _wait(processes: Sequence[Process], seconds: float) -> list[Process]:
    deadline = time.monotonic() + seconds
    left = list(processes)
    while left:
        _reap()
        left = [process for process in left if alive(process)]
        if not left or time.monotonic() > deadline:
            break
        time.sleep(_POLL)
    return left


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]
