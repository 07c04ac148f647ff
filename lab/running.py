"""Bring the parts of one cluster up, stage by stage, and say clearly when one does not come."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from lab import processes
from lab.cluster import Cluster
from lab.errors import LabError
from lab.nodes.run import within
from lab.processes import MARKER, PART, Process
from lab.profiles import Part, Profile, Stage
from lab.say import Say
from lab.tools import Toolchain

_POLL = 0.1
_LAST_LINES = 8
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER")
"""What parts need of the user's environment. Proxies, above all, are none of their business."""


def bring_up(
    profile: Profile, cluster: Cluster, toolchain: Toolchain, running: Mapping[str, Process], say: Say
) -> bool:
    """Start whatever parts of a cluster do not run, and wait until all of it is ready.

    Args:
        profile: what the cluster is made of.
        cluster: the cluster; its files are prepared.
        toolchain: where the programs are.
        running: parts of the lab that run already.
        say: told what happens, a line at a time.

    Returns:
        Whether anything had to be started.

    Raises:
        LabError: a part ended, or a stage was not ready in time. The text names the log.
    """
    began = time.monotonic()
    started: dict[str, Process] = {}
    changed = False
    for stage in profile.stages(cluster, toolchain):
        for part in stage.parts:
            process, fresh = _ensure(cluster, part, running.get(f"{cluster.name}/{part.name}"))
            started[part.name] = process
            changed = changed or fresh
        _await(cluster, stage, started)
        if changed:
            say(f"cluster {cluster.name}: {stage.title} ready after {time.monotonic() - began:.1f} s")
    return changed


def _ensure(cluster: Cluster, part: Part, running: Process | None) -> tuple[Process, bool]:
    if running is not None and processes.command(running) == list(part.command):
        return running, False
    if running is not None:  # of another toolchain, or with other ports
        processes.end([running], patience=10)
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    environment |= {**part.environment, MARKER: str(cluster.lab), PART: f"{cluster.name}/{part.name}"}
    try:
        inside = within(part.namespace) if part.namespace else ()
        process = processes.start((*inside, *part.command), environment, cluster.lab, cluster.log(part.name))
    except OSError as error:
        raise LabError(
            f"{part.command[0]} cannot be started: {error}. Prepare it again with: archipelago lab tools"
        ) from error
    return process, True


def _await(cluster: Cluster, stage: Stage, started: Mapping[str, Process]) -> None:
    deadline = time.monotonic() + stage.within
    while True:
        missing = _missing(stage)
        if missing is None:
            return
        for name, process in started.items():
            if not processes.alive(process):
                raise LabError(_ended(cluster, name))
        if time.monotonic() > deadline:
            logs = ", ".join(str(cluster.log(part.name)) for part in stage.parts)
            raise LabError(
                f"Cluster {cluster.name} was not ready within {stage.within:g} s: {missing}.\nRead {logs}\n"
                f"Then try: archipelago lab down --dir {cluster.lab} && archipelago lab up --dir {cluster.lab}"
            )
        time.sleep(_POLL)


def _missing(stage: Stage) -> str | None:
    try:
        return stage.missing()
    except Exception as error:  # an API server that is starting fails in more ways than a list here could hold
        return f"{type(error).__name__}: {error}"


def _ended(cluster: Cluster, part: str) -> str:
    log = cluster.log(part)
    try:
        lines = log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
    except OSError:
        lines = []
    return (
        f"{part} of cluster {cluster.name} has ended by itself. The last lines of {log}:\n"
        + "\n".join(f"  {line[:300]}" for line in lines)
        + f"\nIf its data is damaged, start afresh: archipelago lab down --purge --dir {cluster.lab}"
        + f" && archipelago lab up --dir {cluster.lab}"
    )
