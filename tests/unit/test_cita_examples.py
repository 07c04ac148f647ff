"""The examples of a CITA-Cloud chain in three stacks: valid, and one chain after two runs of each."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from archipelago.chains.cita_cloud.chain_file import parsed
from archipelago.chains.registry import CHAINS
from archipelago.settings.schema import schema
from tests import cita
from tests.world import World

pytestmark = pytest.mark.unit

# multi4 of runner_k8s: whom each node dials, by its index
PEERS = {
    0: [("test-chain-1", 40000), ("203.0.113.20", 30000), ("203.0.113.30", 30000)],
    1: [("test-chain-0", 40000), ("203.0.113.20", 30000), ("203.0.113.30", 30000)],
    2: [("203.0.113.10", 30000), ("203.0.113.10", 30009), ("203.0.113.30", 30000)],
    3: [("203.0.113.10", 30000), ("203.0.113.10", 30009), ("203.0.113.20", 30000)],
}


def rounds(count: int) -> World:
    """The three stacks after some runs of each."""
    world = cita.examples()
    for _ in range(count):
        world.up(*cita.STACKS)
    return world


@pytest.mark.parametrize("stack", cita.STACKS.values())
def test_an_example_is_what_the_schema_allows(stack: str) -> None:
    text = (cita.EXAMPLES / f"Pulumi.{stack}.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=../schema/stack.schema.json\n")
    document = YAML(typ="safe", pure=True).load(text)
    assert not list(Draft202012Validator(schema(CHAINS)).iter_errors(document))


def test_the_first_round_tells_who_everybody_is_and_starts_nothing() -> None:
    world = rounds(1)
    assert world.plans["alpha"].waiting_for == ("beta/node2", "gamma/node3")
    for organisation in cita.STACKS:
        assert world.plans[organisation].genesis is None
        assert all(node["endpoints"] for node in world.outputs[organisation]["externalNodes"])


def test_the_second_round_makes_one_chain_and_a_third_one_nothing() -> None:
    world = rounds(2)
    files = {world.plans[each].genesis for each in cita.STACKS}
    (genesis,) = files
    assert genesis
    addresses = {node.index: node.address for each in cita.STACKS for node in world.plans[each].records}
    assert parsed(genesis.text).validators == tuple(addresses[index] for index in range(4))
    assert world.settled()


def test_a_node_dials_those_of_its_cluster_inside_of_it_and_partners_at_their_blocks() -> None:
    """runner_k8s sent nodes of one cluster through their own public address."""
    world = rounds(2)
    found = {
        node.index: world.plans[each].live_files[f"test-chain-{node.index}.toml"]
        for each in cita.STACKS
        for node in world.plans[each].records
    }
    for index, peers in PEERS.items():
        assert found[index] == "".join(f'[[peers]]\nip = "{host}"\nport = {port}\n\n' for host, port in peers)
    devices = world.plans["gamma"].live_files["config.xml"]
    for address in ("203.0.113.10:30001", "203.0.113.10:30010", "203.0.113.20:30001", "test-chain-3:22000"):
        assert devices.count(f"<address>tcp://{address}</address>") == 1
