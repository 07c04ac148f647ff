"""Ethereum keystore v3 (Web3 Secret Storage), deterministic so that a preview without changes stays clean."""

from __future__ import annotations

import functools
import json
import uuid

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from eth_hash.auto import keccak

# geth's light parameters. The password is 256 random bits, so that a costly scrypt would protect nothing;
# the usual N=262144 takes a second a node at every preview.
_SCRYPT = {"n": 4096, "r": 8, "p": 6, "dklen": 32}


@functools.cache  # several stacks that read each other are planned more than once in one process
def keystore_v3(private: bytes, address: str, password: str, entropy: bytes) -> str:
    """Encrypt a private key for geth.

    Args:
        private: The secp256k1 private key, 32 bytes.
        address: Its address, 0x and 40 hex characters.
        password: What unlocks it.
        entropy: 64 derived bytes, never used elsewhere: salt (32), IV (16), UUID (16).

    Returns:
        The keystore file's JSON text.
    """
    salt, iv, identifier = entropy[:32], entropy[32:48], entropy[48:64]
    derived = Scrypt(salt=salt, length=_SCRYPT["dklen"], n=_SCRYPT["n"], r=_SCRYPT["r"], p=_SCRYPT["p"]).derive(
        password.encode()
    )
    encryptor = Cipher(algorithms.AES(derived[:16]), modes.CTR(iv)).encryptor()
    ciphertext = encryptor.update(private) + encryptor.finalize()
    return json.dumps(
        {
            "address": address.removeprefix("0x").lower(),
            "crypto": {
                "cipher": "aes-128-ctr",
                "cipherparams": {"iv": iv.hex()},
                "ciphertext": ciphertext.hex(),
                "kdf": "scrypt",
                "kdfparams": _SCRYPT | {"salt": salt.hex()},
                "mac": keccak(derived[16:32] + ciphertext).hex(),
            },
            "id": str(uuid.UUID(bytes=identifier, version=4)),
            "version": 3,
        }
    )
