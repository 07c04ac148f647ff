"""All objects of a stack, in the order in which they are made. What is listed here is what `components` register."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archipelago.manifests import common, disruption, grants, monitor, objects, peers, policies, storage, workload
from archipelago.manifests.common import Manifest
from archipelago.model.endpoint import Endpoint
from archipelago.model.plan import NodePlan, Service
from archipelago.stack.plan import StackPlan


def namespaces(plan: StackPlan) -> Iterator[Manifest]:
    """Namespaces that the stack makes."""
    for name, made in plan.settings.namespaces.items():
        if made:
            yield objects.namespace(plan, name)


def common_services(plan: StackPlan) -> Iterator[Manifest]:
    """How the nodes are reached where any of them answers."""
    for service in plan.services:
        yield from _service(plan, None, service)


def shared(plan: StackPlan) -> Iterator[Manifest]:
    """What all nodes share, in each namespace that has some, the genesis first; nothing while it is waited for."""
    if plan.genesis is None:
        return
    genesis = {plan.genesis.file: plan.genesis.text}
    for namespace in plan.populated:
        yield objects.config_map(plan, common.shared_config(plan), genesis, namespace=namespace)
        files = plan.standing.get(("ConfigMap", namespace), plan.live_files)
        yield objects.config_map(plan, common.live_config(plan), dict(files), namespace=namespace)
        if plan.settings.cluster.network_policies and plan.nodes:
            policy = policies.peers(plan, namespace)
            yield {**policy, "spec": dict(plan.standing.get(("NetworkPolicy", namespace), policy["spec"]))}


def secrets(plan: StackPlan, node: NodePlan) -> Iterator[Manifest]:
    """A node's keys, which outlive it."""
    yield objects.identity(plan, node)
    for name, values in node.secrets.items():
        yield objects.secret(plan, node, name, values)


def stored(plan: StackPlan, node: NodePlan) -> Iterator[Manifest]:
    """A node's volume, which outlives it."""
    if node.volume.place:
        yield storage.volume(plan, node, node.volume.place)
    if not node.volume.shared_claim:
        yield storage.claim(plan, node)


def services(plan: StackPlan, node: NodePlan) -> Iterator[Manifest]:
    """How a node is reached, and by whom; the Service for partners first."""
    for each in node.services:
        yield from _service(plan, node, each)


def _service(plan: StackPlan, node: NodePlan | None, service: Service) -> Iterator[Manifest]:
    yield objects.service(plan, node, service)
    if service.route:
        yield objects.route(plan, node, service, service.route)
    if plan.settings.cluster.network_policies and policies.has_clients(service):
        yield policies.clients(plan, node, service)


def running(plan: StackPlan, node: NodePlan, endpoints: Mapping[str, Endpoint]) -> Iterator[Manifest]:
    """What runs a node; nothing while the stack waits."""
    if not node.runs:
        return
    if node.public_files:
        files = workload.public_files(node, endpoints)
        yield objects.config_map(plan, common.node_config(node), files, node)
    yield workload.workload(plan, node, endpoints)


def budgets(plan: StackPlan) -> Iterator[Manifest]:
    """How many validators may be evicted at once; nothing waits for it."""
    yield from disruption.budgets(plan)


def rights(plan: StackPlan) -> Iterator[Manifest]:
    """What partners may do here."""
    for name in grants.identities(plan):
        yield from grants.rights(plan, name)
        yield from (secret for _, secret in grants.tokens(plan, name))


def known(plan: StackPlan) -> Iterator[Manifest]:
    """What is known of others, under names that no object of ours has."""
    if plan.exchange.peers:
        ours = {common.place(each) for each in (*_network(plan), *rights(plan), *watching(plan))}
        yield from peers.objects(plan, ours | plan.exchange.occupied)


def watching(plan: StackPlan) -> Iterator[Manifest]:
    """What watches the nodes, its pod last; nobody waits for it."""
    if plan.monitor:
        yield from monitor.manifests(plan, plan.monitor)


def manifests(plan: StackPlan) -> Iterator[Manifest]:
    """All objects, with the endpoints that are known without a cluster; markers stand for the others."""
    yield from map(common.managed, _listed(plan))


def _listed(plan: StackPlan) -> Iterator[Manifest]:
    yield from _network(plan)
    yield from rights(plan)
    yield from peers.definition(plan)
    yield from known(plan)
    yield from watching(plan)


def _network(plan: StackPlan) -> Iterator[Manifest]:
    yield from namespaces(plan)
    yield from common_services(plan)
    yield from shared(plan)
    for node in plan.nodes:
        yield from secrets(plan, node)
        yield from stored(plan, node)
        yield from services(plan, node)
        yield from running(plan, node, node.service.endpoints())
    yield from budgets(plan)
