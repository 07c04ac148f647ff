"""Keys of nodes that a Secret in the cluster holds: what this run does not know stays there, or stops it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import replace

import httpx2
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import PersistentVolumeClaim, Secret

from archipelago.chains.contract import Chain
from archipelago.manifests.common import Manifest, claim, identity_secret
from archipelago.model.plan import NodePlan
from archipelago.problems import Problem
from archipelago.stack.plan import StackPlan
from operate.cluster import Unreachable, own

_PUBLIC = ("nodeId", "account", "address", "privacyKey", "fingerprint")
_SHOWN = 20  # characters: all PeerIDs begin with the same eight


def with_kept_keys(client: Client, plan: StackPlan) -> StackPlan:
    """The plan, in which a node that waits for a secret of a partner's keeps the one that it was given earlier.

    A stack that has lost its outputs has forgotten what was sealed to it, and its partner may be away: with one field
    manager the run would take out of the Secret what a pod that runs was started with, and starts with again.

    Args:
        client: Of the stack's cluster.
        plan: The stack.

    Raises:
        Unreachable: The API server does not answer, or does not show it.
    """
    try:
        nodes = tuple(_kept(client, plan, node) if node.waits_for else node for node in plan.nodes)
    except ApiError as error:
        raise Unreachable(f"it does not show the keys of nodes: {error.status.message}") from None
    except httpx2.HTTPError as error:
        raise Unreachable(f"its API server does not answer: {error}") from None
    return replace(plan, nodes=nodes)


def left(client: Client, plan: StackPlan) -> dict[str, Mapping[str, str]]:
    """What an earlier life of the stack has left of nodes that its outputs do not name.

    Args:
        client: Of the stack's cluster.
        plan: The stack.

    Returns:
        By node the files in its own Secret; none where only its claim stands. Nothing for a node that is new.

    Raises:
        Unreachable: The API server does not answer, or does not show it.
    """
    told = {each.get("name") for each in plan.exported.get("externalNodes") or ()}
    found: dict[str, Mapping[str, str]] = {}
    try:
        for node in plan.nodes:
            if node.name in told:
                continue
            namespace = plan.namespace_of(node)
            secret = own(client, Secret, identity_secret(node), namespace, plan)
            if secret or own(client, PersistentVolumeClaim, claim(node), namespace, plan):
                found[node.name] = _texts(secret or {})
    except ApiError as error:
        raise Unreachable(f"it does not show the keys and claims of nodes: {error.status.message}") from None
    except httpx2.HTTPError as error:
        raise Unreachable(f"its API server does not answer: {error}") from None
    return found


def overwritten(plan: StackPlan, chain: Chain, there: Mapping[str, Mapping[str, str]]) -> Iterator[Problem]:
    """Nodes whose keys in the cluster this run would replace, where no outputs say which ones they had.

    With outputs, a generation that is counted up says that other keys are meant. Without them nothing does, and the
    Secret may be the last place that has an imported key.

    Args:
        plan: The stack, after `with_kept_keys`.
        chain: Its protocol.
        there: What `left` found.
    """
    for node in plan.nodes:
        files = there.get(node.name)
        if not files or not (words := _difference(plan, chain, node, files)):
            continue
        where = f"{plan.namespace_of(node)}/{identity_secret(node)}"
        cure = (
            "Take the stack file of the last run: its identitySeed, identity.generation and imported keys of this "
            "node. Run pulumi up with it; only a later run may change keys (docs/operations.md, Back up and restore)."
        )
        words = f"the Secret {where} in the cluster has {words}; no outputs say that its keys may be replaced."
        yield Problem(plan.settings.path_of(node.name), words, cure)


def _difference(plan: StackPlan, chain: Chain, node: NodePlan, files: Mapping[str, str]) -> str:
    """What a Secret has and this stack file does not give, in words without a private key; empty where all is alike."""
    after = chain.identified(plan.settings, node.name, node.private_files)
    try:
        before = chain.identified(plan.settings, node.name, files)
    except ValueError:
        return "a key that cannot be read with this stack file, which gives the node another one"
    for name, key in before.items():
        if key == (given := after.get(name, "")):
            continue
        if name not in _PUBLIC:
            return f"another {name} than this stack file gives"
        instead = f"gives {given[:_SHOWN]}…" if given else "gives none"
        return f"the {name} {key[:_SHOWN]}…, and this stack file {instead}"
    return ""


def _kept(client: Client, plan: StackPlan, node: NodePlan) -> NodePlan:
    there = own(client, Secret, identity_secret(node), plan.namespace_of(node), plan) or {}
    return replace(node, private_files={**_texts(there), **node.private_files})


def _texts(secret: Manifest) -> dict[str, str]:
    """Every key of ours is a text; whatever else was put there is not of this program."""
    return {name: base64.b64decode(text).decode(errors="replace") for name, text in (secret.get("data") or {}).items()}
