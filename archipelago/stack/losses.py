"""Validators that a plan takes away: with too many of them no block is made any more, and none brings them back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from archipelago.model.record import ExternalNode
from archipelago.problems import Problem
from archipelago.settings.read import Settings

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


def spared(
    last: Mapping[str, Any], partners: Iterable[ExternalNode], named: Collection[str], quorum: Callable[[int], int]
) -> tuple[int, int]:
    """How many validators a network has for certain, and how many more of them may be away while blocks go on.

    Roles are wishes, of ours and of others, and only the chain knows who was voted in: more than block 0 names are not
    counted. Where fewer are left of them, those of earlier runs are away already, or were voted out: nothing here tells
    which, so they count as away.

    Args:
        last: The stack's own last outputs.
        partners: Nodes of others; one counts that block 0 names, or that is to validate and has its key for certain.
        named: Addresses of the validators that block 0 names.
        quorum: Of so many validators, how many have to run.
    """
    own = sum(each.get("role") == VALIDATOR for each in last.get("externalNodes") or [])
    theirs = sum(each.address in named or (each.role == VALIDATOR and bool(each.proof)) for each in partners)
    number = len(named) or own + theirs
    away = max(0, number - own - theirs)
    return number, max(0, number - min(quorum(number), number) - away)


def problems(settings: Settings, gone: Mapping[str, str], number: int, spare: int) -> Iterator[Problem]:
    """Why a plan that takes validators away is refused.

    Args:
        settings: Ours; they may name those that this run may take.
        gone: Validators that the plan takes away, and in which way.
        number: How many the network has.
        spare: How many may be away.
    """
    unnamed = {name: how for name, how in sorted(gone.items()) if name not in settings.loses_validators}
    if len(unnamed) > spare:
        listed = ", ".join(f"{name} ({how})" for name, how in unnamed.items())
        words = (
            f"this run would take away {listed}. The network has {number} validators for certain, and makes no block "
            f"with more than {spare} of those away that are there now."
        )
        names = ", ".join(sorted({*settings.loses_validators, *unnamed}))
        cure = (
            "Bring them back. Where they were voted out before or never in, or where the network is to stop, write "
            f"archipelago:{KEY}: [{names}] for this run, and take it out afterwards."
        )
        yield Problem("nodes", words, cure)


def needless(settings: Settings, gone: Mapping[str, str]) -> Iterator[str]:
    """A warning where names are left from an earlier run: it would let the next loss of them pass."""
    if left := sorted(set(settings.loses_validators) - gone.keys()):
        yield f"archipelago:{KEY} names {', '.join(left)}, which this run does not take away: take it out."


def _key(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a validator is known by."""
    return (record.get("address") or record.get("account"),)
