"""Pods as their kubelet keeps them in files: asked this way, a pod costs no process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.cluster import Cluster


@dataclass(frozen=True)
class Pod:
    """One pod, which may have ended.

    Args:
        folder: What its kubelet keeps of it.
        name: Its name.
    """

    folder: Path
    name: str

    @property
    def address(self) -> str | None:
        """Its IP address; None before it has one."""
        hosts = self.folder / "etc-hosts"
        lines = hosts.read_text().splitlines() if hosts.exists() else []
        return next((line.split()[0] for line in lines if self.name in line.split()[1:]), None)

    def file(self, kind: str, name: str) -> Path | None:
        """A file in one of its volumes; None where there is none, as while it starts and ends.

        Args:
            kind: Of the volume, as `secret`.
            name: A pattern of its path, below the folder of all such volumes.
        """
        return next((self.folder / "volumes" / f"kubernetes.io~{kind}").glob(name), None)


def pods(cluster: Cluster, namespace: str, name: str) -> Iterator[Pod]:
    """The pods of a namespace whose name matches a pattern; logs are kept in folders `<namespace>_<pod>_<UID>`."""
    pattern = re.compile(rf"{re.escape(namespace)}_(?P<name>{name})_(?P<uid>.+)")
    for logs in (cluster.folder / "pods").iterdir():
        if found := pattern.fullmatch(logs.name):
            folder = cluster.folder / "kubelet" / "pods" / found["uid"]
            if folder.exists():
                yield Pod(folder, found["name"])
