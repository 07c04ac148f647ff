"""Fixtures that several files of this layer share."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from archipelago.stack.plan import StackPlan
from lab.tools import golang
from lab.tools.definitions import MODULES
from monitor import peers
from tests.monitored import Watched, watching
from tests.unit.cita_nodes import SERVICES, Layout, Node, laid_out
from tests.unit.tessera_nodes import Starter, starting


@pytest.fixture(scope="session")
def cita_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the stand-in for CITA-Cloud under the names of the services."""
    folder = tmp_path_factory.mktemp("cita")
    _build("cita-stand-in", folder / "all")
    for name in (*SERVICES, "couchdb"):
        (folder / name).symlink_to("all")
    return folder


def _build(module: str, program: Path) -> None:
    environ = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": ""}
    options = ("build", "-ldflags=-s -w", "-o", program, ".")
    subprocess.run([golang.locate().program, *options], cwd=MODULES / module, env=environ, check=True)


@pytest.fixture(scope="session")
def tessera_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in for Tessera."""
    program = tmp_path_factory.mktemp("tessera") / "tessera"
    _build("tessera-stand-in", program)
    return program


@pytest.fixture
def start_tessera(tessera_program: Path) -> Iterator[Starter]:
    """Starts stand-ins for Tessera, and ends them with the test."""
    with starting(tessera_program) as starter:
        yield starter


@pytest.fixture
def lay_out(cita_programs: Path, tmp_path: Path) -> Iterator[Layout]:
    """Lays the nodes of a plan out, and ends them with the test."""
    made: list[Node] = []

    def layout(plan: StackPlan, count: int | None = None) -> list[Node]:
        made.extend(laid_out(plan, tmp_path, cita_programs, count))
        return made

    yield layout
    for node in made:
        node.stop()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A monitor, with its cluster and its member."""
    with watching(tmp_path) as found:
        yield found


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is away is missing at once, and each look counts."""
    monkeypatch.setattr(peers, "PATIENCE", 0.0)
    monkeypatch.setattr(peers, "LONGER", 0.0)
    monkeypatch.setattr(peers, "CHECK", 1e-6)
