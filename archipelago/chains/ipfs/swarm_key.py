"""The key of a private swarm: its file, as every libp2p program reads it, and the fingerprint that may be told.

Sources: libp2p/specs pnet/Private-Networks-PSK-V1.md, go-libp2p core/pnet/codec.go, kubo core/node/libp2p/pnet.go.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field

from Crypto.Cipher import Salsa20

from archipelago.identity.derive import Keyring

KEY_BYTES = 32
FILE = "swarm.key"  # in kubo's repository, and in the Secrets of other tools
SECRET_KEYS = ("swarm-key", FILE)  # where a Secret may have it; the first as cluster-discovery writes it
_HEADER = b"/key/swarm/psk/1.0.0/"
_FORMATS = (b"/base16/", b"/base64/", b"/bin/")
_NONCE = b"finprint"
_FINGERPRINT_BYTES = 16


@dataclass(frozen=True, slots=True)
class SwarmKey:
    """A pre-shared key.

    Args:
        secret: 32 bytes.
    """

    secret: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The file as it is made here: three lines, no newline after the last."""
        return f"{_HEADER.decode()}\n/base16/\n{self.secret.hex()}"

    @property
    def fingerprint(self) -> str:
        """What may be told of it, 32 hex characters; the daemon prints it when it starts."""
        stream = Salsa20.new(key=self.secret, nonce=_NONCE).encrypt(bytes(64))
        return hashlib.shake_128(stream).hexdigest(_FINGERPRINT_BYTES)


def derived(keyring: Keyring, swarm: str, generation: int) -> SwarmKey:
    """The key of a swarm as the organisation that founded it derives it from its seed.

    Args:
        keyring: Of that organisation.
        swarm: Its name.
        generation: 1 at first; counted up to change the key.
    """
    return SwarmKey(keyring.secret("", f"ipfs swarm key {swarm}", generation, length=KEY_BYTES))


def parsed(data: bytes) -> SwarmKey:
    """Read a key file as go-libp2p does: what stands after the key is passed over.

    Raises:
        ValueError: It is none; the message never repeats it.
    """
    header, _, rest = data.partition(b"\n")
    if header.rstrip(b"\r") != _HEADER:
        raise ValueError(f"its first line is not {_HEADER.decode()}")
    kind, _, body = rest.partition(b"\n")
    kind = kind.rstrip(b"\r")
    if kind not in _FORMATS:
        raise ValueError(f"its second line is none of {', '.join(each.decode() for each in _FORMATS)}")
    try:
        secret = _decoded(kind, body)
    except (binascii.Error, ValueError):
        raise ValueError(f"its third line is not written as {kind.decode()} says") from None
    if len(secret) != KEY_BYTES:
        raise ValueError(f"its key has {len(secret)} bytes, not {KEY_BYTES}")
    if not any(secret):
        raise ValueError("its key is zero")
    return SwarmKey(secret)


def _decoded(kind: bytes, body: bytes) -> bytes:
    if kind == b"/bin/":
        return body[:KEY_BYTES]
    line = body.partition(b"\n")[0].strip()
    if kind == b"/base16/":
        return bytes.fromhex(line[: 2 * KEY_BYTES].decode())
    return base64.b64decode(line, validate=True)[:KEY_BYTES]
