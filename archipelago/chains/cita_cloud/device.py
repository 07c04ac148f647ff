"""Who a node is to syncthing, which carries blocks, proposals and transactions: its certificate and device id.

Source: docs.syncthing.net/dev/device-ids.html.
"""

from __future__ import annotations

import base64

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from archipelago.identity.certificate import certificate as self_signed

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_GROUP, _BLOCK, _LENGTH = 7, 13, 56


def certificate(scalar: bytes) -> tuple[str, str]:
    """A self-signed certificate as syncthing 1.x makes them, always the same for a key.

    Args:
        scalar: A private key on P-384, 48 bytes.

    Returns:
        The files `cert.pem` and `key.pem`.
    """
    return self_signed(scalar, "syncthing")


def device_id(cert_pem: str) -> str:
    """The device id of a certificate: its SHA-256 in base32 with check characters, in groups of seven."""
    digest = x509.load_pem_x509_certificate(cert_pem.encode()).fingerprint(SHA256())
    return with_checks(base64.b32encode(digest).decode().rstrip("="))


def belong_together(cert_pem: str, key_pem: str) -> bool:
    """Whether a private key is that of a certificate."""
    try:
        private = load_pem_private_key(key_pem.encode(), None)
        return private.public_key() == x509.load_pem_x509_certificate(cert_pem.encode()).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False


def with_checks(base32: str) -> str:
    """A hash as a device id: a check character after each 13 of its 52, a dash after each seven of all.

    The check is Luhn's modulo 32 as syncthing computes it: factors 1, 2, 1, … from the left.
    """
    blocks = (base32[start : start + _BLOCK] for start in range(0, len(base32), _BLOCK))
    checked = "".join(block + _check(block) for block in blocks)
    return "-".join(checked[start : start + _GROUP] for start in range(0, len(checked), _GROUP))


def _check(block: str) -> str:
    total = 0
    for place, character in enumerate(block):
        product = _ALPHABET.index(character) * (1 + place % 2)
        total += product // 32 + product % 32
    return _ALPHABET[-total % 32]


def check_device_id(text: str) -> str:
    """Return a device id in its usual spelling.

    Raises:
        ValueError: It has not 56 characters of base32, or a check character is wrong.
    """
    plain = text.upper().replace("-", "").replace(" ", "")
    if len(plain) != _LENGTH or set(plain) - set(_ALPHABET):
        raise ValueError(f"a device id has {_LENGTH} characters A-Z and 2-7, in eight groups")
    spelled = with_checks("".join(plain[start : start + _BLOCK] for start in range(0, _LENGTH, _BLOCK + 1)))
    if spelled.replace("-", "") != plain:
        raise ValueError("a check character of the device id is wrong: a letter was mistyped")
    return spelled
