"""What of a lab runs, and how well."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab import processes
from lab.cluster import Cluster
from lab.lab import Lab
from lab.processes import Process
from lab.profiles import PROFILES


@dataclass(frozen=True)
class PartStatus:
    """One process of a cluster.

    Args:
        name: the part's name.
        pid: its process, or None if it does not run.
        memory: resident memory in bytes.
        log: where its output is.
    """

    name: str
    pid: int | None
    memory: int
    log: Path


@dataclass(frozen=True)
class ClusterStatus:
    """One cluster. `problem` is empty if it is ready."""

    name: str
    context: str
    server: str
    address: str
    problem: str
    parts: tuple[PartStatus, ...]

    @property
    def ready(self) -> bool:
        """Whether all parts run and the API server answers."""
        return not self.problem

    @property
    def memory(self) -> int:
        """Resident memory of all parts, in bytes."""
        return sum(part.memory for part in self.parts)


@dataclass(frozen=True)
class LabStatus:
    """A whole lab. `others` are processes that only carry its marker, such as a running `pulumi`."""

    folder: Path
    kubeconfig: Path
    profile: str
    clusters: tuple[ClusterStatus, ...]
    others: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether there are clusters and all of them are ready."""
        return bool(self.clusters) and all(cluster.ready for cluster in self.clusters)

    def command(self, name: str) -> str:
        """The command line of a subcommand for this lab."""
        return Lab(self.folder).command(name)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: every field, paths as text, memory in bytes."""
        plain: dict[str, Any] = asdict(self, dict_factory=_plain)
        plain["ready"] = self.ready
        return plain


def look(lab: Lab) -> LabStatus:
    """Look at a lab as it is now.

    Raises:
        LabError: the lab's state cannot be read.
    """
    known = lab.state()
    running = processes.parts(lab.folder)
    clusters = tuple(_cluster(cluster, known.profile if known else "", running) for cluster in lab.clusters())
    others = [process for process in processes.marked(lab.folder) if process not in running.values()]
    names = tuple(
        f"{Path(processes.command(process)[0]).name} (pid {process.pid})"
        for process in others
        if processes.command(process)
    )
    return LabStatus(lab.folder, lab.kubeconfig, known.profile if known else "", clusters, names)


def _cluster(cluster: Cluster, profile: str, running: dict[str, Process]) -> ClusterStatus:
    kind = PROFILES[profile]
    parts = []
    for name in kind.parts:
        process = running.get(f"{cluster.name}/{name}")
        memory = processes.memory(process) if process else 0
        parts.append(PartStatus(name, process.pid if process else None, memory, cluster.log(name)))
    dead = [part.name for part in parts if part.pid is None]
    if len(dead) == len(parts):
        problem = "not running"
    elif dead:
        problem = f"not running: {', '.join(dead)}"
    else:
        problem = kind.problem(cluster) or ""
    return ClusterStatus(cluster.name, cluster.context, cluster.server, cluster.address, problem, tuple(parts))


def _plain(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in fields}
