"""Who is in the network: own and external nodes in one sorted, checked list."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
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

    def problems(self, path_of: Callable[[str], str], before: Iterable[ExternalNode] = ()) -> Iterator[Problem]:
        """What two nodes may not share: name, index, node id, account, host and port; one key signs against itself.

        Args:
            path_of: Where a node of ours stands in the stack file.
            before: Partners' nodes that were taken last: the one that had a thing first is believed.
        """
        had = {(node.organisation, claim) for node in before for claim in _claims(node).values()}
        seen: dict[str, ExternalNode] = {}
        for node in self.nodes:
            claims = _claims(node)
            if node.address and node.node_id in seen:  # where the one follows from the other it is said once
                del claims[f"account {node.address}"]
            for words, claim in claims.items():
                other = seen.setdefault(claim, node)
                if other is not node:
                    yield from self._shared(words, claim, (other, node), had, path_of)

    def _shared(
        self,
        words: str,
        claim: str,
        nodes: tuple[ExternalNode, ExternalNode],
        had: Container[tuple[str, str]],
        path_of: Callable[[str], str],
    ) -> Iterator[Problem]:
        first, second = nodes
        partners = [node for node in (second, first) if node.organisation != self.organisation]
        if first.node_id == second.node_id and bool(first.proof) != bool(second.proof):
            partners = [node for node in partners if not node.proof] or partners  # who has the key is believed
        elif new := [node for node in partners if (node.organisation, claim) not in had]:
            partners = new
        if not partners:
            cure = "Every node has a key and a port of its own: take the copied identity or port out of one of them."
            yield Problem(path_of(second.name), f"{first} and {second} have the same {words}.", cure)
        for organisation in dict.fromkeys(node.organisation for node in partners):
            cure = f"Ask {organisation} which of them is right, or remove the node from what it hands over."
            yield Problem(f"partners.{organisation}", f"{first} and {second} have the same {words}.", cure)


def _claims(node: ExternalNode) -> dict[str, str]:
    """What no other node may have, by the words for it."""
    claims = {"name": f"name {node}", f"node id {node.node_id[:8]}…{node.node_id[-8:]}": node.node_id}
    claims |= {f"account {node.address}": f"account {node.address}"} if node.address else {}
    claims |= {f"index {node.index}": f"index {node.index}"} if node.index is not None else {}
    return claims | {f"address {endpoint}": str(endpoint) for endpoint in node.endpoints.values()}
