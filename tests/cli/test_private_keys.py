"""`archipelago account create` and `archipelago keys export`: private keys, only where they were asked for."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest

from archipelago.chains.cita_cloud.accounts import SM, SUITES, opened
from archipelago.identity.secp256k1 import node_id
from cli.private import write_folder
from tests import cita as cita_stacks
from tests.cli.conftest import Project
from tests.stacks import alpha, plan_of

pytestmark = pytest.mark.unit

ENVIRONMENT = "ARCHIPELAGO_ACCOUNT_PASSWORD"


def content(folder: Path) -> Mapping[str, bytes]:
    """A folder of private files, each of which nobody else can read."""
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def made(project: Project) -> Path:
    """Where accounts are written."""
    return project.folder / "accounts"


def created(project: Project, made: Path, *options: str, given: str | None = None) -> Mapping[str, bytes]:
    ran = project.run("account create", "--out", str(made), *options, given=given)
    assert ran.code == 0, ran.said
    address = ran.out.split()[-1]
    files = content(made / address)
    assert files["node_address"].decode() == address
    assert not [
        text
        for text in files.values()
        if len(text) > 1 and text not in (address.encode(),) and text in ran.said.encode()
    ], "a password or key was printed"
    return files


@pytest.mark.parametrize("kind", ["sm", "eth"])
def test_an_account_has_the_originals_folder(project: Project, made: Path, kind: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("of this account\n")
    files = created(project, made, "--kind", kind, "--password-file", str(tmp_path / "password"))
    assert set(files) == {"kms.db", "key_id", "node_address", "key_file"}
    assert files["key_id"] == b"1"
    assert files["key_file"] == b"of this account"
    suite, key = opened(files["kms.db"], "of this account")
    assert suite is SUITES[f"kms_{kind}"]
    assert suite.address(key) == files["node_address"].decode()
    with sqlite3.connect(next(made.iterdir()) / "kms.db") as database:
        assert database.execute("SELECT config_type FROM config").fetchall() == [(kind,)]
    database.close()


def test_an_account_for_bft_has_a_node_key_and_no_password(project: Project, made: Path) -> None:
    files = created(project, made, "--kind", "bft")
    assert set(files) == {"node_key", "key_id", "node_address"}
    assert SM.address(bytes.fromhex(files["node_key"].decode()[2:])) == files["node_address"].decode()


def test_every_account_is_another_one(project: Project, made: Path) -> None:
    assert created(project, made, "--kind", "bft")["node_key"] != created(project, made, "--kind", "bft")["node_key"]


def test_a_password_may_come_from_the_environment_or_be_typed_twice(
    project: Project, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert created(project, made, given="of the screen\nof the screen\n")["key_file"] == b"of the screen"
    assert created(project, made, "--password-file", "-", given="of a pipe\n")["key_file"] == b"of a pipe"
    monkeypatch.setenv(ENVIRONMENT, "of the shell")
    assert created(project, made)["key_file"] == b"of the shell"


@pytest.mark.parametrize("password", ["short", "two\nlines", "with a space at its end ", ""])
def test_a_password_that_no_kms_takes_is_refused_and_not_repeated(
    project: Project, made: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv(ENVIRONMENT, password)
    ran = project.run("account create", "--out", str(made))
    assert ran.code == 1
    assert "the password has not 6 characters" in ran.err
    assert not password or password not in ran.said
    assert not made.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--kind", "rsa"), "Write one of sm (of kms_sm), eth (of kms_eth), bft"),
        (("--node", "node0", "--super-admin"), "Write --node NAME or --super-admin"),
        (("--node", "node0", "--kind", "sm"), "Write --node NAME or --super-admin"),
        (("-s", "cita"), "Add --node NAME or --super-admin"),
        (("-s", "cita", "--node", "node9"), "Known here: node0, node1, node2"),
    ],
)
def test_what_is_not_asked_clearly_writes_nothing(
    cita: Project, made: Path, options: tuple[str, ...], words: str
) -> None:
    seeded = ("--seed-file", str(cita.seeds["cita"])) if "node9" in options else ()
    ran = cita.run("account create", "--out", str(made), *options, *seeded)
    assert ran.code == 1
    assert words in ran.err
    assert not made.exists()


def test_the_account_of_a_stacks_node_is_the_one_that_it_signs_with(cita: Project, made: Path) -> None:
    plan = cita_stacks.plan_of(cita_stacks.local())
    ran = cita.seeded("account create", "cita", "--node", "node1", "--out", str(made), "--yes")
    assert ran.out == plan.records[1].address + "\n"
    files = content(made / plan.records[1].address)
    suite, key = opened(files["kms.db"], files["key_file"].decode())
    assert suite.address(key) == plan.records[1].address
    assert "123456" not in ran.said


def test_the_super_admin_is_the_one_that_the_genesis_names(cita: Project, made: Path) -> None:
    ran = cita.seeded("account create", "cita", "--super-admin", "--out", str(made), "--yes")
    genesis = cita_stacks.plan_of(cita_stacks.local()).genesis
    assert genesis
    assert json.loads(genesis.text)["admin"] == ran.out.strip()
    files = content(made / ran.out.strip())
    suite, key = opened(files["kms.db"], files["key_file"].decode())
    assert suite.address(key) == ran.out.strip()
    exported = cita.seeded("keys export", "cita", "--super-admin", "--out", str(made), "--yes")
    assert exported.code == 0, exported.said
    assert content(made / "super-admin") == files


def test_the_super_admins_key_and_password_are_frozen(cita: Project, made: Path) -> None:
    """Whoever lost the folder gets the same one from the seed."""
    ran = cita.seeded("account create", "cita", "--super-admin", "--out", str(made), "--yes")
    files = content(made / ran.out.strip())
    assert ran.out.strip() == "0xbb259b8c09e420df8e94bc633bdfc81506297185"
    assert files["key_file"].decode() == "787a75ff68babfe2d2daf6c8f4a356b2047512048dd021767bb07753c20a037a"


@pytest.mark.parametrize(
    "change", [{"network.superAdmin": "0x" + "ab" * 20}, {"network.founder": False, "network.joins": "beta"}]
)
def test_the_super_admin_of_somebody_else_is_not_made_up(cita: Project, change: dict[str, object]) -> None:
    config = cita_stacks.local({**change, "partners": {"beta": {"stack": "organization/archipelago/b"}}})
    settings = {f"archipelago:{key}": value for key, value in config.items()}
    cita.write("Pulumi.cita.yaml", {"config": settings})
    ran = cita.seeded("keys export", "cita", "--super-admin", "--out", str(cita.folder / "keys"), "--yes")
    assert ran.code == 1
    assert "does not follow from this seed" in ran.err
    assert not (cita.folder / "keys").exists()


def test_all_keys_of_a_cita_cloud_node_are_handed_out(cita: Project) -> None:
    ran = cita.seeded("keys export", "cita", "node1", "--out", str(cita.folder / "keys"), "--yes")
    assert ran.code == 0, ran.said
    files = content(cita.folder / "keys" / "node1")
    node = cita_stacks.plan_of(cita_stacks.local()).nodes[1].private_files
    assert set(files) == {"kms.db", "key_id", "node_address", "key_file", "network-key", "cert.pem", "key.pem"}
    assert {name: files[name].decode() for name in ("network-key", "cert.pem", "key.pem", "key_file")} == {
        name: node[name] for name in ("network-key", "cert.pem", "key.pem", "key_file")
    }
    assert not [name for name, text in node.items() if text in ran.said and name != "cert.pem"]


def test_all_keys_of_a_goquorum_node_are_handed_out(project: Project, secrets: tuple[str, ...]) -> None:
    out = project.folder / "keys"
    ran = project.seeded("keys export", "cluster-a", "alpha/quorum-node1", "--out", str(out), "--yes")
    assert ran.code == 0, ran.said
    files = content(out / "quorum-node1")
    assert set(files) == {"nodekey", "keystore.json", "password", "tm.key"}
    assert node_id(bytes.fromhex(files["nodekey"].decode())) == plan_of(alpha()).records[0].node_id
    assert not [text for text in secrets if text in ran.said]


def test_nothing_is_written_unless_the_name_is_typed(project: Project, secrets: tuple[str, ...]) -> None:
    out = project.folder / "keys"
    for given in ("\n", "y\n", "quorum-node2\n"):
        seed_file = str(project.seeds["cluster-a"])
        ran = project.run(
            "keys export", "quorum-node1", "-s", "cluster-a", "--seed-file", seed_file, "--out", str(out), given=given
        )
        assert ran.code == 1
        assert "Nothing was written." in ran.err
        assert not out.exists()
        assert not [text for text in secrets if text in ran.said]
    ran = project.run(
        "keys export", "quorum-node1", "-s", "cluster-a", "--seed-file", str(project.seeds["cluster-a"]),
        "--out", str(out), given="quorum-node1\n",
    )  # fmt: skip
    assert ran.code == 0, ran.said
    assert (out / "quorum-node1" / "nodekey").exists()


def test_keys_are_never_written_over(project: Project) -> None:
    out = project.folder / "keys"
    assert project.seeded("keys export", "cluster-a", "quorum-node1", "--out", str(out), "--yes").code == 0
    before = content(out / "quorum-node1")
    ran = project.seeded("keys export", "cluster-a", "quorum-node1", "--out", str(out), "--yes")
    assert ran.code == 1
    assert "keys are never written over" in ran.err
    assert content(out / "quorum-node1") == before


def test_one_of_a_node_and_the_super_admin_has_to_be_named(project: Project) -> None:
    assert "Name one of them" in project.seeded("keys export", "cluster-a").err
    assert "Name one of them" in project.seeded("keys export", "cluster-a", "quorum-node1", "--super-admin").err
    assert "there is no such node" in project.seeded("keys export", "cluster-a", "nobody", "--yes").err


def test_half_a_folder_never_stays_behind(tmp_path: Path) -> None:
    """A full disk, here a name that no file system takes."""
    with pytest.raises(OSError, match="too long"):
        write_folder(tmp_path / "keys", {"first": b"a key", "x" * 300: b"another"})
    assert list(tmp_path.iterdir()) == [tmp_path / "bin"]
