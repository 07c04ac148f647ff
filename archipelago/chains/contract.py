"""What the rest of the program asks of a protocol. The caller never asks which one it has."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from archipelago.chains.accounts import Account
from archipelago.chains.node import Node
from archipelago.chains.peer_limits import PeerLimits
from archipelago.chains.running import Running
from archipelago.chains.shared import Shared
from archipelago.identity.derive import Keyring
from archipelago.model.address_book import AddressBook
from archipelago.model.monitor import MonitorPlan
from archipelago.model.plan import NodePlan, Service
from archipelago.model.record import ExternalNode
from archipelago.problems import Problem
from archipelago.settings.models import NodeSettings
from archipelago.settings.read import Settings


@dataclass(frozen=True, slots=True)
class Genesis:
    """What everybody must agree on, in no protocol's words.

    Args:
        text: Byte for byte.
        hash: What identifies it.
        chain_id: 0 where the protocol has none.
        file: Its file name.
        rules: A text that is equal where everything is that the hash does not cover and that holds from block 0 on,
            however the file is written.
        addresses: Of the validators that it names.
        later: Rules that begin at a later block, by block: a running network may still agree on others.
        beside: What all nodes have to be told alike and the file does not say, by the names of stack files.
    """

    text: str
    hash: str
    chain_id: int
    file: str
    rules: str
    addresses: tuple[str, ...] = ()
    later: tuple[tuple[int, str], ...] = ()
    beside: Mapping[str, int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """An object of the stack's own cluster that a plan depends on, and that somebody else may have made.

    Args:
        kind: `Secret`, `Service` or `Namespace`.
        namespace: Where it stands; empty for a Namespace.
        name: Its name.
    """

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


Given = Mapping[Ask, Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Site:
    """Where a node's objects stand.

    Args:
        namespace: Namespace of all objects.
        address: What partners dial for NodePorts; empty where nobody wrote it.
        owner: Who claims the stack's objects; a label of each.
        given: What the cluster answered, an object as its API shows it; None for one that is not there. An ask without
            an entry got no answer: nobody asked, or the cluster is away.
        ran: Fingerprint of the key that each own node had at the last run, by its name.
    """

    namespace: str
    address: str
    owner: str = ""
    given: Given = field(default_factory=dict, repr=False)
    hosts: frozenset[str] = frozenset()
    ran: Mapping[str, str] = field(default_factory=dict)

    def is_ours(self, ask: Ask) -> bool:
        """Whether the object is there and this stack made it."""
        metadata = (self.given.get(ask) or {}).get("metadata") or {}
        return bool(self.owner) and self.owner in (metadata.get("labels") or {}).values()

    def secret(self, ask: Ask) -> dict[str, bytes] | None:
        """What a Secret holds; None where there is none, or nobody knows.

        Raises:
            ValueError: It holds what no API server would give.
        """
        found = self.given.get(ask)
        data = (found or {}).get("data") or {}
        return None if found is None else {key: base64.b64decode(text, validate=True) for key, text in data.items()}


class Chain(Protocol):
    """A protocol's knowledge, in pure functions."""

    kind: str
    notice: str  # what its users should know before they build on it; empty where there is nothing to say
    seals: bool  # whether its organisations seal secrets to each other, so that a stack exports a sealing key
    profiles: bool  # whether they tell of themselves in profiles that partners hand on (`partners.<p>.accept`)

    @property
    def peer_limits(self) -> PeerLimits | None:
        """How many nodes of partners its nodes take; None where that has no limit."""
        ...

    @property
    def running(self) -> Running:
        """How its running nodes are asked."""
        ...

    @property
    def stack_model(self) -> type[Settings]:
        """What it adds to a stack file: `StackSettings` of its network and its node, or a subclass of that."""
        ...

    def ports(self, settings: Settings, node: NodeSettings) -> dict[str, frozenset[str]]:
        """Names of a node's ports by the section that may pin them: `exposure` and `api`."""
        ...

    def object_name(self, settings: Settings, node: str) -> str:
        """The stem of a node's objects' names, as `NodePlan` has it."""
        ...

    def checks(self, settings: Settings) -> Iterable[Problem]:
        """What is wrong with the settings beyond single fields."""
        ...

    def doubts(self, settings: Settings) -> Iterable[str]:
        """What works and is seldom meant: a warning each, a sentence or two."""
        ...

    def node(self, settings: Settings, keyring: Keyring, name: str) -> Node[Any]:
        """A node of ours: its public record and its private files."""
        ...

    def earlier(self, keyring: Keyring, node: Node[Any], file_format: int) -> Node[Any]:
        """A node that must not restart: its private files as they were written in an earlier format."""
        ...

    def asks(self, settings: Settings) -> tuple[Ask, ...]:
        """What the stack's cluster is asked before anything is planned."""
        ...

    def shared(
        self, settings: Settings, keyring: Keyring, site: Site, received: Mapping[str, Mapping[str, bytes]]
    ) -> Shared:
        """The secrets that this stack holds in common with partners; asked of a protocol that `seals` only.

        It may look at nothing that a partner decides by what we seal to him: then no two stacks can chase each other.

        Args:
            settings: Ours.
            keyring: Derives what nobody gave.
            site: What the cluster has.
            received: What partners sealed for us, now or earlier: opened, by partner and item.
        """
        ...

    def equipped(self, settings: Settings, node: Node[Any], shared: Shared) -> Node[Any]:
        """A node with what it needs of the shared secrets: private files, and the fingerprint in its record."""
        ...

    def account(self, node: Node[Any]) -> Account:
        """A node's account, as the protocol's own tool keeps one."""
        ...

    def keys(self, node: Node[Any]) -> Mapping[str, bytes]:
        """The private half of a node, as files that the protocol's own tools read."""
        ...

    def identified(self, settings: Settings, name: str, files: Mapping[str, str]) -> Mapping[str, str]:
        """Who some private files make a node: each of its keys by what is public of it.

        Two sets of files with equal answers have the same keys, in whatever format they are written.

        Args:
            settings: Ours.
            name: Of the node.
            files: Private files of it, of any day; what is not ours among them says nothing.

        Returns:
            By the names that a record has for them, where it has one.

        Raises:
            ValueError: A key cannot be read; the text has nothing of it.
        """
        ...

    def governor(self, settings: Settings, keyring: Keyring, genesis: Genesis | None) -> Account | None:
        """The account that governs the network; None where there is none, or where our seed does not give it."""
        ...

    def parse_node(self, raw: Mapping[str, Any], network: str, organisation: str) -> ExternalNode:
        """A partner's node, from a record or from another tool's spelling.

        Raises:
            ValueError: It is malformed, or its identity is no identity.
        """
        ...

    def read_genesis(self, text: str) -> Genesis:
        """A genesis that was handed to us, with the hash computed here.

        Raises:
            ValueError: It is none, or of another protocol.
        """
        ...

    def agreed(self, settings: Settings) -> Genesis | None:
        """What all agree on by their settings alone, so that nobody waits; None where a founder has to make it."""
        ...

    def unfoundable(self, settings: Settings) -> Iterable[Problem]:
        """Why no genesis can be made of these settings; asked of a founder that has none yet."""
        ...

    def found(
        self, settings: Settings, nodes: Mapping[str, Node[Any]], book: Mapping[str, ExternalNode]
    ) -> Genesis | list[str]:
        """Make the genesis.

        Args:
            settings: Of the founder.
            nodes: Own nodes by name.
            book: Partners' nodes by `organisation/name`.

        Returns:
            The genesis, or the validators that it names and nobody knows yet.
        """
        ...

    def validators(self, settings: Settings) -> Iterable[str]:
        """Names of the validators that a founder's genesis names; those of partners as `organisation/name`."""
        ...

    def bears(self, settings: Settings, validators: int) -> int:
        """How many of so many validators may be away while blocks go on."""
        ...

    def differences(
        self, settings: Settings, genesis: Genesis, own: Mapping[str, Node[Any]], book: Mapping[str, ExternalNode]
    ) -> Iterable[Problem]:
        """Where the settings contradict a genesis that is frozen; what they leave open never does."""
        ...

    def beside(self, settings: Settings, genesis: Genesis, known: Mapping[str, int]) -> Mapping[str, int]:
        """What all nodes have to be told alike and the genesis does not say, by the names of stack files.

        0 where nothing says it: then it is the protocol's default, and told as uncertain.

        Args:
            settings: Ours; what they say goes before what is known.
            genesis: What is agreed on.
            known: What this stack recorded, else what its founder says; anything may stand there.
        """
        ...

    def plan(self, settings: Settings, node: Node[Any], site: Site, genesis: Genesis | None) -> NodePlan:
        """What has to run for one node; without a genesis everything but the workload."""
        ...

    def monitor(self, settings: Settings, nodes: Mapping[str, Node[Any]]) -> MonitorPlan | None:
        """What watches the stack's nodes from a pod of its own; None where nothing does."""
        ...

    def services(self, settings: Settings) -> tuple[Service, ...]:
        """Services that any of our nodes answers, beside each node's own."""
        ...

    def live_files(self, network: str, book: AddressBook, plans: Sequence[NodePlan] = ()) -> dict[str, str]:
        """Files that change under running nodes.

        Args:
            network: Its name.
            book: Everybody.
            plans: Own nodes, for protocols whose Services are not named for node and network alone.
        """
        ...

    def summary(self, settings: Settings, genesis: Genesis | None) -> tuple[str, ...]:
        """The network in a few words, as a headline has them: protocol, release, consensus, chain id."""
        ...

    def url(self, node: ExternalNode) -> str:
        """What a peer dials, in the protocol's own spelling; empty while the node's host or port is not known."""
        ...

    def external_text(self, nodes: Sequence[ExternalNode]) -> str:
        """Nodes as the protocol's usual tool hands them to a partner; each knows its endpoints."""
        ...
