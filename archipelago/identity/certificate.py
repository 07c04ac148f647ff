"""Self-signed certificates that are the same in every run."""

from __future__ import annotations

import functools
import hashlib
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

P384_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973
# whoever pins a certificate looks at no date; these are the same in every run, and far enough apart for other readers
_VALID = datetime(2021, 1, 1, tzinfo=UTC), datetime(2121, 1, 1, tzinfo=UTC)


@functools.cache
def certificate(scalar: bytes, *names: str) -> tuple[str, str]:
    """A self-signed certificate, always the same for a key and its names (RFC 6979).

    Args:
        scalar: A private key on P-384, 48 bytes.
        names: DNS names that it is good for, at least one; the first is its subject, of at most 64 characters.

    Returns:
        Certificate and private key, both in PEM.
    """
    private = ec.derive_private_key(int.from_bytes(scalar), ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    serial = int.from_bytes(hashlib.sha256(b"serial\0" + scalar).digest()[:8]) >> 1 or 1  # positive, of 63 bits
    unsigned = (
        x509.CertificateBuilder(name, name, private.public_key(), serial, *_VALID)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
    )
    signed = unsigned.sign(private, SHA256(), ecdsa_deterministic=True)
    key = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return signed.public_bytes(Encoding.PEM).decode(), key.decode()
