"""A CITA-Cloud node's keys: account, network key, syncthing certificate; the private half as its containers read it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from archipelago.chains.cita_cloud.accounts import KEY_ID, SM, SUITES, Suite, kms_db, opened
from archipelago.chains.cita_cloud.device import certificate, device_id
from archipelago.chains.cita_cloud.services import KEY_FILE, NETWORK_KEY, stack
from archipelago.chains.cita_cloud.settings import CitaKeys, CitaNetwork, CitaNode
from archipelago.chains.node import Node
from archipelago.identity.certificate import P384_ORDER
from archipelago.identity.derive import Keyring
from archipelago.model.record import ExternalNode
from archipelago.settings.types import key_bytes

KMS_DB = "kms.db.base64"  # a Secret's text is no place for an SQLite file
NODE_KEY, CERTIFICATE, CERTIFICATE_KEY, COUCHDB_PASSWORD = "node_key", "cert.pem", "key.pem", "couchdb-password"


def node(network: CitaNetwork, keyring: Keyring, name: str, settings: CitaNode) -> Node[CitaNode]:
    """A node of ours, its keys derived or imported."""
    which = settings.identity
    services = stack(network)
    given = settings.kms_password
    password = given.get_secret_value() if given else keyring.secret(name, "kms password", which.generation).hex()
    network_key = (
        key_bytes(which.network_key)
        if which.network_key
        else keyring.scalar(name, "cita network key", which.generation)
    )
    cert, cert_key = _certificate(keyring, name, which)
    files = {
        KEY_FILE: password,
        NETWORK_KEY: "0x" + network_key.hex(),
        CERTIFICATE: cert,
        CERTIFICATE_KEY: cert_key,
    }
    suite = SM if services.bft else SUITES[services["kms"].kind]
    # two kinds of kms never share a key, or one that was taken would open both
    key = keyring.scalar(name, f"cita account {suite.name}", which.generation, suite.order)
    if services.bft:
        key = key_bytes(which.node_key) if which.node_key else key
        files[NODE_KEY] = "0x" + key.hex()
    elif which.kms_db:
        files[KMS_DB] = which.kms_db.get_secret_value()
        _, key = opened(base64.b64decode(files[KMS_DB]), password, which.key_id or KEY_ID)
    else:
        files[KMS_DB] = base64.b64encode(kms_db(suite, password, key)).decode()
    if services.couchdb:
        chosen = settings.state_db.password
        derived = keyring.secret(name, "couchdb password", which.generation).hex()
        files[COUCHDB_PASSWORD] = chosen.get_secret_value() if chosen else derived
    record = ExternalNode(
        network=network.name,
        organisation=keyring.organisation,
        name=name,
        node_id=device_id(cert),
        address=suite.address(key),
        role="validator",
        generation=which.generation,
        index=settings.index,
    )
    return Node(settings, record, files)


def identified(files: Mapping[str, str], which: CitaKeys) -> dict[str, str]:
    """Account, syncthing device and network key in a node's private files.

    The network key has no public half that others know: a digest stands for it.

    Args:
        files: By name.
        which: The node's keys as they are written, for the row of its account in kms.db.

    Raises:
        ValueError: A key cannot be read.
    """
    found = {}
    try:
        if text := files.get(NODE_KEY):
            found["address"] = SM.address(_hexadecimal(text))
        elif text := files.get(KMS_DB):
            suite, key = opened(base64.b64decode(text), files.get(KEY_FILE, ""), which.key_id or KEY_ID)
            found["address"] = suite.address(key)
        if text := files.get(CERTIFICATE):
            found["nodeId"] = device_id(text)
        if text := files.get(NETWORK_KEY):
            found["networkKey"] = hashlib.sha256(b"network key " + _hexadecimal(text)).hexdigest()
    except ValueError:
        raise ValueError("a key in it cannot be read") from None
    return found


def _hexadecimal(text: str) -> bytes:
    return bytes.fromhex(text.strip().removeprefix("0x"))


def _certificate(keyring: Keyring, name: str, which: CitaKeys) -> tuple[str, str]:
    if which.certificate and which.certificate_key:
        return which.certificate, which.certificate_key.get_secret_value().rstrip() + "\n"  # pulumi takes it off
    return certificate(keyring.scalar(name, "syncthing certificate", which.generation, P384_ORDER))


def key_id(node: CitaNode, bft: bool) -> str:
    """Content of the file `key_id`: the account's row in kms.db, or with bft, whose key is in no kms, the index."""
    return str((node.index or 0) if bft else node.identity.key_id or KEY_ID)


def super_admin(network: CitaNetwork, keyring: Keyring) -> tuple[Suite, str, bytes]:
    """Kind, address and key of the account that governs the chain, where the founder named none."""
    suite = SUITES[stack(network)["kms"].kind]
    key = keyring.scalar("", f"cita super admin {suite.name}", order=suite.order)
    return suite, suite.address(key), key


def super_admin_password(keyring: Keyring) -> str:
    """What opens the kms.db in which that account is handed out."""
    return keyring.secret("", "cita super admin password").hex()
