"""Ethereum keystore v3 (Web3 Secret Storage), deterministic so that a preview without changes stays clean."""

from __future__ import annotations

import functools
import json
import uuid
from dataclasses import asdict, dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from eth_hash.auto import keccak


@dataclass(frozen=True, slots=True)
class Cost:
    """What scrypt (RFC 7914) takes to make the key from the password, under the names of a keystore file."""

    n: int
    r: int
    p: int
    dklen: int = 32


# A password of 256 derived bits needs no cost, and every preview pays it for every node: 66 ms of CPU with geth's light
# parameters, a tenth of a millisecond with the least that the RFC and geth allow.
LIGHT = Cost(n=4096, r=8, p=6)
LEAST = Cost(n=2, r=8, p=1)


@functools.cache  # several stacks that read each other are planned more than once in one process
def keystore_v3(private: bytes, address: str, password: str, entropy: bytes, cost: Cost = LEAST) -> str:
    """Encrypt a private key for geth.

    Args:
        private: The secp256k1 private key, 32 bytes.
        address: Its address, 0x and 40 hex characters.
        password: What unlocks it.
        entropy: 64 derived bytes, used for this private key alone: salt (32), IV (16), UUID (16).
        cost: Of the password's derivation.

    Returns:
        The keystore file's JSON text.
    """
    salt, iv, identifier = entropy[:32], entropy[32:48], entropy[48:64]
    derived = Scrypt(salt=salt, length=cost.dklen, n=cost.n, r=cost.r, p=cost.p).derive(password.encode())
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
                "kdfparams": asdict(cost) | {"salt": salt.hex()},
                "mac": keccak(derived[16:32] + ciphertext).hex(),
            },
            "id": str(uuid.UUID(bytes=identifier, version=4)),
            "version": 3,
        }
    )
