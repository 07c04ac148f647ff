"""Derivation is frozen: a change of it is a new key for every node of every user."""

from __future__ import annotations

import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, derive_private_key

from archipelago.chains.goquorum.chain import GoQuorum
from archipelago.chains.node import Node
from archipelago.identity.curve25519 import signer
from archipelago.identity.derive import Keyring, seed_from_text
from tests.keyfile import decode_keyfile_json
from tests.stacks import alpha, beta, plan_of, seed, settings_of
from tests.unit.vectors import vectors

pytestmark = pytest.mark.unit

VECTORS = vectors("identity")
KEYSTORE = "keystore.json"
SEED = "".join(f"{number:02x}" for number in range(32))


@pytest.mark.parametrize("vector", VECTORS["secrets"], ids=lambda v: f"{v['organisation']}-{v['node']}-{v['purpose']}")
def test_the_value_for_a_purpose_is_the_frozen_one(vector: dict[str, Any]) -> None:
    keyring = Keyring(bytes.fromhex(VECTORS["seed"]), vector["organisation"], vector["network"])
    which = (vector["node"], vector["purpose"], vector["generation"])
    assert keyring.secret(*which, length=len(vector["secret"]) // 2).hex() == vector["secret"]
    if "scalar" in vector:
        assert keyring.scalar(*which).hex() == vector["scalar"]


@pytest.mark.parametrize("vector", VECTORS["nodes"], ids=lambda v: f"{v['organisation']}-{v['name']}-{v['generation']}")
def test_a_node_has_the_frozen_public_half_and_private_files(vector: dict[str, Any]) -> None:
    node = _node(vector["organisation"], vector["name"], vector["generation"])
    record = node.record
    assert [record.node_id, record.address, record.account, record.privacy_key] == [
        vector[key] for key in ("nodeId", "address", "account", "privacyKey")
    ]
    assert dict(node.private_files) == vector["privateFiles"] | {KEYSTORE: vector["keystoreFormat2"]}
    assert node.file_format == 2


@pytest.mark.parametrize("vector", VECTORS["nodes"], ids=lambda v: f"{v['organisation']}-{v['name']}-{v['generation']}")
def test_a_node_of_an_earlier_version_has_the_private_files_that_it_had(vector: dict[str, Any]) -> None:
    """Else it would restart, and with it every node of every user."""
    keyring = Keyring(bytes.fromhex(VECTORS["seed"]), vector["organisation"], "consortium")
    node = _node(vector["organisation"], vector["name"], vector["generation"])
    assert dict(GoQuorum().earlier(keyring, node, 1).private_files) == vector["privateFiles"]


@pytest.mark.parametrize("vector", VECTORS["signers"], ids=lambda v: str(v["organisation"]))
def test_an_organisation_signs_with_the_frozen_key(vector: dict[str, str]) -> None:
    config = {"alpha": alpha, "beta": beta}[vector["organisation"]]({"identitySeed": VECTORS["seed"]})
    assert signer(plan_of(config).signing_key) == vector["key"]


@pytest.mark.parametrize("vector", VECTORS["secrets"], ids=lambda v: f"{v['organisation']}-{v['node']}-{v['purpose']}")
def test_the_frozen_values_are_those_of_rfc_5869_written_out(vector: dict[str, Any]) -> None:
    """The vectors were computed once by the code they test; this computes them from the two formulas of the RFC."""
    parts = [str(vector[key]).encode() for key in ("organisation", "network", "node", "purpose", "generation")]
    info = b"".join(len(part).to_bytes(2) + part for part in parts)
    pseudo_random_key = hmac.digest(b"archipelago identity v1", bytes.fromhex(VECTORS["seed"]), "sha256")
    output, block = b"", b""
    for counter in range(1, 3):
        block = hmac.digest(pseudo_random_key, block + info + bytes([counter]), "sha256")
        output += block
    assert output.hex().startswith(vector["secret"])
    if "scalar" in vector:
        order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
        assert int(vector["scalar"], 16) == int.from_bytes(output[:48]) % (order - 1) + 1


def test_every_part_of_the_context_changes_the_value() -> None:
    def value(organisation: str = "a", network: str = "b", node: str = "c", purpose: str = "d", more: int = 1) -> bytes:
        return Keyring(bytes(range(32)), organisation, network).secret(node, purpose, more)

    others = [value(), value("x"), value(network="x"), value(node="x"), value(purpose="x"), value(more=2)]
    # a length before each part: no text can slide from one part into the next
    others += [
        value("ab", ""),
        value("", "ab"),
        value("a", "bc", ""),
        value("a", "b", "", "cd"),
        value("a", "b", "cd", ""),
    ]
    assert len(set(others)) == len(others)


def test_another_seed_shares_no_value() -> None:
    first, second = (Keyring(bytes.fromhex(seed(name)), "alpha", "consortium") for name in ("one", "two"))
    assert first.secret("node", "nodekey") != second.secret("node", "nodekey")


def test_scalars_are_keys_that_openssl_takes_and_never_zero() -> None:
    keyring = Keyring(bytes(range(32)), "alpha", "consortium")
    for number in range(200):
        derive_private_key(int.from_bytes(keyring.scalar(f"node{number}", "nodekey")), SECP256K1())


@pytest.mark.parametrize("file_format", [1, 2])
def test_the_keystore_of_a_derived_account_opens_with_the_password_file(file_format: int) -> None:
    keyring = Keyring(bytes.fromhex(VECTORS["seed"]), "alpha", "consortium")
    node = GoQuorum().earlier(keyring, _node("alpha", "quorum-node1", 1), file_format)
    private = decode_keyfile_json(json.loads(node.private_files[KEYSTORE]), node.private_files["password"].encode())
    assert private == keyring.scalar("quorum-node1", "account")
    assert node.private_files["nodekey"] == keyring.scalar("quorum-node1", "nodekey").hex()


def test_the_next_generation_rotates_every_key_of_one_node() -> None:
    first, second = _node("alpha", "quorum-node1", 1), _node("alpha", "quorum-node1", 2)
    for file in ("nodekey", "keystore.json", "password", "tm.key"):
        assert first.private_files[file] != second.private_files[file]
    neighbour = plan_of(alpha({"nodes.quorum-node1.identity": {"generation": 2}})).records[1]
    assert neighbour == plan_of(alpha()).records[1]


def test_an_imported_key_takes_the_place_of_the_derived_one_and_of_no_other() -> None:
    """An operator moves a running Qubernetes node: its node id, account and Tessera key have to stay."""
    given = vectors("qubernetes")["nodes"][0]
    keys = {"nodekey": f"0x{given['nodekey']}", "account": given["accountKey"] + "\n"}
    record = plan_of(alpha({"nodes.quorum-node1.identity": keys})).records[0]
    assert (record.node_id, record.address, record.account) == (given["nodeId"], given["address"], given["account"])
    derived = plan_of(alpha()).records[0]
    assert record.privacy_key == derived.privacy_key
    tessera = {"tessera": bytes(range(32)).hex()}
    imported = plan_of(alpha({"nodes.quorum-node1.identity": tessera})).records[0]
    assert (imported.node_id, imported.privacy_key != derived.privacy_key) == (derived.node_id, True)


@pytest.mark.parametrize("text", [SEED, SEED.upper(), f"0x{SEED}", f"{SEED}\n", f"  {SEED} "])
def test_a_seed_is_64_hex_characters_however_openssl_and_a_shell_wrote_them(text: str) -> None:
    assert seed_from_text(text) == bytes(range(32))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has 0 hex characters, not 64"),
        (SEED[:-2], "has 62 hex characters, not 64"),
        (SEED + "20", "has 66 hex characters, not 64"),
        (SEED[:-1], "is no hexadecimal text"),
        ("correct horse battery staple", "is no hexadecimal text"),
        ("00" * 32, "is not random"),
        ("deadbeef" * 8, "is not random"),
    ],
)
def test_a_seed_that_nobody_should_use_is_refused_without_repeating_it(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        seed_from_text(text)
    assert not text or text not in str(caught.value)


def test_no_repr_shows_a_secret() -> None:
    """A traceback, a log line and a failed assertion print reprs."""
    private = vectors("qubernetes")["nodes"][0]["nodekey"]
    config = alpha({"nodes.quorum-node1.identity": {"nodekey": private}})
    settings, plan = settings_of(config), plan_of(config)
    node = _node("alpha", "quorum-node1", 1)
    keyring = Keyring(settings.seed, "alpha", "consortium")
    secrets = {seed("alpha"), private, plan.signing_key.hex(), repr(plan.signing_key), repr(settings.seed)}
    for files in (node.private_files, *(each.private_files for each in plan.nodes)):
        secrets |= set(files.values())
    for shown in (keyring, settings, node, plan, *plan.nodes):
        for text in (repr(shown), str(shown)):
            assert not [secret for secret in secrets if secret in text]


def _node(organisation: str, name: str, generation: int) -> Node[Any]:
    changes = {"identitySeed": VECTORS["seed"], f"nodes.{name}.identity": {"generation": generation}}
    settings = settings_of({"alpha": alpha, "beta": beta}[organisation](changes))
    return GoQuorum().node(settings, Keyring(settings.seed, organisation, "consortium"), name)
