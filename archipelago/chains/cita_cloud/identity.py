"""A CITA-Cloud node's keys: account, network key, syncthing certificate; the private half as its containers read it."""

from __future__ import annotations

import base64

from archipelago.chains.cita_cloud.accounts import KEY_ID, SM, SUITES, kms_db
from archipelago.chains.cita_cloud.device import P384_ORDER, certificate, device_id
from archipelago.chains.cita_cloud.services import KEY_FILE, NETWORK_KEY, stack
from archipelago.chains.cita_cloud.settings import CitaNetwork, CitaNode
from archipelago.chains.node import Node
from archipelago.identity.derive import Keyring
from archipelago.model.record import ExternalNode

KMS_DB = "kms.db.base64"  # a Secret's text is no place for an SQLite file
NODE_KEY, CERTIFICATE, CERTIFICATE_KEY, COUCHDB_PASSWORD = "node_key", "cert.pem", "key.pem", "couchdb-password"


def node(network: CitaNetwork, keyring: Keyring, name: str, settings: CitaNode) -> Node[CitaNode]:
    """A node of ours, its keys derived."""
    generation = settings.identity.generation
    services = stack(network)
    given = settings.kms_password
    password = given.get_secret_value() if given else keyring.secret(name, "kms password", generation).hex()
    cert, cert_key = certificate(keyring.scalar(name, "syncthing certificate", generation, P384_ORDER))
    files = {
        KEY_FILE: password,
        NETWORK_KEY: "0x" + keyring.scalar(name, "cita network key", generation).hex(),
        CERTIFICATE: cert,
        CERTIFICATE_KEY: cert_key,
    }
    suite = SM if services.bft else SUITES[services["kms"].kind]
    # two kinds of kms never share a key, or one that was taken would open both
    key = keyring.scalar(name, f"cita account {suite.name}", generation, suite.order)
    if services.bft:
        files[NODE_KEY] = "0x" + key.hex()
    else:
        files[KMS_DB] = base64.b64encode(kms_db(suite, password, key)).decode()
    if services.couchdb:
        chosen = settings.state_db.password
        derived = keyring.secret(name, "couchdb password", generation).hex()
        files[COUCHDB_PASSWORD] = chosen.get_secret_value() if chosen else derived
    record = ExternalNode(
        network=network.name,
        organisation=keyring.organisation,
        name=name,
        node_id=device_id(cert),
        address=suite.address(key),
        role="validator",
        generation=generation,
        index=settings.index,
    )
    return Node(settings, record, files)


def key_id(network: CitaNetwork, index: int) -> str:
    """Content of the file `key_id`: the account's row in kms.db, or with bft, whose key is in no kms, the index."""
    return str(index if stack(network).bft else KEY_ID)


def super_admin(network: CitaNetwork, keyring: Keyring) -> tuple[str, bytes]:
    """Address and key of the account that governs the chain, where the founder named none."""
    suite = SUITES[stack(network)["kms"].kind]
    key = keyring.scalar("", f"cita super admin {suite.name}", order=suite.order)
    return suite.address(key), key
