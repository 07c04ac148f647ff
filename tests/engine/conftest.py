"""The lab of a session, and organisations that run the real `pulumi` on it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.lab import Lab
from lab.tools import Toolchain
from tests.engine.lab_fixture import lab, toolchain
from tests.engine.organisations import Consortium

__all__ = ["consortium", "lab", "space", "toolchain"]


@pytest.fixture
def consortium(lab: Lab, toolchain: Toolchain, tmp_path: Path) -> Iterator[Consortium]:
    """Organisations of this test; their namespaces go with it."""
    made = Consortium(lab, toolchain, tmp_path)
    yield made
    made.end()


@pytest.fixture
def space(request: pytest.FixtureRequest) -> str:
    """A namespace of this test's own: others run in the same clusters, and that of the test before may still end."""
    name = request.node.name.removeprefix("test_").lower()
    short = re.sub(r"[^a-z0-9]+", "-", name)[:31].strip("-")
    return f"t-{short}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
