"""What keeps validators from being away together."""

from __future__ import annotations

from typing import Any

import pytest

from archipelago.manifests.common import Manifest
from archipelago.stack.plan import StackPlan
from tests import cita, ipfs
from tests.stacks import GONE, ONE_NODE, alpha, beta, bundle, plan_of
from tests.world import difference, objects

pytestmark = pytest.mark.unit

PLANS = {
    "goquorum": lambda: plan_of(alpha({"nodes.member": {"validator": False}})),
    "cita-cloud": lambda: plan_of(cita.local()),
}


def budgets(plan: StackPlan) -> list[Manifest]:
    return [each for (kind, _), each in objects(plan).items() if kind == "PodDisruptionBudget"]


def pods(plan: StackPlan) -> dict[str, Manifest]:
    return {name: each["spec"]["template"] for (kind, name), each in objects(plan).items() if kind == "StatefulSet"}


@pytest.mark.parametrize("kind", PLANS)
def test_c18_one_validator_of_a_stack_may_be_evicted_and_members_are_not_counted(kind: str) -> None:
    plan = PLANS[kind]()
    (budget,) = budgets(plan)
    assert budget["spec"]["maxUnavailable"] == 1
    chosen = budget["spec"]["selector"]["matchLabels"].items()
    found = {name for name, pod in pods(plan).items() if chosen <= pod["metadata"]["labels"].items()}
    assert found == {node.object_name for node in plan.nodes if node.role == "validator"}
    assert found


@pytest.mark.parametrize(
    "plan",
    [
        lambda: plan_of(beta(), {"alpha": bundle(alpha())}),  # members
        lambda: plan_of(beta({"defaults.validator": True}), {"alpha": None}),  # they wait
        lambda: ipfs.plan_of(ipfs.alpha()),
    ],
)
def test_c18_without_validators_that_run_there_is_no_budget(plan: Any) -> None:
    assert not budgets(plan())


def wishes(pod: Manifest) -> dict[str, int]:
    """How much a pod wishes to be apart from its like, by what."""
    rules = pod["spec"]["affinity"]["podAntiAffinity"]
    assert list(rules) == ["preferredDuringSchedulingIgnoredDuringExecution"]
    found = {}
    for rule in rules["preferredDuringSchedulingIgnoredDuringExecution"]:
        chosen = rule["podAffinityTerm"]["labelSelector"]["matchLabels"].items()
        assert chosen <= pod["metadata"]["labels"].items()
        found[rule["podAffinityTerm"]["topologyKey"]] = rule["weight"]
    return found


@pytest.mark.parametrize("kind", PLANS)
def test_c18_pods_of_one_role_avoid_each_others_machines_and_start_where_there_is_no_other(kind: str) -> None:
    for pod in pods(PLANS[kind]()).values():
        assert wishes(pod)["kubernetes.io/hostname"] == 100


@pytest.mark.parametrize("kind", PLANS)
def test_r19_validators_take_another_zone_where_machines_are_equal(kind: str) -> None:
    """A zone fails as a whole, and its machines are drained one after another."""
    for pod in pods(PLANS[kind]()).values():
        validates = pod["metadata"]["labels"]["archipelago/role"] == "validator"
        assert wishes(pod).get("topology.kubernetes.io/zone") == (50 if validates else None)


def test_r19_a_second_validator_restarts_no_first_one() -> None:
    one, two = (pods(plan_of(alpha(changes))) for changes in (ONE_NODE, {"nodes.quorum-node3": GONE}))
    assert one["consortium-quorum-node1"]["spec"]["affinity"] == two["consortium-quorum-node1"]["spec"]["affinity"]
    assert one["consortium-quorum-node1"]["metadata"]["labels"] == two["consortium-quorum-node1"]["metadata"]["labels"]


def test_r19_ones_own_rules_take_the_place_of_ours() -> None:
    mine: dict[str, Any] = {"preferredDuringSchedulingIgnoredDuringExecution": []}
    for pod in pods(plan_of(alpha({"defaults.affinity": {"podAntiAffinity": mine}}))).values():
        assert pod["spec"]["affinity"] == {"podAntiAffinity": mine}


def allowed(config: dict[str, Any], received: Any = None) -> int:
    plan = cita.plan_of(config, received) if config["network"]["kind"] == "cita-cloud" else plan_of(config, received)
    (budget,) = budgets(plan)
    return int(budget["spec"]["maxUnavailable"])


def validators(number: int) -> dict[str, Any]:
    return {"nodes": {f"n{index}": {"validator": True} for index in range(number)}}


@pytest.mark.parametrize(("number", "evicted"), [(1, 0), (2, 0), (3, 1), (4, 1), (7, 1)])
def test_r19_a_drain_takes_no_more_validators_than_the_chain_bears(number: int, evicted: int) -> None:
    assert allowed(alpha(validators(number))) == evicted


@pytest.mark.parametrize(("number", "asked", "evicted"), [(7, 2, 2), (7, 3, 2), (4, 0, 0), (4, 5, 1), (1, 1, 1)])
def test_r19_the_stack_file_says_how_many_up_to_what_the_chain_bears(number: int, asked: int, evicted: int) -> None:
    """One may always be said: who has a chain of one wants machines drained, too."""
    assert allowed(alpha({**validators(number), "cluster.evictableValidators": asked})) == evicted


def test_r19_raft_bears_less_than_half_and_bft_less_than_a_third() -> None:
    three = {"nodes.node3": GONE}
    raft, bft = ({**three, "network.services.consensus": each} for each in ("consensus_raft", "consensus_bft"))
    assert [allowed(cita.local(raft)), allowed(cita.local(bft))] == [1, 0]


def test_r19_validators_of_partners_count() -> None:
    """One of ours and three of theirs bear a loss; ours alone would not."""
    names = ["quorum-node1", *(f"beta/b{index}" for index in range(3))]
    theirs = {"nodes": {f"b{index}": {"validator": True} for index in range(3)}}
    founder = alpha({**ONE_NODE, "network.genesis": {"validators": names}})
    given = bundle(beta(theirs), {"alpha": bundle(founder)})
    assert allowed(founder, {"beta": given}) == 1
    assert allowed(alpha(ONE_NODE)) == 0


def test_r19_another_number_restarts_no_pod() -> None:
    one, two = (plan_of(alpha({**validators(7), "cluster.evictableValidators": each})) for each in (1, 2))
    assert {kind for kind, _ in difference(one, two)} == {"PodDisruptionBudget"}
