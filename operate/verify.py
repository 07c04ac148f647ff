"""The acceptance of a running network: every question in its order, and what was found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from archipelago.chains.running import Lack
from archipelago.stack import clashes
from operate import check_nodes, check_peers, pending, trial, validators
from operate.drift import drift
from operate.findings import Finding, Mark
from operate.kubectl import Failed
from operate.site import Seen, look
from operate.stack import Stack

_PAUSE = 1.0  # seconds between two looks
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long verify waits, and how it does.

    Args:
        seconds: For blocks and peers that may be on their way, and for each transaction.
        transact: Whether transactions are sent.
        sleep: Waits.
        clock: Tells the time.
    """

    seconds: float = 30
    transact: bool = False
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


def verify(stacks: Sequence[Stack], limits: Limits, say: Say) -> Iterator[Finding]:
    """Look at everything that can be looked at without changing anything.

    Args:
        stacks: Stacks of ours, of one network or several; partners are looked at through them.
        limits: How long, and whether transactions are sent.
        say: Told what is being done now.

    Raises:
        Failed: A cluster does not answer.
    """
    yield from _settings(stacks)
    behind = {stack.site.stack: pending.unknown(stack) for stack in stacks}
    for stack in stacks:
        yield from pending.finding(stack, behind[stack.site.stack])
        yield from pending.standing(stack)
    now, stacks = stacks, [pending.without(stack, behind[stack.site.stack]) for stack in stacks]
    sites = [stack.site for stack in stacks]
    say(f"looking at {sum(len(site.nodes) for site in sites)} nodes")
    before, began = look(sites), limits.clock()
    yield from check_nodes.pods(before)
    asked = _common(before)
    say("waiting for the next block" if _chained(before) else "waiting for peers")
    after = _later(stacks, before, asked, limits)
    seconds = limits.clock() - began
    yield from check_nodes.heights(_chained(before), _chained(after), seconds)
    yield from check_nodes.genesis(stacks, _chained(after))
    yield from check_nodes.same_block(_chained(after), asked)
    yield from check_nodes.keys(stacks, after)
    yield from check_peers.peers(stacks, after)
    for network in _networks(stacks):
        yield from check_peers.admitted(network, after)
    for network in _networks(stacks):
        if network[0].site.chain.running.blocks is None:
            yield from _validators(network, after)
    say("dialling the partners")
    yield from check_peers.reach(stacks, after)
    yield from check_peers.private_keys(stacks, after)
    for stack in now:
        say(f"comparing the objects of {stack.site.stack}")
        yield from drift(stack, {pending.live_name(stack)} if behind[stack.site.stack] or stack.unheard else ())
    for network in _networks(stacks) if limits.transact else ():
        yield from _transact(network, after, limits, say)


def _networks(stacks: Sequence[Stack]) -> list[list[Stack]]:
    """The stacks of each network."""
    names = dict.fromkeys(stack.site.network for stack in stacks)
    return [[stack for stack in stacks if stack.site.network == name] for name in names]


def _settings(stacks: Sequence[Stack]) -> Iterator[Finding]:
    """What planning alone tells: refused settings and partners, and a genesis that is still waited for."""
    for stack in stacks:
        for problem in stack.problems:
            path = f"archipelago:{problem.path}: " if problem.path else ""
            yield Finding("settings", stack.site.stack, Mark.FAILED, f"{path}{problem.message}", problem.cure)
        for given in stack.imports:
            if given.absent:
                cure = f"Run this again when {given.name} has run pulumi up."
                yield Finding("settings", stack.site.stack, Mark.WARNING, f"{given.name}: {given.absent}", cure)
        for words in clashes.warnings(stack.imports):
            cure = "Ask the two organisations which of them is right."
            yield Finding("settings", stack.site.stack, Mark.WARNING, words.rstrip("."), cure)
        if stack.waiting_for:
            lacks = "is not complete yet" if stack.network.genesis_hash else "has no genesis yet"
            words = f"{lacks}: it waits for {', '.join(stack.waiting_for)}"
            cure = f"pulumi up -s {stack.site.stack} when it is there."
            yield Finding("settings", stack.site.stack, Mark.FAILED, words, cure)


def _chained(seen: Sequence[Seen]) -> list[Seen]:
    """Those that agree on blocks."""
    return [each for each in seen if each.site.chain.running.blocks is None]


def _common(seen: Sequence[Seen]) -> dict[str, int | None]:
    """By network, the highest block that all nodes have which have any."""
    found: dict[str, int | None] = {}
    for each in _chained(seen):
        if each.state:
            known = found.get(each.site.network)
            height = each.state.height
            # a node without a block has only the genesis, which is compared anyway
            found[each.site.network] = height if not known else known if not height else min(known, height)
    return found


def _later(
    stacks: Sequence[Stack], before: Sequence[Seen], asked: dict[str, int | None], limits: Limits
) -> Sequence[Seen]:
    """The nodes as soon as all of them have one more block and all their peers, or time is up."""
    by_stack = {stack.site.stack: stack for stack in stacks}
    end = limits.clock() + limits.seconds
    while True:
        limits.sleep(_PAUSE)
        after = look([stack.site for stack in stacks], asked)
        pairs = [(first.state, each) for first, each in zip(before, after, strict=True) if first.state]
        done = all(
            each.state
            and (each.state.height > first.height or each.site.chain.running.blocks)
            and not check_peers.lacking(by_stack[each.site.stack], each)
            for first, each in pairs
        )
        if done or limits.clock() >= end:
            return after


def _validators(stacks: Sequence[Stack], seen: Sequence[Seen]) -> Iterator[Finding]:
    network = stacks[0].site.network
    there = [each for each in seen if each.site.network == network]
    if not any(each.state for each in there):
        return
    votes = validators.plan(stacks, there)
    names = " ".join(f"-s {stack.site.stack}" for stack in stacks)
    lack = stacks[0].site.chain.running.votes
    count = len(votes.current)
    if votes.changes:
        listed = ", ".join(f"{each.name} {'is to come' if each.add else 'is to go'}" for each in votes.changes)
        how = f"archipelago validators plan {names} tells who has to vote."
        cure = f"{lack.words} {lack.instead}" if isinstance(lack, Lack) else how
        yield Finding("validators", network, Mark.WARNING, f"{count} validate; {listed}", cure)
    elif votes.unclaimed:
        words = f"{count} validate, and no known stack claims {', '.join(votes.unclaimed)}"
        out = "vote them out: archipelago validators apply --remove <address>"
        cure = f"Add the partner whose they are; or {lack.instead if isinstance(lack, Lack) else out}"
        yield Finding("validators", network, Mark.WARNING, words, cure)
    else:
        yield Finding(
            "validators", network, Mark.OK, f"{count} validate, as the settings want: {', '.join(votes.current)}"
        )


def _transact(stacks: Sequence[Stack], seen: Sequence[Seen], limits: Limits, say: Say) -> Iterator[Finding]:
    network, trials = stacks[0].site.network, stacks[0].site.chain.running.trials
    if isinstance(trials, Lack):
        yield Finding("transaction", network, Mark.SKIPPED, trials.words, trials.instead)
        return
    there = [each for each in seen if each.site.network == network]
    say("sending transactions")
    yield from trial.public(trials, stacks, there, limits.seconds, limits.sleep, limits.clock)
    try:
        yield from trial.private(trials, stacks, there, limits.seconds, limits.sleep, limits.clock)
    except Failed as error:
        yield Finding("private transaction", network, Mark.FAILED, str(error), "See `pods`.")
