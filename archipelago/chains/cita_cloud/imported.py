"""What is wrong with keys that a node brings from elsewhere; a secret that nobody has opened is passed over."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from pydantic import SecretStr

from archipelago.chains.cita_cloud.accounts import ETH, KEY_ID, SM, SUITES, Suite, opened
from archipelago.chains.cita_cloud.device import belong_together
from archipelago.chains.cita_cloud.services import stack
from archipelago.chains.cita_cloud.settings import PASSWORD, PASSWORD_LENGTH, CitaKeys, CitaNetwork, CitaNode
from archipelago.problems import Problem
from archipelago.settings.read import Settings
from archipelago.settings.types import SEALED, key_bytes


def problems(settings: Settings) -> Iterator[Problem]:
    """Every problem, in no order."""
    network: CitaNetwork = settings.network
    for name, node in settings.nodes.items():
        path = f"nodes.{name}"
        yield from _password(f"{path}.kmsPassword", node)
        yield from _account(network, path, node)
        yield from _certificate(f"{path}.identity", node.identity)


def doubts(settings: Settings) -> Iterator[str]:
    """Nodes with one password: key and IV of both kms come from it alone.

    AES-CTR of kms_eth then has one key stream for all their accounts; SM4-CFB of kms_sm one for the first 16 bytes.
    """
    services = stack(settings.network)
    if services.bft:
        return
    kind = services["kms"].kind
    part = "the other" if SUITES[kind] is ETH else "half of the other"
    users: dict[str, list[str]] = {}
    for name, node in settings.nodes.items():
        if text := _open(node.kms_password):
            users.setdefault(text.rstrip(), []).append(name)
    for names in users.values():
        if len(names) > 1:
            yield (
                f"{', '.join(names)} have the same kmsPassword, and {kind} encrypts their accounts alike: a reader of "
                f"two kms.db who knows one key computes {part}. Give every new node a kmsPassword of its own, or none: "
                "it is then derived from your seed. A running node keeps the password of its kms.db."
            )


def _password(path: str, node: CitaNode) -> Iterator[Problem]:
    """A short one is there to stay where a kms.db was made with it."""
    text = _open(node.kms_password)
    if node.identity.kms_db is None and text and len(text) < PASSWORD_LENGTH:
        yield Problem(path, "this password cannot be used: it is too short.", PASSWORD)


def _account(network: CitaNetwork, path: str, node: CitaNode) -> Iterator[Problem]:
    which, place = node.identity, f"{path}.identity"
    if stack(network).bft:
        if which.kms_db:
            words = "consensus_bft signs with a node key, and not with an account of kms."
            yield Problem(f"{place}.kmsDb", words, f"Set archipelago:{place}.nodeKey instead.")
        if which.node_key and _open(which.node_key) and not SM.has(key_bytes(which.node_key)):
            yield Problem(f"{place}.nodeKey", "it is no key of SM2.", "Set it again from the file node_key.")
    elif which.node_key:
        words = "only consensus_bft signs with a node key; here the node's account signs."
        yield Problem(f"{place}.nodeKey", words, f"Set archipelago:{place}.kmsDb instead.")
    elif which.kms_db and node.kms_password is None:
        yield Problem(
            f"{path}.kmsPassword",
            "is missing: it opens the imported kms.db.",
            f"Set it with: pulumi config set --secret --path archipelago:{path}.kmsPassword",
        )
    elif which.kms_db:
        yield from _database(SUITES[stack(network)["kms"].kind], path, node)
    if which.key_id and not which.kms_db:
        yield Problem(f"{place}.keyId", "there is no kmsDb whose account it names.", "Remove it, or set kmsDb.")


def _database(suite: Suite, path: str, node: CitaNode) -> Iterator[Problem]:
    raw, password = _open(node.identity.kms_db), _open(node.kms_password)
    if not raw or not password:
        return
    try:
        found, _ = opened(base64.b64decode(raw), password, node.identity.key_id or KEY_ID)
    except ValueError as error:
        cure = f"Set it and archipelago:{path}.kmsPassword again, from the node's own folder."
        yield Problem(f"{path}.identity.kmsDb", f"{error}.", cure)
        return
    if found is not suite:
        cure = f"Set archipelago:network.services.kms to kms_{found.name}."
        yield Problem(f"{path}.identity.kmsDb", f"kms_{found.name} made it, and kms_{suite.name} refuses it.", cure)


def _certificate(path: str, which: CitaKeys) -> Iterator[Problem]:
    if (which.certificate is None) != (which.certificate_key is None):
        missing = "certificate" if which.certificate is None else "certificateKey"
        cure = f"Set archipelago:{path}.{missing}, too: cert.pem and key.pem go together."
        yield Problem(f"{path}.{missing}", "is missing.", cure)
    key = which.certificate_key.get_secret_value() if which.certificate_key is not None else SEALED
    if which.certificate and key != SEALED and not belong_together(which.certificate, key):
        cure = "Set both again, from one folder config."
        yield Problem(f"{path}.certificateKey", "it is not the key of the certificate.", cure)


def _open(secret: SecretStr | None) -> str:
    """What a secret says; empty where there is none, or where it was not decrypted."""
    text = secret.get_secret_value() if secret else ""
    return "" if text == SEALED else text
