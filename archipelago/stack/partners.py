"""One reader for everything a partner may hand over: a stack's outputs, a bundle in a file, nodes pasted by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from archipelago.chains.contract import Chain
from archipelago.foreign_text import quoted
from archipelago.identity.sealing import check_sealing_key
from archipelago.model import foreign
from archipelago.model.endpoint import inside, searched
from archipelago.model.record import (
    LONGEST_SEALED,
    MOST_NODES,
    MOST_SEALED,
    ExternalNode,
    NetworkRecord,
    is_signed,
)
from archipelago.model.texts import LONGEST
from archipelago.problems import Problem
from archipelago.settings.partner import Partner
from archipelago.settings.read import Settings
from archipelago.stack.bundles import PROFILES, SIBLING_NODES, UNREADABLE


@dataclass(frozen=True, slots=True)
class Import:
    """What one partner gave.

    Args:
        name: The partner's name in the settings.
        nodes: Its nodes, checked.
        network: The network as it knows it; None where it did not say.
        key: Its signing key; empty where nothing was signed.
        sealing_key: What it wants things sealed for; empty where it gave none.
        sealed: What it sealed for us, by item.
        profiles: Its own profiles, as received: each is signed by itself.
        relayed: Those of others that it hands on, as received.
        absent: Why it gives nothing that can be taken, in words; its nodes are then those that were taken last.
        edition: The count of its bundle; 0 where it has none.
        told: Its nodes as it gave them, where some of them are left out.
        left_out: Those that are not among `nodes`, by name, and why; see `clashes`.
        sibling: Whether it is another stack of our own organisation.
    """

    name: str
    nodes: tuple[ExternalNode, ...] = ()
    network: NetworkRecord | None = None
    key: str = ""
    absent: str = ""
    sealing_key: str = ""
    sealed: Mapping[str, str] = field(default_factory=dict)
    profiles: tuple[Any, ...] = ()
    relayed: tuple[Any, ...] = ()
    edition: int = 0
    told: tuple[ExternalNode, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    sibling: bool = False

    @property
    def called(self) -> str:
        """Who it is, in a sentence."""
        return f"{'sibling' if self.sibling else 'partner'} {self.name}"

    @property
    def title(self) -> str:
        """Who it is, at the beginning of one."""
        return f"{self.called[0].upper()}{self.called[1:]}"

    @property
    def path(self) -> str:
        """Where it stands in the stack file."""
        return f"{'siblings' if self.sibling else 'partners'}.{self.name}"

    @property
    def provenance(self) -> str:
        """Whose word it is, for a table."""
        return self.absent or (f"signed by {self.key[8:16]}…" if self.key else "unsigned")


def accept(
    name: str, partner: Partner, raw: Mapping[str, Any] | None, settings: Settings, chain: Chain
) -> Import | list[Problem]:
    """Check what a partner, or a sibling, gave.

    A partner gives the nodes of all its stacks; of a sibling those alone that are its own: what it heard of others we
    hear of them, or two of us would wait for each other.

    Args:
        name: The partner's name in the settings, or the sibling's.
        partner: What the settings say of it, see `Settings.sources`.
        raw: A bundle; None where there is no such stack or file.
        settings: Ours.
        chain: Parses its nodes.

    Returns:
        What may be used, or everything that is wrong with it.
    """
    path, whose = settings.path_of_source(name), settings.organisation_of(name)
    sibling = name in settings.siblings
    if partner.nodes is not None:
        raw = {"organisation": name, "externalNodes": list(partner.nodes)}
    where = partner.stack or partner.file or "the settings"
    if raw is None or _absent(where, partner, raw):
        absent = f"{where} is not there yet" if raw is None else _absent(where, partner, raw)
        return _too_few(path, partner, Import(name, absent=absent, sibling=sibling))
    if unreadable := _unreadable(path, where, partner, name, raw):
        return [unreadable]
    signed = partner.nodes is None and is_signed(dict(raw))
    problems = list(_provenance(path, where, partner, name, raw, settings, signed=signed))
    nodes: list[ExternalNode] = []
    listed = _listed(raw, *(() if sibling else (SIBLING_NODES,)))
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
        words = f"what {where} gives as externalNodes is no list of nodes."
        return [*problems, Problem(path, words, f"Ask {name} for it again.")]
    if len(listed) > MOST_NODES:
        words = f"{where} must give at most {MOST_NODES} nodes, got {len(listed)}."
        return [*problems, Problem(path, words, f"Ask {name} for it again.")]
    for index, given in enumerate(listed):
        at = f"{path}.nodes[{index}]" if partner.nodes is not None else path
        try:
            node = chain.parse_node(given, settings.network.name, whose)
        except (ValidationError, ValueError) as error:
            label = quoted(given.get("name") or given.get("Node_UserIdent") or f"node {index + 1}")
            problems.append(
                Problem(at, f"{name}/{label}: {_first(error)}.", f"Ask {name} for it again: it is copied in {where}.")
            )
        else:
            problems += _foreign(at, where, node, whose, settings)
            problems += () if partner.allow_inside else _inside(at, node, name, settings)
            nodes.append(node)
    network = _network(path, raw, problems)
    problems += _other_network(path, where, network, whose, settings)
    sealing_key, sealed = _sealed(path, raw, settings.organisation, problems)
    if problems:
        return problems
    key = str(raw.get("key")) if signed else ""
    profiles, relayed = (tuple(raw[each]) if isinstance(raw.get(each), (list, tuple)) else () for each in PROFILES)
    edition = (network and network.edition) or 0
    found = Import(
        name, tuple(nodes), network, key, "", sealing_key, sealed, profiles, relayed, edition, sibling=sibling
    )
    return _too_few(path, partner, found)


def _listed(raw: Mapping[str, Any], *more: str) -> Any:
    """The nodes in a bundle, whatever stands in their place."""
    found = raw.get("externalNodes") or []
    for key in more if isinstance(found, list) else ():
        given = raw.get(key) or []
        found = [*found, *(given if isinstance(given, list) else [given])]
    return found


def _absent(where: str, partner: Partner, raw: Mapping[str, Any]) -> str:
    """Why a partner gives nothing, in words; empty where it gives something, right or wrong."""
    if why := raw.get(UNREADABLE):
        return quoted(why, 2 * LONGEST) if partner.stack and not partner.required else ""
    return "" if raw.get("organisation") else f"{where} has exported nothing yet"


def _unreadable(path: str, where: str, partner: Partner, name: str, raw: Mapping[str, Any]) -> Problem | None:
    """Why nothing of what a partner gives is looked at."""
    if why := raw.get(UNREADABLE):
        file = f"Ask {name} for the file that `archipelago export` writes."
        stack = f"Ask {name} to run pulumi up again, or set archipelago:{path}.required to false until it has."
        at, cure = (path, stack) if partner.stack else (f"{path}.file", file)
        return Problem(at, f"{quoted(why, 2 * LONGEST)}.", cure)
    try:
        foreign.check(raw)
    except ValueError as error:
        return Problem(path, f"what {where} gives cannot be read: {error}.", f"Ask {name} for it again.")
    return None


def _provenance(
    path: str,
    where: str,
    partner: Partner,
    name: str,
    raw: Mapping[str, Any],
    settings: Settings,
    *,
    signed: bool,
) -> Iterator[Problem]:
    sibling, whose = name in settings.siblings, settings.organisation_of(name)
    if raw["organisation"] != whose:
        other = quoted(raw["organisation"])
        words = f"{where} is the stack of {other}, not of {whose}."
        cure = f"Rename the partner to archipelago:partners.{other}, or correct its source."
        if sibling:
            cure = f"Name it as archipelago:partners.{other}: a sibling is a stack of your own organisation."
        elif raw["organisation"] == settings.organisation:
            cure = f"Name it as archipelago:siblings.{name}: it is a stack of your own organisation."
        yield Problem(path, words, cure)
    if partner.nodes is not None:
        return
    if not signed:
        if not partner.unsigned or partner.key:
            words = f"{where} carries no valid signature, so anybody could have written it."
            cure = f"Ask {name} to export it again, or accept it as it is with archipelago:{path}.unsigned: true."
            yield Problem(path, words, "Export it again from that stack." if sibling else cure)
    elif sibling and partner.key and raw["key"] != partner.key:
        words = f"{where} is signed by {quoted(raw['key'])}, and this stack signs with {partner.key}."
        cure = (
            "Stacks of one organisation have one identitySeed, which proves that they belong together: give the stack "
            "that has not run yet the seed of the other one. One with another seed is another organisation."
        )
        yield Problem(path, words, cure)
    elif partner.key and raw["key"] != partner.key:
        words = f"{where} is signed by {quoted(raw['key'])}, not by the key that is pinned."
        yield Problem(f"{path}.key", words, f"Compare the keys with {name} by another way before you change the pin.")


def _foreign(path: str, where: str, node: ExternalNode, name: str, settings: Settings) -> Iterator[Problem]:
    if node.organisation != name or node.network != settings.network.name:
        words = (
            f"{where} hands over {node} of the network {node.network}, not a node of {name} in {settings.network.name}."
        )
        yield Problem(path, words, "Correct the partner's name or source, or archipelago:network.name.")


def _inside(path: str, node: ExternalNode, name: str, settings: Settings) -> Iterator[Problem]:
    for host in sorted({endpoint.host for endpoint in node.endpoints.values()}):
        # what our own stack file says is meant
        if reason := inside(host) or ("" if settings.sources[name].nodes else searched(host, settings.namespaces)):
            cure = (
                f"Ask {name} for a host that can be dialled from outside its cluster. If you share a cluster or a "
                f"machine, set archipelago:{settings.path_of_source(name)}.allowInside to true."
            )
            yield Problem(path, f"the host {host} of {node} {reason}.", cure)


def _network(path: str, raw: Mapping[str, Any], problems: list[Problem]) -> NetworkRecord | None:
    if raw.get("network") is None:
        return None
    try:
        return NetworkRecord.model_validate(raw["network"])
    except ValidationError as error:
        problems.append(
            Problem(path, f"its network record: {_first(error)}.", "Ask the partner which version it runs.")
        )
        return None


def _other_network(path: str, where: str, of: NetworkRecord | None, whose: str, settings: Settings) -> list[Problem]:
    """A record of another network, as one without nodes may hand over: its genesis and edition are not ours."""
    ours = (settings.network.name, settings.network.kind, whose)
    if of is None or (of.name, of.kind, of.organisation) == ours:
        return []
    said = f"{of.name} ({quoted(of.kind)}) by {of.organisation}"
    words = f"{where} hands over a record of the network {said}, not of {ours[0]} ({ours[1]}) by {whose}."
    return [Problem(path, words, "Correct the partner's name or source, or archipelago:network.name.")]


def _sealed(path: str, raw: Mapping[str, Any], own: str, problems: list[Problem]) -> tuple[str, dict[str, str]]:
    """A partner's sealing key, and what it sealed for us."""
    key, sealed = raw.get("sealingKey"), raw.get("sealed")
    try:
        checked = "" if key is None else check_sealing_key(key if isinstance(key, str) else "")
    except ValueError as error:
        problems.append(Problem(path, f"{error}.", "Ask the partner to run pulumi up again."))
        return "", {}
    ours = sealed.get(own, {}) if isinstance(sealed, Mapping) else {} if sealed is None else None
    if not isinstance(ours, Mapping) or not all(isinstance(text, str) for text in ours.values()):
        words = "what it gives as sealed is no list of sealed texts."
        problems.append(Problem(path, words, "Ask the partner to run pulumi up again."))
        return "", {}
    if len(ours) > MOST_SEALED or any(len(item) > LONGEST or len(text) > LONGEST_SEALED for item, text in ours.items()):
        words = f"it must seal at most {MOST_SEALED} texts for us, each with at most {LONGEST_SEALED} characters."
        problems.append(Problem(path, words, "Ask the partner to run pulumi up again."))
        return "", {}
    return checked, {str(item): text for item, text in ours.items()}


def _too_few(path: str, partner: Partner, found: Import) -> Import | list[Problem]:
    if len(found.nodes) >= partner.min_nodes:
        return found
    count = f"{len(found.nodes)} nodes ({found.absent or 'as exported'})"
    words = f"it has {count}, fewer than its minNodes {partner.min_nodes}."
    cure = "Find out where they went before they are dropped from the peers, or lower minNodes."
    if found.absent:
        cure = (
            f"Run pulumi up at {found.name} first. If that stack waits for this one in the same way, as where both "
            f"have lost their outputs, set archipelago:{path}.minNodes to 0 for one run of one of them."
        )
    return [Problem(f"{path}.minNodes", words, cure)]


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        detail = error.errors(include_url=False)[0]
        place = ".".join(quoted(step) for step in detail["loc"])
        words = quoted(detail["msg"].removeprefix("Value error, "), LONGEST)
        return f"{place}: {words}" if place else words
    return quoted(str(error).rstrip("."), LONGEST)
