"""The reader of keystores of eth_keyfile, without py_ecc: what we write needs no pairing curve, which takes a second to
import in every worker, and py_ecc raises Python's depth of calls beyond where the stack ends.
"""

from __future__ import annotations

import sys
from types import ModuleType

from archipelago.identity.derive import SECP256K1_ORDER


def _instead(name: str, **values: object) -> None:
    module = ModuleType(name)
    vars(module).update(values)
    sys.modules.setdefault(name, module)


_instead("py_ecc")
_instead("py_ecc.bls", G2ProofOfPossession=None)
_instead("py_ecc.bls12_381", curve_order=0)
_instead("py_ecc.secp256k1", N=SECP256K1_ORDER)

from eth_keyfile.keyfile import decode_keyfile_json  # noqa: E402 - the modules above come first

__all__ = ["decode_keyfile_json"]
