"""A stack that runs already goes on as what it was: the same network, the same namespace, the same nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from archipelago.chains.node import Node
from archipelago.model.endpoint import Endpoint
from archipelago.model.plan import NodePlan
from archipelago.model.record import ExternalNode, NetworkRecord
from archipelago.problems import Problem
from archipelago.settings.read import Settings


def recorded(last: Mapping[str, Any], settings: Settings, problems: list[Problem]) -> NetworkRecord | None:
    """What the stack recorded of its network; None at the first run, and where it is refused.

    Args:
        last: Its own last outputs.
        settings: Ours.
        problems: Gets why it cannot be gone on with.
    """
    if not last.get("network"):
        return None
    try:
        found = NetworkRecord.model_validate(last["network"])
    except ValidationError:
        cure = "It was written by a newer version of this program: run that one."
        problems.append(Problem("network", "this stack's own last outputs cannot be read.", cure))
        return None
    if found.name != settings.network.name:
        words = f"this stack runs the network {found.name}; a rename would delete its nodes and make others."
        cure = f"Set archipelago:network.name to {found.name}; make a stack of its own for {settings.network.name}."
        problems.append(Problem("network.name", words, cure))
        return None
    here = settings.cluster.namespace
    if found.namespace not in ("", here):
        words = f"this stack's nodes run in {found.namespace}; in {here} they would start a second time, without data."
        cure = f"Set archipelago:cluster.namespace to {found.namespace}, or destroy the stack before it moves."
        problems.append(Problem("cluster.namespace", words, cure))
    return found


def fingerprints(last: Mapping[str, Any]) -> dict[str, str]:
    """Fingerprint of the shared key of each own node that had one at the last run, by its name."""
    ran = [each for each in last.get("externalNodes") or [] if isinstance(each, Mapping)]
    return {str(each.get("name")): str(each["fingerprint"]) for each in ran if each.get("fingerprint")}


def moved(last: Mapping[str, Any], records: Iterable[ExternalNode], settings: Settings) -> Iterator[Problem]:
    """Nodes that would start a second time in another namespace, without data; a move of all is told by `recorded`."""
    home = settings.cluster.namespace
    were = {each.get("name", ""): each.get("namespace") or home for each in last.get("externalNodes") or []}
    for record in records:
        was, now = were.get(record.name), record.namespace or home
        if was not in (None, now):
            words = f"it runs in the namespace {was}; in {now} it would start a second time, without data."
            cure = (
                f"Bring back {was}. To start the node empty instead, take it out, run pulumi up and archipelago "
                "release, and add it again."
            )
            yield Problem(settings.path_of(record.name), words, cure)


def lost_keys(last: Mapping[str, Any], nodes: Mapping[str, Node[Any]], settings: Settings) -> Iterator[Problem]:
    """Nodes that would become somebody else: another seed, or a key that was imported before, loses a validator."""
    for before in last.get("externalNodes") or []:
        node, had = nodes.get(before.get("name", "")), int(before.get("generation", 1))
        if node is not None and had > node.record.generation:
            yield _lower(settings, node, had)
        if node is None or had != node.record.generation:
            continue
        after = node.record.plain()
        keys = ("nodeId", "account", "address", "privacyKey")  # the last may come and go with privacy
        changed = [key for key in keys if before.get(key) and after[key] and before[key] != after[key]]
        if changed:
            if (maker := before.get("organisation", "")) not in ("", settings.organisation):
                words = f"this stack's nodes are {maker}'s: as {settings.organisation}'s they would have other keys."
                cure = f"Set archipelago:organisation to {maker}; another organisation has a stack of its own."
                yield Problem("organisation", words, cure)
                return
            path = settings.path_of(node.name)
            # its end, too: all PeerIDs begin alike
            old, new = (f"{text[:8]}…{text[-8:]}" for text in (str(each[changed[0]]) for each in (before, after)))
            words = f"its key would change from {changed[0]} {old} to {new}, and partners know it by the old one."
            cure = (
                "Bring back the identitySeed (or the imported keys) that this stack was made with. Only where the node "
                f"is to have other keys, count up archipelago:{path}.identity.generation."
            )
            yield Problem(path, words, cure)


def _lower(settings: Settings, node: Node[Any], had: int) -> Problem:
    path = f"{settings.path_of(node.name)}.identity.generation"
    words = (
        f"its keys would go back from generation {had} to {node.record.generation}: partners that have taken the newer "
        "ones take no older ones, and its Secret may be the last place that has an imported key."
    )
    cure = (
        f"Bring back {had}, and the keys that were imported for it. To have earlier keys again, import them with "
        f"generation {had + 1}; archipelago keys export hands them out."
    )
    return Problem(path, words, cure)


def twice(last: Mapping[str, Any], records: Iterable[ExternalNode], settings: Settings) -> Iterator[Problem]:
    """Nodes with the key of another own node that runs: the engine ends what is not named any more after all else.

    Args:
        last: The stack's own last outputs.
        records: Its nodes, as they would be.
        settings: Ours.
    """
    ran = [each for each in last.get("externalNodes") or [] if isinstance(each, Mapping)]
    had = {(key, each[key]): each.get("name", "") for each in ran for key in ("nodeId", "address") if each.get(key)}
    for record in records:
        plain = record.plain()
        names = sorted({had.get((key, plain[key]), record.name) for key in ("nodeId", "address") if plain.get(key)})
        for name in names:
            if name != record.name:
                words = f"it has the key of {name}, which runs with it: both would run at the same time."
                cure = (
                    f"Take {record.name} out, and let {name} end, or get other keys, in a run of its own; give its key "
                    f"to {record.name} in a later one."
                )
                yield Problem(settings.path_of(record.name), words, cure)


def founding(problems: Iterable[Problem], changed: Iterable[Problem]) -> Iterator[Problem]:
    """What is wrong about the genesis, but for its validators where keys change: the right ones would be the same."""
    path = "network.genesis.validators" if any(changed) else None
    return (problem for problem in problems if problem.path != path)


def file_formats(last: Mapping[str, Any]) -> dict[tuple[str, int, str], int]:
    """In which format the private files of nodes that run are written, by name, generation and account.

    They stay in it, or the nodes would restart for nothing. One that is not recorded is older than the record.
    """
    told = last.get("fileFormats") or {}
    return {
        (each.get("name", ""), int(each.get("generation", 1)), each.get("account", "")): int(told.get(each["name"], 1))
        for each in last.get("externalNodes") or ()
    }


def ran(last: Mapping[str, Any]) -> frozenset[str]:
    """Nodes that run already: all that were exported, but those whose swarm's key nobody knew."""
    exported = last.get("externalNodes") or ()
    return frozenset(each.get("name", "") for each in exported if not each.get("swarm") or each.get("fingerprint"))


def hosts(last: Mapping[str, Any]) -> frozenset[str]:
    """Addresses at which own nodes were dialled."""
    told = (each.get("endpoints") or {} for each in last.get("externalNodes") or ())
    return frozenset(str(endpoint.get("host")) for endpoints in told for endpoint in endpoints.values())


def addressed(last: Mapping[str, Any], nodes: Iterable[tuple[NodePlan, ExternalNode]]) -> list[ExternalNode]:
    """Own records with the addresses alone that the cluster gave by the last run, and no stack file says.

    Args:
        last: The stack's own last outputs.
        nodes: Own nodes.
    """
    told = {each.get("name"): each.get("endpoints") or {} for each in last.get("externalNodes") or ()}
    found = []
    for plan, record in nodes:
        ports = {port.name for port in plan.service.ports} - record.endpoints.keys()
        ends = {name: Endpoint.model_validate(end) for name, end in told.get(record.name, {}).items() if name in ports}
        given = {name: end for name, end in ends.items() if plan.service.host in ("", end.host)}
        found.append(record.model_copy(update={"endpoints": given}))
    return found
