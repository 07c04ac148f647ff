"""Accounts in the folders that create_account.py and gen_sm2_keypair.py of runner_k8s made.

Their small files end without a newline: the controller trims nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from archipelago.chains.accounts import Account, AccountKind
from archipelago.chains.cita_cloud.accounts import ETH, KEY_ID, SM, Suite, kms_db
from archipelago.chains.cita_cloud.files import ADDRESS_FILE, DATABASE, KEY_ID_FILE
from archipelago.chains.cita_cloud.identity import KMS_DB, NODE_KEY, key_id, super_admin, super_admin_password
from archipelago.chains.cita_cloud.services import KEY_FILE
from archipelago.chains.cita_cloud.settings import PASSWORD_LENGTH, CitaNetwork, CitaNode, fits_a_line
from archipelago.chains.node import Node
from archipelago.identity.derive import Keyring


def of_kms(suite: Suite, key: bytes, password: str) -> Account:
    """An account that a kms opens.

    Args:
        suite: Of the kms.
        key: 32 bytes.
        password: At least six characters on one line.

    Raises:
        ValueError: The password cannot be used; it is not repeated.
    """
    if len(password) < PASSWORD_LENGTH or not fits_a_line(password):
        raise ValueError(f"the password has not {PASSWORD_LENGTH} characters on one line, or ends with white space")
    return _with_database(suite.address(key), kms_db(suite, password, key), str(KEY_ID), password)


def of_bft(key: bytes, number: str = "1") -> Account:
    """The account of a node with consensus_bft, which no kms keeps.

    Args:
        key: 32 bytes.
        number: Content of `key_id`: the node's index; of somebody without one 1, as gen_sm2_keypair.py has it.
    """
    address = SM.address(key)
    texts = {NODE_KEY: f"0x{key.hex()}", ADDRESS_FILE: address, KEY_ID_FILE: number}
    return Account(address, {name: text.encode() for name, text in texts.items()})


KINDS = {
    "sm": AccountKind("of kms_sm", SM.order, True, lambda key, password: of_kms(SM, key, password)),
    "eth": AccountKind("of kms_eth", ETH.order, True, lambda key, password: of_kms(ETH, key, password)),
    "bft": AccountKind("of a node with consensus_bft", SM.order, False, lambda key, _: of_bft(key)),
}


def of_node(node: Node[CitaNode]) -> Account:
    """The account of a node of ours, derived or imported."""
    files = node.private_files
    number = key_id(node.settings, NODE_KEY in files)
    if NODE_KEY in files:
        return of_bft(bytes.fromhex(files[NODE_KEY].removeprefix("0x")), number)
    return _with_database(node.record.address, base64.b64decode(files[KMS_DB]), number, files[KEY_FILE])


def keys(node: Node[CitaNode]) -> Mapping[str, bytes]:
    """Everything private that a node has: its account, network key, syncthing certificate, passwords."""
    texts = {name: text.encode() for name, text in node.private_files.items() if name != KMS_DB}
    return texts | dict(of_node(node).files)


def of_super_admin(network: CitaNetwork, keyring: Keyring, admin: str) -> Account | None:
    """The account that governs the chain; None where it is somebody's own, and not derived from the seed.

    Args:
        network: The network.
        keyring: Of the organisation.
        admin: Address that the chain knows; empty as long as it knows none.
    """
    suite, address, key = super_admin(network, keyring)
    if not network.founder or {address, network.super_admin or address, admin or address} != {address}:
        return None
    return of_kms(suite, key, super_admin_password(keyring))


def _with_database(address: str, database: bytes, number: str, password: str) -> Account:
    texts = {KEY_ID_FILE: number, ADDRESS_FILE: address, KEY_FILE: password}
    return Account(address, {DATABASE: database} | {name: text.encode() for name, text in texts.items()})
