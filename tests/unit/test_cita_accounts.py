"""Accounts and `kms.db` of CITA-Cloud, against values that other implementations gave."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from hypothesis import given
from hypothesis import strategies as st

from archipelago.chains.cita_cloud.accounts import ETH, SM, Suite, kms_db
from archipelago.identity.derive import Keyring
from archipelago.identity.sm import SM2_ORDER, sm2_public, sm3, sm4_cfb

pytestmark = pytest.mark.unit

LONG = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ONE, TWO = (1).to_bytes(32), (2).to_bytes(32)
# computed by a second implementation; the first of SM agrees with what snowland-smx wrote for its own key
ADDRESSES = [
    (ETH, ONE, "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf"),
    (ETH, TWO, "0x2b5ad5c4795c026514f8317c7a215e218dccd6cf"),
    (ETH, bytes.fromhex(LONG), "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23"),
    (SM, ONE, "0xe321dedcc72761be1bbf16159f679ffd98183a69"),
    (SM, TWO, "0x7def22db0ae251fa143931b0067192998c48517e"),
    (SM, bytes.fromhex(LONG), "0xb1cf441fcf0a126e6a489b6539bd4aaf8764a1fc"),
]
PASSWORDS = [
    (
        SM,
        "4189679083141ec2f62b4f62ace20c7cbdb9bf257fd6bfbc29293767c77bf544",
        "41b570d1bdb151fb99a989616cf9d744e8832fd0aab66855bf7570af571a4191",
    ),
    (
        ETH,
        "0eb05b553ac2946d1df7984ddf29aff7bc098437106601fb0c42cd1862c0bfce",
        "dcac96039a50912df3bbcd07309e7e67bb21d935e2d0e28454dc22fff7315e16",
    ),
]
each_suite = pytest.mark.parametrize("suite", [SM, ETH], ids=lambda suite: suite.name)


def rows(raw: bytes, folder: Path) -> dict[str, list[Any]]:
    """What SQLite itself reads in a file."""
    path = folder / "kms.db"
    path.write_bytes(raw)
    with sqlite3.connect(path) as database:
        found = {table: database.execute(f"SELECT * FROM {table}").fetchall() for table in ("config", "account")}
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    return found


@pytest.mark.parametrize(("suite", "private", "address"), ADDRESSES)
def test_an_address_is_the_one_that_others_compute(suite: Suite, private: bytes, address: str) -> None:
    assert suite.address(private) == address


def test_the_national_algorithms_give_the_values_of_their_standards() -> None:
    """GB/T 32905 A.1, GB/T 32907 A.1 (one block of CFB over zeros is the block cipher), GB/T 32918.5 A.2's key."""
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    assert sm4_cfb(key, key, bytes(16)).hex() == "681edf34d206965e86b3e94f536e4246"
    private = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
    assert sm2_public(private).hex() == (
        "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
        "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
    )


@pytest.mark.parametrize(("suite", "password_hash", "encrypted"), PASSWORDS, ids=["sm", "eth"])
def test_a_database_holds_what_the_kms_of_its_kind_expects(
    suite: Suite, password_hash: str, encrypted: str, tmp_path: Path
) -> None:
    found = rows(kms_db(suite, "123456", ONE), tmp_path)
    assert found["config"] == [(1, bytes.fromhex(password_hash), suite.name)]
    assert found["account"] == [(1, suite.public(ONE), bytes.fromhex(encrypted), "create by cmd")]


@each_suite
def test_a_trailing_newline_of_a_password_file_is_no_part_of_the_password(suite: Suite) -> None:
    assert kms_db(suite, "123456\n", ONE) == kms_db(suite, "123456", ONE)


@given(private=st.binary(min_size=32, max_size=32), password=st.binary(min_size=1))
def test_what_was_encrypted_is_decrypted_by_the_same_password(private: bytes, password: bytes) -> None:
    derived = sm3(password)
    decryptor = Cipher(SM4(derived[:16]), CFB(derived[16:])).decryptor()
    assert decryptor.update(SM.encrypt(password, private)) + decryptor.finalize() == private
    assert ETH.encrypt(password, ETH.encrypt(password, private)) == private  # a stream is its own inverse


@each_suite
def test_a_database_has_no_trace_of_the_library_that_wrote_it(suite: Suite) -> None:
    """Or a colleague with another SQLite would see a change of every Secret in the preview."""
    made = kms_db(suite, "123456", ONE)
    assert [int.from_bytes(made[place : place + 4]) for place in (24, 92, 96)] == [1, 1, 3_040_001]
    assert len(made) == 3 * 4096


def test_a_derived_scalar_lies_below_the_order_of_its_curve() -> None:
    keyring = Keyring(bytes(range(32)), "alpha", "test-chain")
    p384 = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973
    for order, size in ((SM2_ORDER, 32), (p384, 48), (11, 1)):
        scalars = [keyring.scalar(f"node{index}", "x", order=order) for index in range(20)]
        assert all(len(each) == size and 1 <= int.from_bytes(each) < order for each in scalars)
