"""Which nodes are in which swarm: a swarm is its key, whatever each organisation calls it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archipelago.model.record import ExternalNode

Called = tuple[str, str]  # an organisation, and its name of a swarm


@dataclass(frozen=True, slots=True)
class Swarms:
    """Our names of the swarms in which nodes are.

    A name counts only where no key tells: an organisation that holds the key of a swarm of ours is in that one by any
    name, with all its members of that name. One that has our name and another key is not told apart here: it may be
    about to change to our key, and what does not fit is refused elsewhere.

    Args:
        known: By organisation and its name of a swarm, our names of it; more than one where we have two for one key.
        own: All names of ours.
    """

    known: Mapping[Called, frozenset[str]]
    own: frozenset[str]

    @classmethod
    def of(cls, organisation: str, nodes: Iterable[ExternalNode]) -> Swarms:
        """Read off the nodes that are known.

        Args:
            organisation: We.
            nodes: Everybody's, ours included.
        """
        listed = [node for node in nodes if node.swarm]
        own = [node for node in listed if node.organisation == organisation]
        own_names = frozenset(str(node.swarm) for node in own)
        names: dict[str, set[str]] = {}
        for node in own:
            if node.fingerprint:
                names.setdefault(node.fingerprint, set()).add(str(node.swarm))
        found: dict[Called, frozenset[str]] = {}
        for node in listed:
            called = (node.organisation, str(node.swarm))
            found[called] = found.get(called, frozenset()) | names.get(node.fingerprint or "", set())
        return cls({called: by_key or own_names & {called[1]} for called, by_key in found.items()}, own_names)

    def ours(self, node: ExternalNode) -> frozenset[str]:
        """Our names of the swarm in which a node is; none where it is in no swarm of ours."""
        return self.called(node.organisation, str(node.swarm))

    def called(self, organisation: str, swarm: str) -> frozenset[str]:
        """Our names of what an organisation calls a swarm; none where it is no swarm of ours."""
        found = self.known.get((organisation, swarm))
        return self.own & {swarm} if found is None else found

    def together(self, one: ExternalNode, other: ExternalNode) -> bool:
        """Whether two nodes, one of them ours, have to be connected; always in a network without swarms."""
        if not one.swarm and not other.swarm:
            return True
        return bool(self.ours(one) & self.ours(other))
