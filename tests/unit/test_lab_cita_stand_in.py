"""The stand-in for CITA-Cloud takes what we render, and refuses at its start what the services refuse."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from archipelago.chains.cita_cloud import files, syncthing
from archipelago.chains.cita_cloud.device import certificate
from archipelago.chains.cita_cloud.identity import COUCHDB_PASSWORD
from tests.cita import local, plan_of
from tests.stacks import GONE
from tests.unit.cita_nodes import FOUR, SERVICES, Layout, Node, have, listens, meet, restart_syncthing, wait_until

pytestmark = pytest.mark.unit

INSIDE = {files.GRPC["network"], files.GRPC["consensus"], files.GRPC["storage"], syncthing.GUI}
OUTSIDE = {files.P2P, files.GRPC["executor"], files.GRPC["controller"], files.GRPC["kms"], syncthing.PORT}
Spoil = Callable[[Node], object]


def test_it_binds_what_the_services_bind(lay_out: Layout) -> None:
    (node,) = lay_out(plan_of(local(FOUR)), 1)
    node.start()
    wait_until(lambda: all(listens(node.inside, port) for port in INSIDE | OUTSIDE))
    assert {port for port in INSIDE | OUTSIDE if listens(node.outside, port)} == OUTSIDE


def test_a_node_of_another_chain_is_no_peer(lay_out: Layout) -> None:
    nodes = lay_out(plan_of(local(FOUR)), 2)
    change("data/genesis.toml", "1618560000000", "1618560000001")(nodes[1])
    for node in nodes:
        node.start()
    wait_until(lambda: all("it is on another chain" in each.said("network") for each in nodes))
    wait_until(have(nodes, 0))
    assert [each.peers() for each in nodes] == [0, 0]


def test_syncthing_meets_the_devices_of_its_file_and_others_after_a_restart(lay_out: Layout) -> None:
    nodes = lay_out(plan_of(local(FOUR)))
    node, known, stranger = nodes[:3]
    config = node.data / "config/config.xml"
    config.write_text(plan_of(local({"nodes.node2": GONE})).live_files["config.xml"])
    meet(node, nodes)
    for each in nodes[:3]:
        each.start("syncthing")
    wait_until(lambda: "refused: it is the unknown device" in node.said("syncthing"))
    wait_until(lambda: f"{known.outside}:{syncthing.PORT}: connected to" in node.said("syncthing"))
    config.write_bytes((stranger.data / "config/config.xml").read_bytes())
    assert restart_syncthing(node, "another key") == 403
    assert "restarts" not in node.said("syncthing")
    assert restart_syncthing(node, "test-chain") == 200
    wait_until(lambda: f"{stranger.outside}:{syncthing.PORT}: connected to" in node.said("syncthing"))


def change(file: str, old: str, new: str) -> Spoil:
    """Something else in a file below a node's folder."""

    def write(node: Node) -> None:
        path = node.data.parent / file
        text = path.read_text()
        assert old in text
        path.chmod(0o600)
        path.write_text(text.replace(old, new, 1))

    return write


def _ask_kms(statement: str) -> Spoil:
    def run(node: Node) -> None:
        with closing(sqlite3.connect(node.data / "kms.db")) as database, database:
            database.execute(statement)

    return run


def _busy(node: Node) -> None:
    """A program that runs can be written to by nobody, not even by root."""
    (node.data / "kms.db").unlink()
    (node.data / "kms.db").symlink_to(node.programs / "all")


def _unknown_device(node: Node) -> None:
    cert, key = certificate(b"\1" * 48)
    for name, text in (("cert.pem", cert), ("key.pem", key)):
        (node.data / "config" / name).write_text(text)


def _newline(name: str) -> Spoil:
    return lambda node: (node.data / name).write_text(node.plan.public_files[name] + "\n")


def _without(folder: str) -> Spoil:
    return lambda node: shutil.rmtree(node.data / folder)


REFUSED: dict[str, tuple[str, Spoil, str]] = {
    "a peer without an address": (
        "network", change("data/network-config.toml", "127.", "nobody.invalid\"#"), "nobody.invalid"),
    "no word about TLS": (
        "network", change("data/network-config.toml", "enable_tls", "tls"), "missing field `enable_tls`"),
    "a network key that is none": ("network", change("identity-of-network/network-key", "0x", "0xg"), "64 hex"),
    "a network key of 0": (
        "network", lambda node: _key(node).write_text("0x" + "0" * 64), "no private key of secp256k1"),
    "another password": ("kms", change("identity-of-kms/key_file", "123456", "654321"), "password mismatch!"),
    "a kms of the other kind": (
        "kms", _ask_kms("UPDATE config SET config_type = 'eth'"), "config_type is not match! It is of kms_eth"),
    "an account that cannot be decrypted": (
        "kms", _ask_kms("UPDATE account SET privkey = zeroblob(32)"), "are no pair"),
    "a kms.db that cannot be written to": ("kms", _busy, "text file busy"),
    "a kms.db that is none": ("kms", lambda node: _kms(node).write_text("x" * 4096), "file is not a database"),
    "a place in raft that is not there": (
        "consensus", change("data/consensus-config.toml", "node_id = 0", "node_id = 4"), "there are 4 validators"),
    "a key id with a newline": ("controller", _newline("key_id"), "ends without a newline"),
    "an address with a newline": ("controller", _newline("node_address"), "ends without a newline"),
    "half a genesis": ("controller", change("data/genesis.toml", "prevhash", "hash"), "missing field `prevhash`"),
    "an admin that is no address": (
        "controller", change("data/init_sys_config.toml", 'admin = "0x', 'admin = "0xzz'), "invalid byte"),
    "the place of another validator": (
        "controller", change("data/consensus-config.toml", "node_id = 0", "node_id = 1"), "and validator 1 is 0x"),
    "no folder for blocks": ("controller", _without("blocks"), "blocks: no such file"),
    "no folder for tx_infos": ("controller", _without("tx_infos"), "tx_infos: no such file"),
    "a certificate that nobody knows": ("syncthing", _unknown_device, "which is none of config.xml"),
    "a folder that syncthing has not made": ("syncthing", _without("txs"), "folder marker missing"),
}  # fmt: skip


def _kms(node: Node) -> Path:
    return node.data / "kms.db"


def _key(node: Node) -> Path:
    return node.data.parent / "identity-of-network/network-key"


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_services_refuse_at_their_start_is_refused(lay_out: Layout, what: str) -> None:
    service, spoil, reason = REFUSED[what]
    (node,) = lay_out(plan_of(local(FOUR)), 1)
    spoil(node)
    node.start(service)
    assert reason in node.refusal(service)


def test_the_account_of_another_node_is_refused(lay_out: Layout) -> None:
    node, other = lay_out(plan_of(local(FOUR)), 2)
    _kms(node).write_bytes(_kms(other).read_bytes())
    node.start("kms", "controller")
    assert "account 1 of kms is 0x" in node.refusal("controller")


def test_with_bft_the_key_of_another_node_is_refused(lay_out: Layout) -> None:
    node, other = lay_out(plan_of(local(FOUR | {"network.services": {}})), 2)
    (node.data / "node_key").write_text(other.plan.private_files["node_key"])
    node.start("consensus")
    assert "node_key is that of 0x" in node.refusal("consensus")


def test_the_executor_is_let_in_to_couchdb_by_the_password_of_its_node_alone(lay_out: Layout) -> None:
    chosen = FOUR | {"network.services.executor": "executor_chaincode_ext"}
    call, chaincode = files.GRPC["executor"], 7052
    node, other = lay_out(plan_of(local(chosen)), 2)
    node.start("couchdb", "executor")
    wait_until(lambda: listens(node.inside, call) and listens(node.inside, chaincode))
    assert not listens(node.outside, call), "its sources bind loopback only"
    node.stop("executor")
    node.plan = dataclasses.replace(
        node.plan, private_files={COUCHDB_PASSWORD: other.plan.private_files[COUCHDB_PASSWORD]}
    )
    node.start("executor")
    assert "401" in node.refusal("executor")


def test_accounts_that_kms_has_added_are_read(lay_out: Layout) -> None:
    """So many that the table has more than one page."""
    (node,) = lay_out(plan_of(local(FOUR)), 1)
    with closing(sqlite3.connect(_kms(node))) as database, database:
        row = database.execute("SELECT pubkey, privkey, description FROM account").fetchone()
        database.executemany("INSERT INTO account(pubkey, privkey, description) VALUES (?, ?, ?)", [row] * 300)
    (node.data / "key_id").write_text("301")
    node.start()
    wait_until(have([node], 0))


def test_it_says_what_it_is_and_no_secret(lay_out: Layout) -> None:
    (node,) = lay_out(plan_of(local(FOUR)), 1)
    node.start()
    wait_until(have([node], 0))
    for name in SERVICES:
        said = node.said(name)
        assert "this is cita-stand-in, not" in said
        for secret in ("123456", node.plan.private_files["network-key"][2:]):
            assert secret not in said
