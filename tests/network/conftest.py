"""A lab of clusters with real nodes, and networks on it; what tests measured is printed in the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from lab.lab import Lab
from lab.profiles import PROFILES, tools
from lab.tools import Toolchain
from tests import labs
from tests.engine.lab_fixture import resolved
from tests.engine.organisations import Consortium
from tests.network.networks import Measure, Network

_MEASURED = "measured"
Maker = Callable[[str], AbstractContextManager[Network]]


@pytest.fixture(scope="session")
def toolchain(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> Toolchain:
    """The tools of real nodes, Pulumi, and what the run's modules name in `BESIDES`; missing packages are installed.

    All is built before anything runs: a compiler beside a network makes it look slow.
    """
    nodes = PROFILES["nodes"]
    assert (obstacle := nodes.obstacle()) is None, obstacle
    modules = [getattr(item, "module", None) for item in request.session.items]
    besides = sorted({name for module in modules for name in getattr(module, "BESIDES", ())})
    nodes.equip(print, besides)
    return resolved(pytestconfig, tools(nodes, besides))


@pytest.fixture(scope="session")
def lab(toolchain: Toolchain) -> Lab:
    """A running lab with the clusters `a`, `b` and `c`, which other workers use too: each has namespaces of its own."""
    return labs.shared(toolchain, "nodes", clusters=3)


@pytest.fixture
def measure(request: pytest.FixtureRequest) -> Measure:
    """Records what a test measured, for the end of the run."""

    def record(what: str, value: float) -> None:
        request.node.user_properties.append((_MEASURED, f"{request.node.name}: {what}: {value:.1f}"))

    return record


@pytest.fixture
def network(
    lab: Lab, toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Network]:
    """An empty network of this test's own; its namespaces go with it."""
    with _network(lab, toolchain, tmp_path_factory, request.node.name) as made:
        yield made


@pytest.fixture(scope="session")
def make_network(lab: Lab, toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Makes networks that several tests share; its namespaces go at the end of the block."""
    return lambda name: _network(lab, toolchain, tmp_path_factory, name)


@contextmanager
def _network(lab: Lab, toolchain: Toolchain, folders: pytest.TempPathFactory, name: str) -> Iterator[Network]:
    short = re.sub(r"[^a-z0-9]+", "-", name.removeprefix("test_").lower())[:20].strip("-")
    consortium = Consortium(lab, toolchain, folders.mktemp(short))
    try:
        yield Network(consortium, lab, toolchain, short)
    finally:
        consortium.end()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    reports = [each for reports in terminalreporter.stats.values() for each in reports]
    told = [each.user_properties for each in reports if isinstance(each, pytest.TestReport)]
    if lines := dict.fromkeys(line for each in told for kind, line in each if kind == _MEASURED):
        terminalreporter.section("measured, in seconds unless it says otherwise")
        for line in lines:
            terminalreporter.write_line(str(line))
