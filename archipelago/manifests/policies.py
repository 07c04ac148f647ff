"""Who may connect to the nodes, and whom they may connect to: NetworkPolicies, from ports' reach and the address book.

A policy is a list of what is allowed, and several ones for a pod add up. A cluster whose network plugin knows no
policies takes them and does nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from archipelago.manifests import common
from archipelago.manifests.common import Manifest
from archipelago.model.endpoint import Endpoint, Exposed, Reach
from archipelago.model.plan import Clients, NodePlan, Service
from archipelago.stack.plan import StackPlan

_DNS = (53,)
_OPENSHIFTS_DNS = (53, 5353)  # its pods listen there behind their Service


def peers(plan: StackPlan, namespace: str) -> Manifest:
    """What all nodes of the network in a namespace may: one object, and it changes with the address book.

    In: the ports for partners, from anywhere. A NodePort and many load balancers put a machine's address in the place
    of the partner's, so a narrower rule would shut partners out, or let every machine's traffic in anyway.

    Out: names are looked up, wherever the cluster's DNS or a cache of it stands. Partners and siblings are dialled at
    their addresses, at any address where they are known by a name. A name of an organisation that is no partner opens
    nothing: a stranger would choose which ports are open to anywhere. The ports of nodes are open to anywhere: a
    Service, our own or a partner's in the same cluster, is translated to a pod's address before most plugins look.
    """
    here = [node for node in plan.nodes if plan.namespace_of(node) == namespace]
    shared = _shared(plan.nodes)  # also those of nodes in other namespaces are dialled
    needed = {number for node in plan.nodes for number in node.dials}
    # a node's own siblings, too: Tessera sends to the address that partners dial, seen from whatever machine
    known = [*plan.records, *(node for given in plan.imports for node in given.nodes)]
    dialled = [end for node in known for end in node.endpoints.values()]
    dialled += [end for node in plan.exchange.members for end in node.endpoints.values() if not end.named]
    spec = {
        "podSelector": {"matchLabels": common.members(plan)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"ports": _tcp(_shared(here))}],
        "egress": [{"ports": _lookups(plan)}, *_partners(dialled, shared | needed)],
    }
    return _policy(common.metadata(plan, common.live_config(plan), namespace=namespace), spec)


def _lookups(plan: StackPlan) -> list[Manifest]:
    numbers = _OPENSHIFTS_DNS if plan.settings.cluster.openshift else _DNS
    return [{"protocol": protocol, "port": number} for number in numbers for protocol in ("UDP", "TCP")]


def _shared(nodes: Iterable[NodePlan]) -> set[int]:
    """Numbers of the ports for partners."""
    return {port.number for node in nodes for port in node.service.ports if port.reach is Reach.PARTNERS}


def has_clients(service: Service) -> bool:
    """Whether it opens a port that no partner needs."""
    return any(port.reach is not Reach.PARTNERS for port in service.ports)


def clients(plan: StackPlan, node: NodePlan | None, service: Service) -> Manifest:
    """Who may use the client ports of a Service of one node, or of all."""
    rule: Manifest = {"ports": _tcp(port.number for port in service.ports if port.reach is not Reach.PARTNERS)}
    named = service.clients
    if not named and service.type is Exposed.CLUSTER_IP:
        named = (Clients(),)
    if named:
        rule["from"] = [_client(each) for each in named]
    spec = {
        "podSelector": {"matchLabels": common.selected(plan, node)},
        "policyTypes": ["Ingress"],
        "ingress": [rule],
    }
    return _policy(common.metadata(plan, service.name, node), spec)


def _policy(metadata: Manifest, spec: Manifest) -> Manifest:
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def _partners(dialled: Iterable[Endpoint], shared: set[int]) -> list[Manifest]:
    """One rule for all ports that are open to anywhere, and one for each address."""
    anywhere, by_address = set(shared), dict[str, set[int]]()
    for endpoint in dialled:
        try:
            one = str(ipaddress.ip_network(endpoint.host))  # with /32 or /128
        except ValueError:
            anywhere.add(endpoint.port)
        else:
            by_address.setdefault(one, set()).add(endpoint.port)
    rules: list[Manifest] = [{"ports": _tcp(anywhere)}]
    for address, ports in sorted(by_address.items()):
        if ports - anywhere:
            rules.append({"to": [{"ipBlock": {"cidr": address}}], "ports": _tcp(ports - anywhere)})
    return rules


def _client(client: Clients) -> Manifest:
    if client.cidr:
        return {"ipBlock": {"cidr": client.cidr}}
    found: Manifest = {"podSelector": {"matchLabels": dict(client.pods)} if client.pods else {}}
    if client.namespace:
        found["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": client.namespace}}
    return found


def _tcp(ports: Iterable[int]) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": number} for number in sorted(ports)]
