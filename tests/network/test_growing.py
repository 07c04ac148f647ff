"""A network that grows and shrinks while it runs: nobody who need not restart does."""

from __future__ import annotations

import signal
import time

import pytest

from tests import labs
from tests.network.geth import Geth
from tests.network.networks import Measure, Network, Organisation, eventually, founder, joiner

pytestmark = pytest.mark.network


def test_a_partner_joins_moves_and_leaves_a_running_network(network: Network, measure: Measure) -> None:
    alpha = network.add(founder(network.name, ["node1", "node2"]), "a")
    network.up("alpha")
    network.wait_for_blocks(5)
    pods = alpha.pods()

    beta = network.add(joiner("beta", network.name, ["node1"], {"defaults.validator": False}), "b")
    network.up("beta", "alpha")
    measure("a node that joined has all peers after the last up", network.peered(2))
    network.wait_for_blocks()
    assert len(set(network.ask(lambda geth: geth.block_hash(3)).values())) == 1, "the new node is on the same chain"
    assert alpha.pods() == pods, "nothing of alpha was restarted"

    beta.configure("nodes.node1.exposure", {"ports": {"p2p": 30040}})
    network.up("beta", "alpha")
    address = f"{network.lab.cluster('b').address}:30040"
    began = time.monotonic()
    listed = "cat /peers/static-nodes.json"
    eventually(lambda: alpha.run("exec", f"statefulset/{network.name}-node1", "-c", "quorum", "--", "sh", "-c", listed),
               lambda text: address in text, 150)  # fmt: skip
    eventually(lambda: alpha.geth("node1").peers(), lambda seen: len(seen) == 2)
    measure("a moved node is found again", time.monotonic() - began)
    assert alpha.pods() == pods

    beta.stack.destroy().expect()
    alpha.stack.up().expect()
    everyone = [(alpha, node) for node in alpha.nodes]
    measure("a node that left is nobody's peer", network.peered(1, nodes=everyone))
    assert alpha.pods() == pods
    network.wait_for_blocks(nodes=everyone)


def test_each_organisation_votes_with_its_own_nodes(network: Network, measure: Measure) -> None:
    alpha = network.add(founder(network.name, ["node1", "node2", "beta/node1"]), "a")
    beta = network.add(joiner("beta", network.name, ["node1"]), "b")
    network.up("alpha", "beta", "alpha", "beta")
    network.wait_for_blocks()

    beta.configure("nodes.node2", {"validator": True})
    network.up("beta", "alpha")
    assert "beta/node2" in alpha.archipelago("validators", "plan", code=3)
    network.peered(3)  # only a connected node is voted for
    began = time.monotonic()
    alpha.archipelago("validators", "apply", "--add", "beta/node2")
    beta.archipelago("validators", "apply")
    _validators(network, 4)
    measure("voted in", time.monotonic() - began)

    beta.configure("nodes.node2", {"validator": False})
    network.up("beta", "alpha")
    began = time.monotonic()
    gone = ("--remove", "beta/node2", "--force", "--allow-share")  # three bear no fault, and alpha has two of them
    told = alpha.archipelago("validators", "apply", *gone)
    assert "beta" in told, "two of four votes are not enough, and beta is told to vote"
    time.sleep(6)
    assert _count(alpha) == 4, "alpha alone cannot decide it"
    beta.archipelago("validators", "apply", *gone)
    _validators(network, 3)
    measure("voted out", time.monotonic() - began)


def _count(organisation: Organisation) -> int:
    return organisation.geth("node1").validators()


def _validators(network: Network, count: int) -> None:
    eventually(lambda: network.ask(Geth.validators), lambda seen: set(seen.values()) == {count})


def test_a_stack_that_was_destroyed_goes_on_with_its_chain(network: Network, measure: Measure) -> None:
    alpha = network.add(founder(network.name, ["node1"]), "a")
    beta = network.add(joiner("beta", network.name, ["node1"], {"defaults.validator": False}), "b")
    network.up("alpha", "beta", "alpha")
    network.wait_for_blocks(5)
    before, height = beta.geth("node1").identity(4), beta.geth("node1").height()
    beta.stack.destroy().expect()
    began = time.monotonic()
    beta.stack.up().expect()
    assert eventually(lambda: beta.geth("node1").identity(4), lambda seen: seen[1] is not None) == before
    assert beta.geth("node1").height() >= height, "it kept its blocks"
    alpha.stack.up().expect()  # NodePorts may be others now
    network.wait_for_blocks()
    measure("destroyed, deployed again and in sync", time.monotonic() - began)


def test_a_node_is_added_removed_brought_back_and_released(network: Network, measure: Measure) -> None:
    alpha = network.add(founder(network.name, ["node1"]), "a")
    network.up("alpha")
    network.wait_for_blocks(5)
    pods = alpha.pods()

    alpha.configure("nodes.node2", {"validator": False})
    run = alpha.stack.up().expect()
    made = {name for op, _, name in run.changes if op == "create"}
    assert all(name.startswith(f"{network.name}-node2") for name in made)
    changed = {name for op, _, name in run.changes if op != "create"}
    assert changed <= {f"{network.name}-peers", f"{network.name}-node1"}, "only the list, and who may be dialled"
    assert {node: pod for node, pod in alpha.pods().items() if node == "node1"} == pods
    measure("a node that was added has its peer", network.peered(1))
    network.wait_for_blocks(3)
    before = alpha.geth("node2").identity(3)

    alpha.stack.configure(lambda config: config["archipelago:nodes"].pop("node2"))
    alpha.stack.up().expect()
    assert _left(alpha) == {f"{network.name}-node2-identity", f"{network.name}-node2-data"}
    alpha.configure("nodes.node2", {"validator": False})
    alpha.stack.up().expect()
    after = eventually(
        lambda: alpha.geth("node2").identity(3),
        lambda seen: seen[1] is not None,
    )
    assert after == before, "the same node, with its blocks"

    assert "node2" in alpha.archipelago("release", "node2", "--yes", code=1), "it is still in use"
    alpha.stack.configure(lambda config: config["archipelago:nodes"].pop("node2"))
    alpha.stack.up().expect()
    alpha.gone("node2")
    alpha.archipelago("release", "node2", "--yes")
    assert _left(alpha) == set()
    assert alpha.pods() == pods


def _left(alpha: Organisation) -> set[str]:
    found = alpha.get("secrets,persistentvolumeclaims", "-l", "archipelago/node=node2")["items"]
    return {each["metadata"]["name"] for each in found}


@pytest.mark.soak
def test_an_up_that_was_killed_is_taken_up_again(network: Network, measure: Measure) -> None:
    alpha = network.add(founder(network.name, ["node1", "node2"], {"defaults.awaitReady": True}), "a")
    process = labs.saved_at_each_step(alpha.stack).start("up", "--yes", "--skip-preview")
    eventually(lambda: alpha.get("statefulsets")["items"], bool, 60)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    began = time.monotonic()
    assert alpha.stack.up().code != 0, "the stack is locked"
    alpha.stack.run("cancel", "--yes").expect()
    alpha.stack.up().expect()
    network.wait_for_blocks()
    measure("blocks after a killed up, cancel and up", time.monotonic() - began)
    assert set(alpha.workloads()) == set(alpha.pods()) == {"node1", "node2"}, "nothing is there twice"
    assert len(alpha.get("pods")["items"]) == 2
    assert alpha.stack.preview().changes == []
