"""Who goes where many nodes claim what others have: decided by those that stay, however long the chain of claims is."""

from __future__ import annotations

import itertools
import random

import pytest

from archipelago.stack.clashes import _out

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("seed", range(50))
def test_a_node_goes_if_it_loses_to_one_that_stays(seed: int) -> None:
    chosen = random.Random(seed)
    nodes = [("partner", f"node{index:02}") for index in range(12)]
    beaten: dict[tuple[str, str], dict[tuple[str, str], str]] = {}
    for _ in range(16):
        loser, winner = sorted(chosen.sample(nodes, 2))
        beaten.setdefault(loser, {})[winner] = f"{loser} loses to {winner}"
    out = _out(beaten)
    assert {node for node in nodes if node in out} == {
        node for node, winners in beaten.items() if any(winner not in out for winner in winners)
    }
    assert all(why in beaten[node].values() for node, why in out.items())


def test_in_a_circle_the_first_by_name_stays() -> None:
    a, b, c = (("partner", name) for name in "abc")
    assert _out({c: {a: "c"}, a: {b: "a"}, b: {c: "b"}}) == {c: "c"}


def test_a_long_chain_of_claims_is_decided_once_for_each() -> None:
    nodes = [("partner", f"node{index:05}") for index in range(40_001)]
    out = _out({loser: {winner: ""} for loser, winner in itertools.pairwise(nodes)})
    assert sorted(out) == nodes[-2::-2][::-1]
