"""CITA-Cloud chains of several organisations: pods, volumes and addresses are real, the services are the stand-in."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.network.cita_networks import ask, example, founder, height
from tests.network.conftest import Maker
from tests.network.links import cut
from tests.network.networks import Measure, Network, Organisation, eventually

pytestmark = pytest.mark.network

BESIDES = ("cita",)
"""What the lab has to have for this module."""

EVERYBODY = {"alpha": "a", "beta": "b", "gamma": "c"}
"""Organisations with their clusters."""


@pytest.fixture(scope="module")
def chain(make_network: Maker) -> Iterator[Network]:
    """The examples, four validators of three stacks on three clusters, deployed by two rounds of `pulumi up`."""
    with make_network("cita") as network:
        network.height = height
        for organisation, letter in EVERYBODY.items():
            quicker = {"network.genesis.blockInterval": 1} if organisation == "alpha" else {}
            network.add(example(organisation, network.name, quicker), letter)
        network.up(*EVERYBODY)
        assert network["alpha"].stack.outputs()["waitingFor"] == ["beta/node2", "gamma/node3"]
        assert not any(each.workloads() for each in network.organisations.values())
        network.up(*EVERYBODY)
        yield network


def _accounts(organisation: Organisation) -> list[str]:
    return [node["address"] for node in organisation.stack.outputs()["externalNodes"]]


def test_identities_in_one_round_the_chain_in_the_next_and_no_change_after_it(chain: Network, measure: Measure) -> None:
    measure("blocks on all four nodes", chain.wait_for_blocks())
    hashes = {ask(chain, *each, "GetBlockHash", b"\x08\x01") for each in chain.nodes}
    assert len(hashes) == 1
    for organisation, run in zip(chain.organisations.values(), chain.up(*EVERYBODY), strict=True):
        assert run.changes == [], f"{organisation.name} changes something in a third round"
        assert organisation.stack.outputs()["waitingFor"] == []
        assert {restarts for _, restarts in organisation.pods().values()} == {0}


def test_verify_finds_nothing_wrong_across_clusters(chain: Network) -> None:
    chain.wait_for_blocks()
    files = [str(each.stack.file) for each in chain.organisations.values()]
    found = json.loads(chain["alpha"].archipelago("verify", *files, "--json"))  # it ends with 0
    assert {each["check"] for each in found} >= {"height", "genesis"}


def test_half_of_the_validators_make_no_block_and_all_go_on_after_the_cut(chain: Network, measure: Measure) -> None:
    rest = [each for each in chain.nodes if each[0].letter != "a"]
    with cut(chain, chain["alpha"]):
        time.sleep(6)  # after which a peer that says nothing counts as gone
        chain.stands_still(6, rest)
    measure("blocks on all after the cut", chain.wait_for_blocks())


def test_a_destroyed_stack_comes_back_with_its_accounts_and_goes_on(chain: Network, measure: Measure) -> None:
    beta = chain["beta"]
    accounts, before = _accounts(beta), max(chain.heights().values())
    beta.stack.destroy().expect()
    chain.wait_for_blocks(nodes=[each for each in chain.nodes if each[0] is not beta])  # three of four are enough
    began = time.monotonic()
    beta.stack.up().expect()
    assert _accounts(beta) == accounts
    eventually(chain.heights, lambda seen: min(seen.values()) > before, 150)
    measure("blocks on all after the destroyed stack is up again", time.monotonic() - began)


def test_two_chains_in_one_namespace_do_not_touch_each_other(chain: Network) -> None:
    alpha, side = chain["alpha"], chain.beside("side")
    side.height = height
    services = {"network": "network_p2p", "consensus": "consensus_raft", "kms": "kms_eth"}
    changes = {
        "organisation": "delta",
        "cluster.namespace": alpha.namespace,
        "cluster.createNamespace": False,
        "network.services": services,
    }
    delta = side.add(founder(side.name, {"lonely": 0}, changes), "a")
    pods = alpha.pods()
    side.up("delta")
    accounts = _accounts(delta)
    side.wait_for_blocks()
    chain.wait_for_blocks()
    assert alpha.pods().items() > pods.items(), "the first chain's pod was replaced"
    before = max(side.heights().values())
    delta.stack.destroy().expect()
    chain.wait_for_blocks()
    side.up("delta")
    assert _accounts(delta) == accounts
    eventually(side.heights, lambda seen: min(seen.values()) > before)
    delta.stack.destroy().expect()
