"""X25519 pairs as Tessera writes them, and the Ed25519 key an organisation signs its records with."""

from __future__ import annotations

import base64
import binascii
import functools
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

_SIGNER = "ed25519:"
_KEY_BYTES = 32


@functools.lru_cache(maxsize=4096)
def tessera_public(private: bytes) -> str:
    """The public half of a Tessera key, as in `tm.pub`: base64 of the 32-byte X25519 public key."""
    return base64.b64encode(X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()).decode()


def tessera_key_file(private: bytes) -> str:
    """The file `tm.key`: Tessera's unlocked form, byte for byte as its key generator writes it."""
    body = {"data": {"bytes": base64.b64encode(private).decode()}, "type": "unlocked"}
    return json.dumps(body, separators=(",", ":"))


def check_tessera_public(text: str) -> str:
    """Return a Tessera public key.

    Raises:
        ValueError: It is not the base64 of 32 bytes.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("a Tessera public key is base64") from None
    if len(raw) != _KEY_BYTES:
        raise ValueError(f"a Tessera public key has 32 bytes, this one {len(raw)}")
    return text


@functools.lru_cache(maxsize=4096)
def signer(private: bytes) -> str:
    """The public half of an organisation's signing key, as partners pin it: `ed25519:` and 64 hex characters."""
    return _SIGNER + Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw().hex()


def sign(private: bytes, message: bytes) -> str:
    """An Ed25519 signature (RFC 8032, deterministic, so that previews do not flicker), 128 hex characters."""
    return Ed25519PrivateKey.from_private_bytes(private).sign(message).hex()


@functools.lru_cache(maxsize=4096)
def verify(key: str, message: bytes, signature: str) -> bool:
    """Whether the holder of `key` signed exactly this message.

    Kept, because every partner relays what all others have signed: of n partners, n copies of n texts.
    """
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(check_signer(key).removeprefix(_SIGNER)))
        public.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def check_signer(key: str) -> str:
    """Return a signing key as partners pin it.

    Raises:
        ValueError: It is not `ed25519:` and 64 hex characters.
    """
    try:
        raw = bytes.fromhex(key.removeprefix(_SIGNER))
    except ValueError:
        raw = b""
    if not key.startswith(_SIGNER) or len(raw) != _KEY_BYTES:
        raise ValueError("a signing key is written ed25519: and 64 hex characters")
    return key.lower()
