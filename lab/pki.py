"""Certificates of a lab cluster: its own authorities and what they sign. Elliptic curves: it takes no time."""

from __future__ import annotations

import datetime
import ipaddress
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_FOR = datetime.timedelta(days=3650)
"""A lab that is kept for long should not die of its certificates."""

_SKEW = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key.

    Args:
        certificate: the certificate.
        key: the private key.
    """

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key in PEM (PKCS 8, not encrypted)."""
        return _private_pem(self.key)


def authority(name: str) -> Pair:
    """A new certificate authority that signs itself.

    Args:
        name: its common name.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = _builder(subject, subject, key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    builder = builder.add_extension(_usage(signs=True), critical=True)
    return Pair(builder.sign(key, hashes.SHA256()), key)


def issue(by: Pair, name: str, groups: Sequence[str] = (), hosts: Sequence[str] = ()) -> Pair:
    """A certificate for a server, a client, or both.

    Args:
        by: the authority that signs it.
        name: common name; Kubernetes takes it as the user.
        groups: organisations; Kubernetes takes them as the user's groups.
        hosts: DNS names and IP addresses of a server; without any it is a client's only.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_key = by.key.public_key()
    builder = (
        _builder(subject, by.certificate.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if hosts:
        purposes.append(ExtendedKeyUsageOID.SERVER_AUTH)
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    return Pair(builder.sign(by.key, hashes.SHA256()), key)


class Client(NamedTuple):
    """A client of the API server, and a server itself where hosts are given.

    Args:
        user: its user.
        groups: the user's groups.
        hosts: how it is dialled.
    """

    user: str
    groups: Sequence[str] = ()
    hosts: Sequence[str] = ()


def create(folder: Path, cluster: str, hosts: Sequence[str], clients: Mapping[str, Client]) -> None:
    """Write everything that a cluster's processes need, all of it or nothing. Does nothing if it is there.

    Two authorities, because etcd takes every client of its authority for an administrator: users of the API server
    must not be among them.

    Args:
        folder: becomes `ca`, `etcd-ca`, `apiserver`, `etcd`, `etcd-client` and the clients, each as `.crt` and `.key`,
            and the pair that signs service accounts, `sa.pub` and `sa.key`.
        cluster: the cluster's name.
        hosts: how the API server is dialled.
        clients: by file name.
    """
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".pki-", dir=folder.parent))  # mode 0700
    try:
        users, store = authority(f"lab-{cluster}"), authority(f"lab-{cluster}-etcd")
        pairs = {
            "ca": users,
            "etcd-ca": store,
            "apiserver": issue(users, "kube-apiserver", hosts=hosts),
            "etcd": issue(store, "etcd", hosts=["127.0.0.1", "localhost"]),
            "etcd-client": issue(store, "kube-apiserver"),
            **{file: issue(users, *client) for file, client in clients.items()},
        }
        for name, pair in pairs.items():
            (fresh / f"{name}.crt").write_bytes(pair.certificate_pem)
            _write_private(fresh / f"{name}.key", pair.key_pem)
        accounts = ec.generate_private_key(ec.SECP256R1())
        _write_private(fresh / "sa.key", _private_pem(accounts))
        (fresh / "sa.pub").write_bytes(_public_pem(accounts.public_key()))
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public_pem(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _write_private(file: Path, content: bytes) -> None:
    file.touch(mode=0o600)
    file.write_bytes(content)
