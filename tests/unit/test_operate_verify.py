"""`operate.verify` on a network that is broken piece by piece: each culprit is found and named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from archipelago.problems import Problem
from operate.drift import Hidden, differences
from operate.findings import Finding, Mark
from operate.stack import Stack
from operate.verify import Limits, verify
from tests.fake_network import FakeNetwork

pytestmark = pytest.mark.unit


class _Clock:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def network() -> FakeNetwork:
    return FakeNetwork()


def found_in(stacks: Sequence[Stack], *, transact: bool = False) -> list[Finding]:
    clock = _Clock()
    limits = Limits(seconds=10, transact=transact, sleep=clock.sleep, clock=lambda: clock.now)
    return list(verify(stacks, limits, lambda _: None))


def bad(found: Sequence[Finding]) -> set[tuple[str, str]]:
    return {(each.check, each.subject) for each in found if each.mark is Mark.FAILED}


def of(found: Sequence[Finding], check: str, subject: str) -> Finding:
    (one,) = [each for each in found if (each.check, each.subject) == (check, subject) and each.mark is not Mark.OK]
    return one


def marks(found: Sequence[Finding]) -> Iterator[Mark]:
    yield from {each.mark for each in found}


def test_a_sound_network_has_no_alarm(network: FakeNetwork) -> None:
    found = found_in(network.stacks())
    assert set(marks(found)) == {Mark.OK}, [each for each in found if each.mark is not Mark.OK]
    assert {each.check for each in found} == {
        "pods", "height", "genesis", "same block", "peers", "permissioned", "validators", "reach", "drift",
    }  # fmt: skip


def test_one_organisation_alone_sees_its_own_nodes_and_the_partners_ports(network: FakeNetwork) -> None:
    found = found_in([network.stack("alpha")])
    assert set(marks(found)) == {Mark.OK}
    assert [each.subject for each in found if each.check == "reach"] == ["beta/quorum-node1", "beta/quorum-node2"]
    assert not any(each.check == "pods" and each.subject.startswith("beta/") for each in found)


def test_a_stopped_node_is_named(network: FakeNetwork) -> None:
    network.stop("beta/quorum-node2")
    found = found_in(network.stacks())
    assert "pulumi up --refresh -s cluster-b" in of(found, "pods", "beta/quorum-node2").cure
    assert "missing: beta/quorum-node2" in of(found, "peers", "alpha/quorum-node1").seen
    assert "beta/quorum-node2: it has no pod" in of(found, "peers", "alpha/quorum-node1").cure


def test_a_partners_stopped_node_is_named_from_outside(network: FakeNetwork) -> None:
    network.stop("beta/quorum-node2")
    network.clusters["alpha"].closed.add(str(network.records["beta/quorum-node2"].endpoints["p2p"]))
    found = found_in([network.stack("alpha")])
    assert bad(found) == {
        ("peers", "alpha/quorum-node1"), ("peers", "alpha/quorum-node2"), ("reach", "beta/quorum-node2"),
    }  # fmt: skip
    assert "Ask beta" in of(found, "peers", "alpha/quorum-node1").cure


def test_a_crashing_node_is_named_with_the_reason(network: FakeNetwork) -> None:
    network.node("alpha/quorum-node1").waiting = "CrashLoopBackOff"
    found = of(found_in(network.stacks()), "pods", "alpha/quorum-node1")
    assert "quorum: CrashLoopBackOff" in found.seen
    assert found.cure == "archipelago logs quorum-node1 -s cluster-a"


def test_a_crashing_node_is_named_with_its_last_words(network: FakeNetwork) -> None:
    network.node("alpha/quorum-node1").waiting = "CrashLoopBackOff"
    network.node("alpha/quorum-node1").said = "INFO starting\nthis volume belongs to another chain\n\n"
    found = of(found_in(network.stacks()), "pods", "alpha/quorum-node1")
    assert "quorum: CrashLoopBackOff (this volume belongs to another chain)" in found.seen


def test_a_node_that_restarted_is_a_warning(network: FakeNetwork) -> None:
    network.node("alpha/quorum-node1").restarts = 2
    found = of(found_in(network.stacks()), "pods", "alpha/quorum-node1")
    assert (found.mark, found.seen) == (Mark.WARNING, "ready, after 2 restarts")


def test_a_node_on_another_genesis_is_named(network: FakeNetwork) -> None:
    network.node("beta/quorum-node1").genesis = "0x" + "12" * 32
    found = found_in(network.stacks())
    assert ("genesis", "beta/quorum-node1") in bad(found)
    assert not any(check == "genesis" and subject.startswith("alpha") for check, subject in bad(found))


def test_a_partner_that_exported_another_genesis_is_named_with_the_founder(network: FakeNetwork) -> None:
    stack = network.stack("alpha")
    (given,) = stack.imports
    assert given.network
    other = replace(given, network=given.network.model_copy(update={"genesis_hash": "0x" + "12" * 32}))
    found = of(found_in([replace(stack, imports=(other,))]), "genesis", "beta")
    assert found.seen.startswith("exported genesis 0x121212…1212, and alpha runs 0x")
    assert "alpha's is the network's" in found.cure


def test_a_fork_names_the_node_that_parted_from_the_others(network: FakeNetwork) -> None:
    network.node("beta/quorum-node1").fork = "f"
    assert bad(found_in(network.stacks())) == {("same block", "beta/quorum-node1")}


def test_blocks_that_stopped_are_told_with_the_quorum(network: FakeNetwork) -> None:
    for name in network.records:
        network.node(name).stuck = True
    found = found_in(network.stacks())
    assert {each for each in bad(found) if each[0] == "height"} == {("height", name) for name in network.records}
    assert "3 of 4 validators have to run" in of(found, "height", "alpha/quorum-node1").cure
    assert "Blocks come late after a long pause" in of(found, "height", "alpha/quorum-node1").cure


def test_a_partners_closed_port_is_named(network: FakeNetwork) -> None:
    endpoint = str(network.records["beta/quorum-node1"].endpoints["p2p"])
    network.clusters["alpha"].closed.add(endpoint)
    found = found_in(network.stacks())
    assert bad(found) == {("reach", "beta/quorum-node1")}
    told = of(found, "reach", "beta/quorum-node1")
    assert f"p2p at {endpoint} does not answer alpha" in told.seen
    assert "Ask beta" in told.cure


def test_a_partners_private_transaction_port_is_asked_too() -> None:
    network = FakeNetwork(privacy=True)
    endpoint = str(network.records["beta/quorum-node1"].endpoints["tessera"])
    network.clusters["alpha"].closed.add(endpoint)
    assert bad(found_in(network.stacks())) == {("reach", "beta/quorum-node1")}


def test_s8_a_partners_key_that_tessera_has_forgotten_is_named_without_a_transaction() -> None:
    network = FakeNetwork(privacy=True)
    key = network.records["beta/quorum-node2"].privacy_key
    network.node("alpha/quorum-node1").lost_keys.add(key)
    found = found_in(network.stacks())
    assert bad(found) == {("private keys", "alpha/quorum-node1")}
    told = of(found, "private keys", "alpha/quorum-node1")
    assert "lacks the key of beta/quorum-node2" in told.seen
    assert "ask beta" in told.cure


def test_s8_reach_asks_siblings_at_the_address_that_tessera_uses() -> None:
    network = FakeNetwork(privacy=True)
    endpoint = str(network.records["alpha/quorum-node2"].endpoints["tessera"])
    network.clusters["alpha"].closed.add(endpoint)
    found = found_in([network.stack("alpha")])
    assert ("reach", "alpha/quorum-node2") in bad(found)
    assert "from inside the cluster" in of(found, "reach", "alpha/quorum-node2").cure


def test_an_old_permissioned_list_names_whom_it_lacks(network: FakeNetwork) -> None:
    node = network.node("alpha/quorum-node1")
    lines = [line for line in node.listed.splitlines() if network.records["beta/quorum-node2"].node_id not in line]
    node.listed = "\n".join(lines).replace(",\n]", "\n]")
    found = of(found_in(network.stacks()), "permissioned", "alpha/quorum-node1")
    assert found.seen == "its list lacks beta/quorum-node2"
    assert "pulumi up -s cluster-a" in found.cure


def test_a_partners_moved_node_is_told(network: FakeNetwork) -> None:
    node, port = network.node("alpha/quorum-node1"), network.records["beta/quorum-node2"].endpoints["p2p"].port
    node.listed = node.listed.replace(f":{port}?", ":31999?")
    assert of(found_in(network.stacks()), "permissioned", "alpha/quorum-node1").seen == (
        "its list has an old address of beta/quorum-node2"
    )


def test_a_partners_new_node_is_one_finding_with_the_cure_of_this_stack(network: FakeNetwork) -> None:
    """It was ten, and most of them sent to the partner."""
    network.world.configs["beta"]["nodes"]["quorum-node3"] = {}
    network.world.up("beta")
    network.plans["alpha"] = network.world.plan("alpha")
    found = [each for each in found_in([network.stack("alpha")]) if each.mark is not Mark.OK]
    settings, *rest = sorted(found, key=lambda each: each.check)
    assert (settings.check, settings.subject, settings.mark) == ("settings", "cluster-a", Mark.FAILED)
    assert "beta/quorum-node3" in settings.seen
    assert settings.cure.startswith("pulumi up -s cluster-a;")
    assert rest == []


def test_what_else_is_wrong_beside_a_partners_new_node_is_still_found(network: FakeNetwork) -> None:
    network.world.configs["beta"]["nodes"]["quorum-node3"] = {}
    network.world.up("beta")
    network.plans["alpha"] = network.world.plan("alpha")
    network.stop("beta/quorum-node1")
    objects = network.clusters["alpha"].objects
    objects[:] = [each for each in objects if each["kind"] != "NetworkPolicy"]
    found = bad(found_in([network.stack("alpha")]))
    assert {("settings", "cluster-a"), ("peers", "alpha/quorum-node1"), ("drift", "cluster-a")} <= found


def test_validators_that_differ_are_a_warning_that_names_the_command(network: FakeNetwork) -> None:
    network.validate("alpha/quorum-node1", "alpha/quorum-node2", "beta/quorum-node1")
    found = of(found_in(network.stacks()), "validators", "consortium")
    assert found.mark is Mark.WARNING
    assert "beta/quorum-node2 is to come" in found.seen
    assert "archipelago validators plan -s cluster-a -s cluster-b" in found.cure


def test_a_changed_and_a_missing_object_are_drift(network: FakeNetwork) -> None:
    objects = network.clusters["alpha"].objects
    deployment = next(
        each
        for each in objects
        if each["metadata"]["name"] == "consortium-quorum-node1" and each["kind"] == "StatefulSet"
    )
    deployment["spec"]["replicas"] = 0
    objects[:] = [
        each for each in objects if (each["kind"], each["metadata"]["name"]) != ("Service", "consortium-quorum-node2")
    ]
    found = found_in(network.stacks())
    assert bad(found) == {("drift", "alpha/quorum-node1"), ("drift", "alpha/quorum-node2")}
    assert "spec.replicas: 0 instead of 1" in of(found, "drift", "alpha/quorum-node1").seen
    assert of(found, "drift", "alpha/quorum-node2").seen == "Service consortium-quorum-node2 is missing"


def test_a_changed_secret_is_drift_that_shows_nothing_of_it(network: FakeNetwork) -> None:
    objects = network.clusters["alpha"].objects
    secret = next(each for each in objects if each["kind"] == "Secret")
    key = network.plans["alpha"].nodes[0].private_files["nodekey"]
    secret["data"]["nodekey"] = "AAAA"
    found = of(found_in(network.stacks()), "drift", "alpha/quorum-node1")
    assert found.seen.endswith("data.nodekey: another secret value")
    assert key not in found.seen
    assert "AAAA" not in found.seen


@pytest.mark.parametrize("password", ["123456", "letmein"])
def test_s10_no_digest_of_a_secret_is_shown_that_a_dictionary_opens(password: str) -> None:
    """32 bits of a hash are enough to know a short password by."""
    wanted, live = ({"data": {"key_file": Hidden(text.encode())}} for text in (password, "other"))
    assert list(differences(wanted, live)) == ["data.key_file: another secret value"]
    assert list(differences(wanted, {})) == ["data.key_file: nothing instead of a secret value"]
    assert list(differences(wanted, wanted)) == []
    assert password not in repr(wanted)
    texts = [{"text": f"first\n{each}"} for each in ("123456", "654321")]
    assert list(differences(texts[0], texts[1])) == ["text: another text of 12 characters, from line 2 on"]


def test_a_passphrase_that_does_not_open_the_stack_file_is_a_failure(network: FakeNetwork) -> None:
    """A run of CI with a wrong passphrase compares nothing, and must not pass."""
    locked = network.stack("alpha", plan=None, sealed="the passphrase is another one", locked=True)
    assert of(found_in([locked]), "drift", "cluster-a").mark is Mark.FAILED


def test_what_a_removed_node_left_is_no_failure_and_names_release(network: FakeNetwork) -> None:
    cluster = network.clusters["alpha"]
    left = [each for each in cluster.objects if each["kind"] in ("Secret", "PersistentVolumeClaim")][:2]
    for each in left:
        copy = {**each, "metadata": {**each["metadata"], "name": each["metadata"]["name"].replace("node1", "node9")}}
        copy["metadata"]["labels"] = {**each["metadata"]["labels"], "archipelago/node": "quorum-node9"}
        cluster.objects.append(copy)
    found = [each for each in found_in(network.stacks()) if each.mark is not Mark.OK]
    assert {(each.check, each.subject, each.mark) for each in found} == {("drift", "alpha/quorum-node9", Mark.WARNING)}
    assert all("archipelago release quorum-node9 -s cluster-a" in each.cure for each in found)


def test_sealed_settings_skip_the_comparison_and_say_why(network: FakeNetwork) -> None:
    found = of(found_in([network.stack("alpha", plan=None, sealed="is sealed")]), "drift", "cluster-a")
    assert found.mark is Mark.SKIPPED


def test_what_planning_refuses_is_a_finding_and_the_rest_is_still_looked_at(network: FakeNetwork) -> None:
    problem = Problem("partners.beta", "beta is on chain 1.", "Let one of them join.")
    found = found_in([network.stack("alpha", plan=None, problems=(problem,))])
    assert bad(found) == {("settings", "cluster-a")}
    assert of(found, "settings", "cluster-a").seen == "archipelago:partners.beta: beta is on chain 1."


def test_transactions_are_made_read_and_changed_on_every_node(network: FakeNetwork) -> None:
    found = found_in(network.stacks(), transact=True)
    told = [each for each in found if each.check == "transaction"]
    assert [each.mark for each in told] == [Mark.OK, Mark.OK]
    assert "read on 4 nodes" in told[0].seen


def test_a_transaction_that_nobody_mines_is_a_failure(network: FakeNetwork) -> None:
    network.clusters["beta"].mines = False
    found = found_in(network.stacks(), transact=True)
    assert ("transaction", "beta/quorum-node2") in bad(found)


@pytest.mark.parametrize(("privacy", "words"), [(False, "privacy is off"), (True, "is a stand-in")])
def test_a_private_transaction_that_cannot_be_made_is_skipped_never_passed(privacy: bool, words: str) -> None:
    network = FakeNetwork(privacy=privacy)
    found = of(found_in(network.stacks(), transact=True), "private transaction", "consortium")
    assert found.mark is Mark.SKIPPED
    assert words in found.seen


def test_a_list_that_stays_because_outputs_are_lost_is_told_once_and_with_what_helps(network: FakeNetwork) -> None:
    """`pulumi up --refresh` would leave it as it is."""
    plan, objects = network.plans["alpha"], network.clusters["alpha"].objects
    network.plans["alpha"] = replace(plan, unheard=frozenset({"beta"}))
    (listed,) = [
        each for each in objects if (each["kind"], each["metadata"]["name"]) == ("ConfigMap", "consortium-peers")
    ]
    listed["data"] = {**listed["data"], "permissioned-nodes.json": "[]"}
    found = found_in([network.stack("alpha")])
    assert ("drift", "cluster-a") not in bad(found)
    told = [each for each in found if "the list of peers stays" in each.seen]
    assert [(each.mark, each.check) for each in told] == [(Mark.WARNING, "settings")]
    assert "Run pulumi up at beta" in told[0].cure
    network.plans["alpha"] = plan
    assert ("drift", "cluster-a") in bad(found_in([network.stack("alpha")]))
