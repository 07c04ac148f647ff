"""The lab's stand-in for pip, beside pip itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

STAND_INS = str(Path(__file__).parents[2] / "lab" / "stand-ins")


def pip(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def packages(printed: str) -> list[tuple[str, str, str]]:
    return [(each["name"], each["version"], each["location"]) for each in json.loads(printed)]


def test_the_stand_in_for_pip_lists_what_pip_lists() -> None:
    asked = ("list", "-v", "--format", "json")
    own, theirs = (pip(*asked, PYTHONPATH=path) for path in (STAND_INS, ""))
    assert "installer" in theirs.stdout
    assert "installer" not in own.stdout, "pip itself answered"
    assert sorted(packages(own.stdout)) == sorted(packages(theirs.stdout))


def test_the_stand_in_for_pip_refuses_everything_else() -> None:
    refused = pip("install", "pulumi", PYTHONPATH=STAND_INS)
    assert refused.returncode == 1
    assert refused.stderr == (
        "the lab's stand-in for pip answers 'list -v --format json' alone, got 'install pulumi'\n"
    )
