"""Small secrets on their way to one other organisation: readable by the holder of one X25519 key, and by nobody else.

What is sealed stands in plain outputs, so it must be the same in every run: the ephemeral key, which the usual
constructions roll, is derived from a secret of the sender, the recipient, the purpose and the very text. Equal texts to
the same recipient for the same purpose are therefore seen to be equal, and that is all that is seen. The layout is
frozen by `tests/unit/sealing_vectors.json`.

    ephemeral = HKDF-SHA256(secret, info = recipient ‖ context ‖ SHA-256(text))
    key ‖ nonce = HKDF-SHA256(X25519(ephemeral, recipient), salt = public ephemeral ‖ recipient, info = context)
    sealed = "sealed1:" ‖ hex of the first 8 bytes of SHA-256(recipient) ‖ ":" ‖
             base64url, unpadded, of (public ephemeral ‖ ChaCha20-Poly1305(key, nonce, text))

A key belongs to one text, so its nonce is used once. Who sealed is told by the signature of the bundle around it; the
context names sender and recipient, so that nobody can hand on another's text as his own.
"""

from __future__ import annotations

import base64
import binascii
import functools
import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from archipelago.identity.derive import Keyring

_KEY, _TEXT = "x25519:", "sealed1"
_KEY_BYTES, _NONCE_BYTES, _TAG_BYTES = 32, 12, 16
_EPHEMERAL, _MESSAGE = b"archipelago sealing v1 ephemeral", b"archipelago sealing v1 message"
_LARGEST = 1 << 20  # bytes; a key or a kubeconfig, and a stack's outputs have to stay readable


class ForAnotherKey(ValueError):  # noqa: N818 - reads as what it is
    """It was sealed for another key than ours: an earlier one, as after a new seed."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a sealed text is for; it opens in no other place.

    Args:
        network: Name of the network.
        sender: The organisation that sealed it.
        recipient: The organisation that may open it.
        item: What it is, as `swarm/archive`.
    """

    network: str
    sender: str
    recipient: str
    item: str

    @property
    def text(self) -> bytes:
        """All of it, with a length before each part, so that no text slides from one into the next."""
        parts = (self.network.encode(), self.sender.encode(), self.recipient.encode(), self.item.encode())
        return b"".join(struct.pack(">H", len(part)) + part for part in parts)


@dataclass(frozen=True, slots=True)
class Sealer:
    """One organisation's part of one network, as sender and as recipient.

    Args:
        network: Name of the network.
        organisation: Who seals and opens.
        private: Its X25519 key, 32 bytes.
        secret: 32 bytes from which its ephemeral keys come.
    """

    network: str
    organisation: str
    private: bytes = field(repr=False)
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, keyring: Keyring) -> Sealer:
        """From the seed."""
        private = keyring.secret("", "organisation sealing key")
        secret = keyring.secret("", "organisation sealing secret")
        return cls(keyring.network, keyring.organisation, private, secret)

    @property
    def key(self) -> str:
        """What others seal for, as they read it: `x25519:` and 64 hex characters."""
        return sealing_key(self.private)

    def seal(self, partner: str, key: str, item: str, text: bytes) -> str:
        """Seal one item for a partner.

        Raises:
            ValueError: Its key is none.
        """
        return seal(key, text, self.secret, Context(self.network, self.organisation, partner, item))

    def opened(self, partner: str, item: str, sealed: str) -> bytes:
        """Open one item that a partner sealed for us.

        Raises:
            ForAnotherKey: It was sealed for a key that is not ours now.
            ValueError: It was changed on the way, or is something else.
        """
        return opened(sealed, self.private, Context(self.network, partner, self.organisation, item))


@functools.lru_cache(maxsize=4096)
def sealing_key(private: bytes) -> str:
    """The public half of an X25519 key: `x25519:` and 64 hex characters."""
    return _KEY + X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw().hex()


def check_sealing_key(key: str) -> str:
    """Return a sealing key as organisations export it.

    Raises:
        ValueError: It is not `x25519:` and 64 hex characters, or a point from which everybody knows the shared secret.
    """
    return _KEY + _public(key).hex()


def seal(recipient: str, text: bytes, secret: bytes, context: Context) -> str:
    """Seal a text; the same arguments give the same result.

    Args:
        recipient: Sealing key of who may open it.
        text: At most 1 MiB.
        secret: 32 bytes that only the sender knows.
        context: What it is for.

    Raises:
        ValueError: The recipient's key is none, or the text is too long.
    """
    if len(text) > _LARGEST:
        raise ValueError(f"{len(text)} bytes are too many to be sealed")
    public = _public(recipient)
    own = X25519PrivateKey.from_private_bytes(
        _derived(secret, b"", _EPHEMERAL + public + context.text + _digest(text), _KEY_BYTES)
    )
    ephemeral = own.public_key().public_bytes_raw()
    cipher, nonce = _cipher(own.exchange(X25519PublicKey.from_public_bytes(public)), ephemeral, public, context)
    body = base64.urlsafe_b64encode(ephemeral + cipher.encrypt(nonce, text, None)).decode().rstrip("=")
    return f"{_TEXT}:{_short(public)}:{body}"


def opened(sealed: str, private: bytes, context: Context) -> bytes:
    """Open a sealed text.

    Args:
        sealed: What `seal` made.
        private: The recipient's X25519 key, 32 bytes.
        context: What it must be for.

    Raises:
        ForAnotherKey: It was sealed for another key.
        ValueError: It was changed on the way, is for something else, or is no sealed text.
    """
    kind, _, rest = sealed.partition(":")
    short, _, body = rest.partition(":")
    if kind != _TEXT:
        raise ValueError("it is no sealed text that this version knows")
    own = X25519PrivateKey.from_private_bytes(private)
    public = own.public_key().public_bytes_raw()
    if short != _short(public):
        raise ForAnotherKey("it is sealed for another key")
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("its sealed text is no base64") from None
    if len(raw) < _KEY_BYTES + _TAG_BYTES:
        raise ValueError("its sealed text is cut off")
    ephemeral, encrypted = raw[:_KEY_BYTES], raw[_KEY_BYTES:]
    try:
        cipher, nonce = _cipher(own.exchange(X25519PublicKey.from_public_bytes(ephemeral)), ephemeral, public, context)
        return cipher.decrypt(nonce, encrypted, None)
    except (InvalidTag, ValueError):
        raise ValueError("it does not open: it was changed, or sealed for something else") from None


@functools.lru_cache(maxsize=4096)  # each plan checks the keys of all partners, several times
def _public(key: str) -> bytes:
    try:
        raw = bytes.fromhex(key.removeprefix(_KEY))
    except ValueError:
        raw = b""
    if not key.startswith(_KEY) or len(raw) != _KEY_BYTES:
        raise ValueError("a sealing key is written x25519: and 64 hex characters")
    try:  # with a point of small order the shared secret is zero, whoever asks: the library refuses it
        X25519PrivateKey.from_private_bytes(bytes(range(_KEY_BYTES))).exchange(X25519PublicKey.from_public_bytes(raw))
    except ValueError:
        raise ValueError("the sealing key is a point that keeps nothing secret") from None
    return raw


def _cipher(shared: bytes, ephemeral: bytes, recipient: bytes, context: Context) -> tuple[ChaCha20Poly1305, bytes]:
    derived = _derived(shared, ephemeral + recipient, _MESSAGE + context.text, _KEY_BYTES + _NONCE_BYTES)
    return ChaCha20Poly1305(derived[:_KEY_BYTES]), derived[_KEY_BYTES:]


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt or None, info=info).derive(secret)


def _short(public: bytes) -> str:
    return _digest(public)[:8].hex()


def _digest(data: bytes) -> bytes:
    made = Hash(SHA256())
    made.update(data)
    return made.finalize()
