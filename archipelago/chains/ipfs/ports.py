"""Where a member can be reached: by pods of its cluster at its headless Service, by partners at another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archipelago.chains.contract import Ask, Site
from archipelago.chains.ipfs.fields import AUTO
from archipelago.chains.ipfs.settings import IpfsStack, Member, Traefik
from archipelago.chains.ipfs.versions import API_AUTHORIZATIONS, release
from archipelago.model import names
from archipelago.model.balancer import balancer_host
from archipelago.model.endpoint import Exposed, Port, Reach
from archipelago.model.plan import Clients, Route, Service
from archipelago.problems import Problem

SWARM, API, GATEWAY = "swarm", "api", "gateway"
SWARM_PORT = 4001
_FREE = 1024  # the first port that every process may open
_EXPOSED = "-swarm"  # after a member's name, the Service for partners


def opened(settings: IpfsStack, member: Member) -> tuple[Port, ...]:
    """Ports that pods of the cluster may have: the API only where it asks for a token."""
    guarded = release(member.version or settings.network.version) >= API_AUTHORIZATIONS
    found = [Port(SWARM, listens(member), Reach.PARTNERS)]
    found += [Port(API, member.api_port, Reach.OPERATORS)] * guarded
    found += [Port(GATEWAY, member.gateway_port, Reach.OPERATORS)] * member.gateway
    return tuple(found)


def shared(settings: IpfsStack, member: Member) -> tuple[Port, ...]:
    """Ports that are seen from outside: the API only where it is asked for."""
    wanted = {SWARM} | ({API} if member.exposure.api else set())
    return tuple(port for port in opened(settings, member) if port.name in wanted)


def exposed_name(node: str) -> str:
    """The Service for partners."""
    return f"{node}{_EXPOSED}"


def headless(settings: IpfsStack, node: str) -> Service:
    """The Service that gives a member its name inside the cluster."""
    member = settings.nodes[node]
    return Service(
        name=node,
        type=Exposed.CLUSTER_IP,
        ports=opened(settings, member),
        host=names.service_host(node, settings.namespace_of(node)),
        clients=_clients(member),
        headless=True,
    )


def outside(settings: IpfsStack, node: str, site: Site) -> Service:
    """The Service that partners dial, or that Traefik leads to."""
    member = settings.nodes[node]
    exposure, name = member.exposure, exposed_name(node)
    ports = shared(settings, member)
    if exposure.traefik:
        host, port = traefik_at(site, member, exposure.traefik)
        route = Route(exposure.traefik.entry_point, port, exposure.traefik.api_version)
        return Service(name, Exposed.CLUSTER_IP, ports, exposure.host or host, clients=_clients(member), route=route)
    requested = "" if exposure.address == AUTO or exposure.type is not Exposed.LOAD_BALANCER else exposure.address
    inside = names.service_host(name, settings.namespace_of(node))
    known = {Exposed.NODE_PORT: site.address, Exposed.CLUSTER_IP: inside, Exposed.LOAD_BALANCER: requested}
    return Service(
        name=name,
        type=exposure.type,
        ports=ports,
        host=exposure.host or known[exposure.type],
        node_ports=exposure.ports,
        annotations=exposure.annotations,
        clients=_clients(member),
        address=requested,
        published={} if exposure.type is Exposed.NODE_PORT else _published(member),
        balancing=exposure.balancing,
    )


def listens(member: Member) -> int:
    """Where the daemon listens for the swarm: it runs without the right to a port below 1024."""
    return member.swarm_port if member.swarm_port >= _FREE else SWARM_PORT


def _published(member: Member) -> dict[str, int]:
    """What is dialled from outside where the daemon listens elsewhere."""
    return {SWARM: member.swarm_port} if listens(member) != member.swarm_port else {}


def traefik_ask(member: Member) -> Ask | None:
    """Traefik's Service, where the member is behind one."""
    found = member.exposure.traefik
    return Ask("Service", found.namespace, found.service) if found else None


def traefik_at(site: Site, member: Member, traefik: Traefik) -> tuple[str, int]:
    """Host and port at which an entry point is dialled; an empty host while nobody knows."""
    there = site.given.get(Ask("Service", traefik.namespace, traefik.service)) or {}
    host = balancer_host(there, site.hosts)
    return host, traefik.port or _entry_port(there, traefik.entry_point) or member.swarm_port


def _entry_port(service: Mapping[str, Any], entry_point: str) -> int | None:
    """The Service's port of an entry point: its charts name ports and container ports after entry points."""
    for port in (service.get("spec") or {}).get("ports") or []:
        if entry_point in (port.get("name"), port.get("targetPort")):
            return int(port["port"])
    return None


def traefik_problems(settings: IpfsStack, site: Site) -> Iterator[Problem]:
    """Where the cluster has no such Traefik, or nobody outside reaches it."""
    for node, member in settings.nodes.items():
        ask, wanted = traefik_ask(member), member.exposure.traefik
        if ask is None or wanted is None or ask not in site.given:
            continue
        path, there = f"{settings.path_of(node)}.exposure.traefik", site.given[ask]
        if there is None:
            cure = "Name Traefik's Service and its namespace: kubectl get services -A shows them."
            yield Problem(path, f"there is no {ask} in this cluster.", cure)
        elif not traefik_at(site, member, wanted)[0] and not member.exposure.host:
            host = f"archipelago:{settings.path_of(node)}.exposure.host"
            cure = f"Wait until it has one, or say in {host} what partners dial."
            yield Problem(path, f"{ask} has no external address.", cure)
        elif wanted.port is None and _entry_port(there, wanted.entry_point) is None:
            listed = ", ".join(str(each.get("name")) for each in (there.get("spec") or {}).get("ports") or [])
            words = f"{ask} has no port named {wanted.entry_point} (it has {listed or 'none'})."
            cure = f"Correct entryPoint, or say the port that partners dial: archipelago:{path}.port"
            yield Problem(path, words, cure)


def _clients(member: Member) -> tuple[Clients, ...]:
    return tuple(Clients(**each.model_dump()) for each in member.exposure.clients)
