"""What the stack tells its monitor: one JSON file that changes with the stack's own members alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CRD = "crd"


@dataclass(frozen=True, slots=True)
class Member:
    """One node of ours.

    Args:
        name: `<pool>-<swarm>`, unique in the stack.
        pool: Name of its pool.
        swarm: Name of its swarm.
        namespace: Where it runs.
        peer_id: Who it is, in base58.
        host: Where it tells how it is.
        port: Likewise.
        hash: Of what was asked for, not of what is; changes with the stack file alone.
    """

    name: str
    pool: str
    swarm: str
    namespace: str
    peer_id: str
    host: str
    port: int
    hash: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a monitor is told.

    Args:
        network: Name of the network.
        organisation: Whose stack it is.
        stack: Its name, for `pulumi up -s …`.
        namespace: Where the monitor runs.
        live: Name of the ConfigMap with the members' live files, in each of their namespaces.
        status: Name of the ConfigMap that the monitor writes, in its own namespace.
        peers: `crd` where Peers are objects of their own kind, `configMap` where they are ConfigMaps.
        members: The stack's nodes.
    """

    network: str
    organisation: str
    stack: str
    namespace: str
    live: str
    status: str
    peers: str
    members: tuple[Member, ...]

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Where members run, each once."""
        return tuple(sorted({each.namespace for each in self.members}))

    @property
    def selector(self) -> str:
        """Labels that the stack's Peers bear."""
        return f"archipelago/peer-id,app.kubernetes.io/instance={self.network}"


def read(path: Path) -> Settings:
    """The settings in a file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no JSON.
        TypeError: It says more or less than a monitor needs.
    """
    written: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    members = tuple(Member(**each) for each in written.pop("members"))
    return Settings(members=members, **written)
