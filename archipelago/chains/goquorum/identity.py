"""A GoQuorum node's keys: node key, account, Tessera pair; the private half as the files its containers mount."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace

from pydantic import SecretStr

from archipelago.chains.accounts import Account
from archipelago.chains.goquorum.settings import GoQuorumNetwork, GoQuorumNode, NodeIdentity
from archipelago.chains.node import Node
from archipelago.identity.curve25519 import tessera_key_file, tessera_public
from archipelago.identity.derive import Keyring
from archipelago.identity.keystore import LEAST, LIGHT, keystore_v3
from archipelago.identity.secp256k1 import address_of, node_id, sign
from archipelago.model.record import ExternalNode
from archipelago.settings.types import key_bytes

NODE_KEY, KEYSTORE, PASSWORD, TESSERA_KEY = "nodekey", "keystore.json", "password", "tm.key"
_FORMAT = 2  # of a new keystore; `_keystore` has both


def node(network: GoQuorumNetwork, keyring: Keyring, name: str, settings: GoQuorumNode) -> Node[GoQuorumNode]:
    """A node of ours, its keys derived or imported."""
    which = settings.identity
    key = _private(keyring, name, which.nodekey, "nodekey", which.generation)
    identity = node_id(key)
    file_format = which.keystore or _FORMAT
    address, keystore = _keystore(keyring, name, which, file_format)
    files = {
        NODE_KEY: key.hex(),
        KEYSTORE: keystore,
        PASSWORD: _password(keyring, name, which),
    }
    privacy_key = ""
    if network.privacy.manager == "tessera":
        tessera = key_bytes(which.tessera) if which.tessera else keyring.secret(name, "tessera", which.generation)
        privacy_key = tessera_public(tessera)
        files[TESSERA_KEY] = tessera_key_file(tessera)
    record = ExternalNode(
        network=network.name,
        organisation=keyring.organisation,
        name=name,
        node_id=identity,
        address=address_of(identity),
        account=address,
        role="validator" if settings.validator else "member",
        privacy_key=privacy_key,
        generation=which.generation,
    )
    proven = record.model_copy(update={"proof": sign(key, record.claim)})
    return Node(settings, proven, files, file_format)


def earlier(keyring: Keyring, node: Node[GoQuorumNode], file_format: int) -> Node[GoQuorumNode]:
    """A node with the keystore that it was made with, unless its settings name a format."""
    which = node.settings.identity
    if which.keystore:
        return node
    _, keystore = _keystore(keyring, node.name, which, file_format)
    return replace(node, private_files={**node.private_files, KEYSTORE: keystore}, file_format=file_format)


def account(node: Node[GoQuorumNode]) -> Account:
    """A node's account with its keystore file and the password that opens it."""
    return Account(node.record.account, {name: node.private_files[name].encode() for name in (KEYSTORE, PASSWORD)})


def identified(files: Mapping[str, str]) -> dict[str, str]:
    """Public halves of the keys in a node's private files, by the names that its record has for them.

    Raises:
        ValueError: A key cannot be read.
    """
    try:
        found = {}
        if text := files.get(NODE_KEY):
            found["nodeId"] = node_id(bytes.fromhex(text))
        if text := files.get(KEYSTORE):
            found["account"] = "0x" + str(json.loads(text)["address"]).removeprefix("0x").lower()
        if text := files.get(TESSERA_KEY):
            found["privacyKey"] = tessera_public(base64.b64decode(json.loads(text)["data"]["bytes"]))
    except (ValueError, KeyError, TypeError):
        raise ValueError("a key in it cannot be read") from None
    return found


def _private(keyring: Keyring, name: str, given: SecretStr | None, purpose: str, generation: int) -> bytes:
    return keyring.scalar(name, purpose, generation) if given is None else key_bytes(given)


def _password(keyring: Keyring, name: str, which: NodeIdentity) -> str:
    return keyring.secret(name, "account password", which.generation).hex()


def _keystore(keyring: Keyring, name: str, which: NodeIdentity, file_format: int) -> tuple[str, str]:
    """A node's account: its address, and the file that keeps it.

    In format 1 salt and IV are the node's: two accounts that it has one after the other under one generation are
    encrypted with one key stream, and their files tell the difference of the keys. In format 2 they are the account's.
    """
    private = _private(keyring, name, which.account, "account", which.generation)
    address = address_of(node_id(private))
    purpose, cost = ("keystore entropy", LIGHT) if file_format == 1 else (f"keystore of {address}", LEAST)
    entropy = keyring.secret(name, purpose, which.generation, length=64)
    return address, keystore_v3(private, address, _password(keyring, name, which), entropy, cost)
