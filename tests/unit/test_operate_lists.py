"""The list of peers of a stack whose outputs are lost, as is its partner's: both lived in one backend."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from lightkube import Client
from lightkube.core.exceptions import ApiError

from archipelago.manifests.common import Manifest
from archipelago.stack.plan import StackPlan
from operate.lists import left_standing
from tests import cita, ipfs
from tests.stacks import Config, alpha, beta, bundle, crossed, floats, outputs_of, plan_of
from tests.world import World, difference, of_kind

pytestmark = pytest.mark.unit

BOTH = {"network.genesis": {"validators": ["quorum-node1", "quorum-node2", "beta/quorum-node1", "beta/quorum-node2"]}}
LIST = "consortium-peers"
SILENT: dict[str, Any] = {"beta": {}}


class Standing:
    """A cluster in which the objects of a plan stand."""

    def __init__(self, plan: StackPlan | None) -> None:
        self._plan = plan

    def get(self, kind: Any, name: str, *, namespace: str) -> Any:
        found = of_kind(self._plan, kind.__name__).get(name) if self._plan else None
        if found is None or found["metadata"]["namespace"] != namespace:
            raise ApiError(response=httpx2.Response(404, json={"code": 404, "message": "not found"}))
        return kind.from_dict(found)


@pytest.fixture
def ran() -> World:
    """alpha and beta, who make blocks together."""
    world = World(alpha=alpha(BOTH), beta=beta({"defaults.validator": True}))
    world.up("alpha", "beta", "alpha", "beta")
    return world


def founder(ran: World, folder: Path, **changes: Any) -> Config:
    """alpha's file as its runbook wants it: with the genesis that stands in its cluster."""
    genesis = ran.plans["alpha"].genesis
    assert genesis
    (folder / "genesis.json").write_text(genesis.text)
    return alpha({**BOTH, "network.genesisFile": "genesis.json", **changes})


def meets(there: StackPlan | None, plan: StackPlan) -> StackPlan:
    return left_standing(cast(Client, Standing(there)), plan)


def listed(plan: StackPlan) -> tuple[Manifest, Manifest]:
    return of_kind(plan, "ConfigMap")[LIST]["data"], of_kind(plan, "NetworkPolicy")[LIST]["spec"]


def test_rb2_a_stack_that_lost_its_outputs_with_its_partners_cuts_none_of_the_partners_nodes(
    ran: World, tmp_path: Path
) -> None:
    before, config = ran.plans["alpha"], founder(ran, tmp_path)
    first = meets(before, plan_of(config, SILENT, {}, tmp_path))
    assert listed(first) == listed(before)
    assert any("no nodes of beta" in each and "the list of peers stays" in each for each in first.warnings)
    again = meets(before, plan_of(config, SILENT, floats(outputs_of(first)), tmp_path))
    assert listed(again) == listed(before), "the second run has outputs, and knows beta's nodes as little"
    given = bundle(ran.configs["beta"], {"alpha": crossed(outputs_of(again))})
    back = meets(before, plan_of(config, {"beta": given}, floats(outputs_of(again)), tmp_path))
    assert difference(before, back) == set()
    assert back.standing == {}
    assert "lost" not in outputs_of(back)["accepted"]["beta"]


def test_upgrade_from_3f51e16_a_partner_that_is_away_at_the_first_run_keeps_its_nodes(ran: World) -> None:
    """Outputs of that program count a partner's nodes, and name none."""
    before, last = ran.plans["alpha"], floats(ran.outputs["alpha"])
    last.pop("accepted")
    first = meets(before, plan_of(alpha(BOTH), SILENT, last))
    assert listed(first) == listed(before)
    assert outputs_of(first)["accepted"]["beta"]["lost"]
    last["partners"]["beta"]["nodes"] = 0
    assert meets(before, plan_of(alpha(BOTH), SILENT, last)).standing == {}


@pytest.mark.parametrize("change", [{"partners": {}}, {"partners.beta.forget": True}], ids=["taken out", "forgotten"])
def test_rb2_the_list_is_written_anew_where_the_stack_file_says_so(
    ran: World, tmp_path: Path, change: dict[str, Any]
) -> None:
    config = founder(ran, tmp_path, **change)
    plan = meets(ran.plans["alpha"], plan_of(config, SILENT if config["partners"] else {}, {}, tmp_path))
    assert plan.standing == {}
    assert listed(plan) != listed(ran.plans["alpha"])


def test_a_first_run_and_one_that_was_killed_leave_nothing_standing() -> None:
    plan = plan_of(alpha(), SILENT)
    assert meets(None, plan).standing == {}
    assert meets(plan, plan) == plan
    assert "beta" not in outputs_of(plan)["accepted"]


def test_another_stacks_list_is_not_taken_for_ours(ran: World, tmp_path: Path) -> None:
    other = ran.plans["beta"]
    assert meets(other, plan_of(founder(ran, tmp_path), SILENT, {}, tmp_path)).standing == {}


def test_a_new_node_of_ours_has_its_file_though_the_list_stays() -> None:
    """A CITA-Cloud node reads a file of its own name: without it `pulumi up` waits for a pod that never starts."""
    before = cita.plan_of(cita.local())
    plan = replace(cita.plan_of(cita.local({"nodes.late": {"index": 3}})), unheard=frozenset({"beta"}))
    data = of_kind(meets(before, plan), "ConfigMap")[f"{plan.network}-peers"]["data"]
    stood = of_kind(before, "ConfigMap")[f"{plan.network}-peers"]["data"]
    assert data | stood == data, "what stands there stays"
    assert set(data) == set(plan.live_files) > set(stood)


def test_a_new_swarm_of_ours_has_its_file_though_the_list_stays() -> None:
    world = ipfs.world(alpha=ipfs.alpha(), beta=ipfs.beta())
    world.up("alpha", "beta", "alpha")
    before = world.plans["alpha"]
    plan = ipfs.plan_of(ipfs.alpha({"pools.public.swarms.fresh": {}}), SILENT)
    assert plan.unheard == {"beta"}
    stood = of_kind(before, "ConfigMap")["research-peers"]["data"]
    data = of_kind(meets(before, plan), "ConfigMap")["research-peers"]["data"]
    assert data | stood == data
    assert set(data) > set(stood)
