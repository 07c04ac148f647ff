"""The stand-in for CITA-Cloud makes blocks when the nodes of a chain have found each other, and not before."""

from __future__ import annotations

import time

import pytest

from archipelago.chains.cita_cloud.chain_file import parsed
from tests.cita import local, plan_of
from tests.unit.cita_nodes import FOUR, SECOND, Layout, Node, have, wait_until

pytestmark = pytest.mark.unit

CHAINS = {
    "raft and kms_sm": FOUR,
    "raft and kms_eth": FOUR | {"network.services.kms": "kms_eth"},
    "bft": FOUR | {"network.services": {}},
}


def stands_still(node: Node) -> bool:
    time.sleep(2 * SECOND)  # what is under way
    before = node.height()
    time.sleep(5 * SECOND)  # five blocks of a chain that goes on
    return node.height() == before


@pytest.mark.parametrize("chain", CHAINS)
def test_four_nodes_make_the_same_blocks_and_none_without_a_quorum(lay_out: Layout, chain: str) -> None:
    """Raft and bft both need three of four."""
    plan = plan_of(local(CHAINS[chain]))
    nodes = lay_out(plan)
    for node in nodes[:2]:
        node.start()
    wait_until(have(nodes[:2], 0))
    wait_until(lambda: nodes[0].peers() == 1)
    assert stands_still(nodes[0])
    assert nodes[0].height() == 0
    nodes[2].start()
    wait_until(have(nodes[:3], 2))
    nodes[3].start()
    wait_until(have(nodes, 3))
    wait_until(lambda: {each.peers() for each in nodes} == {3})
    assert plan.genesis
    assert {each.call("GetBlockHash")[2:].hex() for each in nodes} == {plan.genesis.hash.removeprefix("0x")}
    for height in (1, 2, 3):
        assert len({each.call("GetBlockHash", bytes([8, height])) for each in nodes}) == 1
    nodes[0].stop()
    nodes[1].stop()
    assert stands_still(nodes[2])


def test_a_node_goes_on_from_its_volume(lay_out: Layout) -> None:
    nodes = lay_out(plan_of(local(FOUR)), 3)
    for node in nodes:
        node.start()
    wait_until(have(nodes, 2))
    for node in nodes:
        node.stop()
    nodes[0].start()
    wait_until(have(nodes[:1], 2))


def test_blocks_go_on_when_all_network_services_were_restarted(lay_out: Layout) -> None:
    nodes = lay_out(plan_of(local(FOUR)), 3)
    for node in nodes:
        node.start()
    wait_until(have(nodes, 1))
    for node in nodes:
        node.stop("network")
    before = max(each.height() for each in nodes)
    for node in nodes:
        node.start("network")
    wait_until(have(nodes, before + 2))


def test_the_controller_tells_the_configuration_of_the_chain(lay_out: Layout) -> None:
    plan = plan_of(local(FOUR))
    (node,) = lay_out(plan, 1)
    node.start()
    wait_until(have([node], 0))
    assert plan.genesis
    chain = parsed(plan.genesis.text)
    raw = [bytes.fromhex(each[2:]) for each in (chain.chain_id, chain.admin, *chain.validators)]
    assert node.call("GetSystemConfig") == b"".join(
        [b"\x12\x20", raw[0], b"\x1a\x14", raw[1], b"\x20\x01", *(b"\x2a\x14" + each for each in raw[2:])]
    )
    assert node.call("GetVersion")[2:] == b"v5.0.0 cita-stand-in"
    for method, message in (("GetBlockHash", b"\x08\x09"), ("SendRawTransaction", b"")):
        with pytest.raises(OSError, match="is refused"):
            node.call(method, message)
