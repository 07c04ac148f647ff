"""PeerIDs and swarm keys against vectors of libp2p, of kubo and of a daemon that ran."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from Crypto.Cipher import Salsa20
from hypothesis import given
from hypothesis import strategies as st

from archipelago.chains.ipfs import swarm_key
from archipelago.chains.ipfs.swarm_key import SwarmKey, parsed
from archipelago.identity import peer_id
from archipelago.identity.derive import Keyring
from tests.unit.vectors import vectors

pytestmark = pytest.mark.unit

VECTORS = vectors("ipfs")
SECRETS = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize("vector", VECTORS["keys"], ids=lambda v: str(v["peerId"])[-8:])
def test_an_ed25519_key_has_the_peer_id_of_the_vector(vector: dict[str, str]) -> None:
    seed = bytes.fromhex(vector["seed"])
    assert peer_id.peer_id(seed) == vector["peerId"]
    assert peer_id.base36(vector["peerId"]) == vector.get("base36", peer_id.base36(vector["peerId"]))
    assert peer_id.public_protobuf(seed).hex() == vector.get("publicProtobuf", peer_id.public_protobuf(seed).hex())
    assert peer_id.private_key(seed) == vector.get("privKey", peer_id.private_key(seed))


@pytest.mark.parametrize("vector", VECTORS["privKeys"], ids=lambda v: str(v["peerId"])[-8:])
def test_a_priv_key_of_kubo_is_read_and_written_back(vector: dict[str, str]) -> None:
    seed = peer_id.seed_of(vector["privKey"])
    assert peer_id.peer_id(seed) == vector["peerId"]
    assert peer_id.private_key(seed) == vector["privKey"]


@pytest.mark.parametrize("vector", VECTORS["spellings"], ids=lambda v: str(v["peerId"])[-8:])
def test_a_peer_id_has_one_name_in_base36(vector: dict[str, str]) -> None:
    assert peer_id.base36(vector["peerId"]) == vector["base36"]
    assert peer_id.check_peer_id(vector["base36"]) == vector["peerId"]


@given(SECRETS)
def test_every_spelling_of_a_peer_id_is_the_same_one(seed: bytes) -> None:
    plain = peer_id.peer_id(seed)
    assert plain.startswith("12D3KooW")
    assert len(plain) == 52
    named = peer_id.base36(plain)
    assert named.startswith("k51qzi5uqu5")
    assert (len(named), named) == (62, named.lower())
    for text in (plain, named, peer_id.base32(plain)):
        assert peer_id.check_peer_id(text) == plain
    assert peer_id.seed_of(peer_id.private_key(seed)) == seed


def test_the_ids_of_rsa_and_secp256k1_keys_are_peer_ids_too() -> None:
    """Members that are pasted by hand may be as old as cluster-discovery, whose nodes had RSA keys."""
    old = "QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ"
    assert peer_id.check_peer_id(old) == old
    assert peer_id.check_peer_id(peer_id.base36(old)) == old
    other = "16Uiu2HAkzdRf7Q5kUJvk5bKo3Y5dGXMRPZWFjwAkjcM5bV5WtnWd"
    with pytest.raises(ValueError, match="no PeerID"):
        peer_id.check_peer_id(other[:-1])


@pytest.mark.parametrize(
    "text", ["", "12D3KooW", "qmz9jtrz", "k51", "k", "b", "bafy", "Qm", "1" * 52, "12D3KooW" + "z" * 44, "ä", "0x12"]
)
def test_what_is_no_peer_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no PeerID"):
        peer_id.check_peer_id(text)


def test_an_old_private_form_is_read_where_both_public_halves_agree() -> None:
    seed, public = bytes(32), peer_id.public_of(bytes(32))
    old = bytes([8, 1, 0x12, 0x60]) + seed + public
    assert peer_id.seed_of(base64.b64encode(old + public).decode()) == seed
    for wrong in (old + bytes(32), old, bytes([8, 0, 0x12, 0x40]) + seed + public):
        with pytest.raises(ValueError, match=r"half|no Ed25519"):
            peer_id.seed_of(base64.b64encode(wrong).decode())
    with pytest.raises(ValueError, match="base64"):
        peer_id.seed_of("CAESQ!")


def test_the_library_has_the_salsa20_of_ecrypt() -> None:
    """Set 1, vector 0 of the eSTREAM test vectors; a fingerprint is made of it."""
    stream = Salsa20.new(key=b"\x80" + bytes(31), nonce=bytes(8)).encrypt(bytes(64))
    assert stream.hex().startswith("e3be8fdd8beca2e3")


@pytest.mark.parametrize(("key", "fingerprint"), VECTORS["fingerprints"].items())
def test_a_swarm_key_has_the_fingerprint_that_the_daemon_prints(key: str, fingerprint: str) -> None:
    assert SwarmKey(bytes.fromhex(key)).fingerprint == fingerprint


@given(SECRETS.filter(any))
def test_a_key_file_is_read_as_it_was_written(secret: bytes) -> None:
    key = SwarmKey(secret)
    assert parsed(key.text.encode()) == key
    assert len(key.text) == 95
    assert not key.text.endswith("\n")
    assert secret.hex() not in repr(key)


@pytest.mark.parametrize(
    ("header", "kind", "body"),
    [
        (b"/key/swarm/psk/1.0.0/\n", b"/base16/\n", b"AA" * 32),
        (b"/key/swarm/psk/1.0.0/\r\n", b"/base16/\r\n", b"aa" * 32 + b"\r\n"),
        (b"/key/swarm/psk/1.0.0/\n", b"/base16/\n", b"aa" * 32 + b"\nand more"),
        (b"/key/swarm/psk/1.0.0/\n", b"/base64/\n", base64.b64encode(b"\xaa" * 32) + b"\n"),
        (b"/key/swarm/psk/1.0.0/\n", b"/bin/\n", b"\xaa" * 32 + b"rest"),
    ],
)
def test_every_form_that_libp2p_reads_is_read(header: bytes, kind: bytes, body: bytes) -> None:
    assert parsed(header + kind + body).secret == b"\xaa" * 32


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "first line"),
        (b"/key/swarm/psk/1.0.0\n/base16/\n" + b"aa" * 32, "first line"),  # ipfs-operator writes it so
        (b"/key/swarm/psk/1.0.0/\n/hex/\n" + b"aa" * 32, "second line"),
        (b"/key/swarm/psk/1.0.0/\n/base16/\n" + b"aa" * 31, "31 bytes"),
        (b"/key/swarm/psk/1.0.0/\n/base16/\n" + b"zz" * 32, "third line"),
        (b"/key/swarm/psk/1.0.0/\n/base64/\n" + b"zz" * 10, "bytes|third line"),
        (b"/key/swarm/psk/1.0.0/\n/base16/\n\xff\xff", "third line"),
    ],
)
def test_what_is_no_key_file_is_refused_and_not_repeated(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        parsed(data)
    assert "aaaa" not in str(refused.value)


@pytest.mark.parametrize("vector", VECTORS["derived"], ids=lambda v: f"{v['swarm']}-{v['generation']}")
def test_a_derived_swarm_key_is_the_frozen_one(vector: dict[str, Any]) -> None:
    keyring = Keyring(bytes.fromhex(vector["seed"]), vector["organisation"], vector["network"])
    key = swarm_key.derived(keyring, vector["swarm"], vector["generation"])
    assert key.secret.hex() == vector["secret"]
