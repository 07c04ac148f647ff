"""Why a vote would do harm, and who would hold how much of the set after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set

from operate.site import Seen
from operate.stack import Stack

VALIDATOR = "validator"
_LEAST = 4  # with fewer, one that is down stops the chain


def harm(address: str, add: bool, after: Set[str], stacks: Sequence[Stack], seen: Sequence[Seen]) -> str:
    """Why a change would stop the chain or bring it near to that; empty where it would not.

    Args:
        address: Who comes or goes.
        add: Whether it comes.
        after: The set as it may be at once after the change. For one that goes, nothing counts that has not passed: the
            votes of several changes pass in any order.
        stacks: Stacks of the network.
        seen: Their nodes, looked at.
    """
    if add and (reason := absent(address, stacks, seen)):
        return f"{reason}, and a validator that does not answer counts against the quorum"
    if not add and not after:
        return "it is the last validator"
    if not add and len(after) < _LEAST:
        return f"{len(after)} would be left, and with fewer than {_LEAST} one that is down stops the chain"
    for stack in stacks if not add else ():
        own = {node.address for node in (*stack.records, *stack.siblings)}
        if address in own and not own & after:
            return f"it is the last validator of {stack.organisation}, which could then vote about nothing"
    alive = sum(not absent(each, stacks, seen) for each in after)
    if alive < (needed := stacks[0].site.chain.running.quorum(len(after))):
        return f"{alive} of {len(after)} validators would answer, and {needed} are needed for a block"
    return ""


def share(before: Iterable[str], after: Iterable[str], called: Mapping[str, str]) -> str:
    """Which organisation a change would give a third or two thirds of the validators; empty where it gives neither.

    Args:
        before: Addresses that validate now.
        after: Those that would.
        called: Full names by address; an address without one is an organisation of its own.
    """
    held, holds = _held(before, called), _held(after, called)
    for thirds, then in ((2, "it makes blocks without the others"), (1, "the chain stops when it does")):
        for organisation, count in sorted(holds.items()):
            reaches = 3 * count >= thirds * holds.total()
            if reaches and 3 * held[organisation] < thirds * held.total():
                part = "a third" if thirds == 1 else "two thirds"
                words = f"{organisation} would have {count} of {holds.total()} validators, {part} or more"
                return f"{words}, and then {then}"
    return ""


def absent(address: str, stacks: Sequence[Stack], seen: Sequence[Seen]) -> str:
    """Why a validator would not take part; empty where it would."""
    node = next((node for stack in stacks for node in stack.book if node.address == address), None)
    if node is None:
        return "no known stack has it"
    mine = next((each for each in seen if str(each) == str(node)), None)
    if mine is not None:
        if mine.state is None:
            return mine.trouble
        highest = max(each.state.height for each in seen if each.state)
        ours = (each.record(node.name) for each in stacks if each.organisation == node.organisation)
        deployed = next((each for each in ours if each), None)
        if deployed is not None and deployed.role != VALIDATOR and address not in mine.state.validators:
            return f"it does not make blocks before pulumi up -s {mine.site.stack}"
        return "it is still syncing" if mine.state.syncing or highest - mine.state.height > _LEAST else ""
    connected = any(each.state and node.node_id in each.state.peers for each in seen)
    return "" if connected else "it is not connected with any node of ours"


def _held(addresses: Iterable[str], called: Mapping[str, str]) -> Counter[str]:
    return Counter(called.get(address, address).partition("/")[0] for address in addresses)
