"""The whole program for two stacks of one organisation."""

from __future__ import annotations

import pytest

from tests import siblings
from tests.components.harness import run
from tests.components.test_program import LIVE, changed, enodes
from tests.stacks import GONE

pytestmark = pytest.mark.components


def test_r16_the_program_reads_a_sibling_and_hands_its_nodes_on() -> None:
    east, west = siblings.east({"partners": GONE}), siblings.west({"partners": GONE})
    first = run(east, name="east")
    assert first.exit_code == 0
    assert any(words.startswith("Sibling west: ") for words in first.warnings)
    assert not first.of("StackReference")
    place = siblings.PLACE
    second = run(west, {f"{place}east": first.outputs}, name="west")
    assert second.references == (f"{place}east",)
    assert enodes(second) == 5
    third = run(east, {f"{place}east": first.outputs, f"{place}west": second.outputs}, name="east")
    assert changed(first, third) == LIVE
    assert third.outputs["siblingNodes"] == second.outputs["externalNodes"]
    assert not [each for each in third.warnings if "makes no block when one of them is away" not in each]
    # a required one is read by a reference, and whoever names this stack alone learns of both
    joins = siblings.joiner()
    assert enodes(run(joins, {f"{place}east": third.outputs}, name="cluster-b")) == 7
