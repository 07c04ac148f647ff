"""Keys that a CITA-Cloud node brings from elsewhere, and why they are refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from archipelago.chains.cita_cloud.accounts import ETH, SM, kms_db, opened
from archipelago.chains.cita_cloud.device import device_id
from archipelago.settings.types import SEALED
from tests import runner_k8s
from tests.cita import local, plan_of, problems_of, settings_of
from tests.runner_k8s import address, certificate, database
from tests.unit.test_cita_accounts import ONE, PASSWORDS, each_suite

pytestmark = pytest.mark.unit

NODE = "nodes.node1"
BFT: dict[str, Any] = {"network.services": {}}
CERT, CERT_KEY = certificate(1)


def text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def with_keys(changes: dict[str, Any] | None = None, **identity: Any) -> dict[str, Any]:
    return local({f"{NODE}.identity": identity, **(changes or {})})


@pytest.mark.parametrize(("suite", "password_hash", "encrypted"), PASSWORDS, ids=["sm", "eth"])
def test_a_database_of_other_hands_is_the_one_of_the_vectors(suite: Any, password_hash: str, encrypted: str) -> None:
    made = database(suite.name, "123456", 1)
    assert bytes.fromhex(password_hash) in made
    assert bytes.fromhex(encrypted) in made


@each_suite
def test_a_database_gives_the_key_of_each_of_its_accounts(suite: Any) -> None:
    """runner_k8s added one with every run of the same command."""
    raw = database(suite.name, "123456", 1, 2)
    assert opened(raw, "123456") == (suite, ONE)
    assert opened(raw, "123456\n", 2) == (suite, (2).to_bytes(32))
    assert opened(kms_db(suite, "123456", ONE), "123456") == (suite, ONE)


@each_suite
@pytest.mark.parametrize("password", ["654321", "", "123456x"])
def test_another_password_opens_nothing_and_is_not_repeated(suite: Any, password: str) -> None:
    with pytest.raises(ValueError, match=r"^it was made with another password$"):
        opened(database(suite.name, "123456", 1), password)


@pytest.mark.parametrize("raw", [b"", b"junk", b"SQLite format 3\0", kms_db(SM, "123456", ONE)[:5000]])
def test_what_is_no_database_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"it is no kms\.db"):
        opened(raw, "123456")


def test_an_account_that_is_not_there_or_damaged_is_refused() -> None:
    raw = database("sm", "123456", 1)
    with pytest.raises(ValueError, match="it has no account 2"):
        opened(raw, "123456", 2)
    encrypted = runner_k8s.encrypted("sm", b"123456", ONE)
    with pytest.raises(ValueError, match="damaged"):
        opened(raw.replace(encrypted, encrypted[::-1]), "123456")


@pytest.mark.parametrize(("kind", "suite"), [("sm", SM), ("eth", ETH)])
def test_an_imported_database_makes_the_nodes_account(kind: str, suite: Any) -> None:
    raw = database(kind, "secret of old", 7, 1)
    changes = {f"{NODE}.kmsPassword": "secret of old", "network.services.kms": f"kms_{kind}"}
    plan = plan_of(with_keys(changes, kmsDb=text(raw) + "\n", keyId=2))
    assert plan.records[1].address == suite.address(ONE) == address(kind, 1)
    assert plan.nodes[1].public_files["key_id"] == "2"
    assert base64.b64decode(plan.nodes[1].private_files["kms.db.base64"]) == raw
    assert plan.nodes[1].private_files["key_file"] == "secret of old"


def test_an_imported_node_key_signs_with_bft() -> None:
    plan = plan_of(with_keys(BFT, nodeKey=f"0x{1:064x}"))
    assert plan.records[1].address == SM.address(ONE)
    assert plan.nodes[1].private_files["node_key"] == f"0x{1:064x}"
    assert plan.nodes[1].public_files["key_id"] == "1"


def test_an_imported_certificate_keeps_the_device_id_and_a_network_key_its_session() -> None:
    plan = plan_of(with_keys(certificate=CERT, certificateKey=CERT_KEY, networkKey="ab" * 32))
    assert plan.records[1].node_id == device_id(CERT)
    files = plan.nodes[1].private_files
    assert (files["cert.pem"], files["key.pem"], files["network-key"]) == (CERT, CERT_KEY, "0x" + "ab" * 32)


def test_a_short_password_is_taken_where_a_database_was_made_with_it() -> None:
    short = {f"{NODE}.kmsPassword": "12"}
    assert not problems_of(with_keys(short, kmsDb=text(database("sm", "12", 1))))
    assert "too short" in problems_of(local(short))[f"{NODE}.kmsPassword"].message


DB = text(database("sm", "123456", 1))
REFUSALS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "another password": (
        with_keys({f"{NODE}.kmsPassword": "let me in"}, kmsDb=DB),
        "kmsDb", "made with another password", f"{NODE}.kmsPassword again",
    ),
    "another kind of kms": (
        with_keys(kmsDb=text(database("eth", "123456", 1))), "kmsDb", "kms_eth made it", "to kms_eth",
    ),
    "no database": (with_keys(kmsDb=text(b"junk")), "kmsDb", "no kms.db", "again"),
    "no base64": (with_keys(kmsDb="no base64!"), "kmsDb", "no base64", "base64 kms.db |"),
    "an account that is not there": (with_keys(kmsDb=DB, keyId=3), "kmsDb", "no account 3", "again"),
    "a key id without a database": (with_keys(keyId=2), "keyId", "no kmsDb", "Remove"),
    "a node key without bft": (with_keys(nodeKey="ab" * 32), "nodeKey", "only consensus_bft", "kmsDb instead"),
    "a database with bft": (with_keys(BFT, kmsDb=DB), "kmsDb", "node key", "nodeKey instead"),
    "a node key of 0": (with_keys(BFT, nodeKey="00" * 32), "nodeKey", "this key is zero", "from the node's own file"),
    "a key of junk": (with_keys(networkKey="foo"), "networkKey", "64 hex", "pulumi config set"),
    "a certificate of junk": (with_keys(certificate="foo"), "certificate", "no certificate", "cert.pem"),
    "a certificate alone": (with_keys(certificate=CERT), "certificateKey", "is missing", "go together"),
    "a key alone": (with_keys(certificateKey=CERT_KEY), "certificate", "is missing", "go together"),
    "another's key": (
        with_keys(certificate=CERT, certificateKey=certificate(2)[1]), "certificateKey", "not the key", "one folder",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("config", "path", "message", "cure"), REFUSALS.values(), ids=REFUSALS)
def test_it_is_refused_with_the_place_the_fault_and_the_cure(
    config: dict[str, Any], path: str, message: str, cure: str
) -> None:
    found = problems_of(config)
    assert f"{NODE}.identity.{path}" in found, sorted(found)
    problem = found[f"{NODE}.identity.{path}"]
    assert message in problem.message
    assert cure in problem.cure
    assert not [secret for secret in ("let me in", DB, CERT_KEY, "ab" * 32) if secret in f"{problem}"]


def test_a_database_without_its_password_is_refused() -> None:
    config = with_keys(kmsDb=DB)
    del config["defaults"]["kmsPassword"]
    assert "opens the imported kms.db" in problems_of(config)[f"{NODE}.kmsPassword"].message


def test_two_nodes_with_one_database_are_refused() -> None:
    """One account would sign for two validators."""
    found = problems_of(local({f"nodes.node{index}.identity.kmsDb": DB for index in range(2)}))
    assert f"same account {address('sm', 1)}" in found[NODE].message


def test_what_is_sealed_is_not_judged() -> None:
    """`archipelago validate` needs no passphrase."""
    sealed = {"kmsDb": SEALED, "certificate": CERT, "certificateKey": SEALED, "networkKey": SEALED}
    assert settings_of(with_keys({f"{NODE}.kmsPassword": SEALED}, **sealed))
    assert settings_of(with_keys(BFT, nodeKey=SEALED))
