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
from archipelago.identity.sm import SM2_ORDER, sm2_public, sm3, sm4_cfb, sm4_cfb_opened

KEY_ID = 1  # of the only account in a database; 0 means "do not sign" to a kms
_MAGIC = b"SQLite format 3\0"
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
        decrypt: What `encrypt` gave, under the same password.
    """

    name: str
    order: int
    public: Callable[[bytes], bytes]
    hash: Callable[[bytes], bytes]
    encrypt: Callable[[bytes, bytes], bytes]
    decrypt: Callable[[bytes, bytes], bytes]

    def has(self, private: bytes) -> bool:
        """Whether it is a private key that signs: an SM2 signature needs the inverse of the key plus one, too."""
        return 0 < int.from_bytes(private) < self.order - (self.order == SM2_ORDER)

    def address(self, private: bytes) -> str:
        """The address of a private key: the last 20 bytes of the public key's hash, 0x and 40 hex characters."""
        return "0x" + self.hash(self.public(private))[-20:].hex()


def _sm_encrypted(password: bytes, private: bytes) -> bytes:
    derived = sm3(password)
    return sm4_cfb(derived[:16], derived[16:], private)


def _sm_decrypted(password: bytes, encrypted: bytes) -> bytes:
    derived = sm3(password)
    return sm4_cfb_opened(derived[:16], derived[16:], encrypted)


def _eth_encrypted(password: bytes, private: bytes) -> bytes:
    derived = hashlib.blake2b(password).digest()
    encryptor = Cipher(algorithms.AES(derived[:16]), modes.CTR(derived[16:32])).encryptor()
    return encryptor.update(private) + encryptor.finalize()


def _eth_public(private: bytes) -> bytes:
    return bytes.fromhex(node_id(private))


SM = Suite("sm", SM2_ORDER, sm2_public, sm3, _sm_encrypted, _sm_decrypted)
# a stream cipher is its own inverse
ETH = Suite("eth", SECP256K1_ORDER, _eth_public, keccak, _eth_encrypted, _eth_encrypted)
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


@functools.cache
def opened(raw: bytes, password: str, key_id: int = KEY_ID) -> tuple[Suite, bytes]:
    """The kind of a kms.db and the private key of one of its accounts.

    Args:
        raw: The SQLite file.
        password: That it was made with.
        key_id: The account's row.

    Raises:
        ValueError: It is no kms.db, the password is another one, or there is no such account; no text has a secret.
    """
    if not raw.startswith(_MAGIC):
        raise ValueError("it is no kms.db")
    try:
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(raw)
            config = database.execute("SELECT password, config_type FROM config WHERE id = 1").fetchone()
            row = database.execute("SELECT pubkey, privkey FROM account WHERE id = ?", (key_id,)).fetchone()
    except (sqlite3.Error, OverflowError):
        raise ValueError("it is no kms.db") from None
    known = {suite.name: suite for suite in SUITES.values()}
    if not config or config[1] not in known:
        raise ValueError("it is no kms.db of kms_sm or kms_eth")
    suite, secret = known[config[1]], password.rstrip().encode()
    if suite.hash(secret + _PEPPER) != config[0]:
        raise ValueError("it was made with another password")
    if not row:
        raise ValueError(f"it has no account {key_id}")
    private = suite.decrypt(secret, row[1])
    if not suite.has(private) or suite.public(private) != row[0]:
        raise ValueError(f"its account {key_id} is damaged: the private key is not that of the public one")
    return suite, private
