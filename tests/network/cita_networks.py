"""CITA-Cloud networks as the tests of this layer use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests import cita
from tests.cita_rpc import call, number
from tests.network.networks import Network, Organisation
from tests.stacks import Config, changed, seed

Indices = Mapping[str, int]
_LAB = {
    "awaitReady": False,  # as with GoQuorum: tests look for blocks themselves
    "storage": {"size": "1Gi"},
    "resources": {"cpu": "5m", "memory": "32Mi", "memoryLimit": "256Mi"},
}


def example(organisation: str, network: str, changes: Mapping[str, Any] | None = None) -> Config:
    """An organisation's file under `examples`, for small machines and under a name of the test's own."""
    own = {"cluster.namespace": network, "network.name": network, "defaults": _LAB}
    return changed(cita.example(organisation), own | dict(changes or {}))


def founder(network: str, nodes: Indices, changes: Mapping[str, Any] | None = None) -> Config:
    """The configuration of alpha, which founds a chain.

    Args:
        network: Its name, and the namespace's.
        nodes: Names of its own nodes with their indices.
        changes: By dotted path.
    """
    config: Config = {
        "identitySeed": seed(f"alpha of {network}"),
        "organisation": "alpha",
        "cluster": {"context": "", "namespace": network, "address": "127.0.0.1"},
        "network": {"kind": "cita-cloud", "name": network, "founder": True},
        "defaults": _LAB,
        "nodes": {node: {"index": index} for node, index in nodes.items()},
        "partners": {},
    }
    config["network"]["genesis"] = {"timestamp": cita.TIMESTAMP, "blockInterval": 1}
    return changed(config, changes or {})


def ask(network: Network, organisation: Organisation, node: str, method: str, message: bytes = b"") -> bytes:
    """What a node's controller answers at its NodePort (see `cita_rpc.call`)."""
    index = organisation.stack.configuration["archipelago:nodes"][node]["index"]
    service = organisation.get("service", f"all-{organisation.network}-{index}")
    port = next(each["nodePort"] for each in service["spec"]["ports"] if each["name"] == "rpc")
    try:
        return call(network.lab.cluster(organisation.letter).address, port, method, message)
    except OSError as error:  # no answer yet
        raise AssertionError(f"{organisation.name}/{node}: {error}") from None


def height(network: Network, organisation: Organisation, node: str) -> int:
    """The height of a node."""
    return number(ask(network, organisation, node, "GetBlockNumber"))
