"""What is wrong with an IPFS stack's settings beyond single fields."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from archipelago.chains.ipfs import ports, versions
from archipelago.chains.ipfs.fields import AUTO
from archipelago.chains.ipfs.identity import token_secret
from archipelago.chains.ipfs.keys import ask_of, source_of, swarms
from archipelago.chains.ipfs.places import STATUS_PORT
from archipelago.chains.ipfs.settings import IpfsStack, Member
from archipelago.model import names
from archipelago.model.endpoint import Exposed
from archipelago.problems import Problem
from archipelago.settings.images import one_release
from archipelago.settings.types import quantity

_SMALLEST = 64 * 2**20  # bytes; an empty repository has 1 MiB, and a block up to 2
_OBJECTS = ("monitor", "monitor-status", "monitor-tls")  # after the network's name, other objects that stand beside


def problems(settings: IpfsStack) -> Iterator[Problem]:
    """Every problem, in no order."""
    for node, member in settings.nodes.items():
        place = settings.path_of(node)
        yield from _numbers(place, member)
        yield from _exposure(place, member)
        yield from _release(settings, node)
        yield from _key(settings, node)
        if int(quantity(member.storage.size)) < _SMALLEST:
            words = f"{member.storage.size} is too small for a repository."
            yield Problem(f"{place}.storage.size", words, "Write a size as 20Gi.")
    for nodes in swarms(settings).values():
        yield from _one_swarm(settings, nodes)
    yield from settings.network.monitor.resources.problems("network.monitor.resources")
    yield from _secrets(settings)
    yield from _names(settings)
    yield from _entry_points(settings)


def doubts(settings: IpfsStack) -> Iterator[str]:
    """What works and is seldom meant."""
    for node, member in settings.nodes.items():
        yield from versions.doubts(member.version or settings.network.version)
        if member.exposure.api:
            yield (
                f"{node} shows its API outside of the cluster: whoever has its token may do everything to the node. "
                f"`archipelago identity` tells who has that; better is a gateway, or a Service of your own."
            )
        if not member.garbage_collection.enabled:
            yield f"{node} never drops a block: when its volume is full, it takes nothing more."


def _numbers(place: str, member: Member) -> Iterator[Problem]:
    taken = {STATUS_PORT.number: "of the container peers"}
    wanted = {"swarmPort": ports.listens(member), "apiPort": member.api_port}
    wanted |= {"gatewayPort": member.gateway_port} if member.gateway else {}
    for key, number in wanted.items():
        if number in taken:
            words = f"{number} is the port {taken[number]} already."
            yield Problem(f"{place}.{key}", words, "Give every port of a member a number of its own.")
        taken.setdefault(number, f"that {key} names")


def _exposure(place: str, member: Member) -> Iterator[Problem]:
    exposure, path = member.exposure, f"{place}.exposure"
    balanced = exposure.type is Exposed.LOAD_BALANCER
    if exposure.address != AUTO and not balanced:
        words = f"a {exposure.type} Service has no address to ask for."
        yield Problem(f"{path}.address", words, f"Remove it, or set archipelago:{path}.type to LoadBalancer.")
    if exposure.traefik and exposure.type is not Exposed.CLUSTER_IP:
        words = f"Traefik leads to a Service inside the cluster, and type is {exposure.type}."
        yield Problem(f"{path}.type", words, f"Remove it, or set archipelago:{path}.type to ClusterIP.")
    if exposure.traefik and exposure.api:
        words = "Traefik's entry point carries the swarm port alone."
        yield Problem(f"{path}.api", words, "Take one of the two out.")


def _release(settings: IpfsStack, node: str) -> Iterator[Problem]:
    member = settings.nodes[node]
    version = member.version or settings.network.version
    path = f"{settings.path_of(node)}.version" if member.version else "network.version"
    found = versions.release(version)
    oldest = ".".join(map(str, versions.OLDEST))
    if found < versions.OLDEST:
        yield Problem(path, f"kubo {version} is older than {oldest}.", f"Take {oldest} or later.")
    if found in versions.BROKEN:
        yield Problem(path, f"{versions.BROKEN[found]}.", "Take 0.11.0 or later, or 0.9.1.")
    named = "kubo" if found >= versions.NAMED_KUBO else "goIpfs"
    repository = versions.repository(version, settings.network.images.kubo, settings.network.images.go_ipfs)
    yield from one_release(path, member.version, settings.network.version, f"network.images.{named}", repository)
    if member.exposure.api and found < versions.API_AUTHORIZATIONS:
        words = f"kubo {version} asks nobody who uses its API for a token, so anybody could take the node over."
        cure = f"Take 0.25.0 or later, or remove archipelago:{settings.path_of(node)}.exposure.api."
        yield Problem(f"{settings.path_of(node)}.exposure.api", words, cure)


def _key(settings: IpfsStack, node: str) -> Iterator[Problem]:
    member, path = settings.nodes[node], settings.path_of(node)
    source = source_of(settings, member)
    written = f"{path}.key" if member.key else "network.joins"
    partner = settings.partners.get(source.partner or "")
    if member.key and source.partner and partner is None:
        words = f"{source.partner} is not among the partners, so it can give no key."
        cure = f"Add it, as in archipelago:partners.{source.partner}: {{stack: organization/archipelago/<its stack>}}"
        yield Problem(written, words, cure)
    if partner and partner.nodes is not None:
        words = f"the nodes of {source.partner} are pasted, and nothing secret crosses that way."
        name = f"{settings.network.name}-key"
        cure = (
            f"Get the key file by another way, and store it: kubectl create secret generic {name} "
            f"--from-file=swarm-key=<file>. Then write archipelago:{path}.key: {{secret: {name}}}"
        )
        yield Problem(f"{path}.key", words, cure)
    for index, name in enumerate(member.share_key_with or ()):
        if name not in settings.partners:
            words = f"{name} is not among the partners."
            yield Problem(f"{path}.shareKeyWith[{index}]", words, "Name partners as archipelago:partners has them.")


def _one_swarm(settings: IpfsStack, nodes: Sequence[str]) -> Iterator[Problem]:
    """What members of one swarm may not say differently: they have one key."""
    said: dict[str, Callable[[Member], str]] = {
        "key": lambda member: str(source_of(settings, member)),
        "keyGeneration": lambda member: str(member.key_generation),
        "shareKeyWith": lambda member: ", ".join(sorted(member.share_key_with or ())) or "everybody",
    }
    for key, told in said.items():
        for first, second in pairwise(nodes):
            ours, theirs = told(settings.nodes[second]), told(settings.nodes[first])
            if ours != theirs:
                words = f"{ours}, and archipelago:{settings.path_of(first)} says {theirs}: they are in one swarm."
                cure = "A swarm has one key: say the same at all its members, or name one of the swarms otherwise."
                yield Problem(f"{settings.path_of(second)}.{key}", words, cure)


def _secrets(settings: IpfsStack) -> Iterator[Problem]:
    """Two swarms with one key are one swarm that does not know it."""
    owners: dict[str, str] = {}
    tokens = {(settings.namespace_of(node), token_secret(node)): node for node in settings.nodes}
    for node in settings.nodes:
        ask, (_, swarm) = ask_of(settings, node), settings.place(node)
        if ask and (owner := tokens.get((ask.namespace, ask.name))):
            words = f"{ask} is that of the token of {owner}'s API."
            yield Problem(f"{settings.path_of(node)}.key.secret", words, "Give the Secret with the key another name.")
        if ask and owners.setdefault(str(ask), swarm) != swarm:
            words = f"{ask} has the key of swarm {owners[str(ask)]} already, and whoever has a swarm's key is in it."
            yield Problem(f"{settings.path_of(node)}.key", words, "Name another Secret for each swarm.")


def _names(settings: IpfsStack) -> Iterator[Problem]:
    """Members stand beside each other under `<pool>-<swarm>` and what is added to it."""
    network = settings.network.name
    taken: dict[tuple[str, str], str] = {}
    for namespace in {settings.namespace_of(node) for node in settings.nodes} | {settings.cluster.namespace}:
        taken |= {(namespace, f"{network}-{each}"): "the network" for each in (*names.RESERVED, *_OBJECTS)}
    places: dict[str, str] = {}
    for pool, swarm in settings.members():
        place = f"pools.{pool}.swarms.{swarm}"
        if (other := places.setdefault(f"{pool}-{swarm}", place)) != place:
            words = f"it would be named {pool}-{swarm}, as archipelago:{other} is."
            yield Problem(place, words, "Choose another name for the pool or for the swarm.")
    for node in settings.nodes:
        for name in (node, ports.exposed_name(node)):
            other = taken.setdefault((settings.namespace_of(node), name), node)
            if other != node:
                words = f"its Service {name} would be named as something of {other} is."
                yield Problem(settings.path_of(node), words, "Choose another name for the pool or for the swarm.")


def _entry_points(settings: IpfsStack) -> Iterator[Problem]:
    """A stream of bytes names no host, so all that comes to an entry point goes to one member."""
    owners: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for node, member in settings.nodes.items():
        if found := member.exposure.traefik:
            owners[found.namespace, found.service, found.entry_point].append(node)
    for (_, _, entry_point), (first, *others) in owners.items():
        for node in others:
            words = f"{entry_point} leads to {first} already."
            cure = "Give every member an entry point of its own: Traefik cannot tell them apart."
            yield Problem(f"{settings.path_of(node)}.exposure.traefik.entryPoint", words, cure)
