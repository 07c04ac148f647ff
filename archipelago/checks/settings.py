"""What is wrong with a stack file beyond its single fields, for every kind of network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archipelago.chains.contract import Chain
from archipelago.checks import identities
from archipelago.model import names
from archipelago.model.endpoint import Exposed
from archipelago.model.volume import Place
from archipelago.problems import Problem
from archipelago.settings.models import Storage
from archipelago.settings.partner import Accept
from archipelago.settings.read import Settings

ADDRESS = "cluster.address"
_SIBLING = "add your other stack, as in archipelago:siblings.<name>: {stack: organization/archipelago/<its name>}"


def problems(settings: Settings, chains: Mapping[str, Chain]) -> Iterator[Problem]:
    """Every problem, in no order; the chain's own included."""
    chain = chains[settings.network.kind]
    yield from _partners(settings, chain)
    yield from _names(settings, chain)
    yield from _node_ports(settings)
    yield from _address(settings)
    yield from _clients(settings)
    yield from _places(settings)
    for name, node in settings.nodes.items():
        yield from node.resources.problems(f"{settings.path_of(name)}.resources")
        allowed = chain.ports(settings, node)
        for section, exposure in _exposures(node):
            yield from _exposure(f"{settings.path_of(name)}.{section}", exposure, allowed[section])
    yield from chain.checks(settings)
    yield from identities.problems(settings)


def _exposures(node: Any) -> Iterator[tuple[str, Any]]:
    yield "exposure", node.exposure
    if (api := getattr(node, "api", None)) is not None:
        yield "api", api


def _partners(settings: Settings, chain: Chain) -> Iterator[Problem]:
    joins = settings.network.joins
    ours = joins == settings.organisation and settings.siblings
    # where all agree by their settings, one may know the founder by name alone
    if joins and not ours and joins not in settings.partners and chain.agreed(settings) is None:
        words = f"{joins} is not among the partners, so its genesis cannot be read."
        cure = f"Add it, as in archipelago:partners.{joins}: {{stack: organization/archipelago/<its stack>}}"
        if joins == settings.organisation:
            words = "this is your own organisation, and no other stack of it is named, so its genesis cannot be read."
            cure = f"Where that is meant, {_SIBLING}"
        yield Problem("network.joins", words, cure)
    if settings.organisation in settings.partners:
        words = "this is your own organisation."
        cure = f"Remove it; your nodes in this cluster are under archipelago:nodes. For another cluster: {_SIBLING}"
        yield Problem(f"partners.{settings.organisation}", words, cure)
    yield from _siblings(settings, chain)
    for name, partner in settings.partners.items():
        if partner.accept is not Accept.OWN and not chain.profiles:
            words = f"organisations of a {chain.kind} network have no profiles that somebody could hand on."
            yield Problem(f"partners.{name}.accept", words, "Remove it.")


def _siblings(settings: Settings, chain: Chain) -> Iterator[Problem]:
    for name in settings.siblings:
        if chain.profiles:
            words = f"a {chain.kind} network knows one stack of each organisation: both would show the same profiles."
            cure = "Remove it. A second cluster of yours is an organisation of its own there, with a seed of its own."
            yield Problem(f"siblings.{name}", words, cure)
        elif name in settings.partners or name == settings.organisation:
            words = "a partner has this name." if name in settings.partners else "this is the organisation's own name."
            yield Problem(f"siblings.{name}", words, "Name the stack otherwise, for its cluster or its region.")


def _names(settings: Settings, chain: Chain) -> Iterator[Problem]:
    network = settings.network.name
    reserved = [f"{network}-{name}" for name in names.RESERVED]
    for name in settings.nodes:
        stem = chain.object_name(settings, name)
        if stem in reserved:
            words = f"the network has objects of its own that are named {stem}."
            yield Problem(settings.path_of(name), words, "Choose another name for the node.")
        excess = len(stem + names.LONGEST_SUFFIX) - names.LONGEST
        if excess > 0:
            words = f"Kubernetes objects would be named {stem}{names.LONGEST_SUFFIX}, {excess} characters too long."
            yield Problem(
                settings.path_of(name), words, "Shorten the node's name, or the network's before it is founded."
            )


def _node_ports(settings: Settings) -> Iterator[Problem]:
    taken: dict[int, str] = {}
    for name, node in settings.nodes.items():
        for section, exposure in _exposures(node):
            for port, number in exposure.ports.items():
                path = f"{settings.path_of(name)}.{section}.ports.{port}"
                if number not in settings.cluster.node_port_range:
                    words = f"{number} is outside this cluster's NodePort range {settings.cluster.node_ports}."
                    cure = (
                        "Choose a port in the range, or leave it out to let the cluster choose; a cluster with another "
                        "range says it in archipelago:cluster.nodePorts."
                    )
                    yield Problem(path, words, cure)
                first = taken.setdefault(number, path)
                if first != path:
                    words = f"{number} is taken by archipelago:{first} already."
                    yield Problem(
                        path,
                        words,
                        "A NodePort belongs to one Service of the cluster: choose another, or leave it out.",
                    )


def _address(settings: Settings) -> Iterator[Problem]:
    exposed = ((name, node.exposure) for name, node in settings.nodes.items())
    mute = [name for name, exposure in exposed if exposure.type is Exposed.NODE_PORT and not exposure.host]
    if mute and not settings.cluster.address:
        words = f"is missing: nobody could dial the NodePorts of {', '.join(mute)}."
        cure = "Set it to the address of a cluster node that partners reach, or exposure.host at each node."
        yield Problem(ADDRESS, words, cure)


def _clients(settings: Settings) -> Iterator[Problem]:
    if settings.cluster.network_policies:
        return
    for name, node in settings.nodes.items():
        for section, exposure in _exposures(node):
            if getattr(exposure, "clients", ()):
                words = "keeps nobody out: archipelago:cluster.networkPolicies is false."
                yield Problem(f"{settings.path_of(name)}.{section}.clients", words, "Take one of the two out.")


def _places(settings: Settings) -> Iterator[Problem]:
    """Two nodes in one directory would each take the other's data for its own."""
    taken: list[tuple[str, Place]] = []
    for name, node in settings.nodes.items():
        yield from _halves(f"{settings.path_of(name)}.storage", node.storage)
        place = node.storage.place
        if place is None:
            continue
        path = f"{settings.path_of(name)}.storage.{'nfs' if place.server else 'local'}.path"
        for other, theirs in taken:
            if place.meets(theirs):
                words = f"{place} is not apart from {theirs} of archipelago:{other}."
                yield Problem(path, words, "Give every node a directory of its own, or all of them one storage.claim.")
        taken.append((path, place))


def _halves(path: str, storage: Storage) -> Iterator[Problem]:
    """`defaults` may say a part of a directory, so that only a whole node can miss one."""
    for kind, given in (("local", storage.local), ("nfs", storage.nfs)):
        for key, field in type(given).model_fields.items() if given else ():
            if getattr(given, key) is None:
                cure = f"Add archipelago:{path}.{kind}.{key}: {field.description}"
                yield Problem(f"{path}.{kind}.{key}", "is missing.", cure)


def _exposure(path: str, exposure: Any, allowed: frozenset[str]) -> Iterator[Problem]:
    for port in sorted(set(exposure.ports) - allowed):
        known = ", ".join(sorted(allowed)) or "none: nothing is opened"
        yield Problem(f"{path}.ports.{port}", "the node has no such port here.", f"Known here: {known}.")
    if exposure.ports and exposure.type is not Exposed.NODE_PORT:
        words = f"a {exposure.type} Service has no pinned NodePorts."
        yield Problem(f"{path}.ports", words, f"Remove them, or set archipelago:{path}.type to NodePort.")
