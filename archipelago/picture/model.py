"""What a picture of a network shows, taken from plans; no colours and no lines yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archipelago.chains.contract import Chain
from archipelago.model.endpoint import Endpoint
from archipelago.model.plan import NodePlan
from archipelago.model.record import ExternalNode
from archipelago.stack.partners import Import
from archipelago.stack.plan import StackPlan

ALLOCATED = "allocated"  # the cluster chooses it at the first up
_HEAD, _TAIL = 8, 4


@dataclass(frozen=True, slots=True)
class NodeMark:
    """One node.

    Args:
        name: Its name.
        role: `validator` or `member`.
        identity: Its node id, shortened.
        ports: Port names and where they are dialled: a port of the organisation's address, `host:port`, or `allocated`.
    """

    name: str
    role: str
    identity: str
    ports: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Organisation:
    """One organisation and its part of the network.

    Args:
        name: Its name.
        part: `founds`, or `joins` and whom; empty where only its bundle is known.
        place: Context and namespace, or where its word comes from.
        address: What partners dial; empty where each node has its own.
        nodes: Its nodes.
        absent: Why nothing is known of it; empty where something is.
    """

    name: str
    part: str = ""
    place: str = ""
    address: str = ""
    nodes: tuple[NodeMark, ...] = ()
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Two organisations that name each other, or one that names the other.

    Args:
        first: An organisation.
        second: Another one.
        ports: Names of the ports on which their nodes meet.
        forth: Whether the first lists nodes of the second.
        back: Whether the second lists nodes of the first.
    """

    first: str
    second: str
    ports: tuple[str, ...]
    forth: bool
    back: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """A network across clusters.

    Args:
        network: Its name.
        summary: Protocol, release, consensus, chain id.
        genesis: Hash of the first block; empty while it is waited for.
        waiting_for: Without what there is no genesis, or a node does not run.
        organisations: Those whose stacks were given first, then their partners.
        links: Between them.
        founded: Whether a founder makes the genesis; if not, all agree by their settings and nobody looks at a hash.
    """

    network: str
    summary: tuple[str, ...]
    genesis: str
    waiting_for: tuple[str, ...]
    organisations: tuple[Organisation, ...]
    links: tuple[Link, ...]
    founded: bool = True


def draw(plans: Sequence[StackPlan], chain: Chain) -> Picture:
    """The picture of one network.

    Args:
        plans: Of stacks of this network, at least one; planned together where they are partners.
        chain: Its protocol.
    """
    # the founder knows most; a stack without a genesis least
    known = sorted(plans, key=lambda plan: (plan.genesis is None, not plan.settings.network.founder))[0]
    ours = {_called(plan): _own(plan) for plan in plans}
    met = {_met_as(plan, given, plans): given for plan in plans for given in plan.imports}
    others = {name: _other(name, given) for name, given in met.items() if name not in ours}
    founded = chain.agreed(known.settings) is None
    waiting = {} if known.genesis and founded else {each: None for plan in plans for each in plan.waiting_for}
    return Picture(
        network=known.network,
        summary=chain.summary(known.settings, known.genesis),
        genesis=known.genesis.hash if known.genesis and founded else "",
        waiting_for=tuple(waiting),
        organisations=(*ours.values(), *others.values()),
        links=_links(plans),
        founded=founded,
    )


def short(identity: str) -> str:
    """The ends of a long identity, which is all that people compare."""
    return identity if len(identity) <= _HEAD + _TAIL + 1 else f"{identity[:_HEAD]}…{identity[-_TAIL:]}"


def _called(plan: StackPlan) -> str:
    """Whose box it is; an organisation with several stacks has one for each."""
    organisation = plan.settings.organisation
    return f"{organisation} ({plan.stack})" if plan.settings.siblings else organisation


def _met_as(plan: StackPlan, given: Import, plans: Sequence[StackPlan]) -> str:
    """In which box the nodes stand that a stack is given: of several stacks, that of the one that it names."""
    source, organisation = plan.settings.sources[given.name], plan.settings.organisation_of(given.name)
    others = [each for each in plans if each is not plan and each.settings.organisation == organisation]
    named = [each for each in others if each.stack == (source.stack or "").rpartition("/")[2]]
    if found := named or (() if given.sibling else others):
        return _called(found[0])
    return f"{organisation} ({given.name})" if given.sibling else organisation


def _own(plan: StackPlan) -> Organisation:
    network, cluster = plan.settings.network, plan.settings.cluster
    marks = (_mark(record, node, cluster.address) for record, node in zip(plan.records, plan.nodes, strict=True))
    return Organisation(
        name=_called(plan),
        part="founds" if network.founder else f"joins {network.joins}",
        place=f"{cluster.context or 'current context'} / {plan.namespace}",
        address=cluster.address or "",
        nodes=tuple(marks),
    )


def _mark(record: ExternalNode, node: NodePlan, address: str | None) -> NodeMark:
    known = node.service.endpoints()
    ports = ((port.name, _dialled(known.get(port.name), address)) for port in node.service.ports)
    return NodeMark(record.name, record.role, short(record.node_id), tuple(ports))


def _other(name: str, given: Import) -> Organisation:
    if given.absent:
        return Organisation(name, absent=given.absent)
    hosts = {endpoint.host for node in given.nodes for endpoint in node.endpoints.values()}
    address = hosts.pop() if len(hosts) == 1 else ""
    marks = (
        NodeMark(
            node.name,
            node.role,
            short(node.node_id),
            tuple((name, _dialled(endpoint, address)) for name, endpoint in sorted(node.endpoints.items())),
        )
        for node in given.nodes
    )
    return Organisation(name, place=given.provenance, address=address, nodes=tuple(marks))


def _dialled(endpoint: Endpoint | None, address: str | None) -> str:
    if endpoint is None:
        return ALLOCATED
    return str(endpoint.port) if endpoint.host == address else str(endpoint)


def _links(plans: Sequence[StackPlan]) -> tuple[Link, ...]:
    lists = {(_called(plan), _met_as(plan, given, plans)): given for plan in plans for given in plan.imports}
    found: dict[frozenset[str], Link] = {}
    for first, second in lists:
        pair = frozenset((first, second))
        if pair not in found:
            forth, back = lists.get((first, second)), lists.get((second, first))
            found[pair] = Link(
                first,
                second,
                _met(plans, first),
                bool(forth and forth.nodes),
                bool(back and back.nodes),
            )
    return tuple(found.values())


def _met(plans: Sequence[StackPlan], called: str) -> tuple[str, ...]:
    """The ports that an organisation's nodes offer to partners."""
    nodes = (node for plan in plans if _called(plan) == called for node in plan.nodes)
    return tuple(dict.fromkeys(port.name for node in nodes for port in node.service.ports))
