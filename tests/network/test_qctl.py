"""Every row of docs/qctl.md, run as it stands there, names of stacks and clusters apart."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.nodes.images import TESSERA_STAND_IN, tessera
from tests.network.conftest import Maker
from tests.network.networks import Network, founder

pytestmark = pytest.mark.network

_DOCUMENT = Path(__file__).parents[2] / "docs" / "qctl.md"
_PROGRAMS = ("archipelago ", "pulumi ", "kubectl ")
_ENDS_STACK = "pulumi destroy"
_INTERACTIVE = ("attach", "connect")
_MAY_END = {"archipelago validators plan": (0, 3)}


@dataclass(frozen=True)
class Row:
    """One row: what qctl had, and the commands that take its place."""

    qctl: str
    commands: tuple[str, ...]

    def __str__(self) -> str:
        return self.qctl


def rows() -> list[Row]:
    """Every row of the document that names a command; the one that ends the stack comes last."""
    found = []
    for line in _DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 2 and (commands := [c for c in re.findall(r"`([^`]+)`", cells[1]) if c.startswith(_PROGRAMS)]):
            found.append(Row(cells[0], tuple(commands)))
    return sorted(found, key=lambda row: any(command.startswith(_ENDS_STACK) for command in row.commands))


def test_every_row_has_a_command_or_a_reason() -> None:
    listed = [line for line in _DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    assert len(listed) > 30
    assert len(rows()) >= len(listed) - 7, "a row without a command needs a place under: What is not needed"


@pytest.fixture(scope="module")
def network(make_network: Maker) -> Iterator[Network]:
    """The network that the document speaks of: stack cluster-a, with a node whose RPC is open."""
    changes: dict[str, Any] = {
        "network.privacy": {"manager": "tessera", "version": "22.1.7"},
        "nodes.quorum-node1.api": {"rpc": True},
    }
    if tessera() == TESSERA_STAND_IN:
        changes["network.images"] = {"tessera": TESSERA_STAND_IN}
    with make_network("qctl") as made:
        made.add(founder(made.name, ["quorum-node1"], changes), "a")
        made.up("alpha")
        made.wait_for_blocks()
        yield made


@pytest.mark.parametrize("row", rows(), ids=str)
def test_a_row(network: Network, row: Row) -> None:
    for command in row.commands:
        _run(network, command)


def _run(network: Network, command: str) -> None:
    alpha = network["alpha"]
    here = command.replace("--context cluster-a", f"--context {network.lab.cluster('a').context}")
    here = here.replace("cluster-a", alpha.stack.name).replace("consortium", network.name)
    program, *arguments = shlex.split(here)
    if program == "pulumi":
        arguments.insert(0, "--non-interactive")
    if arguments[0] == "release":  # refused while the pod ends
        alpha.gone(arguments[1])
    environment = {**os.environ, **alpha.stack.environment, "COLUMNS": "200"}
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name(program)) if program == "archipelago" else program, *arguments],
        cwd=alpha.stack.folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if "-f" in arguments and "logs" in arguments:  # follows for ever
        time.sleep(5)
        process.send_signal(signal.SIGINT)
        assert process.communicate()[0].strip(), "no log"
        return
    text = "exit\n" if arguments[0] in _INTERACTIVE else None
    printed, _ = process.communicate(text, timeout=200)
    good = next((codes for words, codes in _MAY_END.items() if command.startswith(words)), (0,))
    assert process.returncode in good, printed
