"""A CITA-Cloud chain that grows: readers that come later, two at once, with indices that leave a gap."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.network.cita_networks import ask, founder, height
from tests.network.conftest import Maker
from tests.network.networks import Measure, Network, Organisation, eventually

pytestmark = pytest.mark.network

BESIDES = ("cita",)
READERS = {"reader4": 4, "reader7": 7}
"""Beside the validators 0 to 2: 3 is left out, and so are 5 and 6."""


@pytest.fixture(scope="module")
def grown(make_network: Maker) -> Iterator[Network]:
    """Three validators of alpha, which have made blocks before anything else came."""
    with make_network("cita-growing") as network:
        network.height = height
        network.add(founder(network.name, {"node0": 0, "node1": 1, "node2": 2}), "a")
        network.up("alpha")
        network.wait_for_blocks()
        network.before = network["alpha"].pods()  # type: ignore[attr-defined]
        yield network


def _add(organisation: Organisation, nodes: dict[str, int]) -> None:
    for name, index in nodes.items():
        organisation.configure(f"nodes.{name}", {"index": index})


def test_r44_two_readers_at_once_with_indices_that_leave_a_gap_catch_up(grown: Network, measure: Measure) -> None:
    alpha = grown["alpha"]
    _add(alpha, READERS)
    began = time.monotonic()
    (run,) = grown.up("alpha")
    reached = max(height(grown, alpha, name) for name in ("node0", "node1", "node2"))
    for name in READERS:
        eventually(lambda: height(grown, alpha, name), lambda seen: seen >= reached, 150)  # noqa: B023 - asked at once
    measure("two readers have caught up", time.monotonic() - began)
    grown.wait_for_blocks()
    assert len({ask(grown, *each, "GetBlockHash", b"\x08\x01") for each in grown.nodes}) == 1
    after = alpha.pods()
    assert {name: after[name] for name in grown.before} == grown.before, "no validator was started again"  # type: ignore[attr-defined]
    assert run.changes


def test_r44_the_names_of_readers_are_those_of_their_indices(grown: Network) -> None:
    found = set(grown["alpha"].workloads())
    assert found == {"node0", "node1", "node2", *READERS}
    names = {each["metadata"]["name"] for each in grown["alpha"].get("statefulsets")["items"]}
    assert names == {f"{grown.name}-{index}" for index in (0, 1, 2, 4, 7)}


def test_r44_a_reader_in_the_gap_comes_last_and_the_others_are_not_touched(grown: Network, measure: Measure) -> None:
    alpha = grown["alpha"]
    before = alpha.pods()
    _add(alpha, {"reader5": 5})
    grown.up("alpha")
    measure("a third reader, in the gap", grown.wait_for_blocks())
    assert alpha.pods().items() >= before.items()
    assert alpha.stack.preview().changes == []


def test_r44_a_readers_blocks_outlive_its_pod_and_it_counts_for_nothing(grown: Network) -> None:
    alpha = grown["alpha"]
    alpha.scale("4", 0)
    alpha.scale("7", 0)
    grown.wait_for_blocks(nodes=[each for each in grown.nodes if each[1] not in READERS])
    alpha.scale("4", 1)
    alpha.scale("7", 1)
    grown.wait_for_blocks()
