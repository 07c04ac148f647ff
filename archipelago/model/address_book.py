"""Who is in the network: own and external nodes in one sorted, checked list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from archipelago.model.record import ExternalNode
from archipelago.problems import Problem


@dataclass(frozen=True, slots=True)
class AddressBook:
    """All nodes known to one stack, sorted by organisation and name so that order never makes a diff.

    Args:
        organisation: Whose book it is.
        nodes: Own and external nodes.
    """

    organisation: str
    nodes: tuple[ExternalNode, ...]

    @classmethod
    def of(cls, organisation: str, nodes: Iterable[ExternalNode]) -> AddressBook:
        """A sorted book."""
        return cls(organisation, tuple(sorted(nodes, key=lambda node: node.key)))

    def __iter__(self) -> Iterator[ExternalNode]:
        return iter(self.nodes)

    @property
    def own(self) -> tuple[ExternalNode, ...]:
        """The nodes of this organisation."""
        return tuple(node for node in self.nodes if node.organisation == self.organisation)

    @property
    def external(self) -> tuple[ExternalNode, ...]:
        """The partners' nodes."""
        return tuple(node for node in self.nodes if node.organisation != self.organisation)

    def problems(self, path_of: Callable[[str], str]) -> Iterator[Problem]:
        """What two nodes may not share: name, index, node id, account, host and port; one key signs against itself.

        Args:
            path_of: Where a node of ours stands in the stack file.
        """
        seen: dict[str, ExternalNode] = {}
        for node in self.nodes:
            claims = {"name": f"name {node}"}
            claims |= {f"node id {node.node_id[:8]}…{node.node_id[-8:]}": node.node_id}
            if node.address and node.node_id not in seen:  # where the one follows from the other it is said once
                claims |= {f"account {node.address}": f"account {node.address}"}
            claims |= {f"index {node.index}": f"index {node.index}"} if node.index is not None else {}
            claims |= {f"address {endpoint}": str(endpoint) for endpoint in node.endpoints.values()}
            for words, claim in claims.items():
                other = seen.setdefault(claim, node)
                if other is not node:
                    yield self._shared(words, other, node, path_of)

    def _shared(self, words: str, first: ExternalNode, second: ExternalNode, path_of: Callable[[str], str]) -> Problem:
        partner = second if second.organisation != self.organisation else first
        if first.node_id == second.node_id and second.proof and not first.proof:
            partner = first if first.organisation != self.organisation else second  # who has the key is believed
        if partner.organisation == self.organisation:
            cure = "Every node has a key and a port of its own: take the copied identity or port out of one of them."
            return Problem(path_of(second.name), f"{first} and {second} have the same {words}.", cure)
        cure = f"Ask {partner.organisation} which of them is right, or remove the node from what it hands over."
        return Problem(f"partners.{partner.organisation}", f"{first} and {second} have the same {words}.", cure)
