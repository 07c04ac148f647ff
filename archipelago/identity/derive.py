"""Keys from the stack's seed: HKDF-SHA256 (RFC 5869) with a length-prefixed context.

The layout is frozen by `tests/unit/identity_vectors.json`: a change here is a new key for every node of every user.
"""

from __future__ import annotations

import functools
import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SEED_BYTES = 32
SIGNING = "organisation signing key"
"""The purpose of the key under which an organisation signs what it exports."""
_SALT = b"archipelago identity v1"
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True, slots=True)
class Keyring:
    """Every private value of one organisation's part of one network, by purpose.

    Args:
        seed: 32 random bytes, the one thing to back up.
        organisation: Name of the organisation.
        network: Name of the network.
    """

    seed: bytes = field(repr=False)
    organisation: str
    network: str

    def secret(self, node: str, purpose: str, generation: int = 1, length: int = 32) -> bytes:
        """Derive the private value for one purpose.

        Args:
            node: Name of the node; empty for what belongs to the organisation.
            purpose: What the value is for, as `nodekey`; no two purposes share a value.
            generation: 1 at first; counted up to rotate the key.
            length: Number of bytes, at most 8160.
        """
        return _secret(self, node, purpose, generation, length)

    def scalar(self, node: str, purpose: str, generation: int = 1, order: int = SECP256K1_ORDER) -> bytes:
        """Derive a private key of an elliptic curve, as long as the curve's order; of secp256k1 unless told otherwise.

        16 bytes more are reduced, so that the bias is below 2^-128 (the method of FIPS 186-5, A.2.1).
        """
        size = (order.bit_length() + 7) // 8
        wide = int.from_bytes(self.secret(node, purpose, generation, length=size + 16))
        return (wide % (order - 1) + 1).to_bytes(size)


@functools.lru_cache(maxsize=4096)  # a plan asks for the same values several times, and a command plans several times
def _secret(keyring: Keyring, node: str, purpose: str, generation: int, length: int) -> bytes:
    parts = (keyring.organisation, keyring.network, node, purpose, str(generation))
    info = b"".join(struct.pack(">H", len(part.encode())) + part.encode() for part in parts)
    return HKDF(algorithm=SHA256(), length=length, salt=_SALT, info=info).derive(keyring.seed)


def seed_from_text(text: str) -> bytes:
    """Read a seed: 64 hex characters.

    Raises:
        ValueError: It is shorter, longer or no hex; the message never repeats it.
    """
    text = text.strip().removeprefix("0x")
    try:
        seed = bytes.fromhex(text)
    except ValueError:
        raise ValueError("is no hexadecimal text") from None
    if len(seed) != SEED_BYTES:
        raise ValueError(f"has {len(text)} hex characters, not {2 * SEED_BYTES}")
    if len(set(seed)) < SEED_BYTES // 4:  # 64 zeros, a repeated word: no random source made this
        raise ValueError("is not random: too few different bytes")
    return seed
