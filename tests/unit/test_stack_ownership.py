"""One key, one cluster: whose a stack's objects are for its whole life, and where it may run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from archipelago.chains.registry import CHAINS
from archipelago.problems import Refused
from archipelago.settings.models import Cluster
from archipelago.stack import ownership
from archipelago.stack.ownership import Met
from archipelago.stack.plan import StackPlan, plan_stack
from tests.stacks import NOWHERE, SOURCE, Config, alpha, floats, outputs_of, settings_of
from tests.world import objects

pytestmark = pytest.mark.unit

OLD = "alpha.cluster-a.76f15287"  # as 3f51e16 made it of the stack's name
LONG = "a" * 40


def planned(
    name: str = "cluster-a", last: Mapping[str, Any] | None = None, met: Met | None = None, config: Config | None = None
) -> StackPlan:
    settings = settings_of(config or alpha())
    return plan_stack(settings, CHAINS["goquorum"], name, {}, last or {}, NOWHERE, SOURCE, None, met)


def standing(*owners: tuple[str, str]) -> Met:
    return Met(uid="a", context="lab-a", owners=frozenset(owners))


def of_old(plan: StackPlan) -> dict[str, Any]:
    """Outputs as older programs wrote them."""
    return {key: value for key, value in floats(outputs_of(plan)).items() if key not in ("owner", "cluster")}


def test_c3_a_renamed_stack_has_the_owner_that_it_recorded() -> None:
    first = planned()
    assert first.owner not in (OLD, "") and "cluster-a" not in first.owner
    again = planned("cluster-a2", floats(outputs_of(first)))
    assert again.owner == first.owner
    changed = {kind for (kind, _), each in objects(again).items() if objects(first)[kind, _] != each}
    assert changed == {"Namespace", "Secret", "PersistentVolumeClaim"}, "only what names the stack"
    assert planned("cluster-a2", floats(outputs_of(again))).owner == first.owner


def test_c3_a_stack_of_an_older_program_keeps_its_owner_and_a_renamed_one_too() -> None:
    last = of_old(planned())
    met = standing((OLD, ""))
    assert planned(last=last, met=met).owner == OLD
    assert planned("cluster-a2", last, met).owner == OLD
    assert planned(last=last).owner == OLD, "a preview without a cluster"
    assert outputs_of(planned("cluster-a2", last, met))["owner"] == OLD


def test_c3_a_lost_state_finds_its_objects_of_either_program_again() -> None:
    first = planned()
    assert planned(met=standing((first.owner, "cluster-a"), (first.owner, ""))).owner == first.owner
    assert planned(met=standing((OLD, ""))).owner == OLD
    assert planned("cluster-a2", met=standing((OLD, ""))).owner == first.owner, "who refuses what it finds"


def test_c3_a_renamed_stack_of_an_older_program_finds_its_objects_under_its_last_name() -> None:
    """Its owner has the first name for ever; what outlives a stack, or its state, is annotated with the last one."""
    last, there = of_old(planned()), standing((OLD, ""))
    renamed = planned("cluster-a2", last, there)
    assert renamed.owner == OLD
    left = standing((OLD, "cluster-a2"), (OLD, ""))
    assert planned("cluster-a2", met=left).owner == OLD, "its state is lost"
    assert planned("cluster-a2", met=standing((OLD, "cluster-a2"))).owner == OLD, "it was destroyed"
    with pytest.raises(Refused):
        planned("cluster-a", met=left)


def test_c3_objects_that_name_another_organisation_or_key_are_not_a_stacks_own() -> None:
    new = planned().owner
    for other in ("alpha.cluster-a.12345678", "beta.cluster-a.76f15287"):
        assert planned("cluster-a2", met=standing((other, "cluster-a2"))).owner == new
    both = standing((OLD, "cluster-a2"), ("alpha.cluster-b.76f15287", "cluster-a2"))
    assert planned("cluster-a2", met=both).owner == new, "of two it is neither"


def test_c4_a_second_stack_with_the_same_key_network_and_namespace_is_refused() -> None:
    """They would have one owner: by the label alone the second would take the objects of the first."""
    met = standing((planned().owner, "cluster-a"))
    with pytest.raises(Refused) as refused:
        planned("cluster-a2", met=met)
    (problem,) = refused.value.problems
    assert problem.path == "cluster.namespace"
    assert "belongs to the stack cluster-a, which has the same seed" in problem.message
    assert "archipelago/stack=cluster-a2" in problem.cure
    assert planned("cluster-a2", floats(outputs_of(planned())), met), "it was renamed"


def test_c4_two_stacks_that_share_a_key_have_two_owners() -> None:
    elsewhere = alpha({"cluster.namespace": "elsewhere"})
    first, second = planned().owner, planned("cluster-a2", config=elsewhere).owner
    assert first != second
    assert ownership.is_twin(second, first)
    assert ownership.is_twin(OLD, first)
    assert not ownership.is_twin(first, first)
    assert not ownership.is_twin("beta.cluster-b.12345678", first)
    assert not ownership.is_twin("alpha.cluster-a.12345678", first), "another seed"


def test_c34_long_names_are_not_cut_to_one_owner() -> None:
    config = alpha({"organisation": LONG, "partners": {}})
    one, two = (planned(name, config=config).owner for name in ("production-eu-1", "production-eu-2"))
    assert len(one) <= 63
    old = f"{LONG}.production-eu.{one.rpartition('.')[2]}"
    assert planned("production-eu-2", met=standing((old, "production-eu-1")), config=config).owner == two
    assert planned("production-eu-2", met=standing((old, "")), config=config).owner == two, "it may be another's"
    last = of_old(planned("production-eu-1", config=config))
    assert planned("production-eu-1", last, standing((old, "")), config).owner == old


def test_c2_another_cluster_is_a_problem_that_names_both_until_the_file_names_the_new_one() -> None:
    last = floats(outputs_of(planned(met=Met("uid-a", "lab-a"))))
    assert last["cluster"] == {"uid": "uid-a", "context": "lab-a"}
    assert ownership.another_cluster(last, Cluster(), Met("uid-a", "renamed")) is None
    problem = ownership.another_cluster(last, Cluster(), Met("uid-b", "lab-b"))
    assert problem and problem.path == "cluster.context"
    for text in ("uid-a (context lab-a)", "the context lab-b leads to the cluster uid-b"):
        assert text in problem.message
    assert "archipelago:cluster.uid: uid-b" in problem.cure
    moved = Cluster(uid="uid-b")
    assert ownership.another_cluster(last, moved, Met("uid-b", "lab-b")) is None
    # what moved a stack once holds it there
    back = ownership.another_cluster(last, moved, Met("uid-a", "lab-a"))
    assert back and back.path == "cluster.uid"
    assert ownership.record(last, Met("uid-b", "lab-b")) == {"uid": "uid-b", "context": "lab-b"}


def test_c2_what_is_not_told_is_not_forgotten_and_the_first_run_records() -> None:
    last = {"cluster": {"uid": "uid-a", "context": "lab-a"}}
    assert ownership.another_cluster({}, Cluster(), Met("uid-b")) is None
    assert ownership.another_cluster(last, Cluster(), Met(withheld="forbidden")) is None
    assert ownership.record(last, Met(withheld="forbidden")) == last["cluster"]
    assert ownership.record(last, Met("uid-a", "other name")) == last["cluster"], "no change by another's kubeconfig"
    assert ownership.record({}, Met()) == {"uid": "", "context": ""}
