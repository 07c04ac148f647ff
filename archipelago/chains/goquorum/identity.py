"""A GoQuorum node's keys: node key, account, Tessera pair; the private half as the files its containers mount."""

from __future__ import annotations

from pydantic import SecretStr

from archipelago.chains.accounts import Account
from archipelago.chains.goquorum.settings import GoQuorumNetwork, GoQuorumNode
from archipelago.chains.node import Node
from archipelago.identity.curve25519 import tessera_key_file, tessera_public
from archipelago.identity.derive import Keyring
from archipelago.identity.keystore import keystore_v3
from archipelago.identity.secp256k1 import address_of, node_id
from archipelago.model.record import ExternalNode
from archipelago.settings.types import key_bytes

NODE_KEY, KEYSTORE, PASSWORD, TESSERA_KEY = "nodekey", "keystore.json", "password", "tm.key"


def node(network: GoQuorumNetwork, keyring: Keyring, name: str, settings: GoQuorumNode) -> Node[GoQuorumNode]:
    """A node of ours, its keys derived or imported."""
    which = settings.identity

    def private(given: SecretStr | None, purpose: str) -> bytes:
        if given is not None:
            return key_bytes(given)
        return keyring.scalar(name, purpose, which.generation)

    key, account = private(which.nodekey, "nodekey"), private(which.account, "account")
    identity, account_address = node_id(key), address_of(node_id(account))
    password = keyring.secret(name, "account password", which.generation).hex()
    entropy = keyring.secret(name, "keystore entropy", which.generation, length=64)
    files = {
        NODE_KEY: key.hex(),
        KEYSTORE: keystore_v3(account, account_address, password, entropy),
        PASSWORD: password,
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
        account=account_address,
        role="validator" if settings.validator else "member",
        privacy_key=privacy_key,
        generation=which.generation,
    )
    return Node(settings, record, files)


def account(node: Node[GoQuorumNode]) -> Account:
    """A node's account with its keystore file and the password that opens it."""
    return Account(node.record.account, {name: node.private_files[name].encode() for name in (KEYSTORE, PASSWORD)})
