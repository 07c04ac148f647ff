"""What others write costs this stack no more than its length: a run is not held up by one long text."""

from __future__ import annotations

from typing import Any

import base58
import pytest

from archipelago.chains.cita_cloud.chain_file import ChainFile
from archipelago.chains.goquorum.rules import split
from archipelago.chains.ipfs.multiaddr import parsed
from archipelago.identity.peer_id import base36, check_peer_id, verify
from archipelago.problems import Refused
from tests.ipfs import alpha, beta, plan_of
from tests.stacks import crossed, outputs_of

pytestmark = pytest.mark.unit


class Entry(dict[str, Any]):
    """A rule that counts how often its block is read."""

    read = 0

    def __getitem__(self, key: str) -> Any:
        Entry.read += 1
        return super().__getitem__(key)


class Address(str):
    """An address that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        Address.compared += 1
        return super().__eq__(other)

    __hash__ = str.__hash__


def with_validators(validators: tuple[str, ...]) -> ChainFile:
    """A chain.json of which nothing else is looked at; the addresses are not copied."""
    found = ChainFile.__new__(ChainFile)
    found.__dict__["validators"] = validators
    return found


@pytest.mark.parametrize("first", ["z", "k", "b"])
def test_c27_a_long_text_is_no_peer_id_and_is_not_decoded(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []

    def decode(text: str, **_: Any) -> bytes:
        decoded.append(len(text))
        return b""

    monkeypatch.setattr(base58, "b58decode", decode)
    text = first + "2" * 128
    for read in (check_peer_id, base36, lambda text: parsed(f"/ip4/192.0.2.7/tcp/4001/p2p/{text}")):
        with pytest.raises(ValueError, match=r"PeerID|characters"):
            read(text)
    with pytest.raises(ValueError, match="characters"):
        verify(text, b"", "")
    assert not decoded


def test_c27_a_secp256k1_key_in_base36_is_within_the_limit() -> None:
    """The longest there is: a CID of an identity multihash with 37 bytes."""
    written = base58.b58encode(bytes([0, 37, 8, 2, 18, 33, 3]) + b"\xff" * 32).decode()
    assert check_peer_id(base36(written)) == written


def test_c27_rules_of_later_blocks_are_grouped_in_one_pass() -> None:
    def reads(count: int) -> int:
        Entry.read = 0
        _, later = split({"transitions": [Entry(block=block) for block in range(1, count + 1)]})
        assert len(later) == count
        return Entry.read

    assert reads(400) <= 2 * reads(200)


def test_c27_validators_are_not_each_compared_with_all_others() -> None:
    def compared(count: int) -> int:
        Address.compared = 0
        assert not with_validators(tuple(Address(hex(at)) for at in range(count))).twice
        return Address.compared

    assert compared(400) <= max(400, 3 * compared(200))
    assert with_validators(("0x1", "0x2", "0x2", "0x1", "0x1")).twice == "0x1"


def test_c26_a_long_founder_of_a_partner_is_cut_in_the_message() -> None:
    given = crossed(outputs_of(plan_of(beta(), {"alpha": None})))
    given["network"] |= {"genesis": "x" * 200_000, "genesisHash": "0x1"}
    partner = {"stack": "organization/archipelago/cluster-b", "required": False, "unsigned": True}
    with pytest.raises(Refused) as refused:
        plan_of(alpha({"partners.beta": partner}), {"beta": given})
    (problem,) = refused.value.problems
    assert problem.path == "partners.beta"
    assert len(problem.message) < 1200, problem.message[:400]
