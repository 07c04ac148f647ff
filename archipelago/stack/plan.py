"""The plan of a whole stack: a pure function of what was written, what partners gave and what was exported last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from archipelago.chains.contract import Chain, Genesis, Site
from archipelago.chains.node import Node
from archipelago.identity.curve25519 import signer
from archipelago.identity.derive import Keyring
from archipelago.model.address_book import AddressBook
from archipelago.model.monitor import MonitorPlan
from archipelago.model.plan import NodePlan, Service
from archipelago.model.record import ExternalNode, NetworkRecord
from archipelago.problems import Problem, Refused
from archipelago.settings.read import Settings
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
        waiting_for: Without what there is no genesis.
        warnings: What a reader of the preview should know.
        one_by_one: Nodes that are updated one after another, because they run already.
        signing_key: The organisation's Ed25519 private key.
        monitor: What watches the nodes from a pod of its own; None where nothing does.
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

    @property
    def network(self) -> str:
        """Name of the network."""
        return str(self.settings.network.name)

    @property
    def namespace(self) -> str:
        """Namespace of all objects."""
        return self.settings.cluster.namespace

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

    Raises:
        Refused: With every problem found; nothing was touched.
    """
    keyring = Keyring(settings.seed, settings.organisation, settings.network.name)
    nodes = {name: chain.node(settings, keyring, name) for name in sorted(settings.nodes)}
    imports, problems = _imports(settings, chain, received)
    signing_key = keyring.secret("", "organisation signing key")
    recorded = _recorded(last, settings, problems)
    decision = decide(settings, chain, nodes, imports, recorded, root)
    site = Site(settings.cluster.namespace, settings.cluster.address or "")
    plans = tuple(chain.plan(settings, node, site, decision.genesis) for node in nodes.values())
    records = tuple(_record(node, plan) for node, plan in zip(nodes.values(), plans, strict=True))
    book = AddressBook.of(settings.organisation, [*records, *(n for given in imports.values() for n in given.nodes)])
    problems += [*decision.problems, *book.problems(settings.path_of)]
    if recorded:  # not after a rename, which alone is told: it changes every key
        problems += _lost_keys(last, nodes, settings)
    if problems:
        raise Refused(problems, source)
    return StackPlan(
        settings=settings,
        owner=_owner(settings.organisation, stack, signing_key),
        genesis=decision.genesis,
        founder=decision.founder,
        nodes=plans,
        records=records,
        live_files=chain.live_files(settings.network.name, book, plans),
        services=chain.services(settings),
        imports=tuple(imports.values()),
        waiting_for=tuple(decision.waiting_for),
        warnings=(*chain.doubts(settings), *_warnings(imports, decision.waiting_for, last)),
        one_by_one=frozenset(
            each.get("name", "") for each in last.get("externalNodes") or () if recorded and recorded.genesis
        ),
        signing_key=signing_key,
        monitor=chain.monitor(settings, nodes),
    )


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


def _recorded(last: Mapping[str, Any], settings: Settings, problems: list[Problem]) -> NetworkRecord | None:
    if not last.get("network"):
        return None
    try:
        recorded = NetworkRecord.model_validate(last["network"])
    except ValidationError:
        cure = "It was written by a newer version of this program: run that one."
        problems.append(Problem("network", "this stack's own last outputs cannot be read.", cure))
        return None
    if recorded.name != settings.network.name:
        words = f"this stack runs the network {recorded.name}; a rename would delete its nodes and make others."
        cure = f"Set archipelago:network.name to {recorded.name}; make a stack of its own for {settings.network.name}."
        problems.append(Problem("network.name", words, cure))
        return None
    here = settings.cluster.namespace
    if recorded.namespace not in ("", here):
        words = (
            f"this stack's nodes run in {recorded.namespace}; in {here} they would start a second time, without data."
        )
        cure = f"Set archipelago:cluster.namespace to {recorded.namespace}, or destroy the stack before it moves."
        problems.append(Problem("cluster.namespace", words, cure))
    return recorded


def _lost_keys(last: Mapping[str, Any], nodes: Mapping[str, Node[Any]], settings: Settings) -> Iterator[Problem]:
    """Nodes that would become somebody else: another seed, or a key that was imported before, loses a validator."""
    for before in last.get("externalNodes") or []:
        node = nodes.get(before.get("name", ""))
        if node is None or int(before.get("generation", 1)) != node.record.generation:
            continue
        after = node.record.plain()
        keys = ("nodeId", "account", "privacyKey")  # the last may come and go with privacy
        changed = [key for key in keys if before.get(key) and after[key] and before[key] != after[key]]
        if changed:
            path = settings.path_of(node.name)
            was, now = (f"{changed[0]} {str(each[changed[0]])[:8]}" for each in (before, after))
            words = f"its key would change from {was}… to {now}…, and partners know it by the old one."
            cure = (
                "Bring back the identitySeed (or the imported keys) that this stack was made with. Only where the node "
                f"shall have other keys, count up archipelago:{path}.identity.generation."
            )
            yield Problem(path, words, cure)


def _owner(organisation: str, stack: str, signing_key: bytes) -> str:
    """Who claims the objects, as a label's value; with the key's fingerprint, or all users of one example were one."""
    fingerprint = signer(signing_key).partition(":")[2][:8]
    return f"{organisation}.{stack[: _LABEL_VALUE - len(organisation) - len(fingerprint) - 2]}.{fingerprint}"


def _record(node: Node[Any], plan: NodePlan) -> ExternalNode:
    return node.record.model_copy(update={"endpoints": plan.service.endpoints()})


def _warnings(imports: Mapping[str, Import], waiting_for: list[str], last: Mapping[str, Any]) -> list[str]:
    before = last.get("partners") or {}
    found = []
    if waiting_for:
        whom = ", ".join(waiting_for)
        found.append(f"Waiting for {whom}: all but the workloads is made. Run pulumi up again when it is there.")
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
