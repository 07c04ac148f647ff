"""Rules of later blocks are brought to nodes that take them, and to no others: the nodes are asked first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archipelago.chains.registry import CHAINS
from archipelago.problems import Problem
from archipelago.stack.ownership import Met
from archipelago.stack.plan import StackPlan, plan_stack
from archipelago.stack.standing import Trace
from operate.later import problems
from tests.fake_network import FakeNetwork
from tests.stacks import Config, changed, crossed, floats, outputs_of, plan_of, settings_of

pytestmark = pytest.mark.unit

NODES = ("quorum-node1", "quorum-node2")
Change = Callable[[Config], object]


def fork(block: int) -> Change:
    return lambda config: config.update(berlinBlock=block)


class Chain:
    """alpha's two nodes on a chain of 100 blocks, and what its file says.

    Args:
        folder: Of the project.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.there = FakeNetwork()
        genesis = self.there.plans["alpha"].genesis
        assert genesis
        self.text = genesis.text
        self.last: dict[str, Any] = self.there.world.outputs["alpha"]
        self.standing = ""  # the genesis in the ConfigMap, where a test says so
        for name in NODES:
            self.there.node(f"alpha/{name}").given = self.text
            self.there.node(f"alpha/{name}").stuck = True

    def changed(self, *changes: Change) -> str:
        """The genesis with other rules."""
        document = json.loads(self.text)
        for each in changes:
            each(document["config"])
        return json.dumps(document)

    def plan(self, text: str, beta: Config | None = None) -> StackPlan:
        """What a preview makes of a file."""
        (self.folder / "genesis.json").write_text(text)
        config = changed(self.there.world.configs["alpha"], {"network.genesisFile": "genesis.json"})
        given = crossed(beta or self.there.world.outputs["beta"])
        settings, source = settings_of(config), "Pulumi.cluster-a.yaml"
        owner = self.there.plans["alpha"].owner
        met = Met(traces=(Trace(owner, "consortium", "", self.standing),) if self.standing else ())
        last, chain = floats(self.last), CHAINS["goquorum"]
        return plan_stack(settings, chain, "cluster-a", {"beta": given}, last, self.folder, source, met=met)

    def problems(self, text: str, beta: Config | None = None) -> list[Problem]:
        """Why a file is refused, once its nodes were asked."""
        return list(problems(self.plan(text, beta), CHAINS["goquorum"], self.there.clusters["alpha"]))

    def records(self, text: str) -> None:
        """A run takes a file, and stops before the first node's turn is over."""
        self.last = outputs_of(self.plan(text))


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(tmp_path)


def test_c25_a_block_that_has_passed_is_refused_before_anything_is_touched(chain: Chain) -> None:
    """A node's init fails at it; by then outputs and ConfigMap have the new rules."""
    (problem,) = chain.problems(chain.changed(fork(100)))
    assert problem.path == "network.genesisFile"
    assert "from block 100 on" in problem.message and "block 100 is there" in problem.message
    assert chain.problems(chain.changed(fork(101))) == []


def test_c25_the_highest_node_counts_and_those_that_do_not_answer_are_passed_over(chain: Chain) -> None:
    chain.there.node("alpha/quorum-node2").height = 150
    (problem,) = chain.problems(chain.changed(fork(120)))
    assert "block 150 is there" in problem.message
    chain.there.node("alpha/quorum-node2").trouble = "no route to host"
    assert chain.problems(chain.changed(fork(120))) == []
    chain.there.clusters["alpha"].down = "kubectl is not on PATH"
    assert chain.problems(chain.changed(fork(50))) == [], "the run warns of it"
    assert any("brings other rules from block 50 on" in each for each in chain.plan(chain.changed(fork(50))).warnings)


def test_c25_the_way_back_is_open_as_long_as_no_node_has_taken_the_new_rules(chain: Chain) -> None:
    chain.records(chain.changed(fork(50)))
    chain.there.node("alpha/quorum-node1").trouble = "its init failed"
    back = chain.plan(chain.text)
    assert back.genesis and back.genesis.later == ()
    assert chain.problems(chain.text) == []


def test_c25_so_it_is_to_a_file_that_had_later_rules_itself(chain: Chain) -> None:
    first = chain.changed(fork(50))
    for name in NODES:
        chain.there.node(f"alpha/{name}").given = first
    chain.records(chain.changed(fork(50), lambda config: config.update(londonBlock=60)))
    assert chain.problems(first) == []
    assert chain.problems(chain.changed(fork(50), lambda config: config.update(londonBlock=120))) == []


def test_c25_rules_that_a_node_has_taken_are_not_taken_back(chain: Chain) -> None:
    """`geth init` of 22.7.4 fails: "genesis file missing transitions information"."""
    new = chain.changed(lambda config: config.update(transitions=[{"block": 1200, "blockperiodseconds": 5}]))
    chain.records(new)
    chain.there.node("alpha/quorum-node1").given = new
    (problem,) = chain.problems(chain.text)
    assert "leaves out all rules" in problem.message and "block 1200" in problem.message
    chain.there.clusters["alpha"].down = "kubectl is not on PATH"
    (problem,) = chain.problems(chain.text)
    assert "leaves out all rules" in problem.message, "what was recorded counts where no node can be asked"


def test_c25_a_stack_that_is_later_than_its_partner_is_left_to_its_nodes(chain: Chain) -> None:
    """They may take the rules all the same: geth takes a first list of transitions whose blocks have passed."""
    new = chain.changed(fork(90))
    beta = changed(chain.there.world.configs["beta"], {"network.genesisFile": "genesis.json"})
    (chain.folder / "genesis.json").write_text(new)
    received = {"alpha": crossed(chain.there.world.outputs["alpha"])}
    theirs = outputs_of(plan_of(beta, received, floats(chain.there.world.outputs["beta"]), chain.folder))
    assert chain.problems(new, theirs) == []
    assert chain.problems(new)


def test_c25_rules_that_a_killed_run_left_in_the_cluster_and_in_a_node_are_not_taken_back(chain: Chain) -> None:
    """It was killed before it had outputs: those and the earlier file agree, and nothing but the cluster tells."""
    new = chain.changed(lambda config: config.update(transitions=[{"block": 1200, "blockperiodseconds": 5}]))
    chain.standing = new
    assert chain.problems(chain.text) == [], "no node has taken them"
    assert chain.there.clusters["alpha"].asked
    chain.there.node("alpha/quorum-node1").given = new
    (problem,) = chain.problems(chain.text)
    assert "leaves out all rules" in problem.message and "block 1200" in problem.message
    assert chain.problems(new) == [], "it goes on"


@pytest.mark.parametrize("standing", ["the same", "no genesis", "another chain"])
def test_c25_what_stands_in_the_cluster_asks_no_node_where_it_brings_no_other_rules(
    chain: Chain, standing: str
) -> None:
    document = json.loads(chain.changed(fork(1200))) | {"timestamp": "0x1"}
    chain.standing = {"the same": chain.text, "no genesis": "{", "another chain": json.dumps(document)}[standing]
    assert chain.problems(chain.text) == []
    assert chain.there.clusters["alpha"].asked == []


def test_c25_a_run_that_changes_no_rules_asks_no_node(chain: Chain) -> None:
    assert chain.problems(chain.text) == []
    assert chain.there.clusters["alpha"].asked == []
