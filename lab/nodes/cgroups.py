"""The cgroup under which all pods of a cluster run, in both versions of the kernel's interface."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from lab.cluster import Cluster

_ROOT = Path("/sys/fs/cgroup")
_VERSION_2 = _ROOT / "cgroup.controllers"
_CONTROLLERS = "+cpu +cpuset +memory +pids"
_POLL = 0.05


def make(cluster: Cluster) -> None:
    """Make the cluster's root cgroup, which the kubelet wants to find."""
    for place in _places(cluster):
        place.mkdir(exist_ok=True)
    if _VERSION_2.exists():
        (_ROOT / "cgroup.subtree_control").write_text(_CONTROLLERS)
        (_ROOT / cluster.namespace / "cgroup.subtree_control").write_text(_CONTROLLERS)
        return
    for name in ("cpuset.cpus", "cpuset.mems"):  # empty in a new one, and then nothing can enter it
        (_ROOT / "cpuset" / cluster.namespace / name).write_text((_ROOT / "cpuset" / name).read_text())


def end(cluster: Cluster, patience: float) -> None:
    """End all that runs in the cluster's pods.

    Args:
        cluster: the cluster.
        patience: seconds between asking (TERM) and forcing (KILL).
    """
    deadline = time.monotonic() + patience
    number = signal.SIGTERM
    asked: set[int] = set()
    while pids := set(_members(cluster)):
        if time.monotonic() > deadline:
            number = signal.SIGKILL
            asked.clear()
        for pid in pids - asked:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        asked |= pids
        if time.monotonic() > deadline + patience:  # the kernel holds it: nothing here could help
            return
        time.sleep(_POLL)


def remove(cluster: Cluster) -> None:
    """Remove the cluster's cgroups; the processes in them have ended."""
    for place in _places(cluster):
        if place.exists():
            for folder, _, _ in os.walk(place, topdown=False):
                _remove(Path(folder))


def _remove(folder: Path) -> None:
    for _ in range(40):  # a zombie that nobody has reaped yet still counts
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(_POLL)
        else:
            return


def _members(cluster: Cluster) -> Iterator[int]:
    place = _ROOT / cluster.namespace if _VERSION_2.exists() else _ROOT / "pids" / cluster.namespace
    for folder, _, files in os.walk(place):
        if "cgroup.procs" in files:
            with contextlib.suppress(OSError):
                yield from (int(pid) for pid in (Path(folder) / "cgroup.procs").read_text().split() if not _zombie(pid))


def _zombie(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _places(cluster: Cluster) -> list[Path]:
    if _VERSION_2.exists():
        return [_ROOT / cluster.namespace]
    return [folder / cluster.namespace for folder in _ROOT.iterdir() if folder.is_dir() and not folder.is_symlink()]
