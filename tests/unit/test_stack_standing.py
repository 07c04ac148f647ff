"""The chain that a stack's objects belong to: it holds where the outputs that recorded it are lost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from lightkube import Client
from lightkube.core.exceptions import ApiError

from archipelago.chains.registry import CHAINS
from archipelago.manifests.common import GENESIS, Manifest
from archipelago.manifests.stack import manifests
from archipelago.problems import Refused
from archipelago.stack.ownership import Met
from archipelago.stack.plan import StackPlan, plan_stack
from operate.cluster import Unreachable, remembered
from tests import cita
from tests.stacks import SOURCE, Config, alpha, beta, bundle, crossed, floats, outputs_of, settings_of
from tests.unit.test_operate_cluster import FakeClient, found
from tests.world import World, of_kind

pytestmark = pytest.mark.unit

BOTH = {"network.genesis": {"validators": ["quorum-node1", "quorum-node2", "quorum-node3", "beta/quorum-node1"]}}
MORE: Config = {"nodes.quorum-node4": {}}
SILENT: dict[str, Any] = {"beta": {}}
FILE = {"network.genesisFile": "genesis.json"}
Received = Mapping[str, Mapping[str, Any] | None]


def met(there: list[Manifest], config: Config, last: Mapping[str, Any] | None = None) -> Met:
    """What the cluster says in which some objects stand."""
    return remembered(cast(Client, FakeClient(there)), settings_of(config), last or {}, Met("uid-a", "lab-a"))


def run(
    config: Config,
    received: Received,
    there: list[Manifest],
    last: Mapping[str, Any] | None = None,
    folder: Path = Path("/nonexistent"),
) -> StackPlan:
    """A run that meets some objects in its cluster."""
    settings, stack = settings_of(config), f"cluster-{config['organisation'][0]}"
    chain, found = CHAINS[settings.network.kind], met(there, config, last)
    return plan_stack(settings, chain, stack, received, last or {}, folder, SOURCE, None, found)


@pytest.fixture
def founded() -> StackPlan:
    """alpha's, which made its genesis together with beta's node."""
    world = World(alpha=alpha(BOTH), beta=beta({"defaults.validator": True}))
    return world.up("alpha", "beta", "alpha")


def standing(plan: StackPlan, *, without: str = "") -> list[Manifest]:
    return [each for each in manifests(plan) if each["kind"] != without]


def marks(plan: StackPlan) -> dict[str, str | None]:
    """By claim the chain that it holds."""
    claims = of_kind(plan, "PersistentVolumeClaim")
    return {name: each["metadata"]["annotations"].get(GENESIS) for name, each in claims.items()}


def running(plan: StackPlan) -> str:
    assert plan.genesis
    return plan.genesis.hash


def test_a_stack_that_lost_its_outputs_goes_on_with_the_genesis_that_its_nodes_mount(founded: StackPlan) -> None:
    """Its partner is away, too, and a node was added since: without that it would wait, and found another one later."""
    plan = run(alpha({**BOTH, **MORE}), SILENT, standing(founded))
    assert plan.genesis == founded.genesis
    assert plan.waiting_for == ()
    assert set(marks(plan).values()) == {running(founded)}


def test_so_does_one_whose_outputs_are_those_of_a_run_that_waited(founded: StackPlan) -> None:
    waited = floats(outputs_of(run(alpha(BOTH), SILENT, [])))
    assert waited["network"]["genesis"] == ""
    assert run(alpha(BOTH), SILENT, standing(founded), waited).genesis == founded.genesis


def test_nodes_on_a_claim_of_the_users_have_no_mark_and_the_genesis_is_known_all_the_same() -> None:
    config = cita.local({"defaults.storage": {"claim": "chains"}})
    first = cita.plan_of(config)
    assert marks(first) == {}
    again = run(config, {}, standing(first))
    assert again.genesis == first.genesis


def test_a_run_that_waits_leaves_the_marks_on_the_claims(founded: StackPlan) -> None:
    """With one field manager, what a run leaves out of an object is taken off it."""
    there = standing(founded, without="ConfigMap")
    waits = run(alpha({**BOTH, **MORE}), SILENT, there)
    assert waits.genesis is None
    assert marks(waits) == {**marks(founded), "consortium-quorum-node4-data": None}
    last = floats(outputs_of(waits))
    again = run(alpha({**BOTH, **MORE}), SILENT, standing(waits), last)
    assert marks(again) == marks(waits), "nor does the second one"


def test_no_other_chain_is_founded_over_claims_of_a_run_that_waited(founded: StackPlan) -> None:
    waits = run(alpha({**BOTH, **MORE}), SILENT, standing(founded, without="ConfigMap"))
    there = standing(waits)
    plan = run(alpha(MORE), SILENT, there, floats(outputs_of(waits)))  # beta's node is no more in block 0
    problems = found(plan, there)
    assert [each.path for each in problems] == [f"nodes.quorum-node{number}" for number in (1, 2, 3)]
    assert all(running(founded) in each.message and running(plan) in each.message for each in problems)
    assert all("delete" not in each.cure for each in problems)


def test_a_destroyed_stack_makes_the_same_genesis_again() -> None:
    first = World(alpha=alpha()).up("alpha")
    assert run(alpha(), SILENT, standing(first, without="ConfigMap")).genesis == first.genesis


def test_what_a_node_that_was_taken_out_has_left_hinders_no_new_chain() -> None:
    kept = standing(World(alpha=alpha()).up("alpha"), without="ConfigMap")
    renamed = run(alpha({"nodes": {"quorum-node7": {}}}), SILENT, kept)
    assert renamed.genesis and renamed.claims == {}


def test_another_owners_objects_tell_nothing(founded: StackPlan) -> None:
    theirs = standing(founded)
    for each in theirs:
        each["metadata"].setdefault("labels", {})["archipelago/owner"] = "gamma.cluster-g.12345678"
    plan = run(alpha(BOTH), SILENT, theirs)
    assert plan.genesis is None
    assert set(marks(plan).values()) == {None}


def test_the_right_file_is_taken_where_every_claim_holds_its_chain(founded: StackPlan, tmp_path: Path) -> None:
    """A record may be wrong: of a run over claims whose marks an earlier program took off."""
    assert founded.genesis
    (tmp_path / "genesis.json").write_text(founded.genesis.text)
    wrong = floats(outputs_of(World(alpha=alpha(MORE)).up("alpha")))
    given = {"beta": bundle(beta({"defaults.validator": True}), {"alpha": crossed(outputs_of(founded))})}
    there = standing(founded)
    with pytest.raises(Refused):
        run(alpha({**BOTH, **FILE}), given, [], wrong, tmp_path)
    plan = run(alpha({**BOTH, **FILE, **MORE}), given, there, wrong, tmp_path)
    assert running(plan) == running(founded)
    assert any("the file is taken" in each for each in plan.warnings)
    there[0:0] = [each for each in standing(run(alpha(MORE), SILENT, [])) if "node4-data" in each["metadata"]["name"]]
    with pytest.raises(Refused):
        run(alpha({**BOTH, **FILE, **MORE}), given, there, wrong, tmp_path)


def test_a_stack_that_has_its_outputs_does_not_ask(founded: StackPlan) -> None:
    last = floats(outputs_of(founded))
    assert met(standing(founded), alpha(BOTH), last).traces == ()
    assert met(standing(founded), alpha({**BOTH, **FILE}), last).traces


def test_a_genesis_that_is_not_shown_is_not_taken_for_absent() -> None:
    class Hiding(FakeClient):
        def get(self, kind: type, name: str, *, namespace: str | None = None) -> Any:
            status = {"code": 403, "message": f"{kind.__name__} {name} is forbidden"}
            raise ApiError(response=httpx2.Response(403, json=status, request=httpx2.Request("GET", "http://x")))

    with pytest.raises(Unreachable, match="ConfigMap consortium-genesis is forbidden"):
        remembered(cast(Client, Hiding([])), settings_of(alpha()), {}, Met())
