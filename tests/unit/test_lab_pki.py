"""Certificates of a lab cluster hold up against the strict verifier of another library."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from lab import pki
from lab.pki import Client

pytestmark = pytest.mark.unit

CLIENTS = {"admin": Client("lab-admin", ("system:masters",))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("cluster") / "pki"
    pki.create(made, "a", ["127.0.0.1", "kubernetes.default"], CLIENTS)
    return made


def load(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())


@pytest.mark.parametrize(
    "subject", [x509.DNSName("kubernetes.default"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
)
def test_the_api_server_is_known_by_its_names(folder: Path, subject: x509.DNSName | x509.IPAddress) -> None:
    verifier = PolicyBuilder().store(Store([load(folder, "ca")])).build_server_verifier(subject)
    chain = verifier.verify(load(folder, "apiserver"), [])
    assert [certificate.subject for certificate in chain][-1] == load(folder, "ca").subject


def test_a_user_of_the_api_server_is_no_user_of_etcd(folder: Path) -> None:
    verifier = PolicyBuilder().store(Store([load(folder, "etcd-ca")])).build_client_verifier()
    with pytest.raises(VerificationError):
        verifier.verify(load(folder, "admin"), [])


def test_user_and_groups_are_where_kubernetes_looks_for_them(folder: Path) -> None:
    assert load(folder, "admin").subject.rfc4514_string() == "CN=lab-admin,O=system:masters"


def test_certificates_outlive_a_kept_lab(folder: Path) -> None:
    left = load(folder, "apiserver").not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert left > datetime.timedelta(days=3000)


def test_private_keys_are_private(folder: Path) -> None:
    keys = list(folder.glob("*.key"))
    assert len(keys) == 7
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_second_call_keeps_everything(folder: Path) -> None:
    before = (folder / "ca.crt").read_bytes()
    pki.create(folder, "a", ["elsewhere"], CLIENTS)
    assert (folder / "ca.crt").read_bytes() == before


def test_a_failed_making_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no/such"):
        pki.create(tmp_path / "pki", "a", ["127.0.0.1"], {"no/such": Client("user")})
    assert list(tmp_path.iterdir()) == []


def test_both_sides_of_a_connection_accept_each_other(folder: Path) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.crt"))
    server.load_cert_chain(folder / "apiserver.crt", folder / "apiserver.key")
    server.verify_mode = ssl.CERT_REQUIRED
    client = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    client.load_cert_chain(folder / "admin.crt", folder / "admin.key")
    near, far = socket.socketpair()
    seen: list[object] = []

    def serve() -> None:
        with server.wrap_socket(far, server_side=True) as connection:
            seen.append(connection.getpeercert())
            connection.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    with client.wrap_socket(near, server_hostname="127.0.0.1") as connection:
        connection.send(b"x")
    thread.join()
    assert "lab-admin" in str(seen)
