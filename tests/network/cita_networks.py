"""CITA-Cloud networks as the tests of this layer use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.cita import TIMESTAMP
from tests.cita_rpc import call, number
from tests.network.networks import Network, Organisation
from tests.stacks import Config, changed, seed

Indices = Mapping[str, int]


def founder(network: str, nodes: Indices, changes: Mapping[str, Any] | None = None) -> Config:
    """The configuration of alpha, which founds a chain.

    Args:
        network: Its name, and the namespace's.
        nodes: Names of its own nodes with their indices.
        changes: By dotted path.
    """
    config = _organisation("alpha", network, nodes)
    config["network"] |= {"founder": True, "genesis": {"timestamp": TIMESTAMP, "blockInterval": 1}}
    return changed(config, changes or {})


def joiner(organisation: str, network: str, nodes: Indices, changes: Mapping[str, Any] | None = None) -> Config:
    """The configuration of an organisation that joins alpha's chain.

    Args:
        organisation: Who it is.
        network: Name of the chain, and the namespace's.
        nodes: Names of its nodes with their indices.
        changes: By dotted path.
    """
    config = _organisation(organisation, network, nodes)
    config["network"]["joins"] = "alpha"
    return changed(config, changes or {})


def _organisation(name: str, network: str, nodes: Indices) -> Config:
    return {
        "identitySeed": seed(f"{name} of {network}"),
        "organisation": name,
        "cluster": {"context": "", "namespace": network, "address": "127.0.0.1"},
        "network": {"kind": "cita-cloud", "name": network},
        "defaults": {
            "awaitReady": False,  # as with GoQuorum: tests look for blocks themselves
            "storage": {"size": "1Gi"},
            "resources": {"cpu": "5m", "memory": "32Mi", "memoryLimit": "256Mi"},
        },
        "nodes": {node: {"index": index} for node, index in nodes.items()},
        "partners": {},
    }


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
