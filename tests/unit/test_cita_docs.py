"""docs/cita-cloud.md against the program: every option of runner_k8s has a row, and what the row names is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from archipelago.chains.registry import CHAINS
from archipelago.settings.reference import keys
from archipelago.settings.schema import schema
from tests import cita
from tests.stacks import seed
from tests.unit.test_docs import wrong_in

pytestmark = pytest.mark.unit

PAGE = (Path(__file__).parents[2] / "docs" / "cita-cloud.md").read_text()
# `--help` at commit e11dcf4, what v5.0.0 added, and the one option of the branch add_node_port
COMMON = (
    *("block_delay_number", "chain_name", "service_config", "need_monitor", "need_debug"),
    *("state_db_user", "state_db_password", "work_dir", "enable_tls", "is_stdout", "log_level"),
)
OPTIONS = {
    "create_k8s_config.py local_cluster": {
        f"--{name}" for name in (*COMMON, "peers_count", "kms_password", "node_port", "pvc_name")
    },
    "create_k8s_config.py multi_cluster": {
        f"--{name}"
        for name in (
            *COMMON, "timestamp", "super_admin", "authorities", "nodes", "lbs_tokens", "sync_device_ids",
            "kms_passwords", "node_ports", "pvc_names", "nodePort_ports",
        )
    },
    "create_pvc.py": {
        "local_pvc --data_dir", "local_pvc --node_list", "nfs_pvc --nfs_server", "nfs_pvc --nfs_path",
    },
    "Scripts without options": {"create_syncthing_config.py", "create_account.py", "gen_sm2_keypair.py"},
}  # fmt: skip
_SPAN = re.compile(r"`([^`]+)`")
_COMMANDS = "archipelago "


def tables() -> dict[str, dict[str, list[str]]]:
    """By heading and option, the settings and commands that the page names for it."""
    found: dict[str, dict[str, list[str]]] = {}
    section = PAGE.partition("## Every option of runner_k8s\n")[2].partition("\n## ")[0]
    for heading, _, text in (each.partition("\n") for each in section.split("\n### ")[1:]):
        rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| `")]
        assert len({row[0] for row in rows}) == len(rows), f"an option stands twice under {heading}"
        found[heading] = {_SPAN.findall(row[0])[0]: _SPAN.findall(" ".join(row[1:])) for row in rows}
    return found


@cache
def settings() -> frozenset[str]:
    """Every key of a CITA-Cloud stack file, as the page writes it."""
    known = schema(CHAINS)
    sections = {"network": "network cita-cloud", "nodes.<node>": "nodes cita-cloud"}
    sections |= {"cluster": "cluster", "partners.<partner>": "partners"}
    return frozenset(f"{name}.{each.name}" for name, section in sections.items() for each in keys(known, section))


def named() -> Iterator[tuple[str, str]]:
    """Every option with each of the things that take its place."""
    for heading, rows in tables().items():
        for option, cures in rows.items():
            assert cures, f"{heading} {option} has nothing in its place"
            yield from ((f"{heading} {option}", cure) for cure in cures)


def test_every_option_of_runner_k8s_has_a_row_and_no_other_has_one() -> None:
    assert {heading: set(rows) for heading, rows in tables().items()} == OPTIONS


def test_every_setting_that_takes_the_place_of_an_option_exists() -> None:
    missing = [(option, each) for option, each in named() if not each.startswith(_COMMANDS) and each not in settings()]
    assert not missing


def test_every_command_that_takes_the_place_of_an_option_exists() -> None:
    commands = [(option, each.removeprefix(_COMMANDS)) for option, each in named() if each.startswith(_COMMANDS)]
    assert commands
    assert not [(option, line) for option, line in commands if [*wrong_in(line)]]


def blocks() -> list[Any]:
    """The YAML of the page's examples."""
    return [YAML(typ="safe", pure=True).load(each) for each in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]


def test_the_whole_example_of_the_page_is_a_chain_of_three_nodes() -> None:
    (whole,) = (each for each in blocks() if "config" in each)
    config = {key.removeprefix("archipelago:"): value for key, value in whole["config"].items()}
    plan = cita.plan_of(config | {"identitySeed": seed("alpha")})
    assert [node.object_name for node in plan.nodes] == [f"test-chain-{index}" for index in range(3)]
    assert plan.genesis
    (warning,) = plan.warnings  # runner_k8s opened all client ports, and so does the example
    assert "network.clients" in warning


def test_a_node_that_is_pasted_as_the_page_shows_it_is_understood() -> None:
    (pasted,) = (each for each in blocks() if "archipelago:partners" in each)
    (node,) = pasted["archipelago:partners"]["beta"]["nodes"]
    record = cita.examples().up("alpha", "beta").records[0]
    given = cita.CITA.parse_node({**node, "address": record.address, "deviceId": record.node_id}, "test-chain", "beta")
    assert given.endpoints.keys() == {"network", "sync"}
    assert (given.name, given.endpoints["network"].port) == ("node2", 30000)
