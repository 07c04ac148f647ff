"""Swarms over several organisations: whether all hold the same key, and what a reader should know of their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from archipelago.model.address_book import AddressBook
from archipelago.model.record import ExternalNode
from archipelago.model.swarms import Swarms
from archipelago.problems import Problem
from archipelago.stack.partners import Import


def disagreements(book: AddressBook, givers: Iterable[str]) -> Iterator[Problem]:
    """Members of a swarm of ours, by its name, whose keys differ: they would dial each other for ever.

    A partner whose name this is for another swarm of ours, by its key, means that one.
    The key is ours; where we have none yet, that of the partner whom we take it from. Without either nobody knows which
    one is wrong, and each partner is named.

    Args:
        book: Own nodes and those of partners: what organisations say that are no partners stops no run.
        givers: Partners whom this stack takes secrets from.
    """
    own, first, known = book.organisation, set(givers), Swarms.of(book.organisation, book)
    swarms: dict[tuple[str, int], list[ExternalNode]] = {}
    for node in book:
        if node.swarm in known.ours(node) and node.fingerprint:
            swarms.setdefault((str(node.swarm), node.key_generation or 1), []).append(node)
    told: set[tuple[str, str]] = set()
    for (swarm, _), nodes in sorted(swarms.items()):
        right = min(nodes, key=lambda node: (node.organisation != own, node.organisation not in first, node.key))
        certain = right.organisation == own or right.organisation in first
        wrong = [node for node in nodes if node.fingerprint != right.fingerprint]
        for node, other in [*((node, right) for node in wrong), *((right, node) for node in wrong[:1] if not certain)]:
            if (node.organisation, swarm) not in told:
                told.add((node.organisation, swarm))
                yield _disagreement(own, swarm, other, node)


def _disagreement(own: str, swarm: str, right: ExternalNode, wrong: ExternalNode) -> Problem:
    path = f"partners.{wrong.organisation}" if wrong.organisation != own else "network"
    words = (
        f"{right} and {wrong} are in the swarm {swarm} with different keys: their fingerprints are "
        f"{right.fingerprint} and {wrong.fingerprint}, so they can never connect."
    )
    cure = (
        f"Let {wrong.organisation} or {right.organisation} take the other's key, as with key: {{partner: <name>}}; "
        "or they are two swarms, and need two names."
    )
    return Problem(path, words, cure)


def generations(book: AddressBook) -> Iterator[str]:
    """Swarms in which somebody has another generation of the key than we: a rotation that not all have followed yet."""
    known = Swarms.of(book.organisation, book)
    ours = {str(node.swarm): node for node in book.own if node.swarm}
    behind = {
        (swarm, node.organisation): node.key_generation or 1
        for node in book
        for swarm in known.ours(node)
        if (node.key_generation or 1) != (ours[swarm].key_generation or 1) and not _one_key(node, ours[swarm])
    }
    for (swarm, organisation), theirs in sorted(behind.items()):
        yield (
            f"{organisation} has generation {theirs} of the key of swarm {swarm}, this stack "
            f"{ours[swarm].key_generation or 1}: they are apart until both have the same keyGeneration."
        )


def keyless(book: AddressBook, imports: Mapping[str, Import]) -> Iterator[str]:
    """Swarms of ours whose key no partner has, though all are there: two stacks may wait for each other."""
    if any(given.absent for given in imports.values()):
        return
    known = Swarms.of(book.organisation, book)
    held = {swarm for node in book if node.fingerprint for swarm in known.ours(node)}
    for swarm in sorted({str(node.swarm) for node in book.own if node.swarm} - held):
        whose = sorted({node.organisation for node in book if swarm in known.ours(node)})
        if len(whose) > 1:
            yield (
                f"None of {', '.join(whose)} has the key of swarm {swarm} yet. Compare where each takes it from: one "
                "stack has to say key: generate at its members of that swarm."
            )


def renamed(book: AddressBook) -> Iterator[str]:
    """Swarms that are one by their key, and have two names: said, because nothing else shows it.

    Args:
        book: Own nodes and those of partners.
    """
    known = Swarms.of(book.organisation, book)
    told = {(swarm, *called) for called in known.known for swarm in known.called(*called) if swarm != called[1]}
    for swarm, organisation, name in sorted(told):
        if organisation != book.organisation:
            yield f"{organisation} calls our swarm {swarm} {name}: its key is the same, so it is one swarm."
        elif swarm < name:
            yield f"Our swarms {swarm} and {name} have one key, so they are one swarm."


def apart(book: AddressBook, imports: Mapping[str, Import]) -> Iterator[str]:
    """Partners that have members, and none of them in a swarm of ours: an agreed name or key may be another one.

    Args:
        book: Own nodes and those of partners.
        imports: What partners gave; nothing is said of one that is away.
    """
    own = [node for node in book.own if node.swarm]
    if not own or not all(node.fingerprint for node in own):
        return  # without its key a swarm is known by its name alone
    known = Swarms.of(book.organisation, book)
    for name, given in sorted(imports.items()):
        theirs = [node for node in given.nodes if node.swarm]
        if not theirs or given.absent or any(known.ours(node) for node in theirs):
            continue
        words = f"No member of {name} is in a swarm of ours: it has {_listed(theirs)}, and this stack {_listed(own)}."
        if all(node.fingerprint for node in theirs):
            yield f"{words} Where two of them are meant to be one swarm, let one side take the other's key."
        else:
            yield f"{words} Where two of them are one swarm, write our name or the key's fingerprint at {name}'s nodes."


def _listed(nodes: Iterable[ExternalNode]) -> str:
    told = {f"{node.swarm} ({node.fingerprint or 'key not known'})" for node in nodes}
    return ", ".join(sorted(told))


def _one_key(one: ExternalNode, other: ExternalNode) -> bool:
    return one.fingerprint is not None and one.fingerprint == other.fingerprint
