"""Which format an account's file has: a node that runs keeps its own, and no two accounts share a key stream."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.chains.goquorum.chain import GoQuorum
from archipelago.identity.derive import Keyring
from archipelago.stack.plan import StackPlan
from tests.stacks import GONE, Config, alpha, floats, outputs_of, plan_of, problems_of, settings_of
from tests.world import World, of_kind

pytestmark = pytest.mark.unit

NAMES = ("quorum-node1", "quorum-node2", "quorum-node3")
# What format 1 makes of `alpha()`: restart-on of each workload, with Tessera's file, and SHA-256 of each keystore file.
BEFORE = {
    "quorum-node1": ("5a65601bfcc9c6ec", "7202ee0a3769fc9edd8ce2f652802258691f22f326dc62b91318c272ca7e68ec"),
    "quorum-node2": ("4e187d2b8a4d5513", "fe22a271f8340625f1ed1e2763a07ce38c45d596c83a29cd029d6d35a98f7328"),
    "quorum-node3": ("fdd3e8b18c40034b", "90f908a725337a2bd7b5605fe84496b10ccaf2adcaf93b4684c9f9a8a6a4cf33"),
}
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SECOND = "nodes.quorum-node2"
a_private_key = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32).hex())


def made(plan: StackPlan) -> dict[str, tuple[str, str]]:
    """What restarts each node, and a digest of its account's file."""
    restarts, secrets = of_kind(plan, "StatefulSet"), of_kind(plan, "Secret")
    return {
        node.name: (
            restarts[node.object_name]["spec"]["template"]["metadata"]["annotations"]["archipelago/restart-on"],
            hashlib.sha256(secrets[f"{node.object_name}-identity"]["stringData"]["keystore.json"].encode()).hexdigest(),
        )
        for node in plan.nodes
    }


def upgraded(changes: Config | None = None) -> World:
    """A stack that an earlier version ran, as its outputs tell it; and the changed file for the next run."""
    world = World(alpha=alpha())
    world.up("alpha")
    del world.outputs["alpha"]["fileFormats"]
    world.configs["alpha"] = alpha(changes)
    return world


def test_an_upgrade_of_the_program_restarts_no_node_and_changes_no_secret_at_this_run_and_the_next() -> None:
    world = upgraded()
    before = world.outputs["alpha"]
    assert made(world.up("alpha")) == BEFORE
    assert world.outputs["alpha"] == before
    assert made(world.up("alpha")) == BEFORE
    assert world.settled()


def test_a_new_network_has_the_format_of_today_and_keeps_it() -> None:
    world = World(alpha=alpha())
    first = made(world.up("alpha"))
    assert not set(first.items()) & set(BEFORE.items())
    assert world.outputs["alpha"]["fileFormats"] == dict.fromkeys(NAMES, 2)
    assert made(world.up("alpha")) == first
    assert world.settled()


def test_a_node_that_is_added_to_an_older_network_has_the_format_of_today_and_keeps_it() -> None:
    world = upgraded({"nodes.quorum-node4": {"validator": False}})
    added = made(world.up("alpha"))
    assert {name: added[name] for name in NAMES} == BEFORE
    assert world.outputs["alpha"]["fileFormats"] == {"quorum-node4": 2}
    assert made(world.up("alpha")) == added
    assert world.settled()


def test_c28_keys_that_are_rotated_come_in_the_format_of_today_and_so_do_imported_ones_after_them() -> None:
    """An account that is imported later shares no key stream with the one before."""
    world = upgraded({f"{SECOND}.identity": {"generation": 2}})
    world.up("alpha")
    assert world.outputs["alpha"]["fileFormats"] == {"quorum-node2": 2}
    again = {f"{SECOND}.identity": {"account": "ab" * 32, "generation": 3}, "losesValidators": ["quorum-node2"]}
    world.configs["alpha"] = alpha(again)
    back = made(world.up("alpha"))
    assert world.outputs["alpha"]["fileFormats"] == {"quorum-node2": 2}
    assert {name: back[name] for name in NAMES if name != "quorum-node2"} == {
        name: BEFORE[name] for name in NAMES if name != "quorum-node2"
    }


def test_a_destroyed_stack_comes_back_in_the_format_of_today_because_nothing_of_it_runs() -> None:
    world = upgraded()
    del world.outputs["alpha"]
    world.up("alpha")
    assert world.outputs["alpha"]["fileFormats"] == dict.fromkeys(NAMES, 2)


def test_a_stack_whose_backend_is_lost_may_say_which_format_its_running_nodes_have() -> None:
    world = upgraded({"defaults.identity": {"keystore": 1}})
    del world.outputs["alpha"]
    assert made(world.up("alpha")) == BEFORE
    world.configs["alpha"] = alpha()  # from then on it is recorded again
    assert made(world.up("alpha")) == BEFORE


def test_a_file_may_ask_for_the_format_of_today_and_the_node_restarts_once() -> None:
    world = upgraded({f"{SECOND}.identity": {"keystore": 2}})
    moved = made(world.up("alpha"))
    assert {name for name in NAMES if moved[name] != BEFORE[name]} == {"quorum-node2"}
    world.configs["alpha"] = alpha()
    assert made(world.up("alpha")) == moved


def test_there_is_no_other_format() -> None:
    (problem,) = problems_of(alpha({f"{SECOND}.identity": {"keystore": 3}}))
    assert problem.path == f"{SECOND}.identity.keystore"


def test_what_the_engine_gives_back_as_a_float_is_the_number_that_was_exported() -> None:
    exported = floats(outputs_of(plan_of(alpha())))
    assert exported["fileFormats"]["quorum-node1"] == 2.0
    assert plan_of(alpha(), last=exported).file_formats == dict.fromkeys(NAMES, 2)


@given(a_private_key, a_private_key, st.integers(1, 3))
def test_c28_the_files_of_two_accounts_never_tell_the_difference_of_their_keys(
    one: str, other: str, number: int
) -> None:
    """One password, one generation: with one salt and one IV, who knows the first key has the second."""
    found = [_encrypted({"account": key, "generation": number}) for key in (one, other)]
    derived = _encrypted({"generation": number})
    for first, second in ((found[0], found[1]), (found[0], derived)):
        if first[1] != second[1]:
            assert _xor(first[0], second[0]) != _xor(first[1], second[1])


def test_c28_in_the_first_format_they_did() -> None:
    """So the test above would find it."""
    first, second = (_encrypted({"account": key, "keystore": 1}) for key in ("ab" * 32, "cd" * 32))
    assert _xor(first[0], second[0]) == _xor(first[1], second[1])


def _encrypted(identity: dict[str, Any]) -> tuple[bytes, bytes]:
    """An account's private key encrypted, and as it is."""
    settings = settings_of(alpha({f"{SECOND}.identity": identity, "partners": GONE}))
    keyring = Keyring(settings.seed, "alpha", "consortium")
    node = GoQuorum().node(settings, keyring, "quorum-node2")
    document = json.loads(node.private_files["keystore.json"])
    private = identity.get("account") or keyring.scalar("quorum-node2", "account", identity["generation"]).hex()
    return bytes.fromhex(document["crypto"]["ciphertext"]), bytes.fromhex(private)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
