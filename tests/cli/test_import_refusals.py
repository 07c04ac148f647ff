"""What `archipelago import-runner-k8s` refuses: everything in a folder that does not fit the rest of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Project
from tests.cli.importing import BFT, ETH, LOCAL, MULTI, Import, leaks
from tests.runner_k8s import Chain, database, service_config

pytestmark = pytest.mark.unit


@pytest.fixture
def made(cita: Project, tmp_path: Path) -> Callable[[Chain], Import]:
    """Write a folder."""
    assert cita
    (tmp_path / "runner").mkdir()
    return lambda chain: Import(tmp_path / "runner", chain)


Change = Callable[[Import], Any]


def write(path: str, content: str | bytes | None = None) -> Change:
    """Write a file in the folder, or delete it."""

    def change(given: Import) -> None:
        file = given.folder / path
        if content is None:
            file.unlink()
        else:
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)

    return change


def swap(*names: str) -> Change:
    """Exchange files of node0 and node1."""

    def change(given: Import) -> None:
        for name in names:
            first, second = (given.folder / f"node{index}/{name}" for index in (0, 1))
            kept = first.read_bytes()
            first.write_bytes(second.read_bytes())
            second.write_bytes(kept)

    return change


def edit(path: str, old: str, new: str) -> Change:
    """Change a text file; of every node with `node*`."""

    def change(given: Import) -> None:
        for file in given.folder.glob(path):
            assert old in file.read_text()
            file.write_text(file.read_text().replace(old, new))

    return change


def line(old: str, new: str) -> Change:
    """Change the command line."""

    def change(given: Import) -> None:
        assert old in given.command
        given.command = given.command.replace(old, new)

    return change


def services(**changes: str) -> Change:
    """Another service-config.toml."""
    return lambda given: (given.root / "service-config.toml").write_text(service_config(changes))


REFUSALS: dict[str, tuple[Chain, Change, str]] = {
    "another password": (LOCAL, line("123456", "'let me in'"), "node1/kms.db: it was made with another password."),
    "another password of eth": (ETH, line("of eth kind", "let me in"), "node0/kms.db: it was made with another"),
    "the super admin's password": (LOCAL, write("kms.db", database("sm", "x", 3)), "kms.db of the super admin"),
    "another super admin": (LOCAL, write("kms.db", database("sm", "123456", 9)), "The command ran twice"),
    "passwords in another order": (
        MULTI, line("first one,second one", "second one,first one"), "node0/kms.db: it was made with another",
    ),
    "a password too few": (MULTI, line("first one,", ""), "--kms_passwords has 2 values, and --nodes 3"),
    "a list that is not there": (MULTI, line("--lbs_tokens", "--x"), "multi_cluster has no option --x"),
    "accounts in another order": (
        LOCAL, swap("kms.db", "node_address", "key_id"), "Put every account into the folder of its place",
    ),
    "an address of another account": (LOCAL, swap("kms.db"), "Take all files of the account from one folder."),
    "a database of another kms": (LOCAL, services(kms="kms_eth"), "kms_sm made it, and the services name kms_eth."),
    "a database that is none": (LOCAL, write("node2/kms.db", b"junk"), "node2/kms.db: it is no kms.db."),
    "a key id that is not there": (LOCAL, write("node2/key_id", "7"), "node2/kms.db: it has no account 7."),
    "a key id that is none": (LOCAL, write("node2/key_id", "seven"), "node2/kms.db: it has no account 0."),
    "certificates in another order": (LOCAL, swap("config/cert.pem", "config/key.pem"), "syncthing would stay silent"),
    "a key of another certificate": (LOCAL, swap("config/key.pem"), "node0/config/key.pem: it is not the key of cert."),
    "a certificate of junk": (LOCAL, write("node0/config/cert.pem", "junk"), "node0/config/cert.pem: it is no certif"),
    "devices in another order": (
        MULTI, line(MULTI.devices[0], MULTI.devices[1]), "its devices are not those of --sync_device_ids",
    ),
    "two nodes with one address": (
        Chain(multi=True, bases=(30000, 30000, 30000)), line("multi", "multi"), "two nodes have the address 203",
    ),
    "two nodes with one device": (
        LOCAL, edit("node*/config/config.xml", LOCAL.devices[0], LOCAL.devices[1]), "two nodes have the device id",
    ),
    "a device id of junk": (LOCAL, edit("node*/config/config.xml", LOCAL.devices[0], "D"), "a device id has 56 char"),
    "no account": (LOCAL, write("node1/kms.db"), "node1: there is no kms.db."),
    "no certificate": (MULTI, write("node1/config/cert.pem"), "node1: there is no config/cert.pem."),
    "no genesis": (LOCAL, write("node1/genesis.toml"), "node1: there is no genesis.toml."),
    "a node that was not made": (LOCAL, write("node3/key_id", "1"), "node3: the command line made node0 to node2"),
    "a node with a strange name": (LOCAL, write("node01/key_id", "1"), "node01: the command line made node0 to node2"),
    "two peers of three": (LOCAL, line("--peers_count 3", "--peers_count 2"), "node2: the command line made"),
    "peers of another line": (MULTI, line("30009", "30100"), "node0/network-config.toml: its peers are not those"),
    "peers of junk": (
        LOCAL, write("node0/network-config.toml", 'port = 40000\npeers = ["x"]\n'), "its peers are not those",
    ),
    "a delay of another line": (
        LOCAL, lambda given: setattr(given, "command", given.command + " --block_delay_number 3"),
        "node0/controller-config.toml: its block_delay_number is not 3",
    ),
    "folders in another order": (LOCAL, swap("consensus-config.toml"), "two folders were swapped"),
    "another genesis at one node": (LOCAL, edit("node1/genesis.toml", "= 1618", "= 1619"), "byte for byte"),
    "white space in a genesis": (LOCAL, edit("node*/genesis.toml", " = ", "="), "byte for byte"),
    "a genesis of junk": (LOCAL, edit("node*/genesis.toml", "timestamp", "junk"), "do not give timestamp"),
    "another timestamp": (MULTI, line("--timestamp 16", "--timestamp 17"), "--timestamp is not what genesis.toml"),
    "another admin": (MULTI, line("--super_admin 0x9", "--super_admin 0x8"), "--super_admin is not what genesis.toml"),
    "authorities in another order": (MULTI, line(MULTI.validators[0], MULTI.validators[1]), "--authorities is not"),
    "a validator twice": (
        LOCAL, edit("node*/init_sys_config.toml", LOCAL.validators[0], LOCAL.validators[1]), "stands there twice",
    ),
    "another chain": (LOCAL, line("--chain_name test-chain", "--chain_name demo"), "made the chain 'demo'"),
    "a chain that leaves the folder": (LOCAL, line("test-chain", "../evil"), "made the chain '../evil', and this is"),
    "a chain with capitals": (Chain(name="My_Chain"), line("My", "My"), "'My_Chain' is no DNS label"),
    "no services": (
        LOCAL, lambda given: (given.root / "service-config.toml").unlink(), "--service-config FILE",
    ),
    "a role too few": (
        LOCAL, lambda given: (given.root / "service-config.toml").write_text("[[services]]"), "service 1 has no name",
    ),
    "no image in the set": (
        LOCAL,
        lambda given: (given.root / "service-config.toml").write_text(
            service_config(tag=":v4.0.0").replace("executor_evm:v4.0.0", "executor_evm")
        ),
        "there is no executor_evm in the set of images v4.0.0",
    ),
    "no node key": (BFT, write("node1/node_key"), "node1: there is no node_key."),
    "a node key of junk": (BFT, write("node1/node_key", "0xjunk"), "node1/node_key: it is no key of SM2."),
    "a node key of another": (BFT, swap("node_key"), "node0/node_key: its account is"),
    "nobody's keys": (replace(MULTI, mine=()), line("multi", "multi"), "it has the keys of no node."),
    "one cluster without a node": (replace(LOCAL, mine=(0, 1)), line("local", "local"), "node2: there is no account."),
    "a line of a release with a directory": (
        LOCAL, line("--pvc_name local-pvc", "--data_dir /home/docker/datadir"), "--data_dir is of runner_k8s",
    ),
    "a line of a release with an NFS server": (
        LOCAL, line("--pvc_name local-pvc", "--nfs_server 192.0.2.1 --nfs_path /x"), "storage: {nfs:",
    ),
    "a line of a branch": (MULTI, line("--pvc_names", "--nodePort_ports 1,2 --pvc_names"), "add_node_port"),
    "a line of the successor": (
        LOCAL, line("create_k8s_config.py local_cluster", "cloud-config create"), "a line of cloud-config",
    ),
    "a line of the other successor": (
        LOCAL, line("./create_k8s_config.py local_cluster", "python3 cita_cloud_config.py init"), "cita-cloud-config",
    ),
    "a line for volumes": (
        LOCAL, line("create_k8s_config.py local_cluster", "create_pvc.py local_pvc"), "a line of create_pvc.py",
    ),
    "no command at all": (LOCAL, line("./create_k8s_config.py local_cluster", "x"), "it is no command of runner_k8s."),
    "no command": (LOCAL, line("local_cluster", "cluster"), "it has neither local_cluster nor multi"),
    "a quotation mark": (LOCAL, line("123456", "'123456"), "a quotation mark in it is not closed"),
    "a password without its quotes": (LOCAL, line("123456", "let me in"), "a word of it belongs to no option"),
    "no password": (LOCAL, line("--kms_password 123456", ""), "it has no --kms_password"),
    "a port of junk": (MULTI, line("30009", "x"), "--node_ports is no number."),
    "a count of junk": (LOCAL, line("--peers_count 3", "--peers_count -1"), "--peers_count is not between 1 and"),
    "blocks that overlap on one balancer": (
        Chain(multi=True, bases=(30000, 30004, 30000)), line("lb-1", "lb-0"), "overlap",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("chain", "change", "words"), REFUSALS.values(), ids=REFUSALS)
def test_it_is_refused_and_nothing_is_written(
    made: Callable[[Chain], Import], chain: Chain, change: Change, words: str
) -> None:
    given = made(chain)
    change(given)
    ran = given.run("--out", str(given.out))
    assert ran.code == 1, ran.said
    assert words in ran.err
    assert not given.out.exists()
    assert not [each for each in (*leaks(given, ran.said), "let me in") if each in ran.said]


def test_a_node_that_is_not_there_cannot_be_taken(made: Callable[[Chain], Import]) -> None:
    given = made(MULTI)
    assert "there is no node7" in given.run("--nodes", "0,7").err
    assert "these are no indices" in given.run("--nodes", "0-2").err
