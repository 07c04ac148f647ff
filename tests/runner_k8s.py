"""Folders as runner_k8s left them, written by other means than the program's own: SQLite, OpenSSL, and format strings.

Layout and values are those of its commit e11dcf4 and, for consensus_bft, of its tag v5.0.0.
"""

from __future__ import annotations

import hashlib
import shlex
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import gmalg
from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256, SM3, Hash
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from eth_hash.auto import keccak
from eth_keys import keys

from archipelago.chains.cita_cloud.device import device_id

KEYS = (1, 2, 0x4C0883A69102937D6231471B5DBB6204FE5129617082792AE468D01A3F362318, 3)  # the last is the admin's

ADMIN = 3
TIMESTAMP = 1618560000000
SERVICES = {
    "network": ("network_p2p", "network run -p 50000 -k /network/network-key"),
    "consensus": ("consensus_raft", "consensus run -p 50001"),
    "executor": ("executor_evm", "executor run -p 50002"),
    "storage": ("storage_sqlite", "storage run -p 50003"),
    "controller": ("controller", "controller run -p 50004"),
    "kms": ("kms_sm", "kms run -p 50005 -k /kms/key_file"),
}


def service_config(changes: dict[str, str] | None = None, tag: str = ":v5.0.0") -> str:
    """A service-config.toml; images with a tag, as from release 5 on."""
    chosen = {role: (changes or {}).get(role, kind) for role, (kind, _) in SERVICES.items()}
    return "\n".join(
        f'[[services]]\nname = "{role}"\ndocker_image = "citacloud/{kind}{tag}"\ncmd = "{SERVICES[role][1]}"\n'
        for role, kind in chosen.items()
    )


@cache
def public(kind: str, private: int) -> bytes:
    """x and y."""
    secret = private.to_bytes(32)
    if kind == "eth":
        return keys.PrivateKey(secret).public_key.to_bytes()
    return bytes(gmalg.SM2().generate_pk(secret)[1:])


def digest(kind: str, data: bytes) -> bytes:
    """Of the chain."""
    if kind == "eth":
        return keccak(data)
    made = Hash(SM3())
    made.update(data)
    return made.finalize()


def address(kind: str, private: int) -> str:
    return "0x" + digest(kind, public(kind, private))[-20:].hex()


def encrypted(kind: str, password: bytes, data: bytes) -> bytes:
    if kind == "eth":
        derived = hashlib.blake2b(password).digest()
        cipher: Any = Cipher(algorithms.AES(derived[:16]), modes.CTR(derived[16:32]))
    else:
        derived = digest("sm", password)
        cipher = Cipher(algorithms.SM4(derived[:16]), CFB(derived[16:]))
    encryptor = cipher.encryptor()
    return bytes(encryptor.update(data) + encryptor.finalize())


@cache
def database(kind: str, password: str, *privates: int) -> bytes:
    """A kms.db with an account a private key, as `kms create` run once for each of them leaves it."""
    secret = password.encode()
    with closing(sqlite3.connect(":memory:")) as made:
        made.execute("create table config (id integer primary key, password BLOB, config_type TEXT)")
        made.execute("create table account (id INTEGER PRIMARY KEY, pubkey BLOB, privkey BLOB, description TEXT)")
        made.execute("insert into config values (1, ?, ?)", (digest(kind, secret + b"Matthew 5-13"), kind))
        for each in privates:
            row = (public(kind, each), encrypted(kind, secret, each.to_bytes(32)), "create by cmd")
            made.execute("insert into account (pubkey, privkey, description) values (?, ?, ?)", row)
        made.commit()
        return made.serialize()


@cache
def certificate(number: int) -> tuple[str, str]:
    """cert.pem and key.pem of a syncthing."""
    private = ec.derive_private_key(0xC0FFEE + number, ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "syncthing")])
    dates = datetime(2021, 4, 16, tzinfo=UTC), datetime(2041, 4, 16, tzinfo=UTC)
    cert = x509.CertificateBuilder(name, name, private.public_key(), number + 1, *dates).sign(private, SHA256())
    key = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return cert.public_bytes(Encoding.PEM).decode(), key.decode()


@dataclass
class Chain:
    """What is written; a test changes a field or a file.

    Args:
        kind: sm or eth.
        bft: With the node keys of release 5.
        multi: Across clusters.
        passwords: By node; with one cluster all the same.
    """

    name: str = "test-chain"
    kind: str = "sm"
    bft: bool = False
    multi: bool = False
    passwords: tuple[str, ...] = ("123456", "123456", "123456")
    chain_id: str = ""
    indices: tuple[int, ...] = (0, 1, 2)
    mine: tuple[int, ...] = (0, 1, 2)
    hosts: tuple[str, ...] = ("203.0.113.10", "203.0.113.10", "203.0.113.20")
    bases: tuple[int, ...] = (30000, 30009, 30000)
    key_ids: dict[int, int] = field(default_factory=dict)

    @property
    def validators(self) -> list[str]:
        kind = "sm" if self.bft else self.kind
        return [address(kind, KEYS[index]) for index in self.indices]

    @property
    def devices(self) -> list[str]:
        return [device_id(certificate(index)[0]) for index in self.indices]

    @property
    def command(self) -> str:
        """The line that made it, in one or in several clusters."""
        if not self.multi:
            return (
                f"./create_k8s_config.py local_cluster --kms_password {shlex.quote(self.passwords[0])}"
                f" --pvc_name local-pvc --peers_count {len(self.indices)} --chain_name {self.name}"
            )
        lists = {
            "authorities": self.validators,
            "nodes": self.hosts,
            "lbs_tokens": [f"lb-{index}" for index in self.indices],
            "sync_device_ids": self.devices,
            "kms_passwords": self.passwords,
            "node_ports": self.bases,
            "pvc_names": [f"pvc-{index}" for index in self.indices],
        }
        listed = " ".join(f"--{name} {shlex.quote(','.join(map(str, values)))}" for name, values in lists.items())
        return (
            f"create_k8s_config.py multi_cluster --chain_name {self.name} --timestamp {TIMESTAMP}"
            f" --super_admin {address(self.kind, ADMIN)} {listed}"
        )

    def write(self, root: Path) -> Path:
        """Write it below a folder; where the chain's own is."""
        folder = root / "cita-cloud" / self.name
        changes = {"kms": f"kms_{self.kind}"} | ({"consensus": "consensus_bft"} if self.bft else {})
        folder.mkdir(parents=True)
        (root / "service-config.toml").write_text(service_config(changes))
        for index in self.indices:
            _write(folder / f"node{index}", self._files(index))
        if not self.multi:
            _write(folder, self._account(ADMIN, bft=False))
        return folder

    def _account(self, index: int, bft: bool) -> dict[str, str | bytes]:
        secret = KEYS[index]
        if bft:
            key_file: dict[str, str | bytes] = {"node_key": f"0x{secret:064x}", "key_id": str(index)}
            return key_file | {"node_address": address("sm", secret)}
        number = self.key_ids.get(index, 1)
        before = range(100, 99 + number)  # what an earlier run of the command left
        password = self.passwords[index] if index < len(self.passwords) else self.passwords[0]
        return {
            "kms.db": database(self.kind, password, *before, secret),
            "key_id": str(number),
            "node_address": address(self.kind, secret),
        }

    def _files(self, index: int) -> dict[str, str | bytes]:
        peers = [
            (self.hosts[other], self.bases[other]) if self.multi else (f"{self.name}-{other}", 40000)
            for other in self.indices
            if other != index
        ]
        listed = "".join(f'[[peers]]\nip = "{host}"\nport = {port}\n\n' for host, port in peers)
        quoted = "".join(f' "{each}",' for each in self.validators)
        chain_id = self.chain_id or "0x" + hashlib.sha256(self.name.encode()).hexdigest()
        files: dict[str, str | bytes] = {
            "network-config.toml": ("enable_tls = true\n" if self.bft else "") + f"port = 40000\n{listed}",
            "consensus-config.toml": f"network_port = 50000\ncontroller_port = 50004\nnode_id = {index}\n",
            "controller-config.toml": (
                "network_port = 50000\nconsensus_port = 50001\nstorage_port = 50003\nkms_port = 50005\n"
                "executor_port = 50002\nblock_delay_number = 0\n"
            ),
            "genesis.toml": f'timestamp = {TIMESTAMP}\nprevhash = "0x{"0" * 64}"\n',
            "init_sys_config.toml": (
                f'version = 0\nchain_id = "{chain_id}"\nadmin = "{address(self.kind, ADMIN)}"\nblock_interval = 6\n'
                f"validators = [{quoted}]\n"
            ),
            "config/config.xml": self._syncthing(),
        }
        if index in self.mine:
            cert, key = certificate(index)
            files |= {**self._account(index, self.bft), "config/cert.pem": cert, "config/key.pem": key}
        return files

    def _syncthing(self) -> str:
        """The part of config.xml that tells one chain from another."""
        ends = [
            (host, base + 1) if self.multi else (f"{self.name}-{index}", 22000)
            for index, host, base in zip(self.indices, self.hosts, self.bases, strict=False)
        ]
        devices = "".join(
            f'<device id="{device}" name="{host}"><address>tcp://{host}:{port}</address></device>'
            for device, (host, port) in zip(self.devices, ends, strict=True)
        )
        return f'<configuration version="32"><gui><apikey>{self.name}</apikey></gui>{devices}</configuration>'


def _write(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
