"""The chain.json of a CITA-Cloud network: made once, and compared with the settings ever after."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from archipelago.chains.cita_cloud.chain_file import ChainFile, chain_id
from archipelago.chains.cita_cloud.identity import super_admin
from archipelago.chains.cita_cloud.services import stack
from archipelago.chains.cita_cloud.settings import CitaNetwork
from archipelago.chains.node import Node
from archipelago.identity.derive import Keyring
from archipelago.model.record import ExternalNode
from archipelago.problems import Problem
from archipelago.settings.read import Settings

Known = Mapping[str, ExternalNode]
_VALIDATORS = "network.genesis.validators"
_KINDS = ("network", "consensus", "executor", "kms")


def validator_names(settings: Settings) -> tuple[str, ...]:
    """The first validators by name, in the order of their indices."""
    network: CitaNetwork = settings.network
    by_index = sorted(settings.nodes, key=lambda name: settings.nodes[name].index or 0)
    return network.genesis.validators or tuple(by_index)


def found(settings: Settings, nodes: Mapping[str, Node[Any]], book: Known) -> ChainFile | list[str]:
    """Make it, or name the validators that nobody knows yet."""
    network: CitaNetwork = settings.network
    resolved = _resolved(validator_names(settings), nodes, book)
    if missing := [name for name, address in resolved.items() if not address]:
        return missing
    keyring = Keyring(settings.seed, settings.organisation, network.name)
    kinds = {role: stack(network)[role].kind for role in _KINDS}
    return ChainFile.model_validate(
        {
            "name": network.name,
            "images": network.images,
            **kinds,
            "timestamp": network.genesis.timestamp,
            "chain_id": chain_id(network.name, network.genesis.chain_id_hash),
            "admin": network.super_admin or super_admin(network, keyring)[1],
            "block_interval": network.genesis.block_interval,
            "validators": list(resolved.values()),
        }
    )


def unfoundable(settings: Settings) -> Iterator[Problem]:
    """Why no chain.json can be made of these settings."""
    network: CitaNetwork = settings.network
    if network.genesis.timestamp is None:
        now = int(time.time() * 1000)
        words = "is missing, and the founder chooses it: all nodes of a chain have the same."
        yield Problem("network.genesis.timestamp", words, f"Add archipelago:network.genesis.timestamp: {now}")
    validators = validator_names(settings)
    if not validators:
        yield Problem(_VALIDATORS, "there is no node, so nobody could make a block.", "Add one to archipelago:nodes.")
    for place, name in enumerate(validators):
        path = f"{_VALIDATORS}[{place}]" if network.genesis.validators else f"nodes.{name}.index"
        if name in validators[:place]:
            yield Problem(path, f"{name!r} stands there twice.", "Take one of them out.")
        else:
            yield from _place(settings, path, place, name)


def _place(settings: Settings, path: str, place: int, name: str) -> Iterator[Problem]:
    partner, _, node = name.rpartition("/")
    if partner:
        if not settings.knows(partner, node):
            words = f"{name!r} is no node of a partner: {partner!r} is not under archipelago:partners."
            yield Problem(path, words, "Write partner/node with the partner's name as it stands there.")
    elif name not in settings.nodes:
        known = ", ".join(settings.nodes)
        yield Problem(path, f"{name!r} is no node of this stack.", f"Name one of {known}, or partner/node.")
    elif settings.nodes[name].index not in (place, None):
        words = f"{name} is number {place} of the validators, and its index is {settings.nodes[name].index}."
        cure = f"Set archipelago:nodes.{name}.index to {place}: validators have the first indices, without a gap."
        yield Problem(path, words, cure)


def differences(settings: Settings, chain: ChainFile, nodes: Mapping[str, Node[Any]], book: Known) -> Iterator[Problem]:
    """Where the settings contradict a frozen chain.json."""
    network: CitaNetwork = settings.network
    frozen = f"the genesis of {network.name} is frozen (block 0 is {chain.hash})"

    def differ(path: str, wanted: object, there: object) -> Problem:
        cure = f"Set archipelago:{path} to {there}; another genesis is a network with another name."
        return Problem(path, f"{wanted}, but {frozen} with {there}.", cure)

    pairs: list[tuple[str, object, object]] = [
        (f"network.services.{role}", stack(network)[role].kind, getattr(chain, role)) for role in _KINDS
    ]
    chosen = network.genesis
    pairs += [("network.name", network.name, chain.name)]
    pairs += [("network.superAdmin", network.super_admin, chain.admin)] if network.super_admin else []
    pairs += [("network.genesis.timestamp", chosen.timestamp, chain.timestamp)] if chosen.timestamp else []
    if "block_interval" in chosen.model_fields_set:
        pairs += [("network.genesis.blockInterval", chosen.block_interval, chain.block_interval)]
    if "chain_id_hash" in chosen.model_fields_set:
        made = chain_id(network.name, chosen.chain_id_hash)
        pairs += [("network.genesis.chainIdHash", made, chain.chain_id)]
    for path, wanted, there in pairs:
        if wanted != there:
            yield differ(path, wanted, there)
    resolved = _resolved(chosen.validators, nodes, book)
    # a partner may give its nodes other keys; what is frozen does not change by that
    places = zip(resolved.items(), chain.validators, strict=False)
    fits = len(resolved) == len(chain.validators) and all(name in book or was == at for (name, was), at in places)
    if resolved and all(resolved.values()) and not fits:
        named = {address: name for name, address in _resolved((*book, *nodes), nodes, book).items()}
        order = ", ".join(named.get(address, address) for address in chain.validators)
        yield differ(_VALIDATORS, f"[{', '.join(resolved)}]", f"[{order}]")
    yield from _indices(chain, nodes)


def _indices(chain: ChainFile, nodes: Mapping[str, Node[Any]]) -> Iterator[Problem]:
    """A node that signs for another's place never does anything, and raft numbers nodes by their place."""
    for name, node in nodes.items():
        index, path = node.record.index, f"nodes.{name}.index"
        if node.record.address in chain.validators:
            place = chain.validators.index(node.record.address)
            if index != place:
                words = f"{index}, but the genesis has it as validator {place}."
                yield Problem(path, words, f"Set archipelago:{path} to {place}.")
        elif index is not None and index < len(chain.validators):
            words = f"{index} is the place of {chain.validators[index]}, and this node is {node.record.address}."
            cure = f"A node that comes later takes an index from {len(chain.validators)} on."
            yield Problem(path, words, cure)


def _resolved(validators: tuple[str, ...], nodes: Mapping[str, Node[Any]], book: Known) -> dict[str, str]:
    """Their addresses by name; empty for a node that is not known (any more)."""
    records = {**book, **{name: node.record for name, node in nodes.items()}}
    return {name: records[name].address if name in records else "" for name in validators}
