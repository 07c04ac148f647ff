"""How long the first block takes, beside the same objects applied by kubectl."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.network.conftest import Maker
from tests.network.networks import Measure, Network, Organisation, eventually, founder, joiner

pytestmark = [pytest.mark.network, pytest.mark.soak, pytest.mark.alone]

NODES = ("node1", "node2")
VALIDATORS = (*NODES, *(f"beta/{node}" for node in NODES))
TIMES = 2
"""How often each way is taken; the better one counts, for a round that is missed costs as much as all the rest."""


def test_the_first_block_takes_hardly_longer_than_with_kubectl(make_network: Maker, measure: Measure) -> None:
    with make_network("start") as network:
        # as a user has it: the default block period and time-out; pinned, so that what was exported holds again
        ports: dict[str, Any] = {
            f"nodes.{node}.exposure": {"ports": {"p2p": 30041 + at}} for at, node in enumerate(NODES)
        }
        genesis = {"network.genesis": {"validators": list(VALIDATORS)}}
        alpha = network.add(founder(network.name, VALIDATORS, ports | genesis), "a")
        beta = network.add(joiner("beta", network.name, NODES, ports), "b")

        began = time.monotonic()
        network.up("alpha", "beta", "alpha", "beta")
        _first_block(network)
        measure("first block, four runs after nothing was known", time.monotonic() - began)

        # from here on both ways know the same: the partner's bundle, and manifests made with it
        for organisation, other in ((alpha, beta), (beta, alpha)):
            bundle = organisation.stack.folder / f"{other.name}.json"
            bundle.write_text(other.archipelago("export", "-s", other.stack.name))
            organisation.configure(f"partners.{other.name}", {"file": str(bundle), "allowInside": True})
        rendered = {each.name: _rendered(each) for each in (alpha, beta)}
        by_kubectl = _best(network, lambda each: each.run("apply", "-f", "-", text=rendered[each.name]))
        by_pulumi = _best(network, lambda each: each.stack.up().expect())

    measure("first block that needs both clusters, pulumi up", by_pulumi)
    measure("first block that needs both clusters, kubectl apply", by_kubectl)
    measure("ratio", by_pulumi / by_kubectl)
    assert by_pulumi / by_kubectl <= 1.5


def _best(network: Network, start: Callable[[Organisation], object]) -> float:
    """The least number of seconds from two empty clusters to the first block, both organisations starting at once."""
    organisations = list(network.organisations.values())
    taken = []
    for _ in range(TIMES):
        for each in organisations:
            each.stack.destroy().expect()
            each.run("delete", "namespace", network.name, "--ignore-not-found", "--wait=true")
        began = time.monotonic()
        with ThreadPoolExecutor() as pool:
            list(pool.map(start, organisations))
        _first_block(network)
        taken.append(time.monotonic() - began)
    return min(taken)


def _rendered(organisation: Organisation) -> str:
    """What `archipelago render` makes of a stack that is known as far as its partner exported it."""
    outputs = organisation.stack.folder / "outputs.json"
    outputs.write_text(json.dumps(organisation.stack.outputs()))
    return organisation.archipelago("render", "-s", organisation.stack.name, "--outputs", str(outputs), "--secrets")


def _first_block(network: Network) -> None:
    eventually(network.heights, lambda seen: min(seen.values()) >= 1, 150)
