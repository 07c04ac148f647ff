"""What 3f51e16 made is taken over by this program: nothing is lost, and each node restarts once at most, in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.nodes.images import TESSERA_STAND_IN, tessera
from tests.engine.organisations import PROGRAM
from tests.network import cita_networks, ipfs_networks
from tests.network.conftest import Maker
from tests.network.networks import Measure, Network, founder, joiner
from tests.network.upgrades import held, loses_nothing, program_of, runs, watched

pytestmark = pytest.mark.soak

BESIDES = ("cita", "ipfs")
BEFORE = "3f51e16"
NODES = ("node1", "node2")
VALIDATORS = (*NODES, *(f"beta/{node}" for node in NODES))
AWAITED: dict[str, Any] = {"defaults.awaitReady": True}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of then."""
    return program_of(BEFORE, tmp_path_factory.mktemp("before"))


def older(network: Network, program: Path) -> None:
    """Let all stacks be run by an earlier program, which knows no `allowInside`."""
    for each in network.organisations.values():
        runs(each.stack, program)
        each.stack.configure(_outside)


def _outside(written: dict[str, Any]) -> None:
    for partner in written["archipelago:partners"].values():
        partner.pop("allowInside", None)


def upgraded(network: Network, name: str, measure: Measure, namespaces: tuple[str, ...] = (), blocks: str = "") -> None:
    """Let this program take a stack over, and see that nothing is lost."""
    organisation = network[name]
    spaces = (organisation.namespace, *namespaces)
    was = held(organisation, network, spaces)
    nodes = len(organisation.stack.outputs()["externalNodes"])
    runs(organisation.stack, PROGRAM)
    preview = organisation.stack.preview().expect()
    loses_nothing(preview)
    with watched(network, name, spaces, blocks=blocks) as seen:
        run = organisation.stack.up().expect()
    loses_nothing(run)
    seen.each_restarted_once_in_turn(nodes)
    measure(f"{name} taken over", run.seconds)
    if blocks:
        measure(f"longest time without a block while {name} is taken over", seen.longest)
        assert seen.longest < 20  # seconds
    now = held(organisation, network, spaces)
    assert now.uids.items() >= was.uids.items()
    assert now.keys.items() >= was.keys.items()
    assert now.volumes == was.volumes
    assert (now.records, now.genesis) == (was.records, was.genesis)


def settled(network: Network) -> None:
    """See that another run of anybody changes nothing."""
    for run in network.up(*network.organisations):
        assert run.changes == []
    for each in network.organisations.values():
        assert each.stack.preview().expect().changes == []


def _private() -> dict[str, Any]:
    """Private transactions, with what this lab has for them."""
    changes: dict[str, Any] = {"network.privacy": {"manager": "tessera", "version": "22.1.7"}}
    if tessera() == TESSERA_STAND_IN:
        changes["network.images"] = {"tessera": TESSERA_STAND_IN}
    return changes


@pytest.mark.parametrize("privacy", ["without", "with-tessera"])
def test_upgrade_from_3f51e16_takes_a_goquorum_network_over(
    make_network: Maker, before: Path, measure: Measure, privacy: str
) -> None:
    changes = AWAITED | (_private() if privacy == "with-tessera" else {})
    with make_network(f"up-{privacy}") as network:
        network.add(founder(network.name, VALIDATORS, changes), "a")
        network.add(joiner("beta", network.name, NODES, changes), "b")
        older(network, before)
        network.up("alpha", "beta", "alpha", "beta")
        network.wait_for_blocks()
        upgraded(network, "alpha", measure, blocks="beta/node1")
        network.wait_for_blocks()
        (partner,) = network.up("beta")  # still run by the program of then
        assert partner.changes == []
        upgraded(network, "beta", measure, blocks="alpha/node1")
        network.wait_for_blocks()
        settled(network)


def test_upgrade_from_3f51e16_takes_a_cita_cloud_chain_over(
    make_network: Maker, before: Path, measure: Measure
) -> None:
    nodes = {f"node{index}": index for index in range(4)}
    with make_network("up-cita") as network:
        network.height = cita_networks.height
        network.add(cita_networks.founder(network.name, nodes, AWAITED), "a")
        older(network, before)
        network.up("alpha")
        network.wait_for_blocks()
        upgraded(network, "alpha", measure)
        network.wait_for_blocks()
        settled(network)


def test_upgrade_from_3f51e16_takes_pools_of_ipfs_over(make_network: Maker, before: Path, measure: Measure) -> None:
    with make_network("up-pools") as network:
        for organisation, letter in {"alpha": "a", "beta": "b", "gamma": "c"}.items():
            network.add(ipfs_networks.example(organisation, network.name, AWAITED), letter)
        older(network, before)
        ipfs_networks.converge(network, *network.organisations)
        archive = ipfs_networks.member(network["alpha"], "public/archive")
        cid = archive.add("what was stored before")
        for name in network.organisations:
            upgraded(network, name, measure, tuple(_spaces(network, name)))
        assert archive.read(cid) == "what was stored before"
        settled(network)


def _spaces(network: Network, name: str) -> Iterator[str]:
    """Namespaces of its identities."""
    for each in network[name].stack.configuration.get("archipelago:identities", {}).values():
        yield each["namespace"]
