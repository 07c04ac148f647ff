"""What is too large for Kubernetes is told by the commands that plan, before `pulumi up` is run at all."""

from __future__ import annotations

import pytest

from archipelago.manifests import limits
from tests.cli.conftest import Project

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("command", ["validate", "render"])
def test_c27_an_object_that_is_too_large_is_refused(
    command: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LARGEST", 1000)
    ran = project.seeded(command, "cluster-a")
    assert ran.code == 1
    assert "ConfigMap consortium-peers must have at most 1,000 bytes, got " in ran.said
