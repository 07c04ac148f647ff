"""Keys that a node brings along: what is no private key of its curve is refused at its path."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from archipelago.chains.ipfs.swarm_key import parsed
from archipelago.identity.derive import SECP256K1_ORDER
from archipelago.identity.peer_id import private_key
from archipelago.identity.sm import SM2_ORDER
from tests import cita, ipfs
from tests.runner_k8s import certificate
from tests.stacks import alpha, plan_of, problems_of

pytestmark = pytest.mark.unit

FIRST, NODE, MEMBER = "nodes.quorum-node1.identity", "nodes.node1.identity", "pools.public.swarms.archive.identity"
ZERO = "00" * 32
OUTSIDE = [ZERO, f"{SECP256K1_ORDER:064x}", f"0x{SECP256K1_ORDER + 1:064x}", "ff" * 32, f" {ZERO}\n"]
INSIDE = [f"{1:064x}", f"{SECP256K1_ORDER - 1:064x}"]


@pytest.mark.parametrize("key", ["nodekey", "account"])
def test_c33_a_key_that_is_no_scalar_of_secp256k1_is_refused_at_its_path(key: str) -> None:
    """It was a traceback of the library that multiplies points."""
    for text in OUTSIDE:
        (problem,) = problems_of(alpha({f"{FIRST}.{key}": text}))
        assert problem.path == f"{FIRST}.{key}"
        assert text.strip() not in problem.message + problem.cure
    for text in INSIDE:
        assert plan_of(alpha({f"{FIRST}.{key}": text})).records


def test_c33_a_key_of_tessera_that_is_zero_is_refused_and_any_other_is_one() -> None:
    """X25519 takes each text of 32 bytes for a scalar (RFC 7748)."""
    (problem,) = problems_of(alpha({f"{FIRST}.tessera": ZERO}))
    assert problem.path == f"{FIRST}.tessera"
    for text in OUTSIDE[1:4]:
        assert plan_of(alpha({f"{FIRST}.tessera": text})).records


@pytest.mark.parametrize("text", OUTSIDE)
def test_c33_a_network_key_of_cita_cloud_is_a_scalar_of_secp256k1(text: str) -> None:
    assert list(cita.problems_of(cita.local({f"{NODE}.networkKey": text}))) == [f"{NODE}.networkKey"]
    for good in INSIDE:
        assert cita.plan_of(cita.local({f"{NODE}.networkKey": good})).records


@pytest.mark.parametrize("number", [0, SM2_ORDER - 1, SM2_ORDER, SM2_ORDER + 1, 2**256 - 1])
def test_c33_a_node_key_of_consensus_bft_is_a_scalar_that_signs_by_sm2(number: int) -> None:
    """A signature divides by the key plus one, which the order less one makes zero (GB/T 32918.2)."""
    bft: dict[str, Any] = {"network.services": {}, f"{NODE}.nodeKey": f"{number:064x}"}
    assert list(cita.problems_of(cita.local(bft))) == [f"{NODE}.nodeKey"]
    good = {**bft, f"{NODE}.nodeKey": f"{SM2_ORDER - 2:064x}"}
    assert cita.plan_of(cita.local(good)).records


def test_c33_a_private_key_of_a_certificate_that_is_none_is_refused() -> None:
    made, _ = certificate(1)
    for text in ("", "garbage", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
        found = cita.problems_of(cita.local({f"{NODE}.certificate": made, f"{NODE}.certificateKey": text}))
        assert list(found) == [f"{NODE}.certificateKey"]


def test_c33_an_empty_kms_db_is_none_and_does_not_stand_for_a_derived_account() -> None:
    for text in ("", " \n"):
        assert f"{NODE}.kmsDb" in cita.problems_of(cita.local({f"{NODE}.kmsDb": text}))


def test_c33_a_key_of_a_member_that_is_zero_is_refused() -> None:
    for text in (private_key(bytes(32)), "", "AAAA", base64.b64encode(bytes(68)).decode()):
        assert list(ipfs.problems_of(ipfs.alpha({f"{MEMBER}.privateKey": text}))) == [f"{MEMBER}.privateKey"]


def test_c33_a_swarm_key_that_is_zero_is_none() -> None:
    for kind, body in ((b"/base16/", b"00" * 32), (b"/base64/", base64.b64encode(bytes(32))), (b"/bin/", bytes(32))):
        with pytest.raises(ValueError, match="its key is zero"):
            parsed(b"/key/swarm/psk/1.0.0/\n" + kind + b"\n" + body)
