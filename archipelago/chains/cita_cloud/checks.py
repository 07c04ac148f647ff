"""What is wrong with a CITA-Cloud stack's settings beyond single fields."""

from __future__ import annotations

from collections.abc import Iterator

from archipelago.chains.cita_cloud import imported, ports
from archipelago.chains.cita_cloud.founding import validator_names
from archipelago.chains.cita_cloud.services import stack
from archipelago.chains.cita_cloud.settings import CitaNetwork, CitaNode
from archipelago.chains.cita_cloud.shell_command import COUCHDB_FLAGS, TIKV
from archipelago.model.endpoint import Exposed
from archipelago.problems import Problem
from archipelago.settings.clients import narrowed
from archipelago.settings.read import Settings

_PREFIXES = ("all-", "monitor-", "executor-")  # of Services, before the name of the network
_LEGAL = range(1, 65536)


def problems(settings: Settings) -> Iterator[Problem]:
    """Every problem, in no order."""
    network: CitaNetwork = settings.network
    if prefix := next((each for each in _PREFIXES if network.name.startswith(each)), ""):
        words = f"{network.name} looks like a Service of the chain {network.name.removeprefix(prefix)}."
        yield Problem("network.name", words, f"Choose a name that does not begin with {prefix}")
    if network.clients and not settings.cluster.network_policies:
        words = "keeps nobody out: archipelago:cluster.networkPolicies is false."
        yield Problem("network.clients", words, "Take one of the two out.")
    yield from _images(network)
    yield from _commands(network)
    yield from _indices(settings)
    yield from _blocks(settings)
    for name, node in settings.nodes.items():
        yield from _exposure(f"nodes.{name}", node)
        yield from node.syncthing_resources.problems(f"nodes.{name}.syncthingResources")
        yield from node.state_db.resources.problems(f"nodes.{name}.stateDb.resources")
    yield from _databases(settings)
    yield from imported.problems(settings)


def doubts(settings: Settings) -> Iterator[str]:
    """What works and is seldom meant."""
    network: CitaNetwork = settings.network
    named = len(validator_names(settings))
    if network.founder and not stack(network).bft and named in (1, 2):
        yield f"Raft with {named} validators stops as soon as one of them does; with three it bears the loss of one."
    yield from _untagged(network)
    yield from _open_to_anybody(settings)
    yield from imported.doubts(settings)


def _open_to_anybody(settings: Settings) -> Iterator[str]:
    """At rpc a client sends signed transactions; call is the executor's whole service, with Exec for blocks."""
    network: CitaNetwork = settings.network
    outside = any(node.exposure.type is not Exposed.CLUSTER_IP for node in settings.nodes.values())
    if (outside or network.port_base is not None) and not narrowed(network.clients):
        yield (
            "The port call is open to anybody who finds it, and executors take blocks there, too. "
            "archipelago:network.clients says who may use the client ports, as [{namespace: apps}]."
        )


def _images(network: CitaNetwork) -> Iterator[Problem]:
    for service in stack(network).services:
        if not service.image:
            path = f"network.services.{service.role}"
            words = f"there is no image of {service.kind} in the set {network.images}."
            cure = (
                f"Name one, as in archipelago:{path}: {{kind: {service.kind}, image: citacloud/{service.kind}:<tag>}}"
            )
            yield Problem(path, words, cure)


def _commands(network: CitaNetwork) -> Iterator[Problem]:
    """What the program gives a service itself, and it takes only once."""
    executor = stack(network)["executor"]
    if stack(network).couchdb and any(flag in executor.command for flag in COUCHDB_FLAGS):
        words = f"the program gives {' and '.join(COUCHDB_FLAGS)} itself, and the executor takes them once."
        cure = "Take them out, and set archipelago:nodes.<node>.stateDb.user and .password."
        yield Problem("network.services.executor.command", words, cure)


def _untagged(network: CitaNetwork) -> Iterator[str]:
    """A service-config.toml without tags meant what was the latest in its time, which nobody can name now."""
    given = ((each, getattr(network.services, each.role)) for each in stack(network).services)
    taken = [each.image for each, said in given if said and said.command and not said.image and each.image]
    if taken:
        yield (
            f"Images without a tag are those of the set {network.images}: {', '.join(taken)}. For others set "
            "archipelago:network.images, or write a tag at each."
        )


def _indices(settings: Settings) -> Iterator[Problem]:
    taken: dict[int, str] = {}
    for name, node in settings.nodes.items():
        path = f"nodes.{name}.index"
        if node.index is None:
            free = next(number for number in range(1000) if number not in {n.index for n in settings.nodes.values()})
            yield Problem(path, "is missing: it is the node's place in the chain.", f"Add archipelago:{path}: {free}")
        elif taken.setdefault(node.index, name) != name:
            words = f"{node.index} is the index of {taken[node.index]} already."
            yield Problem(path, words, "Every node of a chain has an index of its own, which never changes.")


def _blocks(settings: Settings) -> Iterator[Problem]:
    """Numbers that are reserved together, and the range that they have to lie in."""
    network: CitaNetwork = settings.network
    reserved: list[tuple[str, str, range]] = []
    if network.port_base is not None:
        strided = [node.index for node in settings.nodes.values() if node.index is not None]
        reserved.append(("network.portBase", "", ports.of_one_cluster(network.port_base, strided)))
    for name, node in settings.nodes.items():
        if node.port_base is not None:
            reserved.append((f"nodes.{name}.portBase", _place(node), ports.of_one_node(node.port_base)))
    for position, (path, place, numbers) in enumerate(reserved):
        allowed = settings.cluster.node_port_range if place == "" else _LEGAL
        if numbers.start not in allowed or numbers[-1] not in allowed:
            words = f"its ports {_span(numbers)} are outside of {_span(allowed)}."
            yield Problem(path, words, f"Choose a base from {allowed.start} to {allowed[-1] - len(numbers) + 1}.")
        for other, elsewhere, theirs in reserved[:position]:
            if place == elsewhere and _overlap(numbers, theirs):
                words = f"its ports {_span(numbers)} overlap {_span(theirs)} of archipelago:{other}."
                yield Problem(path, words, f"Choose a base from {theirs[-1] + 1} on.")
    yield from _pinned(settings, reserved)


def _place(node: CitaNode) -> str:
    """What numbers are counted in: empty for the cluster's NodePorts, else one load balancer."""
    if node.exposure.type is not Exposed.LOAD_BALANCER:
        return ""
    return f"balancer {node.exposure.load_balancer or node.exposure.host or id(node)}"


def _span(numbers: range) -> str:
    return f"{numbers[0]}-{numbers[-1]}"


def _overlap(first: range, second: range) -> bool:
    return first.start < second.stop and second.start < first.stop


def _pinned(settings: Settings, reserved: list[tuple[str, str, range]]) -> Iterator[Problem]:
    """A NodePort that one node pins by name in the reserved numbers of another."""
    for name, node in settings.nodes.items():
        for port, number in node.exposure.ports.items():
            for path, place, numbers in reserved:
                if place == "" and number in numbers:
                    words = f"{number} is reserved by archipelago:{path}."
                    cure = f"Choose a port outside of {_span(numbers)}."
                    yield Problem(f"nodes.{name}.exposure.ports.{port}", words, cure)


def _exposure(path: str, node: CitaNode) -> Iterator[Problem]:
    exposure = node.exposure
    if node.port_base is not None and exposure.type is Exposed.CLUSTER_IP:
        cure = f"Set archipelago:{path}.exposure.type to NodePort or LoadBalancer, or remove it."
        yield Problem(f"{path}.portBase", "nothing of a ClusterIP node is seen from outside.", cure)
    if node.port_base is not None and exposure.ports:
        words = "the node has a portBase, which gives every port its number."
        yield Problem(f"{path}.exposure.ports", words, "Remove one of the two.")
    if exposure.provider != "plain" and exposure.type is not Exposed.LOAD_BALANCER:
        words = f"a {exposure.type} Service has no load balancer."
        yield Problem(f"{path}.exposure.provider", words, f"Set archipelago:{path}.exposure.type to LoadBalancer.")
    elif exposure.provider != "plain" and not exposure.load_balancer:
        words = f"is missing: {exposure.provider} gives the node's ports to a load balancer that is there."
        cure = "Set it to the load balancer's id, as the provider's console shows it."
        yield Problem(f"{path}.exposure.loadBalancer", words, cure)


def _databases(settings: Settings) -> Iterator[Problem]:
    """storage_tikv puts no name of chain or node into its keys: two nodes on one TiKV overwrite each other."""
    storage = stack(settings.network)["storage"]
    if storage.kind != TIKV:
        return
    owners: dict[str, str] = {}
    for name, node in settings.nodes.items():
        path = f"nodes.{name}.pdEndpoints"
        drivers = node.pd_endpoints or storage.endpoints
        if not drivers:
            cure = f"Add archipelago:{path}: [<its own cluster>-pd:2379]"
            yield Problem(path, "is missing: storage_tikv needs a TiKV of the node's own.", cure)
        for endpoint in drivers:
            if owners.setdefault(endpoint, name) != name:
                words = f"{endpoint} is the TiKV of {owners[endpoint]}, and each would overwrite the other's blocks."
                yield Problem(path, words, "Give every node a TiKV of its own.")
