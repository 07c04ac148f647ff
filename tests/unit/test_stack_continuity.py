"""What a running stack refuses to lose by a change of its file: its keys, its name, its place."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from archipelago.chains.cita_cloud.accounts import SM, kms_db
from archipelago.problems import Refused
from tests import cita
from tests.stacks import GONE, Config, alpha, changed, floats, outputs_of, plan_of, refusal_of

pytestmark = pytest.mark.unit

SECOND = "nodes.quorum-node2"
KEY = "ab" * 32


def last(config: Config) -> Config:
    """A stack's own last outputs, as the engine gives them back."""
    exported: Config = floats(outputs_of(plan_of(config)))
    return exported


def test_keys_may_rotate_on_purpose_and_the_genesis_stays() -> None:
    before, after = plan_of(alpha()), plan_of(alpha({f"{SECOND}.identity": {"generation": 2}}), last=last(alpha()))
    assert after.genesis == before.genesis
    assert after.records[1].node_id != before.records[1].node_id


def test_another_seed_would_make_other_nodes_and_is_refused_node_by_node() -> None:
    problems = refusal_of(alpha({"identitySeed": "0f1e2d3c4b5a6978" * 4}), last=last(alpha()))
    assert [problem.path for problem in problems] == [f"nodes.quorum-node{number}" for number in (1, 2, 3)]
    assert all("its key would change" in problem.message for problem in problems)


def test_another_seed_is_told_alone_where_the_genesis_names_its_validators() -> None:
    """The first cure was to write the old addresses into the list of validators."""
    named: dict[str, Any] = {"network.genesis": {"validators": ["quorum-node1", "quorum-node2", "quorum-node3"]}}
    problems = refusal_of(alpha({"identitySeed": "0f1e2d3c4b5a6978" * 4, **named}), last=last(alpha(named)))
    assert [problem.path for problem in problems] == [f"nodes.quorum-node{number}" for number in (1, 2, 3)]


def test_a_renamed_network_is_refused_before_it_deletes_a_node() -> None:
    (problem,) = refusal_of(alpha({"network.name": "research"}), last=last(alpha()))
    assert problem.path == "network.name"
    assert "Set archipelago:network.name to consortium" in problem.cure


@pytest.mark.parametrize("file", ["nodekey", "account", "tessera"])
@pytest.mark.parametrize("forgotten", [False, True], ids=["given later", "forgotten later"])
def test_a_key_that_comes_or_goes_would_make_another_node_and_is_refused(file: str, forgotten: bool) -> None:
    imported, derived = alpha({f"{SECOND}.identity": {file: KEY}}), alpha()
    before, after = (imported, derived) if forgotten else (derived, imported)
    (problem,) = refusal_of(after, last=last(before))
    assert problem.path == SECOND
    assert "archipelago:nodes.quorum-node2.identity.generation" in problem.cure
    assert KEY not in problem.text("Pulumi.cluster-a.yaml")


def test_an_imported_key_may_replace_a_derived_one_on_purpose() -> None:
    on_purpose = alpha({f"{SECOND}.identity": {"nodekey": KEY, "generation": 2}})
    assert not refusal_of(on_purpose, last=last(alpha()))


def test_tessera_may_come_to_a_network_that_was_founded_without_it_and_go_again() -> None:
    """Its key comes and goes with it: nobody is replaced by that."""
    plain: dict[str, Any] = {"network.privacy": "none", "nodes.quorum-node1.exposure": GONE}
    founded = alpha(plain)
    both = last(alpha({"network.privacy.version": "0.10.6"}))
    assert not refusal_of(alpha(), last=last(founded))
    assert not refusal_of(founded, last=both)


def test_a_stack_does_not_move_its_running_nodes_to_another_namespace() -> None:
    """They would start there a second time with the same keys, and with empty claims."""
    (problem,) = refusal_of(alpha({"cluster.namespace": "elsewhere"}), last=last(alpha()))
    assert problem.path == "cluster.namespace"
    assert "archipelago:cluster.namespace to consortium" in problem.cure


def test_outputs_of_an_earlier_version_without_a_namespace_are_no_contradiction() -> None:
    earlier = last(alpha())
    earlier["network"].pop("namespace", None)
    assert not refusal_of(alpha({"cluster.namespace": "elsewhere"}), last=earlier)


def test_last_outputs_of_a_newer_version_are_not_guessed_at() -> None:
    newer = last(alpha())
    newer["network"]["schema"] = 2.0
    (problem,) = refusal_of(alpha(), last=newer)
    assert "newer version of this program" in problem.cure


def test_another_organisation_is_told_its_name_and_not_to_bring_back_the_seed() -> None:
    """Keys come from the seed, the organisation and the network: the seed is the right one."""
    (problem,) = refusal_of(alpha({"organisation": "gamma"}), last=last(alpha()))
    assert problem.path == "organisation"
    assert "archipelago:organisation to alpha" in problem.cure
    assert "seed" not in problem.text("Pulumi.cluster-a.yaml").lower()


def test_a_node_gets_no_key_that_another_one_runs_with() -> None:
    """As after a rename that keeps the key: the engine ends the old node after all else, and both would sign."""
    had = {"nodekey": "cd" * 32, "account": "ef" * 32}
    before = last(alpha({f"{SECOND}.identity": had}))
    renamed = {SECOND: GONE, "nodes.validator-b": {"identity": had}}
    (problem,) = refusal_of(alpha({**renamed, "losesValidators": ["quorum-node2"]}), last=before)
    assert problem.path == "nodes.validator-b"
    assert "has the key of quorum-node2, which runs with it" in problem.message
    without = last(alpha({SECOND: GONE}))
    assert not refusal_of(alpha(renamed), last=without), "in a run after that one"


def test_keys_do_not_go_from_one_running_node_to_another_in_one_run() -> None:
    had = {"nodekey": "cd" * 32, "account": "ef" * 32}
    before = last(alpha({f"{SECOND}.identity": had}))
    third = {"nodes.quorum-node3.identity": {**had, "generation": 2}, f"{SECOND}.identity": {"generation": 2}}
    found = refusal_of(alpha({**third, "losesValidators": ["quorum-node2", "quorum-node3"]}), last=before)
    assert [(each.path, "has the key of quorum-node2" in each.message) for each in found] == [
        ("nodes.quorum-node3", True)
    ]


@pytest.mark.parametrize("identity", [{}, {"nodekey": KEY}], ids=["derived", "imported"])
def test_a_generation_is_never_counted_down(identity: dict[str, Any]) -> None:
    """An older stack file would put earlier keys in the place of those that partners have taken."""
    before = last(alpha({f"{SECOND}.identity": {**identity, "generation": 3}}))
    (problem,) = refusal_of(alpha({f"{SECOND}.identity": {"generation": 2}}), last=before)
    assert problem.path == f"{SECOND}.identity.generation"
    assert "from generation 3 to 2" in problem.message
    assert "generation 4" in problem.cure


def test_an_imported_account_that_is_not_there_any_more_is_noticed_where_the_node_id_is_another_keys() -> None:
    """A CITA-Cloud node is known by syncthing's certificate, which stays; its account is what validates."""
    database = base64.b64encode(kms_db(SM, "123456", bytes.fromhex("11" * 32))).decode()
    first: Config = {"network.genesis.validators": ["node0", "node1", "node2"]}
    imported = cita.local({**first, "nodes.node3": {"index": 3, "identity": {"kmsDb": database}}})
    before = floats(outputs_of(cita.plan_of(imported)))
    without = changed(imported, {"nodes.node3.identity": GONE})
    with pytest.raises(Refused) as refused:
        cita.plan_of(without, None, before)
    (problem,) = refused.value.problems
    assert problem.path == "nodes.node3"
    assert "its key would change from address" in problem.message
