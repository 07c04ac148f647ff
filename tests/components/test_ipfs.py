"""Stacks of IPFS through the real program: what is registered, and how two organisations' runs converge."""

from __future__ import annotations

import pytest

from tests import ipfs
from tests.components.harness import run

pytestmark = pytest.mark.components

A, B = "organization/archipelago/cluster-a", "organization/archipelago/cluster-b"


def test_two_organisations_are_one_swarm_after_two_runs_of_each() -> None:
    first = run(ipfs.alpha())
    waiting = run(ipfs.beta(), {A: first.outputs}, name="cluster-b")
    assert waiting.outputs["waitingFor"] == ["alpha: the key of swarm archive"]
    assert not any("StatefulSet" in each.urn for each in waiting.resources)
    second = run(ipfs.alpha(), {A: first.outputs, B: waiting.outputs})
    joined = run(ipfs.beta(), {A: second.outputs, B: waiting.outputs}, name="cluster-b")
    assert joined.outputs["waitingFor"] == []
    assert any("StatefulSet::public-archive-ss" in each.urn for each in joined.resources)
    fingerprints = {each.outputs["externalNodes"][0]["fingerprint"] for each in (first, second, joined)}
    assert len(fingerprints) == 1
    addresses = [each.outputs["externalNodes"][0]["nodeId"] for each in (first, second)]
    assert addresses[0] == addresses[1]


def test_a_pool_stands_in_its_own_namespace_under_names_that_say_so() -> None:
    made = run(ipfs.alpha({"pools.public.namespace": "far"}))
    names = {each.urn.rpartition("::")[2] for each in made.resources}
    assert {"far/public-archive-ss", "far/public-archive", "far/research-peers", "far"} <= names
