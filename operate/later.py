"""Rules of later blocks that a run would bring: whether the nodes take them, asked before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archipelago.chains.contract import Chain, Genesis
from archipelago.chains.running import Command, Unanswered
from archipelago.problems import Problem
from archipelago.stack import rules
from archipelago.stack.plan import StackPlan
from operate.kubectl import Access, Failed
from operate.site import Site, look

_FILE = "network.genesisFile"
_KEPT = "Name the running genesis (its text is in the output network)"


@dataclass(frozen=True, slots=True)
class _Held:
    """What a node of ours that answers has: its last block, and the genesis with which it was started."""

    node: str
    height: int
    genesis: Genesis


def problems(plan: StackPlan, chain: Chain, access: Access) -> Iterator[Problem]:
    """Why the nodes would not start with other rules than they have; one problem at most.

    What a node was started with counts, and not what was recorded: a run may have stopped before its turn. Nodes that
    do not answer are passed over. Where partners run with these rules already, this stack is late and not alone: then
    the nodes' own program decides.

    Args:
        plan: The stack.
        chain: Its protocol.
        access: Its cluster.
    """
    before, genesis, command = plan.rules_before, plan.genesis, chain.running.given
    if before is None or genesis is None or command is None:
        return
    nodes = list(_held(plan, chain, access, command))
    for given in [each.genesis for each in nodes] or [before]:
        if given.later and not genesis.later:
            words = (
                f"it leaves out all rules of later blocks that nodes of this stack have: {rules.listed(given.later)}."
            )
            yield Problem(_FILE, words, f"{_KEPT}. A node that knows such rules does not give them up.")
            return
    if not _follows(plan, genesis, chain):
        yield from _passed(nodes, genesis)


def _held(plan: StackPlan, chain: Chain, access: Access, command: Command) -> Iterator[_Held]:
    names = tuple(node.name for node in plan.nodes)
    elsewhere = {node.name: node.namespace for node in plan.nodes if node.namespace}
    site = Site(plan.stack, plan.settings.organisation, plan.network, names, chain, access, elsewhere)
    try:
        seen = look([site])
    except Failed:
        return
    for each in seen:
        try:
            if each.state:
                yield _Held(each.node, each.state.height, chain.read_genesis(each.ask(command)))
        except (Failed, Unanswered, ValueError):
            continue


def _follows(plan: StackPlan, genesis: Genesis, chain: Chain) -> bool:
    """Whether a partner runs with these rules already."""
    for each in plan.imports:
        try:
            theirs = chain.read_genesis(each.network.genesis) if each.network else None
        except ValueError:
            continue
        if theirs and theirs.hash == genesis.hash and not rules.parting(genesis, theirs):
            return True
    return False


def _passed(nodes: Sequence[_Held], genesis: Genesis) -> Iterator[Problem]:
    head = max((each.height for each in nodes), default=0)
    for each in nodes:
        apart = rules.parting(each.genesis, genesis)
        if apart and apart[0][0] <= head:
            words = (
                f"its rules differ from block {apart[0][0]} on from those of {each.node}, and block {head} is there."
            )
            yield Problem(_FILE, words, f"{_KEPT}, or let the other rules begin at a block that is far enough ahead.")
            return
