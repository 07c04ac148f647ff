"""Accounts of both kinds of kms, and the `kms.db` that keeps them (sources: kms_sm and kms_eth of April 2021)."""

from __future__ import annotations

import functools
import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from eth_hash.auto import keccak

from archipelago.identity.derive import SECP256K1_ORDER
from archipelago.identity.secp256k1 import node_id
from archipelago.identity.sm import SM2_ORDER, sm2_public, sm3, sm4_cfb

KEY_ID = 1  # of the only account in a database; 0 means "do not sign" to a kms
_PEPPER = b"Matthew 5-13"
_DESCRIPTION = "create by cmd"
_TABLES = (
    "CREATE TABLE config(id INTEGER PRIMARY KEY, password BLOB, config_type TEXT)",
    "CREATE TABLE account(id INTEGER PRIMARY KEY, pubkey BLOB, privkey BLOB, description TEXT)",
)
# Three numbers in a database's header tell how often and by which SQLite it was written (sqlite.org/fileformat2.html,
# 1.3). Fixed, they leave the same bytes wherever this program runs, so that no preview shows a change.
_CHANGES, _VALID_FOR, _LIBRARY = 24, 92, 96
_LIBRARY_VERSION = 3_040_001


@dataclass(frozen=True, slots=True)
class Suite:
    """The algorithms of one kind of kms.

    Args:
        name: As `config_type` has it.
        order: Of the curve's group.
        public: From a private key, 32 bytes, to x and y of the public one, 64 bytes.
        hash: Of the chain, too: of its blocks, of a public key in an address.
        encrypt: A private key under a password.
    """

    name: str
    order: int
    public: Callable[[bytes], bytes]
    hash: Callable[[bytes], bytes]
    encrypt: Callable[[bytes, bytes], bytes]

    def address(self, private: bytes) -> str:
        """The address of a private key: the last 20 bytes of the public key's hash, 0x and 40 hex characters."""
        return "0x" + self.hash(self.public(private))[-20:].hex()


def _sm_encrypted(password: bytes, private: bytes) -> bytes:
    derived = sm3(password)
    return sm4_cfb(derived[:16], derived[16:], private)


def _eth_encrypted(password: bytes, private: bytes) -> bytes:
    derived = hashlib.blake2b(password).digest()
    encryptor = Cipher(algorithms.AES(derived[:16]), modes.CTR(derived[16:32])).encryptor()
    return encryptor.update(private) + encryptor.finalize()


SM = Suite("sm", SM2_ORDER, sm2_public, sm3, _sm_encrypted)
ETH = Suite("eth", SECP256K1_ORDER, lambda private: bytes.fromhex(node_id(private)), keccak, _eth_encrypted)
SUITES = {"kms_sm": SM, "kms_eth": ETH}


@functools.cache
def kms_db(suite: Suite, password: str, private: bytes) -> bytes:
    """The SQLite file with one account, the same bytes for the same input.

    Args:
        suite: Of the kms that will open it; the other one refuses it.
        password: What the kms's `key_file` says, without white space at its end.
        private: The account's key, 32 bytes.
    """
    secret = password.rstrip().encode()
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("PRAGMA page_size = 4096")
        for table in _TABLES:
            database.execute(table)
        database.execute("INSERT INTO config VALUES (1, ?, ?)", (suite.hash(secret + _PEPPER), suite.name))
        row = (KEY_ID, suite.public(private), suite.encrypt(secret, private), _DESCRIPTION)
        database.execute("INSERT INTO account VALUES (?, ?, ?, ?)", row)
        database.commit()
        made = bytearray(database.serialize())
    for place, number in ((_CHANGES, 1), (_VALID_FOR, 1), (_LIBRARY, _LIBRARY_VERSION)):
        made[place : place + 4] = number.to_bytes(4)
    return bytes(made)
