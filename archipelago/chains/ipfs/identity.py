"""A member's keys: its Ed25519 pair, which is its PeerID, the token of its API, and the key of its swarm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from archipelago.chains.ipfs.keys import item
from archipelago.chains.ipfs.places import API_TOKEN, PRIVATE_KEY, SWARM_KEY
from archipelago.chains.ipfs.settings import IpfsStack, Member
from archipelago.chains.ipfs.swarm_key import parsed
from archipelago.chains.ipfs.versions import API_AUTHORIZATIONS, release
from archipelago.chains.node import Node
from archipelago.chains.shared import Shared
from archipelago.identity import peer_id
from archipelago.identity.derive import Keyring
from archipelago.model.record import ExternalNode


def node(settings: IpfsStack, keyring: Keyring, name: str) -> Node[Member]:
    """A member of ours, its keys derived or given; the swarm's is not known yet."""
    member = settings.nodes[name]
    which = member.identity
    given = which.private_key
    seed = peer_id.seed_of(given.get_secret_value()) if given else keyring.secret(name, "ipfs peer", which.generation)
    _, swarm = settings.place(name)
    record = ExternalNode(
        network=settings.network.name,
        organisation=keyring.organisation,
        name=name,
        node_id=peer_id.peer_id(seed),
        generation=which.generation,
        swarm=swarm,
        key_generation=member.key_generation,
    )
    record = record.model_copy(update={"proof": peer_id.sign(seed, record.claim)})
    files = {PRIVATE_KEY: peer_id.private_key(seed)}
    if release(member.version or settings.network.version) >= API_AUTHORIZATIONS:
        files[API_TOKEN] = keyring.secret(name, "ipfs api token", which.generation).hex()
    return Node(member, record, files)


def token_secret(node: str) -> str:
    """Name of the Secret with the token of a member's API and nothing else."""
    return f"{node}-{API_TOKEN}"


def for_applications(node: Node[Member]) -> dict[str, dict[str, str]]:
    """The token of a member's API in a Secret of its own: who mounts it there has no key of the node or the swarm."""
    token = node.private_files.get(API_TOKEN)
    return {token_secret(node.name): {API_TOKEN: token}} if token else {}


def identified(files: Mapping[str, str]) -> dict[str, str]:
    """PeerID and fingerprint of the swarm's key in a member's private files.

    Raises:
        ValueError: A key cannot be read.
    """
    found = {}
    try:
        if text := files.get(PRIVATE_KEY):
            found["nodeId"] = peer_id.peer_id(peer_id.seed_of(text))
        if text := files.get(SWARM_KEY):
            found["fingerprint"] = parsed(text.encode()).fingerprint
    except ValueError:
        raise ValueError("a key in it cannot be read") from None
    return found


def equipped(bare: Node[Member], shared: Shared) -> Node[Member]:
    """A member with the key of its swarm, where it is known."""
    held = shared.items.get(item(bare.record.swarm or "", bare.settings.key_generation))
    if held is None:
        return bare
    key = parsed(held)
    try:
        text = held.decode("ascii")
    except UnicodeDecodeError:  # the binary form; a Secret's text has to be text
        text = key.text
    record = bare.record.model_copy(update={"fingerprint": key.fingerprint})
    return replace(bare, record=record, private_files={**bare.private_files, SWARM_KEY: text})
