"""How many nodes of partners the nodes of a protocol have places for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PeerLimits:
    """Limits that keep a large partner from taking the places of the others.

    Many small partners may be more together: none of them takes many places, and a network that large is no full mesh
    any more.

    Args:
        program: What has the places, in messages.
        places: How many peers one node takes.
        of_one: How many nodes one partner may give.
        of_all: How many nodes all partners may give before `of_many` holds.
        of_many: How many nodes one partner may give where all give more than `of_all`.
    """

    program: str
    places: int
    of_one: int
    of_all: int
    of_many: int
