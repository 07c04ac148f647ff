"""What is sealed for one organisation opens there, for that purpose, and nowhere else."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from archipelago.identity.derive import Keyring
from archipelago.identity.sealing import Context, ForAnotherKey, Sealer, check_sealing_key, opened, seal, sealing_key
from tests.unit.vectors import vectors

pytestmark = pytest.mark.unit

VECTORS = vectors("sealing")
PRIVATE, OTHER, SECRET = bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34))
KEY = sealing_key(PRIVATE)
CONTEXT = Context("research", "alpha", "beta", "swarm/archive")
TEXT = b"/key/swarm/psk/1.0.0/\n/base16/\n" + b"ab" * 32

each_vector = pytest.mark.parametrize("vector", VECTORS["sealed"], ids=lambda vector: str(vector["item"]))


def sealer(organisation: str, seed: str = VECTORS["seed"], network: str = "research") -> Sealer:
    return Sealer.of(Keyring(bytes.fromhex(seed), organisation, network))


@pytest.mark.parametrize("vector", VECTORS["keys"], ids=lambda vector: str(vector["organisation"]))
def test_an_organisations_sealing_key_is_the_frozen_one(vector: dict[str, str]) -> None:
    """Another one, and nothing that partners have sealed for it opens any more."""
    made = sealer(vector["organisation"])
    assert made.key == vector["key"]
    assert check_sealing_key(made.key) == made.key


@each_vector
def test_a_text_is_sealed_as_it_was_frozen_and_opens_again(vector: dict[str, str]) -> None:
    """A new version that seals otherwise changes every stack's outputs; one that opens otherwise cuts partners off."""
    text = bytes.fromhex(vector["text"])
    sealed = sealer(vector["from"]).seal(vector["to"], sealer(vector["to"]).key, vector["item"], text)
    assert sealed == vector["sealed"]
    assert sealer(vector["to"]).opened(vector["from"], vector["item"], vector["sealed"]) == text


@each_vector
def test_the_frozen_texts_are_those_of_the_two_formulas_written_out(vector: dict[str, str]) -> None:
    """The vectors were computed once by the code they test; this opens them with RFC 5869 by hand and X25519 alone."""
    recipient = sealer(vector["to"]).private
    public = X25519PrivateKey.from_private_bytes(recipient).public_key().public_bytes_raw()
    kind, short, body = vector["sealed"].split(":")
    raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    assert (kind, short) == ("sealed1", hashlib.sha256(public).hexdigest()[:16])
    parts = [part.encode() for part in ("research", vector["from"], vector["to"], vector["item"])]
    context = b"".join(len(part).to_bytes(2) + part for part in parts)
    shared = X25519PrivateKey.from_private_bytes(recipient).exchange(X25519PublicKey.from_public_bytes(raw[:32]))
    derived = hkdf(shared, raw[:32] + public, b"archipelago sealing v1 message" + context, 44)
    text = ChaCha20Poly1305(derived[:32]).decrypt(derived[32:], raw[32:], None)
    assert text.hex() == vector["text"]
    info = b"archipelago sealing v1 ephemeral" + public + context + hashlib.sha256(text).digest()
    ephemeral = hkdf(sealer(vector["from"]).secret, bytes(32), info, 32)
    assert X25519PrivateKey.from_private_bytes(ephemeral).public_key().public_bytes_raw() == raw[:32]


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    key = hmac.digest(salt, secret, "sha256")
    output, block = b"", b""
    for counter in range(1, length // 32 + 2):
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        output += block
    return output[:length]


def test_x25519_gives_the_keys_of_rfc_7748() -> None:
    """Section 6.1, so that a key is the one that any other tool makes of the same bytes."""
    private = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
    public = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    assert sealing_key(bytes.fromhex(private)) == f"x25519:{public}"


@given(st.binary(max_size=200), st.text(max_size=20), st.text(max_size=20))
def test_whatever_is_sealed_opens_as_it_was(text: bytes, network: str, item: str) -> None:
    context = Context(network, "alpha", "beta", item)
    assert opened(seal(KEY, text, SECRET, context), PRIVATE, context) == text


def test_the_same_text_is_sealed_alike_and_anything_else_otherwise() -> None:
    """A random key would show every stack as changed in every preview; a key that is used twice shows both texts."""

    def made(text: bytes = TEXT, secret: bytes = SECRET, key: str = KEY, changed: str = "") -> str:
        return seal(key, text, secret, Context(**{**PARTS, **({changed: "another"} if changed else {})}))

    others = [made(TEXT + b"\n"), made(secret=OTHER), made(key=sealing_key(OTHER))]
    others += [made(changed=part) for part in PARTS]
    assert made() == made()
    ephemeral = [each.split(":")[2][:40] for each in (made(), *others)]
    assert len(set(ephemeral)) == len(ephemeral)


PARTS = {"network": "research", "sender": "alpha", "recipient": "beta", "item": "swarm/archive"}


@pytest.mark.parametrize("part", PARTS)
def test_a_text_opens_for_no_other_purpose(part: str) -> None:
    """Else a partner could hand on alpha's text as his own, or one swarm's key as another's."""
    sealed = seal(KEY, TEXT, SECRET, CONTEXT)
    with pytest.raises(ValueError, match="does not open"):
        opened(sealed, PRIVATE, Context(**{**PARTS, part: "another"}))


def test_no_part_of_the_context_slides_into_the_next() -> None:
    sealed = seal(KEY, TEXT, SECRET, Context("ab", "c", "d", "e"))
    for slid in (Context("a", "bc", "d", "e"), Context("ab", "cd", "", "e"), Context("ab", "c", "de", "")):
        with pytest.raises(ValueError, match="does not open"):
            opened(sealed, PRIVATE, slid)


def test_another_recipient_is_told_that_it_is_for_another_key() -> None:
    """It is what a partner's outputs hold after our seed has changed: nobody's attack, and over with his next run."""
    sealed = seal(KEY, TEXT, SECRET, CONTEXT)
    with pytest.raises(ForAnotherKey):
        opened(sealed, OTHER, CONTEXT)
    kind, _, body = sealed.split(":")
    to_other = seal(sealing_key(OTHER), TEXT, SECRET, CONTEXT).split(":")[1]
    with pytest.raises(ValueError, match="does not open"):  # the name of the key is no more than a name
        opened(f"{kind}:{to_other}:{body}", OTHER, CONTEXT)


@given(st.integers(min_value=0))
def test_a_text_with_any_bit_flipped_does_not_open(bit: int) -> None:
    kind, short, body = seal(KEY, TEXT, SECRET, CONTEXT).split(":")
    raw = bytearray(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    bit %= len(raw) * 8
    raw[bit // 8] ^= 1 << bit % 8
    flipped = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    if bit == 255:  # X25519 passes over this bit of a point, so the shared secret is the same; the salt is not
        assert raw[31] & 0x80
    with pytest.raises(ValueError, match="does not open"):
        opened(f"{kind}:{short}:{flipped}", PRIVATE, CONTEXT)


@given(st.integers(min_value=0, max_value=250))
def test_a_text_that_is_cut_off_anywhere_does_not_open(length: int) -> None:
    sealed = seal(KEY, TEXT, SECRET, CONTEXT)
    if length < len(sealed):
        with pytest.raises(ValueError, match=r"no sealed text|another key|no base64|cut off|does not open"):
            opened(sealed[:length], PRIVATE, CONTEXT)


@pytest.mark.parametrize("body", ["", "=", "é", "a b", "####", "A" * 43, base64.urlsafe_b64encode(bytes(64)).decode()])
def test_garbage_is_no_sealed_text_and_no_crash(body: str) -> None:
    """Zeros among it: a point of small order gives a shared secret that everybody knows."""
    _, short, _ = seal(KEY, TEXT, SECRET, CONTEXT).split(":")
    for text in (body, f"sealed1:{short}:{body}", f"sealed2:{short}:{body}", f"sealed1::{body}"):
        with pytest.raises(ValueError, match=r"sealed text|another key|does not open"):
            opened(text, PRIVATE, CONTEXT)


NO_KEYS: dict[str, str] = {
    "nothing": "",
    "of another kind": "ed25519:" + "ab" * 32,
    "short": "x25519:" + "ab" * 31,
    "no hex": "x25519:" + "zz" * 32,
    "the point zero": "x25519:" + "00" * 32,
    "the point one": "x25519:01" + "00" * 31,
    "a point of order eight": "x25519:e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
}


@pytest.mark.parametrize("name", NO_KEYS)
def test_a_key_that_keeps_nothing_secret_is_refused_before_anything_is_sealed_for_it(name: str) -> None:
    with pytest.raises(ValueError, match="sealing key"):
        check_sealing_key(NO_KEYS[name])
    with pytest.raises(ValueError, match="sealing key"):
        seal(NO_KEYS[name], TEXT, SECRET, CONTEXT)


def test_a_text_that_is_no_small_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="too many"):
        seal(KEY, bytes((1 << 20) + 1), SECRET, CONTEXT)


def test_a_sealer_shows_no_secret_of_its_own() -> None:
    made: Any = sealer("alpha")
    assert made.private.hex() not in repr(made)
    assert str(made.private) not in repr(made)
    assert str(made.secret) not in repr(made)
    assert made.private != made.secret
