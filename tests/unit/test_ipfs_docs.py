"""docs/ipfs.md against the program: a row for every field of a SwarmPool, and what its examples say is so."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from archipelago.chains.registry import CHAINS
from archipelago.settings.reference import keys
from archipelago.settings.schema import schema
from tests import ipfs
from tests.stacks import seed

pytestmark = pytest.mark.unit

PAGE = (Path(__file__).parents[2] / "docs" / "ipfs.md").read_text()
FIELDS = {
    "metadata.name", "metadata.namespace", "spec.swarms[]", "spec.swarms[].name", "swarmDefinition",
    "swarmDefinition.swarmKeySecretRef", "swarmDefinition.bootstrapNodeAddresses", "network.loadBalancer",
    "network.loadBalancer.loadBalancerIP", "network.loadBalancer.exposedAPI", "network.traefik",
    "network.traefik.traefikEntryPoint", "network.traefik.traefikLoadBalancerServiceName",
    "network.traefik.traefikLoadBalancerServiceNamespace", "network.swarmPort", "network.apiPort", "storage.capacity",
    "IPFSVersion", "status.hash", "status.lastUpdate", "status.status.<swarm>.Addresses", "status.status.<swarm>.Name",
    "status.status.<swarm>.Number of bootstraps", "status.status.<swarm>.Number of connected peers",
    "status.status.<swarm>.Peer Id",
}  # fmt: skip
_SPAN = re.compile(r"`([^`]+)`")
_OF_POOLS = {"pools.<pool>", "pools.<pool>.namespace", "pools.<pool>.swarms", "pools.<pool>.swarms.<swarm>"}


@cache
def rows() -> dict[str, list[str]]:
    """The table's second column, as spans, by the field in its first."""
    table = PAGE.partition("\n## Every field of SwarmPool\n")[2]
    cells = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("| `")]
    found: dict[str, list[str]] = {}
    for first, second, third in cells:
        (field,) = _SPAN.findall(first)
        assert second.strip() == "—" or _SPAN.findall(second), field
        assert second.strip() != "—" or third.strip(), f"{field} has no reason"
        found.setdefault(field, []).extend(_SPAN.findall(second))
    return found


@cache
def settings() -> frozenset[str]:
    """Every key of a member, and those that hold others."""
    named = [each.name for each in keys(schema(CHAINS), "pools.swarms ipfs")]
    return frozenset(named) | {each.rpartition(".")[0] for each in named}


def test_every_field_of_a_swarm_pool_has_a_row_and_no_other_has_one() -> None:
    assert set(rows()) == FIELDS


def test_every_setting_in_the_place_of_a_field_exists() -> None:
    spans = [(field, each.partition(":")[0]) for field, found in rows().items() for each in found]
    assert not [(field, each) for field, each in spans if each not in settings() | _OF_POOLS]


def blocks() -> list[Any]:
    return [YAML(typ="safe", pure=True).load(each) for each in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]


def wholes() -> dict[str, dict[str, Any]]:
    """The stack files of the page, by organisation."""
    found = [
        {key.removeprefix("archipelago:"): value for key, value in each["config"].items()}
        for each in blocks()
        if "config" in each
    ]
    return {each["organisation"]: each | {"identitySeed": seed(each["organisation"])} for each in found}


def test_the_two_stack_files_of_the_page_are_one_swarm_after_the_runs_that_it_names() -> None:
    world = ipfs.world(**wholes())
    world.up("alpha", "beta")
    assert "alpha: the key of swarm archive" in world.plans["beta"].waiting_for
    world.up("alpha", "beta")
    assert all(node.runs for organisation in ("alpha", "beta") for node in world.plans[organisation].nodes)
    fingerprints = {
        node.fingerprint for plan in world.plans.values() for node in plan.records if node.swarm == "archive"
    }
    assert len(fingerprints) == 1


def test_a_member_that_is_pasted_as_the_page_shows_it_is_understood() -> None:
    (pasted,) = (each for each in blocks() if "archipelago:partners" in each)
    (node,) = pasted["archipelago:partners"]["delta"]["nodes"]
    record = ipfs.IPFS.parse_node(node, "research", "delta")
    assert (record.swarm, ipfs.IPFS.url(record)) == ("archive", node["multiaddr"])


def test_the_pinned_member_of_the_page_is_one() -> None:
    (pinned,) = (each for each in blocks() if set(each) == {"archive"})
    assert ipfs.settings_of(ipfs.alpha({ipfs.ARCHIVE: pinned["archive"]}))


@pytest.mark.parametrize("exposure", re.findall(r"^\| `(\{[^`]+\})`", PAGE, re.MULTILINE))
def test_every_exposure_of_the_page_is_one(exposure: str) -> None:
    written = YAML(typ="safe", pure=True).load(exposure)
    if written.keys() & {"type", "traefik"}:
        assert ipfs.settings_of(ipfs.alpha({f"{ipfs.ARCHIVE}.exposure": written}))
    else:
        assert written.keys() & {"partner", "secret"}


PROMISED = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TESTED = re.compile(r"^def test_behaviours?_(\d+)(?:_and_(\d+))?_", re.MULTILINE)


def test_every_promise_of_cluster_discovery_has_a_row_and_a_test_or_a_reason() -> None:
    promised = {int(number): ours for number, _, ours in PROMISED.findall(PAGE)}
    assert list(promised) == list(range(1, 33))
    assert {number for number, ours in promised.items() if ours.startswith("**no**: ")} == {1, 20, 32}
    files = (file.read_text() for file in Path(__file__).parents[1].rglob("test_*.py"))
    tested = {int(each) for text in files for found in TESTED.findall(text) for each in found if each}
    assert tested == promised.keys() - {1, 32}
