"""Transactions that prove the chain does what it is for; they leave a small contract on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from archipelago.chains.running import Command, Step, Trials, Unanswered
from archipelago.model.record import ExternalNode
from operate.findings import Finding, Mark
from operate.kubectl import Failed
from operate.site import Seen
from operate.stack import Stack

_PAUSE = 1.0  # seconds between two questions
Clock = Callable[[], float]
Sleep = Callable[[float], None]


class _Missed(Exception):  # noqa: N818 - reads as what it is
    """A step did not do what it should."""


def public(
    trials: Trials,
    stacks: Sequence[Stack],
    seen: Sequence[Seen],
    seconds: float,
    sleep: Sleep = time.sleep,
    clock: Clock = time.monotonic,
) -> Iterator[Finding]:
    """A contract is made at one node, and read, changed and read again at all of them.

    Args:
        trials: How their chain is tried.
        stacks: Stacks of one network.
        seen: Their nodes; those that answered take part.
        seconds: How long a step may take.
        sleep: Waits.
        clock: Tells the time.
    """
    asked = [each for each in seen if each.state]
    if not asked:
        yield Finding("transaction", stacks[0].site.network, Mark.SKIPPED, "no node answers", "See `pods`.")
        return
    sender = asked[-1]
    waits = _Waits(trials, seconds, sleep, clock)
    for step in trials.trial(stacks[0].network):
        began = clock()
        try:
            _run(step, sender, asked, (), waits)
        except (_Missed, Failed, Unanswered) as error:
            cure = "See `height` first: without blocks there is no transaction. Then read the sender's log."
            yield Finding("transaction", str(sender), Mark.FAILED, f"{step.words}: {error}", cure)
            return
        words = f"{step.words}, read on {len(asked)} nodes after {clock() - began:.1f} s"
        yield Finding("transaction", str(sender), Mark.OK, words)


def private(
    trials: Trials,
    stacks: Sequence[Stack],
    seen: Sequence[Seen],
    seconds: float,
    sleep: Sleep = time.sleep,
    clock: Clock = time.monotonic,
) -> Iterator[Finding]:
    """A contract that only two nodes can read, where there is a private-transaction manager that keeps payloads."""
    network = stacks[0].site.network
    able, reason = _able(trials, stacks, seen)
    if reason:
        cure = "A private transaction needs Tessera itself beside the nodes."
        yield Finding("private transaction", network, Mark.SKIPPED, reason, cure)
        return
    records = {str(each): each for stack in stacks for each in stack.book if each.privacy_key}
    waits = _Waits(trials, seconds, sleep, clock)
    for sender in able:
        # rather another organisation's: its payload has to cross the border
        others = [node for name, node in records.items() if name != str(sender)]
        order = sorted(others, key=lambda node: (node.organisation == sender.site.organisation, str(node)))
        if order and (found := _privately(sender, records[str(sender)], order[0], able, waits)):
            yield found
            return
    words = f"the account of every node of ours is locked ({', '.join(map(str, able))}), or there is nobody to send to"
    cure = "Set unlock: true at one node of a test network; keep it closed where money or secrets are."
    yield Finding("private transaction", network, Mark.SKIPPED, words, cure)


def _privately(
    sender: Seen, own: ExternalNode, receiver: ExternalNode, able: Sequence[Seen], waits: _Waits
) -> Finding | None:
    """What came of a private transaction; None where the sender's account is locked."""
    parties = [each for each in able if str(each) in (str(sender), str(receiver))]
    rest = [each for each in able if each not in parties]
    trials, began = waits.trials, waits.clock()
    for step in trials.private_trial(own, receiver):
        try:
            _run(step, sender, parties, rest, waits)
        except (_Missed, Failed, Unanswered) as error:
            if trials.is_locked(str(error)):
                return None
            cure = f"See `reach`: {sender}'s manager sends the payload to {receiver}'s. Then read both logs."
            return Finding("private transaction", str(sender), Mark.FAILED, f"{step.words}: {error}", cure)
    words = f"a contract for {receiver}, read by {len(parties)} parties of ours and by none of {len(rest)} others"
    return Finding("private transaction", str(sender), Mark.OK, f"{words} after {waits.clock() - began:.1f} s")


class _Waits:
    """Asks again until an answer is there or time is up."""

    def __init__(self, trials: Trials, seconds: float, sleep: Sleep, clock: Clock) -> None:
        self.trials, self._seconds, self._sleep, self.clock = trials, seconds, sleep, clock

    def until(self, each: Seen, command: Command, expected: str, what: str) -> None:
        end = self.clock() + self._seconds
        while True:
            answer = self.trials.answer(each.ask(command))
            if answer == expected:
                return
            if answer == "failed" or self.clock() >= end:
                raise _Missed(f"{each} {what} {answer} instead of {expected} after {self._seconds:.0f} s")
            self._sleep(_PAUSE)


def _run(step: Step, sender: Seen, readers: Sequence[Seen], others: Sequence[Seen], waits: _Waits) -> None:
    trials = waits.trials
    transaction = trials.answer(sender.ask(step.submit))
    waits.until(sender, trials.mined(transaction), "true", "says that its transaction is mined:")
    for each in readers:
        waits.until(each, trials.read(transaction), step.expected, "reads")
    for each in others:
        if step.others is not None:
            waits.until(each, trials.read(transaction), step.others, "is no party, and reads")


def _able(trials: Trials, stacks: Sequence[Stack], seen: Sequence[Seen]) -> tuple[list[Seen], str]:
    """Nodes with a manager that really keeps payloads; or why there are none."""
    keyed = {str(node) for stack in stacks for node in stack.records if node.privacy_key}
    able, reason = [], "privacy is off: no node of ours has a private-transaction key"
    for each in (each for each in seen if each.state and str(each) in keyed):
        try:
            if trials.is_private(each.ask(trials.privacy())):
                able.append(each)
            else:
                reason = f"{each}'s private-transaction manager is a stand-in that keeps no payloads"
        except Failed as error:
            reason = f"{each}'s private-transaction manager does not answer: {error}"
    return able, "" if able else reason
