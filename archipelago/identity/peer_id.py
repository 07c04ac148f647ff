"""PeerIDs of libp2p, and the Ed25519 keys that they are made of (libp2p/specs, peer-ids/peer-ids.md)."""

from __future__ import annotations

import base64
import binascii
import functools

import base58
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_KEY_BYTES = 32
_PUBLIC = bytes([0x08, 0x01, 0x12, 0x20])  # protobuf: Type Ed25519, Data of 32 bytes
_PRIVATE = bytes([0x08, 0x01, 0x12, 0x40])  # the same with 64: private half, public half
_OLD_PRIVATE = bytes([0x08, 0x01, 0x12, 0x60])  # the public half a second time
_IDENTITY = bytes([0x00, len(_PUBLIC) + _KEY_BYTES])  # multihash: "the text itself", which a short key is
_LONGEST_IDENTITY = 42  # bytes of a key that is not hashed
_SHA256 = bytes([0x12, 0x20])  # multihash of the longer keys (RSA): Qm…
_CID = bytes([0x01, 0x72])  # version 1, libp2p-key
_LONGEST = 128  # characters in any spelling: to decode base58 takes the square of its length
_BASE36 = b"0123456789abcdefghijklmnopqrstuvwxyz"


def public_of(seed: bytes) -> bytes:
    """The public half, 32 bytes, of an Ed25519 key whose private half is `seed`."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def public_protobuf(seed: bytes) -> bytes:
    """The public half as libp2p hands it out, 36 bytes."""
    return _PUBLIC + public_of(seed)


def private_protobuf(seed: bytes) -> bytes:
    """Both halves as libp2p keeps them, 68 bytes."""
    return _PRIVATE + seed + public_of(seed)


def private_key(seed: bytes) -> str:
    """Both halves as they stand in kubo's `Identity.PrivKey`: base64 of the protobuf."""
    return base64.b64encode(private_protobuf(seed)).decode()


def seed_of(text: str) -> bytes:
    """The 32 private bytes in an `Identity.PrivKey`.

    Raises:
        ValueError: It is none, or not Ed25519, or its halves do not belong together; the message never repeats it.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("a PrivKey is base64") from None
    kind, data = raw[:4], raw[4:]
    lengths = {_PRIVATE: 2 * _KEY_BYTES, _OLD_PRIVATE: 3 * _KEY_BYTES}
    if lengths.get(kind) != len(data):
        raise ValueError("it is no Ed25519 key of libp2p (its PrivKey would begin with CAESQ)")
    seed, publics = data[:_KEY_BYTES], {data[at : at + _KEY_BYTES] for at in range(_KEY_BYTES, len(data), _KEY_BYTES)}
    if publics != {public_of(seed)}:
        raise ValueError("its public half does not belong to its private half")
    return seed


def peer_id(seed: bytes) -> str:
    """The PeerID of an Ed25519 key: `12D3KooW` and 44 more characters of base58."""
    return base58.b58encode(_IDENTITY + public_protobuf(seed)).decode()


def check_peer_id(text: str) -> str:
    """A PeerID in base58, from any of its spellings: 12D3KooW…, Qm…, the CIDs k51… and bafzaa….

    Raises:
        ValueError: It is none.
    """
    try:
        return base58.b58encode(_multihash(text)).decode()
    except (ValueError, UnicodeError):
        raise ValueError(f"{text[:70]!r} is no PeerID") from None


def sign(seed: bytes, message: bytes) -> str:
    """An Ed25519 signature, 128 hex characters; libp2p's own begin with other words (`noise-libp2p-…`, `ipns-…`)."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message).hex()


@functools.lru_cache(maxsize=4096)
def verify(identity: str, message: bytes, signature: str) -> bool:
    """Whether the key of a PeerID signed exactly this message; never where it is no Ed25519 key, whose hash it is."""
    key = _multihash(identity).removeprefix(_IDENTITY + _PUBLIC)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def base36(text: str) -> str:
    """A PeerID as its CID in base36: lower case only and 62 characters, so that a label's value may be it."""
    return "k" + base58.b58encode(_CID + _multihash(text), alphabet=_BASE36).decode()


def base32(text: str) -> str:
    """A PeerID as its CID in base32, as gateways have it in host names."""
    return "b" + base64.b32encode(_CID + _multihash(text)).decode().rstrip("=").lower()


def _multihash(text: str) -> bytes:
    """The bytes of a PeerID in any spelling.

    Raises:
        ValueError: It is none.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"more than {_LONGEST} characters")
    if not text.isalnum():  # the library passes over white space at the end
        raise ValueError("no text of letters and digits")
    if text.startswith("k"):
        found = _inner(base58.b58decode(text[1:], alphabet=_BASE36))
    elif text.startswith("b"):
        padding = "=" * (-len(text[1:]) % 8)
        found = _inner(base64.b32decode(text[1:].upper() + padding))
    else:
        found = base58.b58decode(text)
    kind, length, digest = found[:1], found[1:2], found[2:]
    hashed = found[:2] == _SHA256 and len(digest) == _SHA256[1]
    short = kind == b"\0" and length == bytes([len(digest)]) and 0 < len(digest) <= _LONGEST_IDENTITY
    if not hashed and not (short and _is_key(digest)):
        raise ValueError("no multihash of a key")
    return found


def _is_key(protobuf: bytes) -> bool:
    """Whether it is a short public key: Ed25519 (type 1, 32 bytes), secp256k1 (type 2, 33 bytes)."""
    kinds = {_PUBLIC: _KEY_BYTES, bytes([0x08, 0x02, 0x12, 0x21]): _KEY_BYTES + 1}
    return kinds.get(protobuf[:4]) == len(protobuf) - 4


def _inner(cid: bytes) -> bytes:
    if not cid.startswith(_CID):
        raise ValueError("no CID of a key")
    return cid[len(_CID) :]
