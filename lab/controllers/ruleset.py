"""NetworkPolicies as nftables rules: what `networking.k8s.io/v1` says, for the pods of one node.

Meaning: https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/. Text: nft(8).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TABLE = "inet archipelago-policies"
"""The table that belongs to the policies alone, so that it can be replaced as a whole."""

Thing = Mapping[str, Any]
"""An object of Kubernetes, or a part of one, as its JSON has it."""


@dataclass(frozen=True, slots=True)
class _Pod:
    """A pod with an address of its own.

    Args:
        namespace: its namespace.
        name: its name.
        labels: its labels.
        address: its IPv4 address.
        ports: numbers of its containers' ports, by protocol and name.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    address: str
    ports: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class _Direction:
    """What tells the two halves of a policy apart.

    Args:
        kind: its word in `policyTypes`.
        rules: the field of a policy that has its rules.
        peers: the field of a rule that has its peers.
        peer: which of a packet's addresses is the peer's.
        own: which one is the pod's.
        chain: how the chains of pods begin.
    """

    kind: str
    rules: str
    peers: str
    peer: str
    own: str
    chain: str


_INGRESS = _Direction("Ingress", "ingress", "from", peer="saddr", own="daddr", chain="to")
_EGRESS = _Direction("Egress", "egress", "to", peer="daddr", own="saddr", chain="from")


@dataclass(frozen=True, slots=True)
class _Peer:
    """One side of a rule: a match on the peer's address, and which pods those addresses are known to be of."""

    match: str
    pods: Sequence[_Pod]


def ruleset(pods: Iterable[Thing], namespaces: Iterable[Thing], policies: Iterable[Thing]) -> str:
    """The ruleset that enforces all policies, as one transaction for `nft -f -`.

    A packet has to be allowed twice: by the egress policies of the pod it comes from and by the ingress policies of the
    one it goes to. Pods that no policy of a direction selects are open in it. What is not allowed is dropped without an
    answer, as the usual plugins do, so a client sees a time-out.

    Connections that exist go on when a policy that denies them appears, as with the usual plugins: conntrack knows them
    as established. The node's own packets (probes, pods on the host's network) never pass the forward hook, so they are
    always allowed, which Kubernetes asks for. Only IPv4 is looked at.

    Args:
        pods: all pods; those on the host's network, ended ones and ones without an address are left out.
        namespaces: all namespaces.
        policies: all policies.
    """
    # A pod that is being deleted may still name an address that is another's by now.
    leaving_first = sorted(pods, key=lambda thing: thing["metadata"].get("deletionTimestamp") is None)
    running = {pod.address: pod for thing in leaving_first if (pod := _pod(thing)) is not None}
    world = _World(
        sorted(running.values(), key=lambda pod: (pod.namespace, pod.name)),
        {thing["metadata"]["name"]: thing["metadata"].get("labels") or {} for thing in namespaces},
    )
    ordered = sorted(policies, key=lambda policy: (policy["metadata"]["namespace"], policy["metadata"]["name"]))
    hook = ["type filter hook forward priority filter + 10; policy accept;", "ct state established,related accept"]
    chains: list[str] = []
    for direction in (_EGRESS, _INGRESS):
        isolated = [(pod, selecting) for pod in world.pods if (selecting := _selecting(ordered, direction, pod))]
        if isolated:
            jumps = [f"{pod.address} : jump {direction.chain}-{pod.address}" for pod, _ in isolated]
            hook.append(f"ip {direction.own} vmap {_set(jumps)}")
        chains += [_chain(world, direction, pod, selecting) for pod, selecting in isolated]
    return f"add table {TABLE}\ndelete table {TABLE}\n" + _block(
        f"table {TABLE}", _block("chain forward", *hook), *chains
    )


@dataclass(frozen=True, slots=True)
class _World:
    """Everything a selector can choose from."""

    pods: Sequence[_Pod]
    namespaces: Mapping[str, Mapping[str, str]]

    def peers(self, direction: _Direction, namespace: str, peers: Sequence[Thing]) -> Iterator[_Peer]:
        """The peers of a rule of a policy in this namespace; no peers at all are all there are."""
        if not peers:
            yield _Peer("", self.pods)
            return
        chosen = [pod for pod in self.pods if any(self._is(pod, namespace, peer) for peer in peers)]
        if chosen:
            yield _Peer(f"ip {direction.peer} {_set([pod.address for pod in chosen])}", chosen)
        for peer in peers:
            if (block := peer.get("ipBlock")) and (match := _block_match(direction, block)):
                yield _Peer(match, ())

    def _is(self, pod: _Pod, namespace: str, peer: Thing) -> bool:
        of_pods, of_namespaces = peer.get("podSelector"), peer.get("namespaceSelector")
        if of_pods is None and of_namespaces is None:
            return False  # an ipBlock
        if of_namespaces is None:
            fits = pod.namespace == namespace
        else:
            fits = _matches(of_namespaces, self.namespaces.get(pod.namespace, {}))
        return fits and _matches(of_pods or {}, pod.labels)


def _chain(world: _World, direction: _Direction, pod: _Pod, policies: Sequence[Thing]) -> str:
    """The chain that a packet of an isolated pod has to return from."""
    lines = [
        f"# {pod.namespace}/{pod.name}",
        # Through a Service a pod may reach itself, and no policy can forbid that.
        f"ip {direction.peer} {pod.address} return",
    ]
    for policy in policies:
        namespace = policy["metadata"]["namespace"]
        for rule in policy["spec"].get(direction.rules) or []:
            for peer in world.peers(direction, namespace, rule.get(direction.peers) or []):
                matches = _ports(direction, pod, peer, rule.get("ports") or [])
                lines += [f"{match} return".lstrip() for match in matches]
    # Policies of one pod often say the same; the first one decides.
    return _block(f"chain {direction.chain}-{pod.address}", *dict.fromkeys(lines), "counter drop")


def _ports(direction: _Direction, pod: _Pod, peer: _Peer, ports: Sequence[Thing]) -> Iterator[str]:
    """What packets of a rule's peer and ports look like; no ports at all are all there are."""
    if not ports:
        yield peer.match
    for port in ports:
        protocol, which = port.get("protocol") or "TCP", port.get("port")
        word = protocol.lower()
        if which is None:
            yield f"{peer.match} meta l4proto {word}".lstrip()
        elif isinstance(which, int):
            last = port.get("endPort")
            yield f"{peer.match} {word} dport {f'{which}-{last}' if last else which}".lstrip()
        # A name is one of the pod that is called: of the selected one, or of the peer, if that is a pod.
        elif direction is _INGRESS:
            if number := pod.ports.get((protocol, which)):
                yield f"{peer.match} {word} dport {number}".lstrip()
        elif called := [(at.address, number) for at in peer.pods if (number := at.ports.get((protocol, which)))]:
            yield f"ip daddr . {word} dport {_set([f'{address} . {number}' for address, number in called])}"


def _selecting(policies: Iterable[Thing], direction: _Direction, pod: _Pod) -> list[Thing]:
    """The policies that isolate a pod in a direction."""
    return [
        policy
        for policy in policies
        if policy["metadata"]["namespace"] == pod.namespace
        and direction.kind in _kinds(policy["spec"])
        and _matches(policy["spec"].get("podSelector") or {}, pod.labels)
    ]


def _kinds(spec: Thing) -> Sequence[str]:
    """The directions of a policy; the API server fills them in just so where they are missing."""
    kinds: Sequence[str] | None = spec.get("policyTypes")
    return kinds or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])


def _matches(selector: Thing, labels: Mapping[str, str]) -> bool:
    """Whether a label selector chooses what has these labels; an empty one chooses everything."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_satisfies(expression, labels) for expression in selector.get("matchExpressions") or [])


def _satisfies(expression: Thing, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values") or []
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":  # what has no such label at all is not in either
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise ValueError(f"a label selector has no operator {expression['operator']}")


def _block_match(direction: _Direction, block: Thing) -> str:
    """The match of an ipBlock; empty for one of IPv6."""
    network = ipaddress.ip_network(block["cidr"], strict=False)
    if isinstance(network, ipaddress.IPv6Network):
        return ""
    match = f"ip {direction.peer} {network}"
    # Collapsed, because an nftables set refuses intervals that overlap.
    inside = ipaddress.collapse_addresses(ipaddress.IPv4Network(n, strict=False) for n in block.get("except") or [])
    excepted = [str(inner) for inner in inside]
    return f"{match} ip {direction.peer} != {_set(excepted)}" if excepted else match


def _pod(thing: Thing) -> _Pod | None:
    """A pod that policies are about, else None: the host's network is the node's, an ended pod's address is free."""
    metadata, spec, status = thing["metadata"], thing.get("spec") or {}, thing.get("status") or {}
    if spec.get("hostNetwork") or status.get("phase") in ("Succeeded", "Failed"):
        return None
    addresses = [entry.get("ip") or "" for entry in status.get("podIPs") or []] or [status.get("podIP") or ""]
    address = next((address for address in addresses if "." in address and ":" not in address), None)
    if address is None:
        return None
    sidecars = [init for init in spec.get("initContainers") or [] if init.get("restartPolicy") == "Always"]
    ports = {
        (port.get("protocol") or "TCP", port["name"]): port["containerPort"]
        for container in [*(spec.get("containers") or []), *sidecars]
        for port in container.get("ports") or []
        if port.get("name")
    }
    return _Pod(metadata["namespace"], metadata["name"], metadata.get("labels") or {}, address, ports)


def _set(elements: Sequence[str]) -> str:
    return "{ " + ", ".join(elements) + " }"


def _block(head: str, *lines: str) -> str:
    body = "".join(f"\t{line}\n" for text in lines for line in text.splitlines())
    return f"{head} {{\n{body}}}\n"
