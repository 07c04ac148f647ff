"""What others wrote reaches no terminal as it is, where it could write there itself."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.foreign_text import quoted, safe, shown
from archipelago.problems import Problem
from cli import consoles
from tests.stacks import SOURCE, alpha, beta, bundle, refusal_of

pytestmark = pytest.mark.unit

EVIL = "x\x1b]0;pwn\x07\x1b[2K\x1b[32m✓ all valid\u202e"


@given(st.text())
def test_c30_no_character_that_a_terminal_obeys_is_shown(text: str) -> None:
    for each in (safe(text), shown(text), quoted(text)):
        assert each.isprintable()
    assert len(shown("a" * 9999)) < 100
    assert safe("aé✓") == "aé✓"


def _bundle(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(bundle(alpha())), **changes}


@pytest.mark.parametrize("text", [EVIL, "y" * 100_000, "a\nError: b"])
def test_c30_a_refusal_quotes_what_a_partner_wrote_escaped_and_cut(text: str) -> None:
    node = bundle(alpha())["externalNodes"][0]
    for changed in (
        _bundle(organisation=text),
        _bundle(externalNodes=[{**node, "name": text}]),
        _bundle(externalNodes=[{**node, "organisation": text, "network": text}]),
        _bundle(externalNodes=[{**node, "endpoints": {text: {"host": text, "port": 1}}}]),
        _bundle(network={**bundle(alpha())["network"], "name": text, "founder": text}),
        _bundle(sealingKey=text),
        _bundle(key=text),
    ):
        problems = refusal_of(beta(), {"alpha": changed})
        assert problems
        for each in problems:
            assert each.text(SOURCE).replace("\n  ", "").isprintable()
            assert len(each.text(SOURCE)) < 2000


def test_c30_a_command_shows_a_foreign_text_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    for say in (consoles.note, consoles.warn, consoles.fail):
        say(EVIL)
    assert "\x1b]0" not in capsys.readouterr().err
    assert "\\x1b" in Problem("partners.x", EVIL, "").text(SOURCE)
