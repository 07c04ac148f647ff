"""The plan of a whole stack: a pure function of what was written, what partners gave and what was exported last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from archipelago.chains.contract import Ask, Chain, Genesis, Given, Site
from archipelago.chains.node import Node
from archipelago.checks import plans as checks
from archipelago.identity.derive import SIGNING, Keyring
from archipelago.identity.sealing import Sealer
from archipelago.model.monitor import MonitorPlan
from archipelago.model.plan import NodePlan, Service
from archipelago.model.record import ExternalNode
from archipelago.problems import Problem, Refused
from archipelago.settings.read import Settings
from archipelago.stack import (
    accepted,
    clashes,
    continuity,
    crowds,
    held,
    losses,
    openings,
    ownership,
    sharing,
    standing,
    swarms,
)
from archipelago.stack.book import book_of
from archipelago.stack.bundles import bundle_of
from archipelago.stack.exchange import Exchange, exchange
from archipelago.stack.founding import decide, waiting
from archipelago.stack.ownership import Met
from archipelago.stack.partners import Import


@dataclass(frozen=True)
class StackPlan:
    """Everything one `pulumi up` makes and exports.

    Args:
        settings: What was written.
        stack: Its name.
        owner: Who claims the objects, see `ownership.owner`.
        genesis: None while the stack waits.
        founder: The organisation whose genesis it is.
        nodes: Own nodes, sorted by name.
        records: Their public halves; endpoints that only the cluster can tell are missing.
        live_files: Files that change under running nodes.
        services: Services that any of the nodes answers.
        imports: What each partner gave.
        waiting_for: Without what there is no genesis, or a node does not run.
        warnings: What a reader of the preview should know.
        one_by_one: Nodes that are updated one after another, because they run already. Of the last outputs; a run that
            reaches its cluster looks there.
        signing_key: The organisation's Ed25519 private key.
        monitor: What watches the nodes from a pod of its own; None where nothing does.
        sharing: What partners alone can read of its outputs; None for a protocol that never seals.
        unasked: What of the cluster the plan depends on and nobody told.
        exchange: What it shows of itself and knows of others; empty for a protocol without profiles.
        file_formats: In which format a node's private files are written, by its name.
        validators: How many validators the network has for certain, and how many more may be away while blocks go on.
        bears: How many of its validators may be away at all, those included that want to be voted in.
        cluster: In which cluster it runs, for its outputs.
        hosts: Addresses of its nodes that were exported last.
        before: What the last run took of each partner.
        exported: The bundle of the last run.
        now: Seconds since 1970; 0 where the time is not known.
        unheard: Partners that give nothing now, and of whom a stack that has lost its outputs may have had nodes.
        standing: By kind and namespace, what stays of the list of peers as it stands in the cluster.
        rules_before: As of `Decision`: whether the nodes take other rules is known when they are asked.
        claims: Of which genesis a claim in the cluster holds the chain, by namespace and node: what waits keeps that.
    """

    settings: Settings
    stack: str
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
    validators: tuple[int, int] = (0, 0)
    bears: int = 0
    cluster: Mapping[str, str] = field(default_factory=dict)
    hosts: frozenset[str] = frozenset()
    before: accepted.Before = field(default_factory=dict)
    exported: Mapping[str, Any] = field(default_factory=dict)
    now: int = 0
    unheard: frozenset[str] = frozenset()
    standing: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    claims: Mapping[tuple[str, str], str] = field(default_factory=dict)
    rules_before: Genesis | None = None

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
        """Partners that give nothing that can be taken now."""
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
    met: Met | None = None,
    now: int = 0,
) -> StackPlan:
    """Plan a stack.

    A partner whose words cannot be taken counts as away where something of it was taken before.

    Args:
        settings: What was written.
        chain: The protocol.
        stack: Name of the stack.
        received: A bundle by partner; None for a partner that is not there. Pasted nodes need no entry.
        last: This stack's own outputs of the last run; empty at the first.
        root: The project's folder.
        source: The stack file's name, for messages.
        given: What the cluster answered to what the chain asks; what is not in it was not asked, or not answered.
        met: What the cluster says of itself; None where it was not asked.
        now: Seconds since 1970, for the count of what is exported; without them it goes up by one.

    Raises:
        Refused: With every problem found; nothing was touched.
    """
    before = accepted.read(last, settings)
    imports, wrong = accepted.imports(settings, chain, received, before)
    while True:
        try:
            plan = _planned(
                settings, chain, stack, imports, before, wrong, last, root, source, given or {}, met or Met()
            )
        except Refused as refused:
            instead = accepted.blamed(refused.problems, imports, settings, before)
            if not instead:
                raise
            imports |= instead
        else:
            unheard = accepted.unheard(imports, before, settings, last)
            return replace(plan, before=before, exported=bundle_of(last), now=now, unheard=unheard)


def _planned(
    settings: Settings,
    chain: Chain,
    stack: str,
    imports: Mapping[str, Import],
    before: accepted.Before,
    wrong: Sequence[Problem],
    last: Mapping[str, Any],
    root: Path,
    source: str,
    given: Given,
    met: Met,
) -> StackPlan:
    """Plan a stack with what is taken of its partners; arguments as those of `plan_stack`."""
    keyring = Keyring(settings.seed, settings.organisation, settings.network.name)
    signing_key = keyring.secret("", SIGNING)
    owner = ownership.owner(settings, stack, signing_key, last, met)
    hosts, ran = continuity.hosts(last), continuity.fingerprints(last)
    site = Site(settings.cluster.namespace, settings.cluster.address or "", owner, given, hosts, ran)
    common = held.common(settings, chain, keyring, site, imports, last)
    problems = [*wrong, *common.problems]
    made = _nodes(settings, chain, keyring, last)
    nodes = {node.name: chain.equipped(settings, node, common.shared) for node in made}
    recorded = continuity.recorded(last, settings, problems)
    there = standing.of(met.traces, owner, settings.cluster.namespace, nodes)
    decision = decide(settings, chain, nodes, imports, recorded, root, there)
    pods = {node.name: node.settings.pod(given_ids=settings.cluster.openshift) for node in nodes.values()}
    plans = tuple(
        replace(chain.plan(settings, node, site, decision.genesis), pod=pods[node.name]) for node in nodes.values()
    )
    records = tuple(_record(node, plan, site) for node, plan in zip(nodes.values(), plans, strict=True))
    pairs = list(zip(plans, records, strict=True))
    runs = bool((recorded and recorded.genesis) or there.text)
    ours = clashes.Ours(records, continuity.addressed(last, pairs), last)
    cleared, rivals = clashes.settled(settings, imports, ours, before, runs=runs)
    if cleared != imports:  # as if those had not been given
        return _planned(settings, chain, stack, cleared, before, wrong, last, root, source, given, met)
    keys = common.sharing.keys if common.sharing else {}
    heard = exchange(settings, chain, Sealer.of(keyring), signing_key, pairs, imports, keys, last)
    near = book_of(settings.organisation, records, imports.values())
    book = near.with_more(heard.members)
    unasked = tuple(ask for ask in chain.asks(settings) if ask not in site.given)
    waits = list(dict.fromkeys(plan.waits_for for plan in plans if plan.waits_for))
    # not after a rename, which alone is told: it changes every key
    changed = list(continuity.lost_keys(last, nodes, settings)) if recorded else []
    problems += [
        *heard.problems,
        *continuity.founding(decision.problems, changed),
        *rivals,
        *(crowds.problems(chain.peer_limits, imports, last) if chain.peer_limits else ()),
        *swarms.disagreements(near, common.shared.givers),
        *checks.problems(plans, services := chain.services(settings), settings),
    ]
    named = decision.genesis.addresses if decision.genesis else ()
    validators = losses.validators(settings, last, imports.values(), named, chain.running.quorum)
    gone = losses.lost(last, records) if recorded and recorded.genesis else {}
    problems += ownership.rivals(settings, stack, owner, last, met)
    if recorded:
        problems += changed
        problems += [*continuity.moved(last, records, settings), *continuity.twice(last, records, settings)]
        problems += losses.problems(settings, last, gone, validators, records)
        problems += sharing.changed_keys(last, nodes, settings, certain=not unasked)
    if problems:
        raise Refused(problems, source)
    live_files = {**chain.live_files(settings.network.name, book, plans), **heard.live_files}
    if large := list(checks.too_large(live_files, crowds.most_grown(imports, settings, last))):
        raise Refused(large, source)
    return StackPlan(
        settings=settings,
        stack=stack,
        owner=owner,
        genesis=decision.genesis,
        founder=decision.founder,
        nodes=plans,
        records=records,
        live_files=live_files,
        services=services,
        imports=tuple(imports.values()),
        waiting_for=(*decision.waiting_for, *waits, *heard.waiting_for),
        warnings=(
            *chain.doubts(settings),
            *decision.warnings,
            *accepted.warnings(imports, last),
            *clashes.warnings(imports.values()),
            *waiting(decision.waiting_for, waits),
            *common.warnings,
            *swarms.generations(book),
            *swarms.keyless(near, imports),
            *swarms.renamed(near),
            *swarms.apart(near, imports),
            *(f"The cluster did not tell of the {ask}: what depends on it may come out otherwise." for ask in unasked),
            *heard.warnings,
            *openings.warnings(settings, imports.values(), plans),
            *losses.needless(settings, gone),
        ),
        one_by_one=continuity.ran(last) if recorded and recorded.genesis else frozenset(),
        signing_key=signing_key,
        monitor=chain.monitor(settings, nodes),
        sharing=common.sharing,
        unasked=unasked,
        exchange=heard,
        file_formats={node.name: node.file_format for node in nodes.values()},
        validators=(validators.number, validators.spare()),
        bears=chain.bears(settings, losses.wanted(validators.number, near)),
        cluster=ownership.record(last, met),
        hosts=hosts,
        claims=there.claims,
        rules_before=decision.rules_before,
    )


def _nodes(settings: Settings, chain: Chain, keyring: Keyring, last: Mapping[str, Any]) -> Iterator[Node[Any]]:
    """Own nodes, sorted; those that run keep their private files as they are written."""
    formats = continuity.file_formats(last)
    for name in sorted(settings.nodes):
        node = chain.node(settings, keyring, name)
        was = formats.get((name, node.record.generation, node.record.account), node.file_format)
        yield chain.earlier(keyring, node, was) if was < node.file_format else node


def _record(node: Node[Any], plan: NodePlan, site: Site) -> ExternalNode:
    elsewhere = plan.namespace if plan.namespace not in ("", site.namespace) else None
    return node.record.model_copy(update={"endpoints": plan.service.endpoints(), "namespace": elsewhere})
