"""The workflows of CI: pinned, least permissions, an end to every job, and targets that `make` has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FILES = [*WORKFLOWS, *(ROOT / ".github" / "actions").glob("*/action.yml")]


def name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def read(file: Path) -> Any:
    return YAML(typ="safe").load(file.read_text())


def test_there_are_workflows() -> None:
    assert {file.stem for file in WORKFLOWS} == {"check", "main", "nightly"}


@pytest.mark.parametrize("file", FILES, ids=name)
def test_actions_of_others_are_pinned_by_commit_and_say_their_version(file: Path) -> None:
    for used in re.findall(r"uses: (.*)", file.read_text()):
        assert used.startswith("./") or re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), used


@pytest.mark.parametrize("file", WORKFLOWS, ids=name)
def test_a_workflow_may_read_and_every_job_ends(file: Path) -> None:
    workflow = read(file)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    assert all(job["timeout-minutes"] and "permissions" not in job for job in workflow["jobs"].values())


@pytest.mark.parametrize("file", FILES, ids=name)
def test_every_target_exists(file: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", file.read_text())) <= targets
