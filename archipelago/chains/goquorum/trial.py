"""Two transactions of a throw-away account: gas costs nothing, so anybody may send them."""

from __future__ import annotations

import secrets

import rlp
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey

FIRST, SECOND = 42, 77
GAS = 300_000
_PRIVATE_V = (37, 38)  # GoQuorum takes these for a private transaction's mark; EIP-155 makes them of chain id 1

# Without input it returns slot 0; with 32 bytes it writes them there.
_RUNTIME = bytes.fromhex(
    "36600f57"  # CALLDATASIZE PUSH1 0f JUMPI
    "60005460005260206000f3"  # SLOAD(0), MSTORE(0), RETURN 32 bytes
    "5b60003560005500"  # JUMPDEST, SSTORE(0, CALLDATALOAD(0)), STOP
)
_PROLOGUE = 48  # bytes of the constructor


def creation(value: int) -> bytes:
    """The code that makes the contract: store a number, return the runtime code."""
    size = len(_RUNTIME)
    store = b"\x7f" + value.to_bytes(32) + bytes.fromhex("600055")
    copy = bytes([0x60, size, 0x60, _PROLOGUE, 0x60, 0, 0x39, 0x60, size, 0x60, 0, 0xF3])
    return store + copy + _RUNTIME


def raw(chain_id: int) -> tuple[str, str]:
    """Signed transactions of an account made for them: the contract with 42, then 77 in its place."""
    key = PrivateKey(secrets.token_bytes(32))
    contract = keccak(rlp.encode([key.public_key.to_canonical_address(), 0]))[12:]
    return _signed(key, chain_id, 0, b"", creation(FIRST)), _signed(key, chain_id, 1, contract, SECOND.to_bytes(32))


def _signed(key: PrivateKey, chain_id: int, nonce: int, to: bytes, data: bytes) -> str:
    fields = [nonce, 0, GAS, to, 0, data]
    mark = chain_id * 2 + 35
    if mark in _PRIVATE_V:
        signature = key.sign_msg_hash(keccak(rlp.encode(fields)))
        mark = 27
    else:
        signature = key.sign_msg_hash(keccak(rlp.encode([*fields, chain_id, b"", b""])))
    encoded: bytes = rlp.encode([*fields, mark + signature.v, signature.r, signature.s])
    return "0x" + encoded.hex()
