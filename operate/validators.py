"""The validator set: what all known settings want, what the chain has, and the votes that lead there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from archipelago.chains.running import Lack, State
from archipelago.model.record import ExternalNode
from archipelago.stack.clashes import left_out
from operate.site import Seen
from operate.stack import Stack, validator_names
from operate.vote_guards import VALIDATOR, harm, share


@dataclass(frozen=True, slots=True)
class Change:
    """One validator that shall come or go.

    Args:
        address: Whose.
        name: Its full name; the address where no known stack has it.
        add: Whether it shall come.
        votes: Who has voted for it, by full name: in a block, or waiting at a node of ours.
        voters: Nodes of ours that have not, and may.
        others: Organisations whose validators have not voted, with how many.
        needed: How many votes it takes; 0 where validators do not vote.
        refusal: Why no vote is cast for it without --force; empty where nothing speaks against it.
        share: Which organisation it would give a third or two thirds; no vote is cast without --allow-share.
        unnamed: Whether a partner alone wishes it, so that no vote is cast before its name is typed.
    """

    address: str
    name: str
    add: bool
    votes: tuple[str, ...]
    voters: tuple[str, ...]
    others: Mapping[str, int]
    needed: int
    refusal: str = ""
    share: str = ""
    unnamed: bool = False

    @property
    def missing(self) -> int:
        """How many votes are missing when all of ours are cast."""
        return max(0, self.needed - len(self.votes) - len(self.voters))


@dataclass(frozen=True, slots=True)
class Open:
    """A vote that is cast and has not passed, about what no known settings want.

    Args:
        address: About whom.
        name: Its full name; the address where no known stack has it.
        add: Whether it would come.
        votes: Who has cast it, by full name.
    """

    address: str
    name: str
    add: bool
    votes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Votes:
    """What there is to vote about.

    Args:
        height: The block after which this is so.
        current: Who validates, by full name or address.
        wanted: Who shall.
        changes: The difference.
        stale: By node of ours, votes that wait there and are settled or no longer wanted: addresses.
        unclaimed: Validators that no known stack claims; no vote is cast about them unless they are named.
        open: Other votes that have not passed.
        unproven: Validators whom a partner has as members, and does not prove that it has their keys: its word is no
            wish. Full names.
    """

    height: int
    current: tuple[str, ...]
    wanted: tuple[str, ...]
    changes: tuple[Change, ...]
    stale: Mapping[str, tuple[str, ...]]
    unclaimed: tuple[str, ...]
    open: tuple[Open, ...] = ()
    unproven: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether the set is as the settings want it."""
        return not self.changes


def plan(stacks: Sequence[Stack], seen: Sequence[Seen], remove: Iterable[str] = (), add: Iterable[str] = ()) -> Votes:
    """Compare settings and chain.

    Args:
        stacks: Stacks of one network.
        seen: Their nodes, looked at; one at least has answered.
        remove: Addresses to vote out although the settings want them.
        add: Addresses to vote in; a partner's validator is voted in only if it is among them.
    """
    newest = _newest(seen)
    called = validator_names(stacks)
    named = dict.fromkeys(add, True) | dict.fromkeys(remove, False)
    now = set(newest.validators)
    said = wishes(stacks)
    doubted = _unproven(stacks)
    unproven = {address for address in now & doubted.keys() if said.get(address) is False}
    opinions = {address: wish for address, wish in said.items() if address not in unproven} | named
    wanted = {address for address in now if opinions.get(address, True)} | {a for a, wish in opinions.items() if wish}
    own = _ours(stacks)
    changes = []
    grown, shrunk = set(now), set(now)
    for address in [*sorted(wanted - now), *sorted(now - wanted)]:
        comes = address in wanted
        after = grown | {address} if comes else shrunk - {address}
        change = _change(address, comes, newest, stacks, seen)
        change = replace(
            change,
            refusal=harm(address, comes, after, stacks, seen),
            share=share(now, after, called),
            unnamed=address not in own and address not in named,
        )
        changes.append(change)
        if not (change.refusal or change.share or change.unnamed):
            grown, shrunk = (after, shrunk) if comes else (grown, after)
    return Votes(
        height=newest.height,
        current=tuple(sorted(called.get(address, address) for address in now)),
        wanted=tuple(sorted(called.get(address, address) for address in wanted)),
        changes=tuple(changes),
        stale={str(each): stale for each in seen if (stale := _stale(each, now, wanted))},
        unclaimed=tuple(sorted(address for address in now if address not in called)),
        open=tuple(_open(newest, changes, stacks, seen)),
        unproven=tuple(sorted(doubted[address] for address in unproven)),
    )


def addresses(named: Iterable[str], stacks: Sequence[Stack], seen: Sequence[Seen]) -> dict[str, str]:
    """Addresses by what was typed: a full name, or an address in any spelling; empty where no node has it.

    An address is known where a node of a known stack has it, where it validates, and where a vote about it is open.
    """
    newest = _newest(seen)
    called = validator_names(stacks)
    there = {*called, *newest.validators, *(ballot.address for ballot in newest.ballots)}
    there |= {address for each in seen if each.state for address in each.state.pending}
    by_word = {address.lower(): address for address in there}
    by_word |= {name: address for address, name in called.items()}
    return {word: by_word.get(word) or by_word.get(word.lower(), "") for word in named}


def wishes(stacks: Sequence[Stack]) -> dict[str, bool]:
    """Whether each known node shall validate, by address; a partner that says nothing of it has no wish.

    Our own settings count as they are written now: a node that they name no more shall go. A partner's count as it
    exported them; of two that claim one address, the one that proves its key. Nodes that were pasted or came in another
    tool's words have no role, so nothing follows from them.
    """
    given = [each for stack in stacks for each in stack.imports if each.network is not None]
    listed = [*left_out(given), *(node for each in given for node in each.nodes)]
    told = sorted((node for node in listed if node.address), key=lambda node: bool(node.proof))
    found = {node.address: node.role == VALIDATOR for node in told}
    for stack in stacks:
        found |= {node.address: False for node in _leaving(stack)}
        found |= {node.address: node.role == VALIDATOR for node in _own(stack) if node.address}
    return found


def _unproven(stacks: Sequence[Stack]) -> dict[str, str]:
    """Partners' nodes of which nothing shows that they have the key, by address: full names."""
    told = [node for stack in stacks for given in stack.imports for node in (*left_out([given]), *given.nodes)]
    certain = _ours(stacks) | {each.address for each in told if each.proof}
    return {node.address: str(node) for node in told if node.address not in certain}


def cast(
    votes: Votes, seen: Sequence[Seen], force: bool = False, allow_share: bool = False
) -> Iterator[tuple[Seen, dict[str, bool], list[str]]]:
    """What to tell which node of ours: the votes to cast, by address, and those to take back."""
    allowed = [change for change in votes.changes if not held_back(change, force, allow_share)]
    for each in seen:
        mine = {change.address: change.add for change in allowed if str(each) in change.voters}
        stale = [address for address in votes.stale.get(str(each), ()) if address not in mine]
        if mine or stale:
            yield each, mine, stale


def held_back(change: Change, force: bool = False, allow_share: bool = False) -> bool:
    """Whether no vote of ours is cast for a change."""
    return change.unnamed or bool(change.refusal and not force) or bool(change.share and not allow_share)


def _own(stack: Stack) -> Iterable[ExternalNode]:
    """A stack's nodes as its settings are written now; as it exported them where those are sealed."""
    return stack.plan.records if stack.plan else stack.records


def _leaving(stack: Stack) -> Iterable[ExternalNode]:
    """Nodes that a stack exported last, and that its settings do not name any more; a node with new keys is named."""
    kept = {node.name for node in _own(stack)}
    return [node for node in stack.records if node.address and node.name not in kept]


def _ours(stacks: Iterable[Stack]) -> set[str]:
    """Those of ours, and of the other stacks of our organisation: what they wish needs no name to be typed."""
    return {node.address for stack in stacks for node in (*_own(stack), *_leaving(stack), *stack.siblings)}


def _newest(seen: Sequence[Seen]) -> State:
    return max((each.state for each in seen if each.state), key=lambda state: state.height)


def _open(newest: State, changes: Iterable[Change], stacks: Sequence[Stack], seen: Sequence[Seen]) -> Iterator[Open]:
    """Votes in blocks, and those that wait at nodes of ours, but for those that the changes show."""
    called = validator_names(stacks)
    by: dict[tuple[str, bool], set[str]] = {}
    for ballot in newest.ballots:
        by.setdefault((ballot.address, ballot.add), set()).add(ballot.by)
    for each in seen:
        for address, add in (each.state.pending if each.state else {}).items():
            by.setdefault((address, add), set()).add(each.state.address if each.state else "")
    shown = {(change.address, change.add) for change in changes}
    for (address, add), voters in sorted(by.items()):
        if (address, add) not in shown:
            votes = tuple(sorted(called.get(voter, voter) for voter in voters))
            yield Open(address, called.get(address, address), add, votes)


def _change(address: str, add: bool, newest: State, stacks: Sequence[Stack], seen: Sequence[Seen]) -> Change:
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
    )


def _needed(stacks: Sequence[Stack], validators: int) -> int:
    votes = stacks[0].site.chain.running.votes
    return 0 if isinstance(votes, Lack) else votes.needed(validators)


def _stale(each: Seen, now: set[str], wanted: set[str]) -> tuple[str, ...]:
    """Votes that wait at a node: cast and passed, or against what is wanted. Left there they would be cast again."""
    if each.state is None:
        return ()
    pending = each.state.pending.items()
    return tuple(sorted(a for a, add in pending if add == (a in now) or add != (a in wanted)))
