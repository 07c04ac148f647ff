"""Two swarms of two organisations, and what is seen while they come up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.network.ipfs_networks import Member, connected, converge, founder, joiner, member, put_secret, secret
from tests.network.networks import Network, eventually

KEY = "archive-key"
"""The Secret that both organisations name for the key of the swarm `archive`."""

PORTS = {"swarmPort": 4101, "apiPort": 5101}
ARCHIVE = {"key": {"secret": KEY}, "exposure": {"type": "NodePort"}}
MODELS = {"exposure": {"type": "LoadBalancer", "address": "auto"}, **PORTS}


@dataclass
class Swarms:
    """Two organisations with a member each in two swarms, and what was seen while they came up.

    Args:
        network: alpha in cluster `a`, beta in `b`.
        seen: By what it is, what was seen on the way.
        seconds: By step, how long after the beginning it was done.
    """

    network: Network
    seen: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def member(self, organisation: str, swarm: str) -> Member:
        """The organisation's member of a swarm."""
        return member(self.network[organisation], f"public/{swarm}")


@contextmanager
def two_swarms(made: AbstractContextManager[Network]) -> Iterator[Swarms]:
    """alpha and beta; the key of `archive` goes from hand to hand, that of `models` from stack to stack.

    Args:
        made: An empty network.
    """
    with made as network:
        found, began = Swarms(network), time.monotonic()
        pools = {"public": {"archive": ARCHIVE, "models": MODELS}}
        alpha = network.add(founder(network.name, pools), "a")
        network.up("alpha")
        found.seen["key"] = secret(alpha, KEY)
        creator = found.member("alpha", "archive")
        found.seen["alone"] = eventually(lambda: (creator.bootstraps(), creator.peers()), lambda _: True)
        found.seconds["the creator runs"] = time.monotonic() - began

        beta = network.add(joiner("beta", network.name, pools, {"cluster.createNamespace": False}), "b")
        beta.run("create", "namespace", beta.namespace)
        put_secret(beta, KEY, found.seen["key"])
        network.up("beta")
        found.seen["waiting"] = beta.stack.outputs()["waitingFor"]
        found.seen["before"] = {each["name"]: each["nodeId"] for each in beta.stack.outputs()["externalNodes"]}
        both = (creator, found.member("beta", "archive"))
        connected(*both)
        found.seconds["connected by NodePort after one up of each"] = time.monotonic() - began
        found.seen["first"] = eventually(  # a member that starts closes what was opened before it was ready
            lambda: [(each.bootstraps(), set(each.peers())) for each in both],
            lambda seen: all(peers for _, peers in seen),
        )

        found.seen["rounds"] = converge(network, "alpha", "beta")
        connected(found.member("alpha", "models"), found.member("beta", "models"))
        found.seconds["converged, and connected by LoadBalancer"] = time.monotonic() - began
        yield found
