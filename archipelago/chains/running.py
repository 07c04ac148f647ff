"""What can be asked of a running node, in no protocol's words; `operate` carries the questions to the pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from archipelago.model.endpoint import Endpoint
from archipelago.model.record import ExternalNode, NetworkRecord

Command = tuple[str, ...]


class Unanswered(Exception):  # noqa: N818 - reads as what it is
    """The node answered with an error, or with what is no answer; the text is the reason."""


@dataclass(frozen=True, slots=True, order=True)
class Ballot:
    """One vote about one validator.

    Args:
        address: Who is voted about.
        add: Whether it shall validate from now on.
        by: Who votes.
    """

    address: str
    add: bool
    by: str


@dataclass(frozen=True, slots=True)
class State:
    """What a node says of itself and of the chain.

    Args:
        height: Its last block.
        genesis_hash: Identifies its genesis.
        node_id: Its public p2p identity; empty where it does not tell.
        syncing: Whether it says that it is still fetching old blocks.
        block_hash: Of the block that was asked for; empty where none was, or where it has none.
        peers: Where the other end of each connection is, by the peer's node id.
        counted: How many peers it has, where it counts them and does not tell who they are; else None.
        address: As what it validates; empty where the protocol has no such thing.
        validators: Who validates after its last block.
        pending: Which votes it will cast as soon as it makes a block, by address; true to add.
        ballots: Which votes stand in blocks and have not passed.
        fingerprint: Of the secret key that it shares with its peers, as it was started; empty where there is none.
    """

    height: int
    genesis_hash: str
    node_id: str = ""
    syncing: bool = False
    block_hash: str = ""
    peers: Mapping[str, str] = field(default_factory=dict)
    counted: int | None = None
    address: str = ""
    validators: tuple[str, ...] = ()
    pending: Mapping[str, bool] = field(default_factory=dict)
    ballots: tuple[Ballot, ...] = ()
    fingerprint: str = ""

    @property
    def connections(self) -> int:
        """How many peers it has."""
        return len(self.peers) if self.counted is None else self.counted


@dataclass(frozen=True, slots=True)
class Knock:
    """A way to find out whether a port of another node can be reached.

    Args:
        port: The port's name.
        endpoint: Where it is dialled.
        command: Run in a pod of ours, exit code 0 is yes.
    """

    port: str
    endpoint: Endpoint
    command: Command


@dataclass(frozen=True, slots=True)
class Step:
    """A transaction and what has to come of it.

    Args:
        words: What it does, for a report.
        submit: Sends it; the answer names it.
        expected: What every reader has to answer in the end.
        others: What everybody else has to answer; None where nobody is told apart.
    """

    words: str
    submit: Command
    expected: str
    others: str | None = None


@dataclass(frozen=True, slots=True)
class Lack:
    """A thing that a protocol's nodes cannot be asked; it stands where the way to ask it would.

    Args:
        words: Why not, a sentence.
        instead: What to type or ask instead.
    """

    words: str
    instead: str


class Answers(Protocol):
    """Whatever is answered in the node's own words."""

    def answer(self, printed: str) -> str:
        """What a command gave.

        Raises:
            Unanswered: It failed; the node's own words.
        """
        ...


class Console(Answers, Protocol):
    """The node's own console."""

    def attach(self) -> Command:
        """The console itself, for a person at a terminal."""
        ...

    def evaluate(self, expression: str) -> Command:
        """One line typed at it."""
        ...


class Admission(Protocol):
    """The list of those whom a node lets in."""

    def listed(self) -> Command:
        """Print it."""
        ...

    def entries(self, text: str) -> dict[str, str]:
        """Who stands in such a list and where, by node id.

        Raises:
            Unanswered: It is no such list.
        """
        ...

    def expected(self, live_files: Mapping[str, str]) -> str:
        """That list as it should be, among the files of `Chain.live_files`."""
        ...

    def holder(self, private_files: Mapping[str, bytes]) -> str:
        """The id of the node that has these private files; empty where they hold no key."""
        ...


class Votes(Answers, Protocol):
    """Validators that vote about who is one."""

    def needed(self, validators: int) -> int:
        """How many of so many validators have to vote the same way."""
        ...

    def vote(self, cast: Mapping[str, bool], drop: Sequence[str]) -> Command:
        """Cast votes, and take back those that wait at this node; the answer is a JSON list of what failed."""
        ...


class Trials(Answers, Protocol):
    """Transactions that anybody may send."""

    def trial(self, network: NetworkRecord) -> tuple[Step, ...]:
        """Transactions of a throw-away account that prove the chain works; each after the one before."""
        ...

    def privacy(self) -> Command:
        """Ask the node's transaction manager what it is."""
        ...

    def is_private(self, printed: str) -> bool:
        """Whether the answer to `privacy` is that of a manager that really keeps payloads."""
        ...

    def private_trial(self, sender: ExternalNode, receiver: ExternalNode) -> tuple[Step, ...]:
        """A transaction between two nodes that nobody else can read; the sender's account must be unlocked."""
        ...

    def is_locked(self, reason: str) -> bool:
        """Whether a node did not send a transaction only because its account is locked."""
        ...

    def mined(self, transaction: str) -> Command:
        """Whether a transaction is in a block: the answer is `true`, `false` while it is not, `failed` if it did."""
        ...

    def read(self, transaction: str) -> Command:
        """What the contract says that a transaction made or called; as text."""
        ...


class PrivateKeys(Protocol):
    """Keys of private transactions that a node's manager has to know of others."""

    def asked(self) -> Command:
        """Ask the manager beside a node."""
        ...

    def known(self, printed: str) -> frozenset[str]:
        """The keys that it knows.

        Raises:
            Unanswered: It is no such answer.
        """
        ...


class Running(Protocol):
    """How a protocol's nodes are asked, each question a command for one container; or that they cannot be."""

    @property
    def container(self) -> str:
        """The container in which all commands are run."""
        ...

    @property
    def main(self) -> str:
        """The container that is the node: its log is the node's, its image the node's release."""
        ...

    @property
    def workload(self) -> str:
        """The kind of what runs a node, as kubectl takes it: `deployment` or `statefulset`."""
        ...

    @property
    def blocks(self) -> Lack | None:
        """Why its nodes agree on no blocks; None where they do."""
        ...

    @property
    def console(self) -> Console | Lack:
        """How a line is typed at a node."""
        ...

    @property
    def admission(self) -> Admission | Lack:
        """How nodes are kept out."""
        ...

    @property
    def votes(self) -> Votes | Lack:
        """How validators come and go."""
        ...

    @property
    def trials(self) -> Trials | Lack:
        """How the chain is tried."""
        ...

    @property
    def given(self) -> Command | None:
        """What prints the genesis with which a node was started; None where its rules never change later."""
        ...

    @property
    def private_keys(self) -> PrivateKeys | None:
        """What managers know of others; None where nodes have no manager."""
        ...

    @property
    def among_siblings(self) -> frozenset[str]:
        """Ports at which an organisation's nodes dial each other by the address that partners dial."""
        ...

    def look(self, height: int | None = None) -> Command:
        """Ask for the node's state, and for the hash of a block."""
        ...

    def state(self, printed: str) -> State:
        """The answer to `look`.

        Raises:
            Unanswered: It is none.
        """
        ...

    def knocks(self, node: ExternalNode) -> tuple[Knock, ...]:
        """How another organisation's node is reached, port by port; none for a port without an address."""
        ...

    def quorum(self, validators: int) -> int:
        """How many of so many validators have to run for blocks to be made."""
        ...
