"""Fixtures for tests that need real API servers: a lab of two clusters, one for a whole run.

A conftest takes them with `from tests.engine.lab_fixture import lab, toolchain`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from lightkube import Client, KubeConfig
from rich.console import Console

from lab.lab import Lab
from lab.profiles import PROFILES
from lab.tools import ConsoleReport, Toolchain, resolve
from lab.tools.toolchain import PULUMI_TOOLS
from tests import labs


@pytest.fixture(scope="session")
def toolchain(pytestconfig: pytest.Config) -> Toolchain:
    """The tools of simulated nodes, and Pulumi; see `resolved`."""
    return resolved(pytestconfig, PROFILES["control-plane"].tools)


def resolved(pytestconfig: pytest.Config, tools: Sequence[str]) -> Toolchain:
    """Pulumi and tools of the lab; the first time on a machine they are built, which is told past pytest's capture."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        names = (*PULUMI_TOOLS, *tools)
        return resolve(names, ConsoleReport(Console(stderr=True), verbose=False))


@pytest.fixture(scope="session")
def lab(toolchain: Toolchain) -> Lab:
    """A running lab with the clusters `a` and `b`, which other workers use too."""
    return labs.shared(toolchain, "control-plane", clusters=2)


@contextmanager
def connected(lab: Lab, cluster: str, namespace: str | None = None) -> Iterator[Client]:
    """A client of one cluster of a lab, closed at the end of the block."""
    config = KubeConfig.from_file(lab.kubeconfig).get(context_name=lab.cluster(cluster).context)
    with Client(config=config, namespace=namespace, trust_env=False) as client:
        yield client
