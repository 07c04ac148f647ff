"""A service-config.toml as it is: both releases' files are read, and what only looked complete to runner_k8s is not."""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import prod
from typing import Any

import pytest

from archipelago.chains.cita_cloud.files import ROLES
from archipelago.chains.cita_cloud.service_config import parsed
from archipelago.chains.cita_cloud.services import stack
from tests.cita import local, problems_of, settings_of

pytestmark = pytest.mark.unit

USUAL = {
    "network": "network_p2p",
    "consensus": "consensus_raft",
    "executor": "executor_evm",
    "storage": "storage_sqlite",
    "controller": "controller_poc",
    "kms": "kms_sm",
}


def table(role: str, image: str, command: str = "run") -> str:
    return f'# a comment\n[[services]]\nname = "{role}"\ndocker_image = "{image}"\ncmd = "{command}"\n'


def written(changes: dict[str, str]) -> str:
    return "".join(table(role, f"citacloud/{kind}") for role, kind in {**USUAL, **changes}.items())


def chosen(text: str, **network: Any) -> dict[str, tuple[str, str, str]]:
    config = local({"network.services": text, **{f"network.{key}": value for key, value in network.items()}})
    return {each.role: (each.kind, each.image, each.command) for each in stack(settings_of(config).network).services}


def test_an_image_of_the_file_wins_and_one_without_a_tag_is_that_of_the_set() -> None:
    text = written({"controller": "controller", "kms": "kms_eth:v5.0.0", "network": "network_direct:latest"})
    found = chosen(text)
    assert found["kms"] == ("kms_eth", "citacloud/kms_eth:v5.0.0", "exec run")
    assert found["network"] == ("network_direct", "citacloud/network_direct:v5.0.0", "exec run")
    assert found["consensus"] == ("consensus_raft", "citacloud/consensus_raft:v5.0.0", "exec run")


def test_an_image_of_another_registry_is_known_by_its_name() -> None:
    text = written({"controller": "controller"}).replace("citacloud/kms_sm", "registry.example:5000/x/kms_sm:mine")
    assert chosen(text)["kms"] == ("kms_sm", "registry.example:5000/x/kms_sm:mine", "exec run")


def test_no_wrong_choice_that_passed_runner_k8s_passes_here() -> None:
    """Its product of (position + 1) * 10 over the six roles is 720 million for these, too."""
    numbers = {role: 10 * place for place, role in enumerate(ROLES, start=1)}
    wanted = prod(numbers.values())
    passed = [
        each
        for count in (6, 7)
        for each in combinations_with_replacement(ROLES, count)
        if prod(numbers[role] for role in each) == wanted and sorted(each) != sorted(ROLES)
    ]
    assert passed
    for roles in passed:
        with pytest.raises(ValueError, match="two services for"):
            parsed("".join(table(role, f"citacloud/{USUAL[role]}") for role in roles))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("services = [", "it is no TOML"),
        ("", "no tables"),
        ("services = 3", "no tables"),
        ("services = []", "no service for network, consensus"),
        (table("kms", "citacloud/kms_sm"), "no service for network, consensus, executor, storage, controller"),
        (table("crypto", "citacloud/kms_sm"), "service 1 is named 'crypto'"),
        (table("kms", ""), "service 1 has no docker_image"),
        ('[[services]]\nname = "kms"\ndocker_image = "x"\n', "service 1 has no cmd"),
    ],
)
def test_a_file_that_is_none_is_refused_where_it_stands(text: str, words: str) -> None:
    problem = problems_of(local({"network.services": text}))["network.services"]
    assert words in problem.message
    assert "Paste the whole service-config.toml" in problem.cure
