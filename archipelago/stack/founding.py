"""Which genesis a stack runs: the one it recorded, its founder's, a file's, or a new one; or whom it waits for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archipelago.chains.contract import Chain, Genesis
from archipelago.chains.node import Node
from archipelago.model.record import ExternalNode, NetworkRecord
from archipelago.problems import Problem
from archipelago.settings.read import Settings
from archipelago.stack import agreement, rules, standing
from archipelago.stack.partners import Import
from archipelago.stack.standing import NOTHING_STANDS, Standing


@dataclass
class Decision:
    """The genesis, or what it waits for, or why it is refused.

    Args:
        genesis: None while it waits.
        founder: The organisation whose genesis it is.
        waiting_for: Names of the nodes or partners without which there is no genesis.
        problems: Contradictions.
        warnings: What its reader should know.
        rules_before: The genesis that runs, or that a killed run left in the cluster, where this one has other rules of
            later blocks; None where it has not.
    """

    genesis: Genesis | None = None
    founder: str = ""
    waiting_for: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    rules_before: Genesis | None = None


def decide(
    settings: Settings,
    chain: Chain,
    nodes: Mapping[str, Node[Any]],
    imports: Mapping[str, Import],
    recorded: NetworkRecord | None,
    root: Path,
    there: Standing = NOTHING_STANDS,
) -> Decision:
    """Find the genesis.

    Args:
        settings: Ours.
        chain: Makes, reads and compares it.
        nodes: Own nodes by name.
        imports: What the partners gave, by partner.
        recorded: What this stack itself exported last.
        root: The project's folder, where `genesisFile` starts.
        there: What its objects in the cluster tell: it holds where nothing is recorded.
    """
    network = settings.network
    book = {f"{node.organisation}/{node.name}": node for given in imports.values() for node in given.nodes}
    decision = Decision(founder=settings.organisation if network.founder else network.joins)
    agreed = chain.agreed(settings)
    runs = bool((recorded and recorded.genesis) or there.text)
    offered = agreed or _offered(settings, chain, imports, root, decision, runs=runs)
    frozen = _frozen(settings, chain, recorded, offered, there, decision)
    if frozen and agreed and frozen.hash != agreed.hash:
        words = f"this stack's nodes run {frozen.text.strip()}, and its settings now say {agreed.text.strip()}."
        cure = "Bring back what they said; another network is a stack of its own, with a name of its own."
        decision.problems.append(Problem("network", words, cure))
    elif frozen and offered and frozen.hash != offered.hash:
        words = f"{decision.founder} now has the genesis {offered.hash}, but this stack's nodes run {frozen.hash}."
        cure = f"Ask {decision.founder} what happened to theirs; a new chain is a new network, with a name of its own."
        giver = rules.founders(settings, imports)
        path = "network" if getattr(network, "genesis_file", None) or giver is None else giver.path
        decision.problems.append(Problem(path, words, cure))
    elif frozen and offered and getattr(network, "genesis_file", None):
        running = frozen
        frozen, problems, warnings = rules.taken(running, offered)
        decision.rules_before = rules.before(chain, running, frozen, there.text)
        decision.problems += problems
        decision.warnings += warnings
    decision.genesis = frozen or offered
    if decision.genesis is None and network.founder and not decision.problems and not decision.waiting_for:
        _found(settings, chain, nodes, imports, book, decision)
    if decision.genesis:
        decision.waiting_for = []
        decision.problems += _pinned(settings, decision.genesis)
        decision.problems += chain.differences(settings, decision.genesis, nodes, book)
        if agreed:
            decision.problems += agreement.of_settings(agreed, imports)
        elif there.text and (whom := rules.awaited(settings, chain, decision.genesis, imports, recorded)):
            decision.genesis, decision.rules_before, decision.waiting_for = None, None, whom
            return decision
        else:
            decision.genesis, warnings = rules.beside(settings, chain, decision.genesis, imports, recorded)
            decision.warnings += warnings
            certain = runs or not network.founder
            problems, warnings = agreement.with_partners(chain, decision.genesis, imports, certain=certain)
            decision.problems += problems
            decision.warnings += warnings
            decision.warnings += agreement.other_keys(decision.genesis, chain.validators(settings), book)
        decision.warnings += agreement.unproven(decision.genesis, imports)
    return decision


def _frozen(
    settings: Settings,
    chain: Chain,
    recorded: NetworkRecord | None,
    offered: Genesis | None,
    there: Standing,
    decision: Decision,
) -> Genesis | None:
    """The genesis that this stack's nodes run, as its outputs say, or where they are lost its cluster."""
    known = (recorded and recorded.genesis) or there.text
    frozen = _parse(chain, known, "network", decision) if known else None
    file = offered if getattr(settings.network, "genesis_file", None) else None
    if frozen and file and (why := standing.outweighs(file, frozen, there)):
        decision.warnings.append(why)
        return None
    return frozen


def _found(
    settings: Settings,
    chain: Chain,
    nodes: Mapping[str, Node[Any]],
    imports: Mapping[str, Import],
    book: Mapping[str, ExternalNode],
    decision: Decision,
) -> None:
    decision.problems += chain.unfoundable(settings)
    if decision.problems:
        return
    made = chain.found(settings, nodes, book)
    if isinstance(made, list):
        decision.waiting_for += made
        return
    decision.genesis = made
    first = [book[name] for name in chain.validators(settings) if name in book]
    for name in dict.fromkeys(node.organisation for node in first if node.organisation != settings.organisation):
        _first_sight(settings, imports[name], [node for node in first if node.organisation == name], decision)


def _first_sight(settings: Settings, given: Import, validators: list[ExternalNode], decision: Decision) -> None:
    """A partner's validators in block 0 are there for good: whose word that is must be certain."""
    name, partner = given.name, settings.partners[given.name]
    listed = ", ".join(f"{node} {node.address}" for node in validators)
    if partner.unsigned:
        words = f"the genesis that this run makes would name {listed} for good, and no signature proves whose they are."
        cure = f"Ask {name} for a signed bundle, and take unsigned out; or paste its nodes in nodes."
        decision.problems.append(Problem(f"partners.{name}.unsigned", words, cure))
    elif partner.key is None and partner.nodes is None:
        decision.warnings.append(
            f"The genesis that this run makes names {listed} for good, and the key of {name} is not pinned: compare "
            f"{given.key} with {name} by another way, and set archipelago:partners.{name}.key to it."
        )


def _offered(
    settings: Settings, chain: Chain, imports: Mapping[str, Import], root: Path, decision: Decision, *, runs: bool
) -> Genesis | None:
    """The genesis that a file or the founder gives; a stack that runs one needs none."""
    network = settings.network
    if file := getattr(network, "genesis_file", None):
        path = root / file
        try:
            return _parse(chain, path.read_text(), "network.genesisFile", decision)
        except (OSError, UnicodeDecodeError) as error:
            cure = "Write a path from the project's folder, and commit the file: every run needs it."
            decision.problems.append(
                Problem("network.genesisFile", f"{path.absolute()} cannot be read: {_why(error)}.", cure)
            )
            return None
    if network.founder:
        return None
    given = rules.founders(settings, imports)
    if given is None or given.network is None or not given.network.genesis:
        if given and not given.absent and given.network is None and not runs:
            words = f"{network.joins} gave its nodes but no genesis, and this stack joins it."
            cure = "Ask it for its genesis.json and name the file in archipelago:network.genesisFile."
            decision.problems.append(Problem("network.genesisFile", words, cure))
        decision.waiting_for.append(f"{network.joins}: {(given and given.absent) or 'its genesis'}")
        return None
    offered = _parse(chain, given.network.genesis, given.path, decision)
    if offered and offered.hash != given.network.genesis_hash:
        words = f"it says its genesis is {given.network.genesis_hash}, but the file it gives hashes to {offered.hash}."
        cure = f"Do not join before {network.joins} can explain it."
        decision.problems.append(Problem(given.path, words, cure))
    return offered


def _why(error: OSError | UnicodeDecodeError) -> str:
    """Without the path, which is told already."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _parse(chain: Chain, text: str, path: str, decision: Decision) -> Genesis | None:
    try:
        return chain.read_genesis(text)
    except ValueError as error:
        decision.problems.append(Problem(path, f"{error}.", "Copy the founder's genesis.json again, whole."))
        return None


def _pinned(settings: Settings, genesis: Genesis) -> list[Problem]:
    pin = getattr(settings.network, "genesis_hash", None)
    if pin in (None, genesis.hash):
        return []
    words = f"{pin} is pinned, but the genesis at hand is {genesis.hash}."
    cure = "Compare it with the founder by another way; change the pin only if the pin was wrong."
    return [Problem("network.genesisHash", words, cure)]


def waiting(waiting_for: Sequence[str], waits: Sequence[str]) -> Iterator[str]:
    """What is not made yet, and for want of what.

    Args:
        waiting_for: What the whole stack lacks.
        waits: What single nodes lack.
    """
    if waiting_for:
        whom = ", ".join(waiting_for)
        yield f"Waiting for {whom}: all but the workloads is made. Run pulumi up again when it is there."
    if waits:
        whom = ", ".join(waits)
        yield f"Waiting for {whom}: the nodes that need it do not run yet. Run pulumi up again when it is there."
