"""Two nodes that claim one thing: a partner's is left out where it has no right to it, and nothing else of its bundle.

Who claims what another has must not be able to keep that other's words out: a key that it revokes would stay admitted.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from pydantic import ValidationError

from archipelago.model.address_book import AT, claims
from archipelago.model.record import ExternalNode
from archipelago.problems import Problem
from archipelago.profiles import limits
from archipelago.settings.read import Settings
from archipelago.stack.accepted import Before
from archipelago.stack.partners import Import

Key = tuple[str, str]  # of a node, as in the address book


@dataclass(frozen=True, slots=True)
class Ours:
    """Own nodes.

    Args:
        records: As they would be exported.
        addressed: With the addresses alone that the cluster gave, see `continuity.addressed`.
        last: The stack's own last outputs.
    """

    records: Sequence[ExternalNode] = ()
    addressed: Sequence[ExternalNode] = ()
    last: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Clash:
    """Two nodes of two organisations that claim one thing.

    Args:
        claim: What both claim.
        words: For it.
        first: A node, ours if one of them is.
        second: A partner's.
    """

    claim: str
    words: str
    first: ExternalNode
    second: ExternalNode

    @property
    def unproven(self) -> tuple[ExternalNode, ...]:
        """Of two with one node id, the one that does not show that it has the key."""
        both = (self.first, self.second)
        one = self.first.node_id == self.second.node_id and bool(self.first.proof) != bool(self.second.proof)
        return tuple(node for node in both if one and not node.proof)

    def __str__(self) -> str:
        first, second = sorted((self.first, self.second), key=lambda node: node.key)
        return f"{first} and {second} have the same {self.words}."


def settled(
    settings: Settings, imports: Mapping[str, Import], ours: Ours, before: Before, *, runs: bool
) -> tuple[dict[str, Import], list[Problem]]:
    """Imports without the nodes that claim what another has.

    Args:
        settings: Ours.
        imports: What is taken of each partner.
        ours: Own nodes; an address of theirs is never a partner's.
        before: What the last run took: who had a thing has it.
        runs: Whether this stack's nodes run a genesis. Before, whose validators block 0 names has to be certain.

    Returns:
        The imports, and what is refused: a clash within one organisation, one with a partner that is seen for the first
        time while no genesis runs, a new node of ours with a key or index that a partner has, and a pasted one of ours.
    """
    clashing, problems = _clashes(settings, imports, ours)
    if not clashing:
        return dict(imports), problems
    had = _had(settings, imports, ours, before)
    beaten: dict[Key, dict[Key, str]] = {}
    for clash in clashing:
        losers = _losers(clash, settings, had)
        met = {clash.first.organisation, clash.second.organisation} - before.keys() - {settings.organisation}
        if not losers or (met and not runs):
            problems += _refused(clash, losers or (clash.second,))
            continue
        loser, winner = (clash.first, clash.second) if losers == (clash.first,) else (clash.second, clash.first)
        why = f"{loser} has the same {clash.words} as {winner}"
        beaten.setdefault(loser.key, {}).setdefault(winner.key, why)
    out = _out(beaten)
    return {name: _without(given, out) for name, given in imports.items()}, problems


def warnings(imports: Iterable[Import]) -> Iterator[str]:
    """Which nodes of partners are left out, and why.

    Args:
        imports: What is taken of each partner.
    """
    for given in imports:
        told = [f"{given.title}: {why}. It is left out until that ends." for why in given.left_out.values()]
        yield from limits.first(told, f"more nodes of {given.name} are left out.")


def left_out(imports: Iterable[Import]) -> list[ExternalNode]:
    """Those nodes. They are in no list of peers, and may be validators all the same.

    Args:
        imports: What is taken of each partner.
    """
    return [node for given in imports for node in given.told if node.name in given.left_out]


def _clashes(settings: Settings, imports: Mapping[str, Import], ours: Ours) -> tuple[list[_Clash], list[Problem]]:
    """Nodes of two organisations that claim one thing, and what is wrong within one."""
    own, partners = settings.organisation, [node for given in imports.values() for node in given.nodes]
    seen: dict[str, ExternalNode] = {}
    several: dict[str, dict[str, ExternalNode]] = {}  # the first of each organisation, where there is more than one
    words: dict[str, str] = {}
    kin = {id(node): given for given in imports.values() if given.sibling for node in given.nodes}
    problems: list[Problem] = []
    for node in (*ours.records, *sorted(partners, key=lambda each: each.key)):
        for claim, said in claims(node).items():
            if (other := seen.setdefault(claim, node)) is not node:
                words[claim] = said
                one = several.setdefault(claim, {other.organisation: other}).setdefault(node.organisation, node)
                told = one is node or _follows(claim, one, node)
                problems += () if told else _within(settings, one, node, said, kin)
    for node in ours.addressed:
        for end in node.endpoints.values():
            theirs = seen.get(claim := f"{AT}{end.place}")
            if theirs and theirs.organisation != own:
                words[claim] = f"address {end}"
                several.setdefault(claim, {theirs.organisation: theirs}).setdefault(own, node)
    found = []
    for claim, nodes in several.items():
        ours_first = sorted(nodes.values(), key=lambda each: (each.organisation != own, each.key))
        for first, second in combinations(ours_first, 2):
            if not _follows(claim, first, second):
                found.append(_Clash(claim, words[claim], first, second))
    return found, problems


def _follows(claim: str, first: ExternalNode, second: ExternalNode) -> bool:
    """Whether an account is the same because the key is: that is said once."""
    return claim.startswith("account ") and first.node_id == second.node_id


def _within(
    settings: Settings, first: ExternalNode, second: ExternalNode, words: str, kin: Mapping[int, Import]
) -> Iterator[Problem]:
    """Two nodes of one organisation: a partner harms itself alone."""
    message = f"{first} and {second} have the same {words}."
    if sibling := kin.get(id(second)):
        yield from _of_two_stacks(settings, first, second, words, sibling, ours=id(first) not in kin)
    elif second.organisation != settings.organisation:
        yield from _refused_as(message, second.organisation)
    else:
        cure = "Every node has a key and a port of its own: take the copied identity or port out of one of them."
        yield Problem(settings.path_of(second.name), message, cure)


def _of_two_stacks(
    settings: Settings, first: ExternalNode, second: ExternalNode, words: str, sibling: Import, *, ours: bool
) -> Iterator[Problem]:
    """A key in two stacks of ours would run twice: that is refused whatever was taken before, and an address is not."""
    if first.name == second.name:
        if words.startswith("name "):  # what else is the same follows from that
            message = f"{first} is also a node of {sibling.name}: with one seed both have the same keys."
            cure = "Rename it in the stack that has not run yet: each key runs once."
            yield Problem(settings.path_of(first.name) if ours else sibling.path, message, cure)
        return
    message = f"{first} and {second} have the same {words}, and {second.name} is a node of {sibling.name}."
    path = settings.path_of(first.name) if ours and not words.startswith("address ") else sibling.path
    yield Problem(path, message, "Take the copied identity or port out of one of the two stacks.")


def _refused(clash: _Clash, losers: Iterable[ExternalNode]) -> Iterator[Problem]:
    for node in losers:
        yield from _refused_as(str(clash), node.organisation)


def _refused_as(message: str, organisation: str) -> Iterator[Problem]:
    cure = f"Ask {organisation} which of them is right, or remove the node from what it hands over."
    yield Problem(f"partners.{organisation}", message, cure)


def _had(settings: Settings, imports: Mapping[str, Import], ours: Ours, before: Before) -> set[tuple[str, str]]:
    """Which organisation had what in the last run.

    No run writes down what is pasted: it stands in our own stack file, and has what no partner had before.
    """
    found = {(node.organisation, claim) for known in before.values() for node in known.used for claim in claims(node)}
    taken = {claim for _, claim in found}
    pasted = [given for name, given in imports.items() if settings.sources[name].nodes is not None]
    found |= {(each.name, claim) for each in pasted for node in each.nodes for claim in claims(node).keys() - taken}
    for raw in ours.last.get("externalNodes") or ():
        try:
            found |= {(settings.organisation, claim) for claim in claims(ExternalNode.model_validate(raw))}
        except ValidationError:  # of a newer program
            continue
    return found


def _losers(clash: _Clash, settings: Settings, had: Container[tuple[str, str]]) -> tuple[ExternalNode, ...]:
    """Who has no right to what both claim; both partners where neither had it, and no node where ours is the new one.

    Ours may have been given its address by the cluster, which no stack file can change. A key or an index is chosen,
    and a node that was pasted with the key of ours stands in our own file.
    """
    first, second, own = clash.first, clash.second, settings.organisation
    if first.organisation == own:
        pasted = settings.partners[second.organisation].nodes is not None
        certain = not pasted and (clash.unproven == (second,) or (own, clash.claim) in had)
        return (second,) if certain or clash.claim.startswith(AT) else ()
    new = tuple(node for node in (first, second) if (node.organisation, clash.claim) not in had)
    return clash.unproven or new or (first, second)


def _out(beaten: Mapping[Key, Mapping[Key, str]]) -> dict[Key, str]:
    """Nodes that have to go, and why: those that lose to one that stays. Its cost grows with the clashes alone."""
    beats: dict[Key, list[Key]] = {}
    for loser, winners in beaten.items():
        for winner in winners:
            beats.setdefault(winner, []).append(loser)
    left = {loser: len(winners) for loser, winners in beaten.items()}  # winners that may yet stay, of what is undecided
    staying, out = [winner for winner in beats if winner not in beaten], dict[Key, str]()
    for first in (None, *sorted(beaten)):
        if first in left:  # in a circle, the first by name stays
            del left[first]
            staying.append(first)
        while staying:
            winner = staying.pop()
            for loser in beats.get(winner, ()):
                if left.pop(loser, None) is None:
                    continue
                out[loser] = beaten[loser][winner]
                staying += _freed(beats.get(loser, ()), left)
    return out


def _freed(losers: Iterable[Key], left: dict[Key, int]) -> Iterator[Key]:
    """Those of the undecided that nothing beats any more."""
    for loser in losers:
        if loser in left:
            left[loser] -= 1
            if not left[loser]:
                del left[loser]
                yield loser


def _without(given: Import, out: Mapping[Key, str]) -> Import:
    """What a partner gave, but for those of its nodes that have to go."""
    gone = {node.name: out[node.key] for node in given.nodes if node.key in out}
    if not gone:
        return given
    kept = tuple(node for node in given.nodes if node.name not in gone)
    return replace(given, nodes=kept, told=given.told or given.nodes, left_out={**given.left_out, **gone})
