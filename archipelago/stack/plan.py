"""The plan of a whole stack: a pure function of what was written, what partners gave and what was exported last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archipelago.chains.contract import NOTHING_SHARED, Ask, Chain, Genesis, Given, Shared, Site
from archipelago.chains.node import Node
from archipelago.checks import plans as checks
from archipelago.identity.curve25519 import signer
from archipelago.identity.derive import Keyring
from archipelago.identity.sealing import Sealer
from archipelago.model.address_book import AddressBook
from archipelago.model.monitor import MonitorPlan
from archipelago.model.plan import NodePlan, Service
from archipelago.model.record import ExternalNode
from archipelago.problems import Problem, Refused
from archipelago.settings.read import Settings
from archipelago.stack import continuity, sharing
from archipelago.stack.exchange import Exchange, exchange
from archipelago.stack.founding import decide
from archipelago.stack.partners import Import, accept

_LABEL_VALUE = 63  # characters that Kubernetes allows


@dataclass(frozen=True)
class StackPlan:
    """Everything one `pulumi up` makes and exports.

    Args:
        settings: What was written.
        owner: Who claims the objects, `<organisation>.<stack>.<fingerprint of its key>`.
        genesis: None while the stack waits.
        founder: The organisation whose genesis it is.
        nodes: Own nodes, sorted by name.
        records: Their public halves; endpoints that only the cluster can tell are missing.
        live_files: Files that change under running nodes.
        services: Services that any of the nodes answers.
        imports: What each partner gave.
        waiting_for: Without what there is no genesis, or a node does not run.
        warnings: What a reader of the preview should know.
        one_by_one: Nodes that are updated one after another, because they run already.
        signing_key: The organisation's Ed25519 private key.
        monitor: What watches the nodes from a pod of its own; None where nothing does.
        sharing: What partners alone can read of its outputs; None for a protocol that never seals.
        unasked: What of the cluster the plan depends on and nobody told.
        exchange: What it shows of itself and knows of others; empty for a protocol without profiles.
        file_formats: In which format a node's private files are written, by its name.
    """

    settings: Settings
    owner: str
    genesis: Genesis | None
    founder: str
    nodes: tuple[NodePlan, ...]
    records: tuple[ExternalNode, ...]
    live_files: Mapping[str, str]
    services: tuple[Service, ...]
    imports: tuple[Import, ...]
    waiting_for: tuple[str, ...]
    warnings: tuple[str, ...]
    one_by_one: frozenset[str]
    signing_key: bytes = field(repr=False)
    monitor: MonitorPlan | None = None
    sharing: sharing.Sharing | None = None
    unasked: tuple[Ask, ...] = ()
    exchange: Exchange = field(default_factory=Exchange)
    file_formats: Mapping[str, int] = field(default_factory=dict)

    @property
    def network(self) -> str:
        """Name of the network."""
        return str(self.settings.network.name)

    @property
    def namespace(self) -> str:
        """The stack's own namespace: of all objects but those of nodes that stand elsewhere."""
        return self.settings.cluster.namespace

    @property
    def populated(self) -> tuple[str, ...]:
        """Namespaces in which nodes stand, sorted; without any the stack's own."""
        return tuple(sorted({self.namespace_of(node) for node in self.nodes})) or (self.namespace,)

    def namespace_of(self, node: NodePlan | None) -> str:
        """Where a node's objects stand; without a node those of the network as a whole."""
        return (node and node.namespace) or self.namespace

    @property
    def missing(self) -> tuple[str, ...]:
        """Partners of whom nothing is known."""
        return tuple(given.name for given in self.imports if given.absent)


def plan_stack(
    settings: Settings,
    chain: Chain,
    stack: str,
    received: Mapping[str, Mapping[str, Any] | None],
    last: Mapping[str, Any],
    root: Path,
    source: str,
    given: Given | None = None,
) -> StackPlan:
    """Plan a stack.

    Args:
        settings: What was written.
        chain: The protocol.
        stack: Name of the stack.
        received: A bundle by partner; None for a partner that is not there. Pasted nodes need no entry.
        last: This stack's own outputs of the last run; empty at the first.
        root: The project's folder.
        source: The stack file's name, for messages.
        given: What the cluster answered to what the chain asks; what is not in it was not asked, or not answered.

    Raises:
        Refused: With every problem found; nothing was touched.
    """
    keyring = Keyring(settings.seed, settings.organisation, settings.network.name)
    imports, problems = _imports(settings, chain, received)
    signing_key = keyring.secret("", "organisation signing key")
    owner = _owner(settings.organisation, stack, signing_key)
    ran = continuity.fingerprints(last)
    site = Site(settings.cluster.namespace, settings.cluster.address or "", owner, given or {}, ran)
    common = _common(settings, chain, keyring, site, imports, last)
    problems += common.problems
    made = _nodes(settings, chain, keyring, last)
    nodes = {node.name: chain.equipped(settings, node, common.shared) for node in made}
    recorded = continuity.recorded(last, settings, problems)
    decision = decide(settings, chain, nodes, imports, recorded, root)
    plans = tuple(chain.plan(settings, node, site, decision.genesis) for node in nodes.values())
    records = tuple(_record(node, plan, site) for node, plan in zip(nodes.values(), plans, strict=True))
    pairs = list(zip(plans, records, strict=True))
    keys = common.sharing.keys if common.sharing else {}
    heard = exchange(settings, chain, Sealer.of(keyring), signing_key, pairs, imports, keys, last)
    partners = (node for given in imports.values() for node in given.nodes)
    book = AddressBook.of(settings.organisation, [*records, *partners, *heard.members])
    unasked = tuple(ask for ask in chain.asks(settings) if ask not in site.given)
    waits = list(dict.fromkeys(plan.waits_for for plan in plans if plan.waits_for))
    problems += [*heard.problems, *decision.problems, *book.problems(settings.path_of), *sharing.disagreements(book)]
    services = chain.services(settings)
    problems += checks.problems(plans, services, settings)
    if recorded:  # not after a rename, which alone is told: it changes every key
        problems += continuity.lost_keys(last, nodes, settings)
        problems += continuity.moved(last, records, settings)
        problems += sharing.changed_keys(last, nodes, settings, certain=not unasked)
    if problems:
        raise Refused(problems, source)
    return StackPlan(
        settings=settings,
        owner=owner,
        genesis=decision.genesis,
        founder=decision.founder,
        nodes=plans,
        records=records,
        live_files={**chain.live_files(settings.network.name, book, plans), **heard.live_files},
        services=services,
        imports=tuple(imports.values()),
        waiting_for=(*decision.waiting_for, *waits, *heard.waiting_for),
        warnings=(
            *chain.doubts(settings),
            *_warnings(imports, decision.waiting_for, waits, last),
            *common.warnings,
            *sharing.generations(book),
            *sharing.keyless(book, imports),
            *(f"The cluster did not tell of the {ask}: what depends on it may come out otherwise." for ask in unasked),
            *heard.warnings,
        ),
        one_by_one=continuity.ran(last) if recorded and recorded.genesis else frozenset(),
        signing_key=signing_key,
        monitor=chain.monitor(settings, nodes),
        sharing=common.sharing,
        unasked=unasked,
        exchange=heard,
        file_formats={node.name: node.file_format for node in nodes.values()},
    )


def _nodes(settings: Settings, chain: Chain, keyring: Keyring, last: Mapping[str, Any]) -> Iterator[Node[Any]]:
    """Own nodes, sorted; those that run keep their private files as they are written."""
    formats = continuity.file_formats(last)
    for name in sorted(settings.nodes):
        node = chain.node(settings, keyring, name)
        was = formats.get((name, node.record.generation, node.record.account), node.file_format)
        yield chain.earlier(keyring, node, was) if was < node.file_format else node


@dataclass(frozen=True)
class _Common:
    """What is held in common with partners, and what is said of it."""

    shared: Shared = NOTHING_SHARED
    sharing: sharing.Sharing | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()


def _common(
    settings: Settings,
    chain: Chain,
    keyring: Keyring,
    site: Site,
    imports: Mapping[str, Import],
    last: Mapping[str, Any],
) -> _Common:
    if not chain.seals:
        return _Common()
    sealer = Sealer.of(keyring)
    letters = sharing.read_letters(sealer, imports, last)
    shared = chain.shared(settings, keyring, site, letters.opened)
    made = sharing.share(settings, sealer, imports, last, shared, letters)
    problems, warnings = (*letters.problems, *shared.problems), (*letters.warnings, *shared.warnings)
    return _Common(shared, made, problems, warnings)


def _imports(
    settings: Settings, chain: Chain, received: Mapping[str, Mapping[str, Any] | None]
) -> tuple[dict[str, Import], list[Problem]]:
    imports: dict[str, Import] = {}
    problems: list[Problem] = []
    for name, partner in sorted(settings.partners.items()):
        given = accept(name, partner, received.get(name), settings, chain)
        if isinstance(given, Import):
            imports[name] = given
        else:
            problems += given
    return imports, problems


def _owner(organisation: str, stack: str, signing_key: bytes) -> str:
    """Who claims the objects, as a label's value; with the key's fingerprint, or all users of one example were one."""
    fingerprint = signer(signing_key).partition(":")[2][:8]
    return f"{organisation}.{stack[: _LABEL_VALUE - len(organisation) - len(fingerprint) - 2]}.{fingerprint}"


def _record(node: Node[Any], plan: NodePlan, site: Site) -> ExternalNode:
    elsewhere = plan.namespace if plan.namespace not in ("", site.namespace) else None
    return node.record.model_copy(update={"endpoints": plan.service.endpoints(), "namespace": elsewhere})


def _warnings(
    imports: Mapping[str, Import], waiting_for: list[str], waits: list[str], last: Mapping[str, Any]
) -> list[str]:
    before = last.get("partners") or {}
    found = []
    if waiting_for:
        whom = ", ".join(waiting_for)
        found.append(f"Waiting for {whom}: all but the workloads is made. Run pulumi up again when it is there.")
    if waits:
        whom = ", ".join(waits)
        found.append(
            f"Waiting for {whom}: the nodes that need it do not run yet. Run pulumi up again when it is there."
        )
    for name, given in imports.items():
        had = before.get(name) or {}
        if given.absent:
            found.append(f"Partner {name}: {given.absent}. Run pulumi up again when it is.")
        if had.get("nodes") and not given.nodes:
            found.append(
                f"Partner {name} had {int(had['nodes'])} nodes and has none now: they are dropped from the peers."
            )
        if had.get("key") and given.nodes and had["key"] != given.key:
            found.append(
                f"Partner {name} now signs with {given.key or 'no key'}, before with {had['key']}. Ask it why."
            )
    return found
