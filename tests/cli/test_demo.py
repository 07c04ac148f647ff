"""What the demo leaves behind, to look further."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cli.demo import _environment
from cli.demo_places import STACKS
from lab.workspace import Stack
from tests.cli.conftest import REPOSITORY

pytestmark = pytest.mark.unit


def test_the_environment_of_the_demo_has_the_passphrases_of_both_stacks(tmp_path: Path) -> None:
    """With one of them, half of what verify compares was passed over."""
    stacks = []
    for name in STACKS:
        environment = dict.fromkeys(("PATH", "KUBECONFIG", "PULUMI_HOME", "PULUMI_BACKEND_URL"), "/a b")
        environment["PULUMI_PYTHON_CMD"] = "/venv/bin/python"
        environment["PULUMI_CONFIG_PASSPHRASE_FILE"] = f"/passphrases/{name}"
        stacks.append(Stack(name, tmp_path, environment))
    (tmp_path / "environment").write_text(_environment(stacks))
    said = subprocess.run(
        ["/bin/sh", "-c", '. "$1" && /usr/bin/env', "sh", str(tmp_path / "environment")],
        env={}, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert "ARCHIPELAGO_PASSPHRASE_FILES=/passphrases/cluster-a" + os.pathsep + "/passphrases/cluster-b" in said
    assert "PULUMI_HOME=/a b" in said
    assert "PULUMI_PYTHON_CMD=/venv/bin/python" in said, "pulumi up of a runbook finds no SDK without it"


def test_the_comment_of_a_stack_file_counts_nothing_that_the_demo_changes() -> None:
    """The demo moves the example files to two validators each, and keeps their comments."""
    for name in STACKS:
        comments = [line for line in (REPOSITORY / f"Pulumi.{name}.yaml").read_text().splitlines() if line[:1] == "#"]
        assert not any(word in " ".join(comments) for word in ("two validators", "three validators"))
