"""What watches a stack's nodes from a pod of its own, where a protocol has such a thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from archipelago.model.plan import Resources
from archipelago.model.pod import PodOptions

STATUS_PORT = 8090  # where a node's pod shows the monitor how it is


@dataclass(frozen=True, slots=True)
class Watched:
    """A node of ours as the monitor knows it.

    Args:
        name: Of the node, unique in the stack.
        pool: Name of its pool.
        swarm: Name of its swarm.
        namespace: Where it runs.
        peer_id: Its public identity, as the protocol spells it.
        host: Where it shows how it is, as pods of the cluster find it.
        hash: Changes with what was asked for, and with nothing that happens.
        port: Beside `host`.
    """

    name: str
    pool: str
    swarm: str
    namespace: str
    peer_id: str
    host: str
    hash: str
    port: int = STATUS_PORT

    def plain(self) -> Mapping[str, Any]:
        """As the monitor reads it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class MonitorPlan:
    """What has to run to watch a stack's nodes.

    Args:
        image: Full image reference with a tag, of Python 3.11 or later.
        resources: What it is given.
        members: All nodes of the stack, whether they run yet or not.
        peers: `crd` or `configMap`: what partners' identities are in this cluster.
        pod: What its pod is told beside that.
    """

    image: str
    resources: Resources
    members: tuple[Watched, ...]
    peers: str
    pod: PodOptions = field(default_factory=PodOptions)
