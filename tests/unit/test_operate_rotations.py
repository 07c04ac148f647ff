"""A node with another key is let in with the earlier one as long as it waits for its turn."""

from __future__ import annotations

import json
from typing import cast

import pytest
from lightkube import Client

from archipelago.chains.registry import CHAINS
from archipelago.manifests.common import Manifest
from archipelago.manifests.stack import manifests
from archipelago.stack.plan import StackPlan
from operate.rollouts import workloads
from operate.rotations import still_listed
from tests.stacks import Config, alpha, floats, outputs_of, plan_of
from tests.unit.test_operate_cluster import FakeClient
from tests.world import of_kind

pytestmark = pytest.mark.unit

ROTATED = {"nodes.quorum-node3.identity": {"generation": 2}}
NEWER = {"network.version": "23.4.0"}
LIST = "permissioned-nodes.json"


@pytest.fixture
def before() -> StackPlan:
    return plan_of(alpha())


def meets(there: list[Manifest], changes: Config, last: StackPlan) -> StackPlan:
    """The plan of a run over some objects."""
    plan = plan_of(alpha(changes), last=floats(outputs_of(last)))
    client = cast(Client, FakeClient(there))
    return still_listed(client, plan, CHAINS["goquorum"], list(manifests(plan)), workloads(client, plan))


def ids(plan: StackPlan) -> list[str]:
    """Short ids in the list of peers, by host."""
    listed: list[str] = json.loads(of_kind(plan, "ConfigMap")["consortium-peers"]["data"][LIST])
    return sorted(f"{url.split('@')[1].split(':')[0]} {url[8:16]}" for url in listed)


def key(plan: StackPlan, node: str = "quorum-node3") -> str:
    (record,) = [each for each in plan.records if each.name == node]
    return f"consortium-{node} {record.node_id[:8]}"


def test_c16_a_node_that_waits_for_its_turn_is_let_in_with_the_key_that_it_has(before: StackPlan) -> None:
    """With another version in the same run nodes 1 and 2 go first: node 3 would be away through their turns."""
    plan = meets(list(manifests(before)), {**ROTATED, **NEWER}, before)
    assert ids(plan) == sorted({*ids(before), key(before), key(plan)})
    assert key(before) != key(plan)
    assert any("quorum-node3: the list of peers keeps the earlier id" in each for each in plan.warnings)
    static: dict[str, str] = of_kind(plan, "ConfigMap")["consortium-peers"]["data"]
    assert static["static-nodes.json"] == static[LIST]


def test_c16_so_it_is_after_a_run_that_stopped_before_its_turn(before: StackPlan) -> None:
    """Outputs have the new id by then: what stands in the cluster tells."""
    stopped = meets(list(manifests(before)), {**ROTATED, **NEWER}, before)
    own = {each["metadata"]["name"]: each for each in manifests(before)}
    there = [own[each["metadata"]["name"]] if "Set" in each["kind"] or each["kind"] == "Secret" else each
             for each in manifests(stopped)]  # fmt: skip
    again = meets(there, {**ROTATED, **NEWER}, stopped)
    assert ids(again) == ids(stopped)


def test_c16_the_earlier_id_goes_when_the_turn_is_over(before: StackPlan) -> None:
    both = meets(list(manifests(before)), {**ROTATED, **NEWER}, before)
    after = meets(list(manifests(both)), {**ROTATED, **NEWER}, both)
    assert key(before) not in ids(after)
    assert ids(after) == ids(plan_of(alpha({**ROTATED, **NEWER})))
    later = meets(list(manifests(both)), {**ROTATED, "network.version": "24.4.0"}, both)
    assert key(before) not in ids(later), "its key is the new one, whatever restarts it"


def test_nor_does_it_go_after_a_run_that_ended_between_a_nodes_keys_and_its_pod() -> None:
    """The Secret has the new key then, and the pod runs with the earlier one, while others go first again."""
    pinned: Config = {"nodes.quorum-node3.exposure": {"ports": {"p2p": 30303, "tessera": 30901}}}
    pinned["nodes.quorum-node1.exposure"] = {"ports": {"p2p": 30304, "tessera": 30902}}
    first, rotated = plan_of(alpha(pinned)), {**pinned, **ROTATED, **NEWER}
    stopped = meets(list(manifests(first)), rotated, first)
    ran = {each["metadata"]["name"]: each for each in manifests(first) if each["kind"] == "StatefulSet"}
    there = [ran[each["metadata"]["name"]] if each["kind"] == "StatefulSet" else each for each in manifests(stopped)]
    assert ids(meets(there, rotated, stopped)) == ids(stopped)
    assert key(first) in ids(stopped)
    assert key(first) not in ids(meets(list(manifests(stopped)), rotated, stopped))


def test_c16_a_node_that_restarts_alone_is_let_in_with_its_new_key_only(before: StackPlan) -> None:
    """A stolen key is shut out by one run."""
    plan = meets(list(manifests(before)), ROTATED, before)
    assert key(before) not in ids(plan)
    two: Config = {**ROTATED, "nodes.quorum-node2.identity": {"generation": 2}}
    two["losesValidators"] = ["quorum-node2", "quorum-node3"]
    both = meets(list(manifests(before)), two, before)
    assert {key(before), key(before, "quorum-node2")} < set(ids(both))


def test_c16_nodes_that_were_taken_out_do_not_stay(before: StackPlan) -> None:
    more = plan_of(alpha({"nodes.quorum-node4": {"validator": False}}))
    plan = meets(list(manifests(more)), {**ROTATED, **NEWER}, more)
    assert not any("quorum-node4" in each for each in ids(plan))
    assert key(more) in ids(plan)
