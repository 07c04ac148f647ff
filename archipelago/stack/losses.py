"""Validators that a plan takes away: with too many of them no block is made any more, and none brings them back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from archipelago.model.record import ExternalNode
from archipelago.problems import Problem
from archipelago.settings.read import Settings
from archipelago.stack.partners import Import

VALIDATOR = "validator"
KEY = "losesValidators"


def lost(last: Mapping[str, Any], records: Iterable[ExternalNode]) -> dict[str, str]:
    """Validators of the last run that this plan ends, and in which way, by name.

    Args:
        last: The stack's own last outputs.
        records: Its nodes, as they would be.
    """
    now = {each.name: each for each in records}
    found: dict[str, str] = {}
    for before in last.get("externalNodes") or []:
        name = before.get("name", "")
        if before.get("role") != VALIDATOR:
            continue
        if (after := now.get(name)) is None:
            found[name] = "removed, or renamed"
        elif after.role != VALIDATOR:
            found[name] = "no validator any more"
        elif after.generation != int(before.get("generation", 1)) and _key(after.plain()) != _key(before):
            found[name] = "with another key"
    return found


@dataclass(frozen=True, slots=True)
class ValidatorSet:
    """What is certain of a network's validators. Roles are wishes, and only the chain knows who was voted in later.

    Args:
        number: How many block 0 names; without one, how many want to be.
        away: How many of them are away already, or were voted out: nothing here tells which. A node with another key
            is another validator, and none before it is voted in.
        quorum: Of so many validators, how many have to run.
        named: Their addresses.
    """

    number: int
    away: int
    quorum: Callable[[int], int]
    named: Collection[str] = ()

    def spare(self, later: int = 0) -> int:
        """How many more may be away while blocks go on.

        Args:
            later: How many were voted in.
        """
        number = self.number + later
        return max(0, number - min(self.quorum(number), number) - self.away)


def validators(
    settings: Settings,
    last: Mapping[str, Any],
    imports: Iterable[Import],
    named: Collection[str],
    quorum: Callable[[int], int],
) -> ValidatorSet:
    """What is certain of a network's validators.

    There are, for certain, those that block 0 names and whose nodes are to validate now; the others that it names count
    as away, for who went may have been voted out or not. A node that is pasted says no role: the stack file has it as
    long as it is there.

    Args:
        settings: Ours.
        last: The stack's own last outputs.
        imports: What the partners gave.
        named: Addresses of the validators that block 0 names; where it names none, wishes with a proof count.
        quorum: Of so many validators, how many have to run.
    """
    own = [each.get("address") for each in last.get("externalNodes") or [] if each.get("role") == VALIDATOR]
    theirs = [
        node
        for given in imports
        for node in given.nodes
        if node.role == VALIDATOR or settings.sources[given.name].nodes is not None
    ]
    if not named:
        proven = sum(node.role == VALIDATOR and bool(node.proof) for node in theirs)
        return ValidatorSet(len(own) + proven, 0, quorum)
    there = {*own, *(node.address for node in theirs)} & set(named)
    return ValidatorSet(len(named), len(named) - len(there), quorum, named)


def wanted(number: int, nodes: Iterable[ExternalNode]) -> int:
    """How many validators a chain has, as far as wishes tell.

    Args:
        number: How many block 0 names.
        nodes: Ours and partners': where more want to be validators than block 0 names, those were or will be voted in.
    """
    return max(number, sum(each.role == VALIDATOR for each in nodes))


def problems(
    settings: Settings,
    last: Mapping[str, Any],
    gone: Mapping[str, str],
    there: ValidatorSet,
    records: Iterable[ExternalNode],
) -> Iterator[Problem]:
    """Why a plan that takes validators away is refused.

    Those that came after block 0 may have been voted in, all or some or none: it has to be right in every case.

    Args:
        settings: Ours; they may name those that this run may take.
        last: The stack's own last outputs.
        gone: Validators that the plan takes away, and in which way.
        there: What is certain of the network's validators.
        records: Our nodes, as they would be: one with the key of block 0 again is back when the other key goes.
    """
    unnamed = {name: how for name, how in sorted(gone.items()) if name not in settings.loses_validators}
    addresses = {each.get("name"): each.get("address") for each in last.get("externalNodes") or []}
    after = {name for name in unnamed if addresses.get(name) not in there.named}
    later, there = len(after), _with_those_back(there, [each for each in records if each.name in after])
    for voted_in in range(later + 1):
        if len(unnamed) - later + voted_in <= (spare := there.spare(voted_in)):
            continue
        listed = ", ".join(f"{name} ({how})" for name, how in unnamed.items())
        words = (
            f"this run would take away {listed}. The network has {there.number + voted_in} validators "
            f"{'if those were voted in' if voted_in else 'for certain'}, and makes no block with more than {spare} of "
            f"those away that are there now{_lacking(there)}."
        )
        names = ", ".join(sorted({*settings.loses_validators, *unnamed}))
        cure = (
            "Bring them back; archipelago validators apply --remove votes them out while they run. Where they were "
            "voted out before or never in, where votes have replaced those that went earlier (archipelago validators "
            "plan shows who validates), or where the network is to stop, write "
            f"archipelago:{KEY}: [{names}] for this run, and take it out afterwards."
        )
        yield Problem("nodes", words, cure)
        return


def needless(settings: Settings, gone: Mapping[str, str]) -> Iterator[str]:
    """A warning where names are left from an earlier run: it would let the next loss of them pass."""
    if left := sorted(set(settings.loses_validators) - gone.keys()):
        yield f"archipelago:{KEY} names {', '.join(left)}, which this run does not take away: take it out."


def _with_those_back(there: ValidatorSet, records: Iterable[ExternalNode]) -> ValidatorSet:
    back = sum(each.role == VALIDATOR and each.address in there.named for each in records)
    return replace(there, away=max(0, there.away - back))


def _lacking(there: ValidatorSet) -> str:
    return f": {there.away} that block 0 names went earlier, or have other keys now" if there.away else ""


def _key(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a validator is known by."""
    return (record.get("address") or record.get("account"),)
