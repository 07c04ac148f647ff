"""extraData of IBFT and QBFT genesis blocks, byte for byte as istanbul-tools' two encoders write it."""

from __future__ import annotations

from collections.abc import Sequence

import rlp
from eth_utils.address import to_checksum_address

_VANITY = bytes(32)
_SEAL = bytes(65)  # geth runs an empty seal too; 65 zeros are what istanbul-tools and so every Qubernetes network has


def ibft(validators: Sequence[str]) -> str:
    """IBFT: vanity ‖ RLP([validators, seal, committed seals]) (EIP-650).

    Args:
        validators: Addresses, in the order they are to be written.
    """
    return _hex(_VANITY + rlp.encode([_raw(validators), _SEAL, []]))


def qbft(validators: Sequence[str]) -> str:
    """QBFT: RLP([vanity, validators, no vote, round 0, no seals]) (EEA QBFT, GoQuorum core/types/istanbul.go).

    Args:
        validators: Addresses, in the order they are to be written.
    """
    return _hex(rlp.encode([_VANITY, _raw(validators), [], 0, []]))


def validators_in(extra_data: str) -> tuple[str, ...]:
    """The validators an extraData names, checksummed, in its order.

    Raises:
        ValueError: It is neither IBFT's nor QBFT's.
    """
    try:
        raw = bytes.fromhex(extra_data.removeprefix("0x"))
        # an IBFT field begins with 32 plain bytes, a QBFT field is one RLP list from its first byte on
        items = rlp.decode(raw)[1] if raw[:1] >= b"\xc0" else rlp.decode(raw[len(_VANITY) :])[0]
        if any(len(item) != 20 for item in items):  # noqa: PLR2004 - an address
            raise ValueError
        return tuple(str(to_checksum_address(item)) for item in items)
    except (rlp.DecodingError, ValueError, IndexError, TypeError):
        raise ValueError("extraData is neither IBFT's nor QBFT's") from None


def _raw(validators: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(address.removeprefix("0x")) for address in validators]


def _hex(raw: bytes) -> str:
    return "0x" + raw.hex()
