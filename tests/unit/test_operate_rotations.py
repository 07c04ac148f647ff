"""A node with another key is let in with the earlier one as long as it waits for its turn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest
from lightkube import Client

from archipelago.chains.registry import CHAINS
from archipelago.manifests.common import Manifest
from archipelago.manifests.stack import manifests
from archipelago.stack.plan import StackPlan
from operate.rollouts import workloads
from operate.rotations import still_listed
from tests.stacks import NOWHERE, Config, alpha, floats, outputs_of, plan_of
from tests.unit.test_operate_cluster import FakeClient
from tests.unit.test_operate_rollouts import with_later_rules
from tests.world import of_kind, registered

pytestmark = pytest.mark.unit

ROTATED = {"nodes.quorum-node3.identity": {"generation": 2}}
NEWER = {"network.version": "23.4.0"}
LIST = "permissioned-nodes.json"


@pytest.fixture
def before() -> StackPlan:
    return plan_of(alpha())


def meets(there: list[Manifest], changes: Config, last: StackPlan, root: Path = NOWHERE) -> StackPlan:
    """The plan of a run over some objects."""
    plan = plan_of(alpha(changes), last=floats(outputs_of(last)), root=root)
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
    plan = meets(registered(before), {**ROTATED, **NEWER}, before)
    assert ids(plan) == sorted({*ids(before), key(before), key(plan)})
    assert key(before) != key(plan)
    assert any("quorum-node3: the list of peers keeps the earlier id" in each for each in plan.warnings)
    static: dict[str, str] = of_kind(plan, "ConfigMap")["consortium-peers"]["data"]
    assert static["static-nodes.json"] == static[LIST]


def test_c16_so_it_is_after_a_run_that_stopped_before_its_turn(before: StackPlan) -> None:
    """Outputs have the new id by then: what stands in the cluster tells."""
    stopped = meets(registered(before), {**ROTATED, **NEWER}, before)
    own = {each["metadata"]["name"]: each for each in registered(before)}
    there = [own[each["metadata"]["name"]] if "Set" in each["kind"] or each["kind"] == "Secret" else each
             for each in registered(stopped)]  # fmt: skip
    again = meets(there, {**ROTATED, **NEWER}, stopped)
    assert ids(again) == ids(stopped)


def test_c16_the_earlier_id_goes_when_the_turn_is_over(before: StackPlan) -> None:
    both = meets(registered(before), {**ROTATED, **NEWER}, before)
    after = meets(registered(both), {**ROTATED, **NEWER}, both)
    assert key(before) not in ids(after)
    assert ids(after) == ids(plan_of(alpha({**ROTATED, **NEWER})))
    later = meets(registered(both), {**ROTATED, "network.version": "24.4.0"}, both)
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
    plan = meets(registered(before), ROTATED, before)
    assert key(before) not in ids(plan)
    two: Config = {**ROTATED, "nodes.quorum-node2.identity": {"generation": 2}}
    two["losesValidators"] = ["quorum-node2", "quorum-node3"]
    both = meets(registered(before), two, before)
    assert {key(before), key(before, "quorum-node2")} < set(ids(both))


def test_c16_nodes_that_were_taken_out_do_not_stay(before: StackPlan) -> None:
    more = plan_of(alpha({"nodes.quorum-node4": {"validator": False}}))
    plan = meets(registered(more), {**ROTATED, **NEWER}, more)
    assert not any("quorum-node4" in each for each in ids(plan))
    assert key(more) in ids(plan)


def in_turn(before: StackPlan, after: StackPlan, nodes: set[str]) -> list[Manifest]:
    """What stands after a run that stopped when the turns of some nodes were over: the list changes first."""
    own = {(each["kind"], each["metadata"]["name"]): each for each in registered(before)}
    return [
        each
        if each["metadata"].get("labels", {}).get("archipelago/node") in {None, *nodes}
        else own[each["kind"], each["metadata"]["name"]]
        for each in registered(after)
    ]


@pytest.mark.parametrize("turn_over", [False, True])
def test_c16_of_several_earlier_ids_the_one_stays_that_the_node_has(before: StackPlan, turn_over: bool) -> None:
    """A key that was stolen first is not let in for another run because a second one was rotated."""
    second = meets(registered(before), {**ROTATED, **NEWER}, before)
    there = in_turn(before, second, {"quorum-node1", *(["quorum-node3"] if turn_over else [])})
    thrice = {"nodes.quorum-node3.identity": {"generation": 3}, "losesValidators": ["quorum-node3"]}
    third = meets(there, {**thrice, "network.version": "24.4.0"}, second)
    has = second if turn_over else before
    assert {each for each in ids(third) if "node3" in each} == {key(has), key(third)}


def test_c16_a_secret_that_was_deleted_tells_nothing_so_all_earlier_ids_stay(before: StackPlan) -> None:
    second = meets(registered(before), {**ROTATED, **NEWER}, before)
    there = [each for each in in_turn(before, second, set()) if each["kind"] != "Secret"]
    thrice = {"nodes.quorum-node3.identity": {"generation": 3}, "losesValidators": ["quorum-node3"]}
    third = meets(there, {**thrice, "network.version": "24.4.0"}, second)
    assert {key(before), key(second), key(third)} <= set(ids(third))


def test_c16_rules_of_later_blocks_restart_the_others_too(tmp_path: Path) -> None:
    """Ports of Tessera are allocated here: what its nodes read at their start is known all the same."""
    allocated: Config = {"nodes.quorum-node1": {}}
    before = plan_of(alpha(allocated))
    with_later_rules(tmp_path, before)
    rules: Config = {**allocated, **ROTATED, "network.genesisFile": "genesis.json"}
    plan = meets(registered(before), rules, before, tmp_path)
    assert {key(before), key(plan)} < set(ids(plan))
    alone = meets(registered(before), {**allocated, **ROTATED}, before)
    assert key(before) not in ids(alone)
