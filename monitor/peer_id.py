"""A PeerID's two spellings (libp2p/specs, peer-ids/peer-ids.md)."""

from __future__ import annotations

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_CID = bytes([0x01, 0x72])  # version 1, libp2p-key
_LONGEST = 100


def base58(text: str) -> str:
    """A PeerID in base58, as nodes spell it, from the base36 that labels can hold; empty where it is none."""
    if not text.startswith("k") or not 1 < len(text) <= _LONGEST or set(text[1:]) - set(_BASE36):
        return ""
    number = int(text[1:], 36)
    raw = number.to_bytes((number.bit_length() + 7) // 8)
    if raw[:2] != _CID:
        return ""
    multihash = raw[2:]
    rest, found = int.from_bytes(multihash), ""
    while rest:
        rest, digit = divmod(rest, len(_BASE58))
        found = _BASE58[digit] + found
    return _BASE58[0] * (len(multihash) - len(multihash.lstrip(b"\0"))) + found
