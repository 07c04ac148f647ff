"""The validator set: what all known settings want, what the chain has, and the votes that lead there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from archipelago.chains.running import Lack, State
from operate.site import Seen
from operate.stack import Stack, validator_names

_VALIDATOR = "validator"
_LEAST = 4  # with fewer, one that is down stops the chain


@dataclass(frozen=True, slots=True)
class Change:
    """One validator that shall come or go.

    Args:
        address: Whose.
        name: Its full name; the address where nobody claims it.
        add: Whether it shall come.
        votes: Who has voted for it, by full name: in a block, or waiting at a node of ours.
        voters: Nodes of ours that have not, and may.
        others: Organisations whose validators have not voted, with how many.
        needed: How many votes it takes; 0 where validators do not vote.
        refusal: Why no vote is cast for it unless somebody insists; empty where nothing speaks against it.
    """

    address: str
    name: str
    add: bool
    votes: tuple[str, ...]
    voters: tuple[str, ...]
    others: Mapping[str, int]
    needed: int
    refusal: str = ""

    @property
    def missing(self) -> int:
        """How many votes are missing when all of ours are cast."""
        return max(0, self.needed - len(self.votes) - len(self.voters))


@dataclass(frozen=True, slots=True)
class Votes:
    """What there is to vote about.

    Args:
        height: The block after which this is so.
        current: Who validates, by full name or address.
        wanted: Who shall.
        changes: The difference.
        stale: By node of ours, votes that wait there and are settled or no longer wanted: addresses.
        unclaimed: Validators that no known stack claims; nobody votes about them unless they are named.
    """

    height: int
    current: tuple[str, ...]
    wanted: tuple[str, ...]
    changes: tuple[Change, ...]
    stale: Mapping[str, tuple[str, ...]]
    unclaimed: tuple[str, ...]

    @property
    def settled(self) -> bool:
        """Whether the set is as the settings want it."""
        return not self.changes


def plan(stacks: Sequence[Stack], seen: Sequence[Seen], remove: Iterable[str] = ()) -> Votes:
    """Compare settings and chain.

    Args:
        stacks: Stacks of one network.
        seen: Their nodes, looked at; one at least has answered.
        remove: Names or addresses that shall go whatever the settings say.
    """
    states = [each.state for each in seen if each.state]
    newest = max(states, key=lambda state: state.height)
    called = validator_names(stacks)
    goes = {_address(each, called) for each in remove}
    opinions = wishes(stacks) | dict.fromkeys(goes, False)
    now = set(newest.validators)
    wanted = {address for address in now if opinions.get(address, True)} | {a for a, wish in opinions.items() if wish}
    changes = []
    after = set(now)
    for address in [*sorted(wanted - now), *sorted(now - wanted)]:
        add = address in wanted
        after = after | {address} if add else after - {address}
        refusal = _refusal(address, add, after, stacks, seen)
        changes.append(_change(address, add, newest, stacks, seen, refusal))
        if refusal:
            after = after - {address} if add else after | {address}
    return Votes(
        height=newest.height,
        current=tuple(sorted(called.get(address, address) for address in now)),
        wanted=tuple(sorted(called.get(address, address) for address in wanted)),
        changes=tuple(changes),
        stale={str(each): stale for each in seen if (stale := _stale(each, now, wanted))},
        unclaimed=tuple(sorted(address for address in now if address not in called)),
    )


def wishes(stacks: Sequence[Stack]) -> dict[str, bool]:
    """Whether each known node shall validate, by address; a partner that says nothing of it has no wish.

    Our own settings count as they are written now, a partner's as it exported them. Nodes that were pasted or came
    in another tool's words have no role, so nobody concludes from them.
    """
    found: dict[str, bool] = {}
    for stack in stacks:
        for given in stack.imports:
            if given.network is not None:
                found |= {node.address: node.role == _VALIDATOR for node in given.nodes if node.address}
    for stack in stacks:
        own = stack.plan.records if stack.plan else stack.records
        found |= {node.address: node.role == _VALIDATOR for node in own if node.address}
    return found


def cast(votes: Votes, seen: Sequence[Seen], force: bool = False) -> Iterator[tuple[Seen, dict[str, bool], list[str]]]:
    """What to tell which node of ours: the votes to cast, by address, and those to take back."""
    for each in seen:
        allowed = [change for change in votes.changes if force or not change.refusal]
        mine = {change.address: change.add for change in allowed if str(each) in change.voters}
        stale = [address for address in votes.stale.get(str(each), ()) if address not in mine]
        if mine or stale:
            yield each, mine, stale


def _change(
    address: str, add: bool, newest: State, stacks: Sequence[Stack], seen: Sequence[Seen], refusal: str
) -> Change:
    called = validator_names(stacks)
    ours = {each.state.address: each for each in seen if each.state and each.state.address in newest.validators}
    voted = {ballot.by for ballot in newest.ballots if (ballot.address, ballot.add) == (address, add)}
    voted |= {by for by, each in ours.items() if each.state and each.state.pending.get(address) is add}
    voted &= set(newest.validators)
    own = {stack.organisation for stack in stacks}
    others: dict[str, int] = {}
    for by in sorted(set(newest.validators) - voted - set(ours)):
        name = called.get(by, by)
        organisation = name.partition("/")[0]
        others[organisation if organisation not in own else name] = others.get(organisation, 0) + 1
    return Change(
        address=address,
        name=called.get(address, address),
        add=add,
        votes=tuple(sorted(called.get(by, by) for by in voted)),
        voters=tuple(sorted(str(each) for by, each in ours.items() if by not in voted)),
        others=others,
        needed=_needed(stacks, len(newest.validators)),
        refusal=refusal,
    )


def _needed(stacks: Sequence[Stack], validators: int) -> int:
    votes = stacks[0].site.chain.running.votes
    return 0 if isinstance(votes, Lack) else votes.needed(validators)


def _refusal(address: str, add: bool, after: set[str], stacks: Sequence[Stack], seen: Sequence[Seen]) -> str:
    """Why a change would do harm."""
    if add and (reason := _absent(address, stacks, seen)):
        return f"{reason}, and a validator that does not answer counts against the quorum"
    if not add and not after:
        return "it is the last validator"
    if not add and len(after) < _LEAST:
        return f"{len(after)} would be left, and with fewer than {_LEAST} one that is down stops the chain"
    for stack in stacks if not add else ():
        own = {node.address for node in stack.records}
        if address in own and not own & after:
            return f"it is the last validator of {stack.organisation}, which could then vote about nothing"
    alive = sum(not _absent(each, stacks, seen) for each in after)
    if alive < (needed := stacks[0].site.chain.running.quorum(len(after))):
        return f"{alive} of {len(after)} validators would answer, and {needed} are needed for a block"
    return ""


def _absent(address: str, stacks: Sequence[Stack], seen: Sequence[Seen]) -> str:
    """Why a validator would not take part; empty where it would."""
    node = next((node for stack in stacks for node in stack.book if node.address == address), None)
    if node is None:
        return "nobody knows whose it is"
    mine = next((each for each in seen if str(each) == str(node)), None)
    if mine is not None:
        if mine.state is None:
            return mine.trouble
        highest = max(each.state.height for each in seen if each.state)
        deployed = next((each.record(node.name) for each in stacks if each.organisation == node.organisation), None)
        if deployed is not None and deployed.role != _VALIDATOR and address not in mine.state.validators:
            return f"it does not make blocks before pulumi up -s {mine.site.stack}"
        return "it is still syncing" if mine.state.syncing or highest - mine.state.height > _LEAST else ""
    connected = any(each.state and node.node_id in each.state.peers for each in seen)
    return "" if connected else "it is not connected with any node of ours"


def _stale(each: Seen, now: set[str], wanted: set[str]) -> tuple[str, ...]:
    """Votes that wait at a node: cast and passed, or against what is wanted. Left there they would be cast again."""
    if each.state is None:
        return ()
    pending = each.state.pending.items()
    return tuple(sorted(a for a, add in pending if add == (a in now) or add != (a in wanted)))


def _address(named: str, called: Mapping[str, str]) -> str:
    return next((address for address, name in called.items() if named in (name, address)), named)
