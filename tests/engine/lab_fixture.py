"""Fixtures for tests that need real API servers: a lab of two clusters in a temporary folder, one for a whole session.

A conftest takes them with `from tests.engine.lab_fixture import lab, toolchain`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rich.console import Console

from lab.lab import Lab
from lab.tools import ConsoleReport, Toolchain, resolve


@pytest.fixture(scope="session")
def toolchain(pytestconfig: pytest.Config) -> Toolchain:
    """All tools of the lab; the first time on a machine this builds them, which is told past pytest's capture."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        return resolve(None, ConsoleReport(Console(stderr=True), verbose=False))


@pytest.fixture(scope="session")
def lab(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running lab with the clusters `a` and `b`. It ends with the session, however the session ends."""
    made = Lab(tmp_path_factory.mktemp("lab"))
    try:
        made.up(toolchain, owned=True)
        yield made
    finally:
        made.down(purge=True)
