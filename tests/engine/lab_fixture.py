"""Fixtures for tests that need real API servers: a lab of two clusters in a temporary folder, one for a whole session.

A conftest takes them with `from tests.engine.lab_fixture import kubernetes, lab, toolchain`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest
from lightkube import Client, KubeConfig
from rich.console import Console

from lab.lab import Lab
from lab.profiles import PROFILES
from lab.tools import ConsoleReport, Toolchain, resolve
from lab.tools.toolchain import PULUMI_TOOLS


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
def lab(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running lab with the clusters `a` and `b`. It ends with the session, however the session ends."""
    made = Lab(tmp_path_factory.mktemp("lab"))
    try:
        made.up(toolchain, owner=os.getpid())
        yield made
    finally:
        made.down(purge=True)


@pytest.fixture(scope="session")
def kubernetes(lab: Lab) -> Iterator[Callable[[str], Client]]:
    """Gives the client of a cluster by its letter; all are closed in the end (an open socket would be an error).

    For one thread only: the decoder under lightkube crashes when two threads meet a type for the first time at once.
    """
    with ExitStack() as stack:
        known: dict[str, Client] = {}

        def client(cluster: str) -> Client:
            if cluster not in known:
                known[cluster] = stack.enter_context(connected(lab, cluster))
            return known[cluster]

        yield client


@contextmanager
def connected(lab: Lab, cluster: str, namespace: str | None = None) -> Iterator[Client]:
    """A client of one cluster of a lab, closed at the end of the block."""
    config = KubeConfig.from_file(lab.kubeconfig).get(context_name=lab.cluster(cluster).context)
    with Client(config=config, namespace=namespace, trust_env=False) as client:
        yield client
