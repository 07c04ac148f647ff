"""Bundles that partners send as files, where two organisations share no Pulumi backend."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archipelago.problems import Refused
from archipelago.stack.bundles import read_files
from archipelago.stack.outputs import bundle as signed_bundle
from tests.stacks import SOURCE, alpha, beta, floats, outputs_of, plan_of, records_of, refusal_of, settings_of
from tests.world import difference

pytestmark = pytest.mark.unit


def test_a_bundle_in_a_file_is_read_as_exported_or_as_pulumi_prints_outputs(tmp_path: Path) -> None:
    plan = plan_of(alpha())
    exported = signed_bundle(plan, records_of(plan)).plain()
    for content in (exported, outputs_of(plan)):
        (tmp_path / "alpha.json").write_text(json.dumps(content))
        settings = settings_of(beta({"partners.alpha": {"file": "alpha.json", "key": exported["key"]}}))
        found = read_files(settings, tmp_path, SOURCE)
        assert not refusal_of(beta({"partners.alpha": {"file": "alpha.json", "key": exported["key"]}}), found)
        assert found["alpha"] == exported


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\xff", "[" * 100_000])
def test_a_file_that_is_no_bundle_is_refused_by_its_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "alpha.json").write_bytes(content.encode("latin-1"))
    config = beta({"partners.alpha": {"file": "alpha.json"}})
    (problem,) = refusal_of(config, read_files(settings_of(config), tmp_path, SOURCE))
    assert problem.path == "partners.alpha.file"
    assert problem.message.startswith("alpha.json is no bundle")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"unreadable": "x"}'])
def test_s4_a_damaged_file_of_a_partner_that_was_taken_counts_as_one_that_is_away(tmp_path: Path, content: str) -> None:
    config = beta({"partners.alpha": {"file": "alpha.json"}})
    sound = outputs_of(plan_of(alpha()))
    (tmp_path / "alpha.json").write_text(json.dumps(sound))
    before = plan_of(config, read_files(settings_of(config), tmp_path, SOURCE))
    (tmp_path / "alpha.json").write_text(content)
    after = plan_of(config, read_files(settings_of(config), tmp_path, SOURCE), floats(outputs_of(before)))
    assert after.missing == ("alpha",)
    assert difference(before, after) == set()
    assert any("taken last stay" in each for each in after.warnings)


def test_a_missing_file_is_refused_unless_it_may_come_later(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=f"there is no file {tmp_path / 'alpha.json'}"):  # rb3: where it was looked for
        read_files(settings_of(beta({"partners.alpha": {"file": "alpha.json"}})), tmp_path, SOURCE)
    later = beta({"partners.alpha": {"file": "alpha.json", "required": False}})
    assert read_files(settings_of(later), tmp_path, SOURCE) == {"alpha": None}
