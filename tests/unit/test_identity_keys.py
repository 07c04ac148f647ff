"""Encodings of keys, against keys that the protocols' own tools have made."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from eth_keys import keys
from hypothesis import given
from hypothesis import strategies as st

from archipelago.identity import curve25519
from archipelago.identity.keystore import keystore_v3
from archipelago.identity.secp256k1 import address_of, check_node_id, node_id
from tests.keyfile import decode_keyfile_json
from tests.unit.vectors import vectors

pytestmark = pytest.mark.unit

QUBERNETES = vectors("qubernetes")
NODES: list[dict[str, Any]] = QUBERNETES["nodes"]
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
each_node = pytest.mark.parametrize("node", NODES, ids=[node["name"] for node in NODES])
a_private_key = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32))


@pytest.mark.parametrize("vector", [*NODES, *QUBERNETES["nodekeys"]], ids=lambda vector: str(vector["address"])[:8])
def test_a_node_key_gives_the_node_id_and_validator_address_that_bootnode_and_ethkey_gave(
    vector: dict[str, str],
) -> None:
    identity = node_id(bytes.fromhex(vector["nodekey"]))
    assert identity == vector["nodeId"]
    assert address_of(identity).lower() == vector["address"].lower()


@each_node
def test_addresses_carry_the_eip_55_checksum(node: dict[str, str]) -> None:
    assert address_of(node["nodeId"]) == node["address"]
    assert address_of(node_id(bytes.fromhex(node["accountKey"]))) == node["account"]


@each_node
def test_a_tessera_private_key_gives_its_public_half_and_its_key_file_byte_for_byte(node: dict[str, str]) -> None:
    private = base64.b64decode(node["tesseraPrivate"])
    assert curve25519.tessera_public(private) == node["tesseraPublic"]
    assert curve25519.tessera_key_file(private) == node["tmKey"]
    assert len(curve25519.tessera_key_file(private)) == 83
    assert curve25519.check_tessera_public(node["tesseraPublic"]) == node["tesseraPublic"]


@given(a_private_key)
def test_openssl_and_eth_keys_agree_on_every_node_id(private: bytes) -> None:
    """We multiply with OpenSSL because eth-keys takes 50 times as long; the point must be the same."""
    assert node_id(private) == keys.PrivateKey(private).public_key.to_bytes().hex()


@given(a_private_key)
def test_eth_keys_agrees_on_every_address_and_its_checksum(private: bytes) -> None:
    assert address_of(node_id(private)) == keys.PrivateKey(private).public_key.to_checksum_address()


@given(a_private_key)
def test_every_derived_node_id_passes_the_check_in_either_case(private: bytes) -> None:
    identity = node_id(private)
    assert check_node_id(identity) == identity
    assert check_node_id(identity.upper()) == identity


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ("", "128 hex characters"),
        (NODES[0]["nodeId"][:-1], "128 hex characters"),
        (NODES[0]["nodeId"] + "0", "128 hex characters"),
        ("0x" + NODES[0]["nodeId"][2:], "128 hex characters"),
        ("zz" + NODES[0]["nodeId"][2:], "128 hex characters"),
        ("00" * 64, "no point on secp256k1"),
        ("ff" * 64, "no point on secp256k1"),
        (NODES[0]["nodeId"][:-1] + "0", "no point on secp256k1"),
    ],
)
def test_a_node_id_that_no_private_key_can_answer_for_is_refused(identity: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_node_id(identity)


@each_node
def test_a_keystore_opens_with_its_password_and_no_other(node: dict[str, str]) -> None:
    private = bytes.fromhex(node["accountKey"])
    text = keystore_v3(private, node["account"], "correct horse", bytes(range(64)))
    document = json.loads(text)
    assert decode_keyfile_json(document, b"correct horse") == private
    assert "0x" + document["address"] == node["account"].lower()
    assert document["version"] == 3
    with pytest.raises(ValueError, match="MAC mismatch"):
        decode_keyfile_json(document, b"another horse")


def test_the_same_inputs_give_the_same_keystore_byte_for_byte_and_other_entropy_another() -> None:
    """A random salt would show every Secret as changed in every preview."""
    private, address = bytes.fromhex(NODES[0]["accountKey"]), NODES[0]["account"]
    made = keystore_v3.__wrapped__  # without its memory, which would make this true of anything
    first = made(private, address, "password", bytes(64))
    assert made(private, address, "password", bytes(64)) == first
    other = json.loads(made(private, address, "password", bytes(63) + b"\1"))
    assert other["id"] != json.loads(first)["id"]
    salted = json.loads(made(private, address, "password", b"\1" + bytes(63)))
    assert salted["crypto"]["ciphertext"] != json.loads(first)["crypto"]["ciphertext"]


def test_a_keystore_tells_nothing_of_the_key_in_plain_text() -> None:
    private = bytes.fromhex(NODES[0]["accountKey"])
    text = keystore_v3(private, NODES[0]["account"], "a password", bytes(64))
    assert private.hex() not in text
    assert "a password" not in text


@pytest.mark.parametrize(
    "text", ["", "x", "=", base64.b64encode(bytes(31)).decode(), base64.b64encode(bytes(33)).decode()]
)
def test_a_tessera_public_key_of_another_length_or_alphabet_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Tessera public key"):
        curve25519.check_tessera_public(text)


# RFC 8032, section 7.1, tests 1 to 3
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
        "b00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
        "c027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("private", "public", "message", "signature"), RFC_8032)
def test_signatures_are_those_of_rfc_8032(private: str, public: str, message: str, signature: str) -> None:
    key = curve25519.signer(bytes.fromhex(private))
    assert key == f"ed25519:{public}"
    assert curve25519.sign(bytes.fromhex(private), bytes.fromhex(message)) == signature
    assert curve25519.verify(key, bytes.fromhex(message), signature)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=64), st.integers(0, 511))
def test_a_signature_with_any_bit_flipped_verifies_no_more(private: bytes, message: bytes, bit: int) -> None:
    key, signature = curve25519.signer(private), bytearray.fromhex(curve25519.sign(private, message))
    signature[bit // 8] ^= 1 << bit % 8
    assert not curve25519.verify(key, message, signature.hex())
    assert not curve25519.verify(key, message + b"\0", curve25519.sign(private, message))


@pytest.mark.parametrize(
    "key", ["", "ed25519:", "ed25519:" + "zz" * 32, "ed25519:" + "00" * 31, "00" * 32, "rsa:" + "00" * 32]
)
@pytest.mark.parametrize("signature", ["", "00" * 64, "no hex"])
def test_garbage_for_a_key_or_a_signature_is_no_signature_and_no_crash(key: str, signature: str) -> None:
    assert not curve25519.verify(key, b"message", signature)
    with pytest.raises(ValueError, match="ed25519: and 64 hex characters"):
        curve25519.check_signer(key)
