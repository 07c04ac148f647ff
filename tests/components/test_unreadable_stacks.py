"""Stacks of partners that are there and cannot be read: a partner that is broken stops no run but its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

import components.program
from tests.components.harness import run
from tests.components.runs import A, B, first_b, second_a, stacks
from tests.stacks import alpha, beta

pytestmark = pytest.mark.components

MARK = "4dabf18193072939515e22adb298388d"
TORN = "failed to load checkpoint: unexpected end of JSON input"


class Torn(dict[str, Any]):
    """Outputs of stacks, one of which the backend cannot read."""

    def __init__(self, outputs: Mapping[str, Any], torn: str) -> None:
        super().__init__(outputs)
        self.torn = torn

    def get(self, key: str, default: Any = None) -> Any:
        if key == self.torn:
            raise RuntimeError(TORN)
        return super().get(key, default)


def with_more(given: Mapping[str, Any], stack: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """The stacks, one of which exports one thing more."""
    return {**given, stack: {**given[stack], "more": value}}


UNREADABLE: dict[str, Callable[[Mapping[str, Any], str], dict[str, Any]]] = {
    "a state that was cut off": Torn,
    "a mark that the SDK does not know": partial(with_more, value={MARK: "x"}),
    "an asset without content": partial(with_more, value={MARK: "c44067f5952c0a294b673a41bacd8c17", "hash": "00"}),
}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components.program, "_ATTEMPTS", 2)


@pytest.mark.parametrize("how", UNREADABLE)
def test_a_partner_whose_stack_cannot_be_read_counts_as_away(how: str) -> None:
    given = run(alpha(), UNREADABLE[how](stacks(**{A: second_a().outputs}), B))
    assert given.exit_code == 0
    assert given.errors == ()
    assert given.outputs["partnersMissing"] == ["beta"]
    (told,) = [each for each in given.warnings if "makes no block when one of them is away" not in each]
    assert told.startswith(f"Partner beta: {B} is not readable (")
    assert "Its 2 nodes that were taken last stay" in told
    assert given.outputs["accepted"] == second_a().outputs["accepted"]


@pytest.mark.parametrize("how", UNREADABLE)
def test_an_optional_partner_that_was_never_read_is_one_that_is_not_there_yet(how: str) -> None:
    given = run(alpha(), UNREADABLE[how]({B: first_b().outputs}, B))
    assert given.exit_code == 0
    assert given.outputs["partnersMissing"] == ["beta"]
    assert any("is not readable (" in each for each in given.warnings)


@pytest.mark.parametrize("how", UNREADABLE)
def test_a_required_partner_that_was_read_before_stays_as_it_was(how: str) -> None:
    """No reference is made to it in this run: one that fails ends the program."""
    given = run(beta(), UNREADABLE[how](stacks(), A), name="cluster-b")
    assert given.exit_code == 0
    assert given.outputs["partnersMissing"] == ["alpha"]
    assert given.references == ()
    assert any(each.startswith(f"Partner alpha: {A} is not readable (") for each in given.warnings)


@pytest.mark.parametrize("how", UNREADABLE)
def test_a_required_partner_that_was_never_read_is_refused_in_a_sentence(how: str) -> None:
    given = run(beta(), UNREADABLE[how]({A: second_a().outputs}, A), name="cluster-b")
    assert (given.exit_code, given.resources) == (32, ())
    (error,) = given.errors
    assert f"archipelago:partners.alpha: {A} is not readable (" in error
    assert "set archipelago:partners.alpha.required to false" in error


@pytest.mark.parametrize("how", UNREADABLE)
def test_own_outputs_that_cannot_be_read_are_refused_in_a_sentence(how: str) -> None:
    """A run that went on without them would begin anew, beside what runs."""
    given = run(alpha(), UNREADABLE[how](stacks(**{A: second_a().outputs}), A))
    assert (given.exit_code, given.resources) == (32, ())
    (error,) = given.errors
    assert "this stack's own last outputs" in error
