"""secp256k1 keys as Ethereum clients use them: node ids and addresses."""

from __future__ import annotations

import functools
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from eth_hash.auto import keccak

_NODE_ID = re.compile(r"[0-9a-f]{128}")
_ECDSA = ec.ECDSA(SHA256(), deterministic_signing=True)  # RFC 6979: previews do not flicker


@functools.lru_cache(maxsize=4096)
def _key(private: bytes) -> ec.EllipticCurvePrivateKey:
    """Kept, because it takes most of the time of a plan, and several plans of a command have the same nodes."""
    # OpenSSL multiplies a point 50 times faster than the pure Python of eth-keys
    return ec.derive_private_key(int.from_bytes(private), ec.SECP256K1())


@functools.lru_cache(maxsize=4096)
def node_id(private: bytes) -> str:
    """The devp2p node id of a private key: the uncompressed public key without its 0x04, 128 hex characters."""
    return _key(private).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:].hex()


@functools.lru_cache(maxsize=4096)
def sign(private: bytes, message: bytes) -> str:
    """An ECDSA signature over the SHA-256 of a message, as DER in hex.

    Nodes sign Keccak-256 digests of RLP lists and packets alone, so that none of them is signed here.
    """
    return _key(private).sign(message, _ECDSA).hex()


@functools.lru_cache(maxsize=4096)
def verify(identity: str, message: bytes, signature: str) -> bool:
    """Whether the key of a node id signed exactly this message."""
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), b"\x04" + bytes.fromhex(identity))
        public.verify(bytes.fromhex(signature), message, _ECDSA)
    except (InvalidSignature, ValueError):
        return False
    return True


@functools.lru_cache(maxsize=4096)
def address_of(identity: str) -> str:
    """The EIP-55 address of a node id: the last 20 bytes of keccak256 over the 64-byte public key."""
    return checksummed(keccak(bytes.fromhex(identity))[-20:].hex())


def checksummed(address: str) -> str:
    """The EIP-55 spelling of 40 hex characters, with 0x before them or without.

    By hand, because eth_utils takes 50 ms to import, at each start of the program.
    """
    digits = address.removeprefix("0x").lower()
    marks = keccak(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if mark > "7" else digit for digit, mark in zip(digits, marks[: len(digits)], strict=True)
    )


def check_node_id(identity: str) -> str:
    """Return a node id that names a point on the curve, in lower case.

    Raises:
        ValueError: It has not 128 hex characters, or is no point on secp256k1, so no private key can answer for it.
    """
    identity = identity.lower()
    if not _NODE_ID.fullmatch(identity):
        raise ValueError(f"a node id has 128 hex characters, this one has {len(identity)} characters")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), b"\x04" + bytes.fromhex(identity))
    except ValueError:
        raise ValueError("the node id is no point on secp256k1") from None
    return identity
