"""What geth's console is asked, and how its answers are read: recorded from GoQuorum 22.7.4."""

from __future__ import annotations

import json

import pytest
import rlp
from eth_hash.auto import keccak
from eth_keys.datatypes import Signature

from archipelago.chains.goquorum import trial
from archipelago.chains.goquorum.rpc import GethConsole
from archipelago.chains.running import Ballot, Unanswered
from archipelago.model.endpoint import Endpoint
from archipelago.model.record import ExternalNode, NetworkRecord

pytestmark = pytest.mark.unit

ASKED = GethConsole()
ME = (
    "1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f"
    "70beaf8f588b541507fed6a642c5ab42dfdf8120a7f639de5122d47a69a8e8d1"
)
PEER = (
    "4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766"
    "2a3eada2d0fe208b6d257ceb0f064284662e857f57b66b54c198bd310ded36d0"
)
# as `geth --exec … attach` printed it, the quotes of the outer text included
STATE = (
    r'"{\"id\":\"enode://' + ME + r"@127.0.0.1:34111?discport=0\",\"height\":379,\"syncing\":false,"
    r"\"genesis\":\"0x9c9fc601ddba3f0d6254b028fa13d6c53f3fa4523cbbf8bd154839048a07a2ee\","
    r"\"block\":\"0xc6103cf45048eda79d6045780b5c4f897f6a0af5ecc2a6ef520d0ad0ffcfbab8\","
    r"\"address\":\"0x1a642f0e3c3af545e7acbd38b07251b3990914f1\","
    r"\"validators\":[\"0x1a642f0e3c3af545e7acbd38b07251b3990914f1\"],"
    r"\"pending\":{\"0x5050a4f4b3f9338c3472dcc01a87c76a144b3c9c\":true},"
    r"\"votes\":[{\"validator\":\"0x1a642f0e3c3af545e7acbd38b07251b3990914f1\",\"block\":7,"
    r"\"address\":\"0x5050a4f4b3f9338c3472dcc01a87c76a144b3c9c\",\"authorize\":true}],"
    r"\"peers\":[[\"enode://" + PEER + r"@127.0.0.1:44780\",\"127.0.0.1:44780\"]]}" + '"\n'
)


def test_the_state_of_a_node_is_read_from_what_its_console_prints() -> None:
    state = ASKED.state(STATE)
    assert (state.node_id, state.height, state.syncing) == (ME, 379, False)
    assert state.block_hash.startswith("0xc6103c")
    assert state.peers == {PEER: "127.0.0.1:44780"}
    assert state.validators == (state.address,) == ("0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1",)
    assert state.pending == {"0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c": True}
    assert state.ballots == (Ballot("0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c", True, state.address),)


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        ('"@archipelago error@ ReferenceError: istanbul is not defined"', "istanbul is not defined"),
        ("", "it printed nothing"),
        ("Fatal: something\nmore", "Fatal: something"),
        ('"[]"', '"[]"'),
        ('"{\\"id\\":1}"', "something else than was asked for"),
    ],
)
def test_what_is_no_state_is_told_in_the_nodes_words(printed: str, words: str) -> None:
    with pytest.raises(Unanswered, match=words.replace("[", r"\[")):
        ASKED.state(printed)


def test_a_line_typed_by_hand_gives_what_the_console_shows() -> None:
    assert ASKED.answer("8\n") == "8"
    assert ASKED.answer("{\n  discovery: 0,\n  listener: 34111\n}\n") == "{\n  discovery: 0,\n  listener: 34111\n}"
    assert ASKED.answer('"a\\nb"\n') == "a\nb"
    assert ASKED.answer("undefined\n") == "undefined"


def test_an_error_of_a_line_is_an_error() -> None:
    """geth itself exits 0 whatever the line gives."""
    with pytest.raises(Unanswered, match=r"^ReferenceError: foo is not defined$"):
        ASKED.answer('"@archipelago error@ ReferenceError: foo is not defined"\n')


def test_a_line_reaches_the_console_whatever_it_holds() -> None:
    expression = """'a' + "b" + '\\n'"""
    script = ASKED.evaluate(expression)[2]
    assert json.dumps(expression) in script


def test_the_console_is_reached_over_its_socket_in_the_pod() -> None:
    """RPC ports are closed by default."""
    assert ASKED.attach() == ("geth", "--datadir", "/tmp", "attach", "/run/archipelago/geth.ipc")
    assert ASKED.look()[-4:] == ("--datadir", "/tmp", "attach", "/run/archipelago/geth.ipc")


@pytest.mark.parametrize(
    ("validators", "needed", "quorum"), [(1, 1, 1), (2, 2, 2), (3, 2, 2), (4, 3, 3), (5, 3, 4), (7, 4, 5)]
)
def test_votes_and_quorum_are_those_of_the_protocol(validators: int, needed: int, quorum: int) -> None:
    """A vote passes with more than half; a block needs two thirds, rounded up (config.ceil2Nby3Block)."""
    assert (ASKED.needed(validators), ASKED.quorum(validators)) == (needed, quorum)


def test_a_vote_is_cast_for_the_side_that_it_is_given_and_only_what_is_dropped_is_taken_back() -> None:
    """The address decides whose vote, and the value which side: nodes take either side without a word."""
    script = ASKED.vote({"0xa1": True, "0xb2": False}, ["0xc3"])[2]
    assert "(function(cast,drop){" in script
    assert '({"0xa1": true, "0xb2": false},["0xc3"])' in script
    assert "Object.keys(cast).forEach(function(a){try{istanbul.propose(a,cast[a])}" in script
    assert "drop.forEach(function(a){try{istanbul.discard(a)}" in script


def test_each_shared_port_is_knocked_at_in_its_own_way() -> None:
    endpoints = {"p2p": Endpoint(host="10.0.0.1", port=30303), "tessera": Endpoint(host="fd00::1", port=30901)}
    node = ExternalNode(network="n", organisation="o", name="a", node_id=PEER, endpoints=endpoints)
    p2p, tessera = ASKED.knocks(node)
    assert p2p.command == ("nc", "-w", "3", "10.0.0.1", "30303")
    assert "wget" in tessera.command
    assert tessera.command[-1] == "http://[fd00::1]:30901/upcheck"
    assert ASKED.knocks(node.model_copy(update={"endpoints": {}})) == ()


@pytest.mark.parametrize(
    ("version", "real"), [("22.1.7\n", True), ("0.10.6", True), ("0.0.0-stand-in", False), ("", False)]
)
def test_a_stand_in_is_no_manager_of_private_payloads(version: str, real: bool) -> None:
    assert ASKED.is_private(version) is real


@pytest.mark.parametrize("chain_id", [1, 1000, 2**53 - 1])
def test_the_trial_transactions_are_signed_for_their_chain_by_one_account(chain_id: int) -> None:
    deploy, change = (rlp.decode(bytes.fromhex(raw[2:])) for raw in trial.raw(chain_id))
    senders = {_sender(each, chain_id) for each in (deploy, change)}
    assert len(senders) == 1
    assert change[3] == keccak(rlp.encode([senders.pop(), 0]))[12:], "the change goes to the contract that was made"
    assert [each[1] for each in (deploy, change)] == [b"", b""], "gas costs nothing"
    assert all(int.from_bytes(each[6]) not in (37, 38) for each in (deploy, change)), "GoQuorum takes it for private"


def test_every_trial_has_an_account_of_its_own() -> None:
    assert trial.raw(1000) != trial.raw(1000)
    first, _ = ASKED.trial(NetworkRecord(name="n", kind="goquorum", organisation="o", chain_id=1000))
    assert first.expected == "42"


def _sender(fields: list[bytes], chain_id: int) -> bytes:
    nonce, price, gas, to, value, data, v, r, s = fields
    unsigned = [nonce, price, gas, to, value, data]
    mark = int.from_bytes(v)
    if mark in (27, 28):
        parity, digest = mark - 27, keccak(rlp.encode(unsigned))
    else:
        parity, digest = mark - 35 - 2 * chain_id, keccak(rlp.encode([*unsigned, chain_id, b"", b""]))
    signature = Signature(vrs=(parity, int.from_bytes(r), int.from_bytes(s)))
    address: bytes = signature.recover_public_key_from_msg_hash(digest).to_canonical_address()
    return address
