"""A member that waits for the key of its swarm keeps the one that its pod was started with."""

from __future__ import annotations

from typing import Any, cast

import pytest
from lightkube import Client

from archipelago.manifests.common import Manifest, identity_secret
from archipelago.manifests.stack import manifests
from archipelago.stack.plan import StackPlan
from operate.kept_keys import with_kept_keys
from tests import ipfs
from tests.stacks import alpha, plan_of
from tests.unit.test_operate_cluster import FakeClient
from tests.world import of_kind

pytestmark = pytest.mark.unit

SILENT: dict[str, Any] = {"alpha": None}


def keys(plan: StackPlan) -> dict[str, str]:
    found: dict[str, str] = of_kind(plan, "Secret")[identity_secret(plan.nodes[0])]["stringData"]
    return found


def meets(there: list[Manifest], plan: StackPlan) -> StackPlan:
    return with_kept_keys(cast(Client, FakeClient(there)), plan)


@pytest.fixture
def joined() -> StackPlan:
    world = ipfs.world(alpha=ipfs.alpha(), beta=ipfs.beta())
    return world.up("beta", "alpha", "beta")


def test_a_member_that_lost_its_outputs_keeps_the_key_of_its_swarm(joined: StackPlan) -> None:
    """The key was sealed to it, and the partner is away: its pod would not start again, on another machine or here."""
    waits = ipfs.plan_of(ipfs.beta({"partners.alpha.required": False}), SILENT)
    assert waits.owner == joined.owner
    assert "swarm.key" not in keys(waits)
    kept = meets(list(manifests(joined)), waits)
    assert keys(kept) == keys(joined)
    assert not kept.nodes[0].runs
    assert kept.waiting_for == waits.waiting_for


def test_its_own_keys_are_those_of_the_plan(joined: StackPlan) -> None:
    there = list(manifests(joined))
    for each in there:
        if each["metadata"]["name"] == identity_secret(joined.nodes[0]):
            each["stringData"] = dict.fromkeys(each["stringData"], "another")
    waits = ipfs.plan_of(ipfs.beta({"partners.alpha.required": False}), SILENT)
    kept = keys(meets(there, waits))
    assert {name: kept[name] for name in keys(waits)} == keys(waits)
    assert kept["swarm.key"] == "another"


def test_another_owners_secret_and_a_node_that_runs_change_nothing(joined: StackPlan) -> None:
    theirs = list(manifests(joined))
    for each in theirs:
        each["metadata"].setdefault("labels", {})["archipelago/owner"] = "gamma.cluster-g.12345678"
    waits = ipfs.plan_of(ipfs.beta({"partners.alpha.required": False}), SILENT)
    assert meets(theirs, waits) == waits
    assert meets([], plan_of(alpha())) == plan_of(alpha())
