"""Who is in the network: own and external nodes in one sorted list, and what each of them has for itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from archipelago.model.record import ExternalNode

AT = "at "
"""How the claim to a host and port begins."""


@dataclass(frozen=True, slots=True)
class AddressBook:
    """All nodes known to one stack, sorted by organisation and name so that order never makes a diff.

    Args:
        organisation: Whose book it is.
        nodes: Own and external nodes.
        siblings: Names of nodes of the same organisation that other stacks of it run, in clusters of their own.
    """

    organisation: str
    nodes: tuple[ExternalNode, ...]
    siblings: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, organisation: str, nodes: Iterable[ExternalNode], siblings: frozenset[str] = frozenset()
    ) -> AddressBook:
        """A sorted book."""
        return cls(organisation, tuple(sorted(nodes, key=lambda node: node.key)), siblings)

    def __iter__(self) -> Iterator[ExternalNode]:
        return iter(self.nodes)

    def with_more(self, nodes: Iterable[ExternalNode]) -> AddressBook:
        """The same with more nodes, none of them a sibling's."""
        return AddressBook.of(self.organisation, [*self.nodes, *nodes], self.siblings)

    def runs(self, node: ExternalNode) -> bool:
        """Whether a node is one of this stack's: it is dialled at its Service, and any other at its address."""
        return node.organisation == self.organisation and node.name not in self.siblings

    @property
    def own(self) -> tuple[ExternalNode, ...]:
        """The nodes of this stack."""
        return tuple(node for node in self.nodes if self.runs(node))

    @property
    def external(self) -> tuple[ExternalNode, ...]:
        """The nodes of partners and siblings."""
        return tuple(node for node in self.nodes if not self.runs(node))


def claims(node: ExternalNode) -> dict[str, str]:
    """What no other node may have, and the words for it: name, node id, account, index, host and port."""
    found = {f"name {node}": f"name {node}"}
    found[f"id {node.node_id}"] = f"node id {node.node_id[:8]}…{node.node_id[-8:]}"
    if node.address:
        found[f"account {node.address}"] = f"account {node.address}"
    if node.index is not None:
        found[f"index {node.index}"] = f"index {node.index}"
    return found | {f"{AT}{end.place}": f"address {end}" for end in node.endpoints.values()}
