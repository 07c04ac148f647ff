"""syncthing's certificates and device ids: what a node is known by, and always the same for one seed."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

from archipelago.chains.cita_cloud.device import certificate, check_device_id, device_id, with_checks
from archipelago.identity.certificate import P384_ORDER
from archipelago.identity.certificate import certificate as self_signed

pytestmark = pytest.mark.unit

SCALAR = bytes(range(48))
KNOWN = "P56IOI7-MZJNU2Y-IQGDREY-DM2MGTI-MGL3BXN-PQ6W5BM-TBBZ4TJ-XZWICQ2"  # of syncthing's documentation


def test_a_device_id_has_the_check_characters_of_the_documented_one() -> None:
    assert with_checks("P56IOI7MZJNU2IQGDREYDM2MGTMGL3BXNPQ6W5BTBBZ4TJXZWICQ") == KNOWN
    assert check_device_id(KNOWN.replace("-", "").lower()) == KNOWN


@given(place=st.integers(0, 62), other=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_one_mistyped_character_is_found(place: int, other: str) -> None:
    if KNOWN[place] not in ("-", other):
        with pytest.raises(ValueError, match="mistyped"):
            check_device_id(KNOWN[:place] + other + KNOWN[place + 1 :])


@pytest.mark.parametrize("text", ["", "D", KNOWN[:-1], KNOWN + "A", KNOWN.replace("P", "1"), KNOWN.replace("P", "é")])
def test_what_is_no_device_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="56 characters"):
        check_device_id(text)


def test_a_certificate_is_the_frozen_one_for_its_key() -> None:
    """Another device id after an upgrade of ours, or of OpenSSL, would cut a node off from all others."""
    cert, _ = certificate(SCALAR)
    assert device_id(cert) == "5Z4OLXI-EML2KYG-PHCMJQS-2E4SE2H-XRJFZTA-GOVE5EL-RFOIW6O-C5GCRAU"
    self_signed.cache_clear()
    assert certificate(SCALAR)[0] == cert


def test_a_certificate_is_one_that_a_tls_library_takes() -> None:
    cert, key = certificate(SCALAR)
    read, private = x509.load_pem_x509_certificate(cert.encode()), load_pem_private_key(key.encode(), None)
    assert key.startswith("-----BEGIN EC PRIVATE KEY-----")
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    assert private.private_numbers().private_value == int.from_bytes(SCALAR) < P384_ORDER
    public = read.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(read.signature, read.tbs_certificate_bytes, ec.ECDSA(SHA256()))
    assert public == private.public_key()
    assert read.subject.rfc4514_string() == "CN=syncthing"
    assert 0 < read.serial_number < 2**63
