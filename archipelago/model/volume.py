"""Where a node's data is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class Place:
    """A directory that is there before its volume.

    Args:
        path: Absolute.
        machine: The cluster's machine that has it; empty where an NFS server does.
        server: Host name or address of the NFS server; empty where a machine of the cluster has it.
    """

    path: str
    machine: str = ""
    server: str = ""

    def meets(self, other: Place) -> bool:
        """Whether one of the two directories is the other one, or is in it."""
        mine, theirs = PurePosixPath(self.path), PurePosixPath(other.path)
        within = mine.is_relative_to(theirs) or theirs.is_relative_to(mine)
        return within and (self.machine, self.server) == (other.machine, other.server)

    def __str__(self) -> str:
        return f"{self.machine or self.server}:{self.path}"


@dataclass(frozen=True, slots=True)
class Volume:
    """A node's claim, and where its data is.

    Args:
        size: Kubernetes quantity; grown in place, never shrunk.
        storage_class: Empty for the cluster's default.
        shared_claim: Name of a claim that somebody else made and several nodes share; empty for one of the node's own.
        place: Where the data is, if no StorageClass makes the volume.
    """

    size: str
    storage_class: str = ""
    shared_claim: str = ""
    place: Place | None = None
