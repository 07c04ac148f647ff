"""What partners export and this stack's nodes were not told of yet: its next `pulumi up` brings it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from archipelago.manifests.common import MANAGED_BY, MANAGER
from archipelago.model import names
from archipelago.model.record import ExternalNode
from operate.findings import Finding, Mark
from operate.kubectl import Failed
from operate.stack import Stack


def unknown(stack: Stack) -> tuple[ExternalNode, ...]:
    """Partners' nodes that belong into the stack's list of peers, and that its cluster's list has not.

    None where that list cannot be read: who looks at nodes and has no seed may lack the permission.
    """
    try:
        listed = stack.site.access.get(["configmap"], f"{MANAGED_BY}={MANAGER}")
    except Failed:
        return ()
    there = [each.get("data") or {} for each in listed if each["metadata"]["name"] == live_name(stack)]
    if not there:
        return ()  # the comparison of objects tells that it is missing
    has = "".join(text for data in there for text in data.values())
    plans = stack.plan.nodes if stack.plan else ()
    wanted = "".join(stack.site.chain.live_files(stack.network.name, stack.book, plans).values())
    partners = (node for given in stack.imports for node in given.nodes)
    return tuple(node for node in partners if node.node_id in wanted and node.node_id not in has)


def without(stack: Stack, nodes: Sequence[ExternalNode]) -> Stack:
    """The stack as its nodes know the network: some of its partners' nodes are not there yet."""
    imports = (
        replace(given, nodes=tuple(each for each in given.nodes if each not in nodes)) for given in stack.imports
    )
    return replace(stack, imports=tuple(imports)) if nodes else stack


def finding(stack: Stack, nodes: Sequence[ExternalNode]) -> Iterator[Finding]:
    """One finding for all that follows from it: peers, lists, network policies."""
    if nodes:
        words = f"{', '.join(map(str, nodes))}: exported since its last pulumi up, so its nodes do not know of it yet"
        cure = f"pulumi up -s {stack.site.stack}; then run this again."
        yield Finding("settings", stack.site.stack, Mark.FAILED, words, cure)


def standing(stack: Stack) -> Iterator[Finding]:
    """A list of peers that stays as it stands, because the outputs that it was made of are lost."""
    if stack.unheard:
        words = f"knows no nodes of {stack.unheard}: the list of peers stays as it stands in the cluster"
        yield Finding("settings", stack.site.stack, Mark.WARNING, words, heard(stack))


def heard(stack: Stack) -> str:
    """How such a list is made anew."""
    return (
        f"Run pulumi up at {stack.unheard}, then pulumi up -s {stack.site.stack}; a partner that has left for good is "
        "taken out of the stack file, or gets forget: true."
    )


def live_name(stack: Stack) -> str:
    """Name of the ConfigMap and of the policy that change with the address book."""
    return f"{stack.site.network}-{names.PEERS}"
