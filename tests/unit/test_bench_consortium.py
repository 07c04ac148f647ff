"""Many organisations in one lab: their stack files are valid, and rounds end when nothing changes or too late."""

from __future__ import annotations

from typing import Any, cast

import pytest

from bench import network
from bench.consortium import config, converge, names, seed
from lab.workspace import Run, Stack

pytestmark = pytest.mark.unit


def test_every_organisation_has_a_valid_stack_file_that_lists_all_others() -> None:
    everybody = names(10)
    for name in everybody:
        settings = network.settings({"identitySeed": seed(name), **config(name, everybody, "lab-a", "127.0.10.1")})
        assert set(settings.partners) == set(everybody) - {name}


class Changing:
    """Stands for a stack that changes something in its first runs."""

    def __init__(self, runs: int) -> None:
        self.runs = runs

    def up(self) -> Run:
        event: dict[str, Any] = {"resourcePreEvent": {"metadata": {"op": "update", "type": "a:b:C", "urn": "urn::x"}}}
        self.runs -= 1
        return Run(("up",), 0, "", (event,) if self.runs >= 0 else (), 0.0)


@pytest.mark.parametrize(("runs", "rounds"), [(0, [0]), (1, [2, 0]), (9, [2, 2, 2])])
def test_rounds_end_when_nothing_changes_or_after_one_more_than_there_are_stacks(runs: int, rounds: list[int]) -> None:
    stacks = {name: cast("Stack", Changing(runs)) for name in ("one", "two")}
    assert converge(stacks) == rounds
