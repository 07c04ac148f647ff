"""`operate.verify` on CITA-Cloud nodes: what cannot be asked is skipped with the reason, the rest is checked."""

from __future__ import annotations

import pytest

from archipelago.chains.running import Lack
from operate.findings import Mark
from operate.site import look
from tests.fake_cita import FakeCita
from tests.unit.test_operate_verify import bad, found_in, of

pytestmark = pytest.mark.unit


@pytest.fixture
def network() -> FakeCita:
    return FakeCita()


def test_a_sound_chain_has_no_alarm_and_says_what_was_not_looked_at(network: FakeCita) -> None:
    found = found_in(network.stacks(), transact=True)
    assert [(each.check, each.mark) for each in found if each.mark is not Mark.OK] == [
        ("permissioned", Mark.SKIPPED),
        ("transaction", Mark.SKIPPED),
    ]
    assert {each.check for each in found} == {
        "pods", "height", "genesis", "same block", "peers", "permissioned", "validators", "reach", "drift",
        "transaction",
    }  # fmt: skip


def test_one_organisation_alone_knocks_at_its_partners_network_and_syncthing(network: FakeCita) -> None:
    found = found_in([network.stack("beta")])
    assert not bad(found)
    told = [each.seen for each in found if each.check == "reach"]
    ends = network.records["alpha/node0"].endpoints
    assert told[:2] == [f"network at {ends['network']} answers beta", f"sync at {ends['sync']} answers beta"]
    assert len(told) == 6


def test_a_partners_closed_port_is_named(network: FakeCita) -> None:
    network.clusters["alpha"].closed.add(str(network.records["beta/node0"].endpoints["sync"]))
    assert bad(found_in(network.stacks())) == {("reach", "beta/node0")}


def test_a_missing_pod_is_looked_for_by_its_labels(network: FakeCita) -> None:
    """The StatefulSet of the node `node1` is test-chain-1."""
    network.stop("alpha/node1")
    cure = of(found_in(network.stacks()), "pods", "alpha/node1").cure
    assert "get statefulset -l archipelago/network=test-chain,archipelago/node=node1 " in cure


def test_a_crashing_controller_is_told_with_its_reason_and_not_as_a_closed_port(network: FakeCita) -> None:
    network.node("alpha/node0").waiting = "CrashLoopBackOff"
    assert "controller: CrashLoopBackOff" in of(found_in(network.stacks()), "pods", "alpha/node0").seen


def test_another_genesis_and_another_chain_are_told(network: FakeCita) -> None:
    network.node("beta/node0").genesis = "0x" + "99" * 32
    network.node("beta/node0").fork = "b"
    assert bad(found_in(network.stacks())) == {("genesis", "beta/node0"), ("same block", "beta/node0")}


def test_a_chain_that_stands_still_names_how_many_it_takes(network: FakeCita) -> None:
    for name in network.records:
        network.node(name).stuck = True
    assert "3 of 4 validators have to run" in of(found_in(network.stacks()), "height", "alpha/node0").cure


def test_fewer_connections_than_nodes_are_a_warning_because_nobody_knows_whose(network: FakeCita) -> None:
    network.node("alpha/node0").peers.pop()
    found = of(found_in(network.stacks()), "peers", "alpha/node0")
    assert found.mark is Mark.WARNING
    assert found.seen.startswith("2 connections, and 3 others in the address book")


def test_a_connection_that_is_counted_twice_is_no_alarm(network: FakeCita) -> None:
    network.node("alpha/node0").peers |= {"one more", "and another"}
    assert not [each for each in found_in(network.stacks()) if each.check == "peers" and each.mark is not Mark.OK]


def test_validators_that_differ_name_the_super_admin_and_no_vote(network: FakeCita) -> None:
    network.validate("alpha/node0", "alpha/node1", "alpha/node2")
    found = of(found_in(network.stacks()), "validators", "test-chain")
    assert "beta/node0 is to come" in found.seen
    assert "super admin" in found.cure
    assert "archipelago validators" not in found.cure
    for cluster in network.clusters.values():
        for each in cluster.nodes.values():
            each.validators.append("0x" + "77" * 20)
    assert "super admin" in of(found_in(network.stacks()), "validators", "test-chain").cure


def test_a_node_tells_whether_it_validates(network: FakeCita) -> None:
    network.validate("alpha/node0")
    states = [each.state for each in look([network.stack("alpha").site])]
    assert [state and state.address in state.validators for state in states] == [True, False, False]


def test_what_is_lacking_is_said_in_a_sentence_with_what_to_do_instead(network: FakeCita) -> None:
    running = network.stack("alpha").site.chain.running
    for each in (running.console, running.admission, running.votes, running.trials):
        assert isinstance(each, Lack)
        assert each.words.endswith(".")
        assert each.instead.endswith(".")
