"""A deployed stack with everything that is known of its network: what verify and votes go by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from archipelago.model.address_book import AddressBook
from archipelago.model.record import ExternalNode, NetworkRecord
from archipelago.model.swarms import Swarms
from archipelago.problems import Problem
from archipelago.stack.book import book_of
from archipelago.stack.clashes import left_out
from archipelago.stack.partners import Import
from archipelago.stack.plan import StackPlan
from operate.site import Site


@dataclass(frozen=True)
class Stack:
    """One stack, as it was deployed last.

    Args:
        site: Its nodes in their cluster.
        network: The network as it exported it.
        records: Its nodes as it exported them.
        imports: What its partners gave.
        waiting_for: Without what it has no genesis, or a node does not run.
        plan: What its settings make of it now; None where they are sealed, or refused.
        sealed: Why nothing at hand opens its secrets; empty where something does.
        problems: Why its settings or partners are refused.
        locked: Whether a passphrase was given, and does not open them.
    """

    site: Site
    network: NetworkRecord
    records: tuple[ExternalNode, ...]
    imports: tuple[Import, ...] = ()
    waiting_for: tuple[str, ...] = ()
    plan: StackPlan | None = None
    sealed: str = ""
    problems: tuple[Problem, ...] = ()
    locked: bool = False

    @property
    def organisation(self) -> str:
        """Whose it is."""
        return self.site.organisation

    @property
    def unheard(self) -> str:
        """Partners of whose nodes its cluster knows more than its outputs, listed; empty where there are none."""
        return ", ".join(sorted(self.plan.unheard)) if self.plan else ""

    @property
    def book(self) -> AddressBook:
        """Everybody whom it knows."""
        return book_of(self.organisation, self.records, self.imports)

    @property
    def siblings(self) -> tuple[ExternalNode, ...]:
        """Nodes of the same organisation that other stacks of it run."""
        return tuple(node for given in self.imports if given.sibling for node in given.nodes)

    @property
    def dialled(self) -> dict[str, str]:
        """Everybody with whom its nodes have to be connected, themselves included: full names by node id."""
        chain = self.site.chain
        book = self.book
        known = (node for node in book if book.runs(node) or chain.url(node))
        return {node.node_id: str(node) for node in known}

    def dialled_by(self, node: str) -> dict[str, str]:
        """Those of them with whom one node of its own has to be: where a network has swarms, the ones in its swarm."""
        own = self.record(node)
        if own is None:
            return self.dialled
        known = Swarms.of(self.organisation, self.book)
        near = {each.node_id for each in self.book if known.together(own, each)}
        return {node_id: name for node_id, name in self.dialled.items() if node_id in near}

    def record(self, node: str) -> ExternalNode | None:
        """A node of its own as it was exported; None for one that was never deployed."""
        return next((each for each in self.records if each.name == node), None)


def names(stacks: Iterable[Stack]) -> dict[str, str]:
    """Everybody's full name, by node id."""
    return {node.node_id: str(node) for node in _known(stacks)}


def validator_names(stacks: Iterable[Stack]) -> dict[str, str]:
    """Everybody's full name, by validator address."""
    return {node.address: str(node) for node in _known(stacks) if node.address}


def _known(stacks: Iterable[Stack]) -> list[ExternalNode]:
    """All nodes; last those that prove their keys, and our own: a claim to one of those takes no name away.

    First are those that are left out of a list of peers: they may be validators.
    """
    listed = list(stacks)
    own = {stack.organisation for stack in listed}
    told = [
        *(node for stack in listed for node in left_out(stack.imports)),
        *(n for stack in listed for n in stack.book),
    ]
    return sorted(told, key=lambda node: (node.organisation in own, bool(node.proof)))
