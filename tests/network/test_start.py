"""How long the first block takes, beside the same objects applied by kubectl."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.network.conftest import Maker
from tests.network.networks import Measure, Network, eventually, founder, joiner

pytestmark = [pytest.mark.network, pytest.mark.alone]

NODES = ("node1", "node2")
VALIDATORS = (*NODES, *(f"beta/{node}" for node in NODES))


def test_the_first_block_takes_hardly_longer_than_with_kubectl(make_network: Maker, measure: Measure) -> None:
    with make_network("start") as network:
        # pinned, so that what was exported holds for the second time as well
        pinned: dict[str, Any] = {"defaults.awaitReady": True}
        pinned |= {f"nodes.{node}.exposure": {"ports": {"p2p": 31501 + at}} for at, node in enumerate(NODES)}
        alpha = network.add(founder(network.name, VALIDATORS, pinned), "a")
        beta = network.add(joiner("beta", network.name, NODES, pinned), "b")

        began = time.monotonic()
        network.up("alpha", "beta", "alpha")
        last = beta.stack.start("up", "--yes", "--skip-preview")  # goes on until its nodes have stayed ready
        _first_block(network)
        by_pulumi = time.monotonic() - began
        last.communicate()

        rendered = {name: _rendered(network, name) for name in network.organisations}
        for organisation in (alpha, beta):
            organisation.stack.destroy().expect()
            organisation.run("delete", "namespace", network.name, "--wait=true")

        began = time.monotonic()
        for organisation in (alpha, beta):
            organisation.run("apply", "-f", "-", text=rendered[organisation.name])
            for node in NODES if organisation is alpha else ():
                # all at once would be slower: first dials fail, and the rounds' time-outs grow
                organisation.run("rollout", "status", f"deploy/{network.name}-{node}", "--timeout=120s")
        _first_block(network)
        by_kubectl = time.monotonic() - began

    measure("first block that needs both clusters, pulumi up", by_pulumi)
    measure("first block that needs both clusters, kubectl apply", by_kubectl)
    measure("ratio", by_pulumi / by_kubectl)
    assert by_pulumi / by_kubectl <= 1.5


def _rendered(network: Network, name: str) -> str:
    """What `archipelago render` makes of a stack that is known as far as its partner exported it."""
    organisation = network[name]
    folder = organisation.stack.folder
    given = []
    for other in network.organisations.values():
        if other.name != name:
            bundle = folder / f"{other.name}.json"
            bundle.write_text(other.archipelago("export", "-s", other.stack.name))
            given += ["--partner", f"{other.name}={bundle}"]
    outputs = folder / "outputs.json"
    outputs.write_text(json.dumps(organisation.stack.outputs()))
    options = ("-s", organisation.stack.name, "--outputs", str(outputs), "--secrets", *given)
    return organisation.archipelago("render", *options)


def _first_block(network: Network) -> None:
    eventually(network.heights, lambda seen: min(seen.values()) >= 1, 150)
