"""Everybody whom one stack knows, as an address book."""

from __future__ import annotations

from collections.abc import Iterable

from archipelago.model.address_book import AddressBook
from archipelago.model.record import ExternalNode
from archipelago.stack.partners import Import


def book_of(organisation: str, own: Iterable[ExternalNode], imports: Iterable[Import]) -> AddressBook:
    """The address book of a stack: its own nodes, and what it is given.

    Args:
        organisation: Ours.
        own: Nodes of this stack.
        imports: What each partner and sibling gave.
    """
    given = list(imports)
    siblings = frozenset(node.name for each in given if each.sibling for node in each.nodes)
    return AddressBook.of(organisation, [*own, *(node for each in given for node in each.nodes)], siblings)
