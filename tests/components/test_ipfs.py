"""Stacks of IPFS through the real program: what is registered, and how two organisations' runs converge."""

from __future__ import annotations

import pytest

from tests import ipfs
from tests.components.engine import balancer_address
from tests.components.harness import run

pytestmark = pytest.mark.components

ARCHIVE = "pools.public.swarms.archive"
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


def test_r36_a_load_balancer_that_is_another_than_asked_is_a_failure() -> None:
    """Partners were told the address that was asked for, which was somebody else's or nobody's."""
    asked = ipfs.alpha({f"{ARCHIVE}.exposure": {"type": "LoadBalancer", "address": "203.0.113.9"}})
    given = balancer_address("public-archive-swarm")
    with pytest.raises(Exception, match=f"asked to be 203.0.113.9 and is {given}. Nothing was announced"):
        run(asked)
    assert run(asked, preview=True).exit_code == 0


def test_r36_a_load_balancer_that_is_what_was_asked_for_is_announced() -> None:
    given = balancer_address("public-archive-swarm")
    made = run(ipfs.alpha({f"{ARCHIVE}.exposure": {"type": "LoadBalancer", "address": given}}))
    assert made.exit_code == 0, made.errors
    (record,) = made.outputs["externalNodes"]
    assert record["endpoints"]["swarm"]["host"] == given
    announced = made.named("ConfigMap", "public-archive-ss").inputs["data"]["announce"]
    assert announced == f"{given}:4001\n"
