"""Profiles of a whole stack: what it shows, what it heard of others, and what stands here because of that."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from archipelago.chains.contract import Chain
from archipelago.identity.curve25519 import signer
from archipelago.identity.sealing import Sealer
from archipelago.model.address_book import AddressBook
from archipelago.model.plan import NodePlan
from archipelago.model.profile import Profile
from archipelago.model.record import LARGEST_FILE, ExternalNode
from archipelago.model.swarms import Swarms
from archipelago.problems import Problem
from archipelago.profiles import limits
from archipelago.profiles.access import Access
from archipelago.profiles.entries import Known, Place
from archipelago.profiles.own import Own, heard_last, own_profiles
from archipelago.profiles.peers import Peer, peers, relayed_members, swarms_of
from archipelago.profiles.relays import Listener, Word, told_back
from archipelago.settings.profiles import identities_of
from archipelago.settings.read import Settings
from archipelago.stack import continuity, openings, room
from archipelago.stack.partners import Import

Tokens = Mapping[tuple[str, str], Access]  # what the cluster gave, by identity and partner


@dataclass(frozen=True)
class Exchange:
    """What one run makes of all profiles.

    Args:
        own: What this stack shows.
        known: What it knows of others, and hands on.
        peers: What stands here of them.
        members: Nodes of organisations that are no partners.
        live_files: Files that change under running nodes.
        waiting_for: What grants wait for.
        problems: Why something is refused.
        warnings: What a reader of the preview should know.
        sealer: Seals kubeconfigs; None where the protocol has no profiles.
        occupied: Kind, namespace and name of objects of others in the cluster: no Peer gets the name of one.
    """

    own: tuple[Own, ...] = ()
    known: tuple[Known, ...] = ()
    peers: tuple[Peer, ...] = ()
    members: tuple[ExternalNode, ...] = ()
    live_files: Mapping[str, str] = field(default_factory=dict)
    waiting_for: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    sealer: Sealer | None = field(default=None, repr=False)
    occupied: frozenset[tuple[str, str, str]] = frozenset()

    def profiles(
        self, records: Sequence[ExternalNode], tokens: Tokens, private: bytes
    ) -> tuple[dict[str, Any], ...] | None:
        """Own profiles as they are exported; None where the protocol has none.

        Args:
            records: Own nodes, with the endpoints that the cluster gave.
            tokens: What the cluster gave.
            private: The organisation's signing key.
        """
        if self.sealer is None:
            return None
        made = []
        for each in self.own:
            accesses = {partner: way for (name, partner), way in tokens.items() if name == each.profile.identity}
            made.append(each.delivered(records, accesses, self.sealer, private))
        return tuple(made)

    def relayed(self) -> tuple[dict[str, Any], ...] | None:
        """Others' profiles as they are exported; None where the protocol has none."""
        return None if self.sealer is None else tuple(each.plain() for each in self.known)


def exchange(
    settings: Settings,
    chain: Chain,
    sealer: Sealer,
    signing_key: bytes,
    nodes: Sequence[tuple[NodePlan, ExternalNode]],
    imports: Mapping[str, Import],
    sealing_keys: Mapping[str, str],
    last: Mapping[str, Any],
) -> Exchange:
    """Hear everybody and say who we are.

    Args:
        settings: Ours.
        chain: Reads records of nodes.
        sealer: We, as sender and recipient.
        signing_key: Ours.
        nodes: Own nodes.
        imports: What partners gave.
        sealing_keys: Of the partners that something may be sealed to.
        last: Our own last outputs.
    """
    written = identities_of(settings)
    if written is None:
        return Exchange()
    records = [record for _, record in nodes]
    words = _words(settings, imports)
    pins = {name: partner.key for name, partner in settings.partners.items() if partner.key}
    refuse = frozenset(getattr(settings, "refuse", ()))
    accepted = {name: given.key for name, given in imports.items() if given.absent and given.key}
    away = frozenset(name for name, given in imports.items() if given.absent and (given.key or given.nodes))
    unheard = frozenset(name for name, given in imports.items() if not given.key and name not in pins)
    key = signer(signing_key)
    listener = Listener(settings.organisation, settings.network.name, key, pins, refuse, accepted, away, unheard)
    learnt = listener.learn(words, _list(last.get("relayedProfiles")))
    heard = tuple(each for _, each in sorted(learnt.known.items()))
    echoes = (raw for word in words for raw in told_back(word.relayed))
    before = heard_last([*_list(last.get("profiles")), *echoes], settings.organisation, settings.network.name, key)
    keys = _sealing_keys(sealing_keys, heard, pins)
    own = own_profiles(written, records, sealer, signing_key, before, keys)
    taken = _taken(settings, chain, nodes, imports, own, learnt.known, last)
    shown, unopened = peers(taken.known, _places(nodes, settings), taken.swarms, sealer)
    waiting = tuple(
        f"{partner}: its sealing key, for the kubeconfig of identity {name}"
        for name, identity in sorted(written.items())
        for partner in sorted(identity.grants.keys() - keys.keys())
    )
    refused = [
        Problem(f"partners.{partner}", f"{words}.", f"Ask {partner} to run pulumi up again; take nothing of it before.")
        for partner, words in learnt.refused
    ]
    return Exchange(
        own=own,
        known=taken.known,
        peers=tuple(shown),
        members=taken.members,
        live_files=taken.live_files,
        waiting_for=waiting,
        problems=(*refused, *taken.problems),
        warnings=(
            *(_waits(each) for each in waiting),
            *learnt.doubts,
            *taken.warnings,
            *unopened,
            *limits.first(list(_lost(last, heard)), "more identities are relayed no longer: their Peers go."),
        ),
        sealer=sealer,
    )


@dataclass(frozen=True, slots=True)
class _Taken:
    """What fits of all that was heard."""

    known: tuple[Known, ...]
    swarms: Swarms
    members: tuple[ExternalNode, ...]
    live_files: Mapping[str, str]
    warnings: tuple[str, ...]
    problems: tuple[Problem, ...]


def _taken(
    settings: Settings,
    chain: Chain,
    nodes: Sequence[tuple[NodePlan, ExternalNode]],
    imports: Mapping[str, Import],
    own: Sequence[Own],
    heard: Mapping[Place, Known],
    last: Mapping[str, Any],
) -> _Taken:
    before = room.had(_relayed_before(last), len(nodes))
    records, plans = [record for _, record in nodes], [plan for plan, _ in nodes]
    partners = [node for given in imports.values() for node in given.nodes]
    told = (each.heard for each in heard.values() if each.via)
    swarms = swarms_of(settings.organisation, [*records, *partners], told, settings.network.name, chain.parse_node)

    def listed(members: Sequence[ExternalNode]) -> int:
        book = AddressBook.of(settings.organisation, [*records, *partners, *members])
        return limits.size_of(chain.live_files(settings.network.name, book, plans))

    lines = partial(_bytes, len(nodes), swarms)
    alone = limits.size_of(_live_files(nodes, own, (), swarms))
    free = LARGEST_FILE - listed(()) - alone
    stay = {place: heard[place] for place in before if place in heard}
    # a member that publishes several of them stands there once
    together = limits.size_of(_live_files(nodes, own, list(stay.values()), swarms)) - alone
    kept = min(together, sum(min(before[place], lines(each)) for place, each in stay.items()))
    wrong = tuple(room.taken(imports, settings, last, kept - free)) if 0 < kept > free else ()
    # half of what is left: the other half is for their members
    known, beyond = limits.within(heard, before, free // 2, lines, kept if kept <= free else 0)
    files = _live_files(nodes, own, known, swarms)
    near = {name for name, partner in settings.partners.items() if partner.allow_inside}
    strangers = sorted((each for each in known if each.via), key=lambda each: each.heard.place not in before)
    ours = [*records, *continuity.addressed(last, nodes)]
    allowed = ((each.heard, near.issuperset(each.via)) for each in strangers)
    found, undialled = relayed_members(
        allowed, ours, partners, swarms, settings.network.name, chain.parse_node, settings.namespaces
    )
    members = limits.fitting(found, lambda some: listed(some) + limits.size_of(files))
    left = [str(node) for node in found[len(members) :]]
    words = "not dialled: the ConfigMap of peers holds no more of organisations that are no partners"
    more = [f"{limits.named(left, 'member')} {words}, and at most {limits.MOST_MEMBERS} are."] if left else []
    shut = openings.closed(settings, members, plans)
    return _Taken(known, swarms, tuple(members), files, (*beyond, *undialled, *more, *shut), wrong)


def _waits(what: str) -> str:
    return f"Waiting for {what}: everything else of it is made. Run pulumi up again when it is there."


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _words(settings: Settings, imports: Mapping[str, Import]) -> list[Word]:
    """What partners say who can speak for themselves: one whose nodes were pasted cannot."""
    return [
        Word(name, given.key, given.profiles, given.relayed, settings.sources[name].accept == "network")
        for name, given in sorted(imports.items())
        if not given.absent and settings.sources[name].nodes is None
    ]


def _sealing_keys(partners: Mapping[str, str], known: Iterable[Known], pins: Mapping[str, str]) -> dict[str, str]:
    """What is sealed for: what a partner itself gave, if it may be sealed to; a relayed key only under a pinned one."""
    relayed = {
        each.heard.profile.organisation: each.heard.profile.sealing_key
        for each in known
        if each.heard.profile.sealing_key and pins.get(each.heard.profile.organisation) == each.heard.profile.key
    }
    return relayed | dict(partners)


def _places(nodes: Sequence[tuple[NodePlan, ExternalNode]], settings: Settings) -> dict[str, set[str]]:
    """Swarms by the namespace of ours that has a member in them."""
    found: dict[str, set[str]] = {}
    for plan, record in nodes:
        if record.swarm:
            found.setdefault(plan.namespace or settings.cluster.namespace, set()).add(record.swarm)
    return found


def _live_files(
    nodes: Sequence[tuple[NodePlan, ExternalNode]], own: Sequence[Own], known: Sequence[Known], swarms: Swarms
) -> dict[str, str]:
    """What each member publishes under its own name, and whose publications are looked at.

    A member tells of the identities that are shown in its swarm, and of what was taken from others: so their
    organisations see who has heard of their last change.
    """
    current = [each.heard.profile for each in known if not each.heard.profile.withdrawn]
    taken = {str(profile): profile.revision for profile in current}
    files = {}
    for plan, _ in nodes:
        shown = {each.profile.identity: each.profile.plain() for each in own if plan.name in each.members}
        files[f"profiles-{plan.name}.json"] = _text({"profiles": shown, "taken": taken})
    published = sorted({f"{swarm} {peer}" for profile in current for swarm, peer in _published(profile, swarms)})
    files["published.txt"] = "".join(f"{line}\n" for line in published)
    return files


def _published(profile: Profile, swarms: Swarms) -> Iterator[tuple[str, str]]:
    """Swarm and PeerID of the members that publish a profile; a swarm of ours by our name."""
    for at in profile.published_to:
        for swarm in swarms.called(profile.organisation, at.swarm) or (at.swarm,):
            yield swarm, at.peer_id


def _bytes(nodes: int, swarms: Swarms, known: Known) -> int:
    """Of the files above, for one profile of others."""
    profile = known.heard.profile
    published = _published(profile, swarms)
    return 0 if profile.withdrawn else room.lines(str(profile), profile.revision, published, nodes)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":")) + "\n"


def _relayed_before(last: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """What this stack exported last of others, by organisation and identity."""
    for entry in _list(last.get("relayedProfiles")):
        profile = (entry.get("profile") if isinstance(entry, Mapping) else None) or {}
        yield (str(profile.get("organisation")), str(profile.get("identity"))), profile


def _lost(last: Mapping[str, Any], known: Sequence[Known]) -> Iterable[str]:
    """Identities that vanish without a word of their own organisation, as where its stack was destroyed."""
    there = {each.heard.place for each in known}
    for place, profile in _relayed_before(last):
        if place not in there and not profile.get("withdrawn"):
            yield f"Nobody tells of {place[0]}/{place[1]} any more: its Peer and its kubeconfig go."
