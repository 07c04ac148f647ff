"""The example stacks with the founder first, and a third that joins two. In test_ipfs_peers.py he comes last."""

from __future__ import annotations

import pytest

from lab.lab import Lab
from lab.tools import Toolchain
from tests.network.conftest import Maker
from tests.network.ipfs_networks import connected, converge, example, member
from tests.network.ipfs_peers import peers
from tests.network.networks import Network
from tests.network.test_ipfs_peers import ARCHIVE, EVERYBODY, IDENTITIES

pytestmark = pytest.mark.network

BESIDES = ("ipfs",)


def _join(network: Network, *organisations: str) -> None:
    for each in organisations:
        network.add(example(each, network.name), EVERYBODY[each], introduced=False)


def _settled(network: Network) -> None:
    """All are connected, all see all others, and no preview shows a change."""
    connected(*(member(organisation, ARCHIVE[name]) for name, organisation in network.organisations.items()))
    for name, organisation in network.organisations.items():
        assert set(peers(organisation)) == {IDENTITIES[other] for other in network.organisations if other != name}
        assert organisation.stack.preview().expect().changes == [], name


def test_two_converge_a_third_joins_and_nobody_is_restarted(
    make_network: Maker, lab: Lab, whole_toolchain: Toolchain
) -> None:
    lab.up(whole_toolchain, clusters=3, profile="nodes")
    with make_network("two-then-three") as network:
        _join(network, "alpha", "beta")
        converge(network, "alpha", "beta")
        _settled(network)
        assert network["alpha"].stack.outputs()["partnersMissing"] == ["gamma"]
        before = {name: organisation.pods() for name, organisation in network.organisations.items()}
        _join(network, "gamma")
        converge(network, "gamma", "alpha", "beta", rounds=5)
        _settled(network)
        assert {name: network[name].pods() for name in before} == before
