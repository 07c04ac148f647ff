"""Others' profiles: heard from themselves, or relayed by partners whose relaying was asked for.

It is routing by whole paths, as between the providers of the internet, and for the same reason: two stacks that tell
each other of a third must not keep it alive between them. So

- an organisation that is a partner and there speaks for itself; what others relay of it is not taken;
- a relayed profile says by which organisations it came, and one that came through us is not heard again from others;
- of several editions the latest wins, and never an earlier one than is known; of equal ones that of the nearest relay;
- a relay that is gone, or gives something that cannot be taken, is taken to say what it said last: what was learnt from
  it stays, until a relay that gave it, too, is there and gives it no more;
- an organisation has one key: that of its own stack, now or when it was last taken, a pinned one, or the first that was
  heard.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from archipelago.model.profile import Heard, heard
from archipelago.profiles import limits
from archipelago.profiles.entries import Known, Path, Place, entry_of, said_place


@dataclass(frozen=True, slots=True)
class Word:
    """What one partner says.

    Args:
        partner: Its name, which is its organisation's.
        key: Its signing key; empty where its bundle has none.
        profiles: Its own profiles, as received.
        relayed: What it relays, as received.
        network: Whether what it relays was asked for.
    """

    partner: str
    key: str = ""
    profiles: Sequence[Any] = ()
    relayed: Sequence[Any] = ()
    network: bool = False


@dataclass
class Learnt:
    """What came of all words.

    Args:
        known: Profiles of others, by organisation and identity.
        refused: Whose word was wrong and how; each a sentence about a partner.
        doubts: What was not taken of what partners relay; each a sentence.
        older: Where an earlier edition was given than is known; each a sentence or two.
    """

    known: dict[Place, Known] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    older: list[str] = field(default_factory=list)


@dataclass
class _Told:
    """What is relayed of one profile.

    Args:
        by: What each relay gives, and the way beyond it.
        through_us: Relays that have it from us.
        spoilt: Relays that give something of that name that is not taken.
    """

    by: dict[str, tuple[Heard, Path]] = field(default_factory=dict)
    through_us: set[str] = field(default_factory=set)
    spoilt: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Listener:
    """Who hears.

    Args:
        organisation: Ours.
        network: Ours.
        key: Our public signing key.
        pins: Keys that the settings pin, by partner.
        refuse: Organisations of whom nothing is taken by relays.
        accepted: Keys of partners that are away, as they were taken last: meanwhile no relay introduces them anew.
        away: Partners that give nothing that can be taken, and whose last nodes stay: what they said last stays, too.
        unheard: Partners of whom no key is known, because they have never run or their nodes are pasted: no relay
            introduces an organisation that we list.
    """

    organisation: str
    network: str
    key: str
    pins: Mapping[str, str] = field(default_factory=dict)
    refuse: frozenset[str] = frozenset()
    accepted: Mapping[str, str] = field(default_factory=dict)
    away: frozenset[str] = frozenset()
    unheard: frozenset[str] = frozenset()

    def learn(self, words: Iterable[Word], last: Iterable[Any]) -> Learnt:
        """What is known after this run.

        Args:
            words: Of all partners that are there.
            last: The output `relayedProfiles` of this stack's last run.
        """
        there = {word.partner: word for word in words}
        learnt = Learnt()
        memory = dict(self._memory(last))
        keys = {place[0]: known.heard.profile.key for place, known in memory.items()} | dict(self.accepted)
        for word in there.values():
            for one in self._direct(word, learnt):
                learnt.known[one.place] = _latest(one, memory.get(one.place), learnt)
                keys[one.place[0]] = one.profile.key
        keys |= {partner: word.key for partner, word in there.items() if word.key} | dict(self.pins)
        told: dict[Place, _Told] = {}
        for word in there.values():
            if word.network:
                self._relayed(word, keys, told, learnt, memory.keys())
        self._one_key(told, keys, learnt)
        for place in sorted(told.keys() | memory.keys()):
            before = memory.get(place)
            if before and before.heard.profile.key != keys.get(place[0]):
                before = None
            if place[0] not in there and place[0] not in self.refuse:
                self._keep(place, told.get(place, _Told()), before, there, learnt)
        learnt.doubts += limits.first(learnt.older, "more profiles were given in an earlier edition than is known.")
        return learnt

    def _memory(self, last: Iterable[Any]) -> Iterator[tuple[Place, Known]]:
        for entry in last:
            try:
                via, raw = entry_of(entry)
                one = heard(raw)
            except ValueError:  # of another version of this program
                continue
            yield one.place, Known(one, via)

    def _direct(self, word: Word, learnt: Learnt) -> Iterator[Heard]:
        seen: set[str] = set()
        wrong = []
        if len(word.profiles) > limits.MOST_READ:
            count = f"{word.partner} has {len(word.profiles)} profiles; no more than {limits.MOST_READ} are read."
            learnt.doubts.append(count)
        for raw in word.profiles[: limits.MOST_READ]:
            name = "/".join(said_place(raw)) or "without a name"
            try:
                one = heard(raw)
                self._of_this_network(one)
            except ValueError as error:
                wrong.append(f"its profile {name} {error}")
                continue
            expected = self.pins.get(word.partner) or word.key or one.profile.key
            if one.profile.organisation != word.partner:
                wrong.append(f"its profile {name} is of {one.profile.organisation}")
            elif one.profile.key != expected:
                wrong.append(f"its profile {name} is signed by another key than its nodes")
            elif one.profile.identity in seen:
                wrong.append(f"it has two profiles of one name, {name}")
            else:
                seen.add(one.profile.identity)
                yield one
        more = limits.first(wrong, "more of its profiles cannot be taken")
        learnt.refused += [(word.partner, words) for words in more]

    def _of_this_network(self, one: Heard) -> None:
        if one.profile.network != self.network:
            raise ValueError(f"is of the network {one.profile.network}, not of {self.network}")

    def _relayed(
        self,
        word: Word,
        keys: Mapping[str, str],
        told: dict[Place, _Told],
        learnt: Learnt,
        memory: Collection[Place],
    ) -> None:
        wrong = []
        for entry in self._read(word, told, learnt, memory):
            try:
                via, raw = entry_of(entry)
                one = heard(raw)
                self._of_this_network(one)
                self._of_the_known_key(one, keys)
            except ValueError as error:
                if place := _place_in(entry):
                    told.setdefault(place, _Told()).spoilt.add(word.partner)
                name = "/".join(place or ()) or "without a name"
                wrong.append(f"{word.partner} relays a profile {name} that {error}: it is not taken.")
                continue
            if one.profile.organisation in (self.organisation, word.partner):
                continue
            if direct := learnt.known.get(one.place):
                if one.edition > max(direct.edition, direct.later.edition if direct.later else 0):
                    learnt.known[one.place] = replace(direct, later=one)
                continue
            listed = told.setdefault(one.place, _Told())
            paths = [path for path in Known(one, via).paths if self.organisation not in path]
            if not paths:
                listed.through_us.add(word.partner)
            elif word.partner not in listed.by or listed.by[word.partner][0].edition < one.edition:
                listed.by[word.partner] = (one, paths[0])
        learnt.doubts += limits.first(wrong, f"more profiles that {word.partner} relays are not taken.")

    def _read(self, word: Word, told: dict[Place, _Told], learnt: Learnt, memory: Collection[Place]) -> Iterable[Any]:
        """As much of what a partner relays as is read: what is remembered, then the others, what is withdrawn last.

        What is not read is not denied: it stays as it is remembered.
        """
        if len(word.relayed) <= limits.MOST_READ:
            return word.relayed
        count = f"{word.partner} relays {len(word.relayed)} profiles; no more than {limits.MOST_READ} are read."
        learnt.doubts.append(count)
        order = sorted(word.relayed, key=lambda entry: (_place_in(entry) not in memory, _is_withdrawn(entry)))
        for entry in order[limits.MOST_READ :]:
            if (place := _place_in(entry)) in memory:
                told.setdefault(place, _Told()).spoilt.add(word.partner)
        return order[: limits.MOST_READ]

    def _of_the_known_key(self, one: Heard, keys: Mapping[str, str]) -> None:
        organisation = one.profile.organisation
        if organisation == self.organisation:
            if one.profile.key != self.key:
                raise ValueError("bears the name of this organisation and another key")
        elif keys.get(organisation, one.profile.key) != one.profile.key:
            raise ValueError(f"is signed by {one.profile.key}, not by the known key of {organisation}")

    def _one_key(self, told: dict[Place, _Told], keys: dict[str, str], learnt: Learnt) -> None:
        """Of an organisation that is heard of for the first time there must be one key, or nobody knows who is who."""
        heard_of: dict[str, set[str]] = {}
        for place, each in told.items():
            if place[0] not in keys and each.by:
                heard_of.setdefault(place[0], set()).update(one.profile.key for one, _ in each.by.values())
        wrong = []
        for organisation, found in sorted(heard_of.items()):
            if len(found) == 1 and organisation not in self.unheard:
                keys[organisation] = next(iter(found))
                continue
            why = f"under {len(found)} keys" if len(found) > 1 else "which is a partner whose key is not known"
            for place in [each for each in told if each[0] == organisation]:
                relays = " and ".join(sorted(told.pop(place).by))
                wrong.append(
                    f"{relays} relay profiles of {organisation}, {why}: none is taken. Ask {organisation} for its key, "
                    f"and pin it in archipelago:partners.{organisation}.key."
                )
        learnt.doubts += limits.first(wrong, "more profiles are relayed under no certain key, and not taken.")

    def _keep(self, place: Place, told: _Told, before: Known | None, there: Mapping[str, Word], learnt: Learnt) -> None:
        """Settle one profile that its organisation does not give itself."""
        ways = {relay: path for relay, (_, path) in told.by.items()}
        # an organisation that lost count may say two things in one edition: the nearest relay has the later one
        nearest = sorted(told.by.items(), key=lambda each: (len(each[1][1]), each[0]))
        found = [one for _, (one, _) in nearest]
        itself = before is not None and not before.via and place[0] in self.away
        if before:
            asked = {relay for relay in before.via if relay in there and there[relay].network}
            denied = asked - told.by.keys() - told.through_us - told.spoilt
            silent = {relay for relay in before.via if relay in told.spoilt or (relay not in there and not denied)}
            if found and not silent and all(one.edition < before.edition for one in found):
                given = max(one.edition for one, _ in told.by.values())
                learnt.older.append(_older(place, f"{' and '.join(sorted(told.by))} relay", given, before))
            ways = {relay: before.via[relay] for relay in silent} | ways
            found.append(before.heard)  # of equal editions what is said now goes before what is remembered
            ways = {} if itself else ways
        if ways or itself:
            learnt.known[place] = Known(max(found, key=_edition), ways)


def _place_in(entry: Any) -> Any:
    """Whose profile an entry says it has; nothing where it says none."""
    return said_place(entry.get("profile") if isinstance(entry, Mapping) else None)


def _is_withdrawn(entry: Any) -> bool:
    profile = entry.get("profile") if isinstance(entry, Mapping) else None
    return isinstance(profile, Mapping) and bool(profile.get("withdrawn"))


def told_back(relayed: Iterable[Any]) -> Iterator[Any]:
    """Every profile in what a partner relays; ours may be among them."""
    for entry in relayed:
        if isinstance(entry, Mapping):
            yield from (entry[key] for key in ("profile", "later") if key in entry)


def _edition(one: Heard) -> int:
    return one.edition


def _latest(one: Heard, before: Known | None, learnt: Learnt) -> Known:
    """What an organisation says of itself, unless it has said something later: then an older export was put back.

    One that has lost count finds the later one among what we relay, and goes on from there.
    """
    if before is None or before.heard.profile.key != one.profile.key or before.edition <= one.edition:
        return Known(one)
    learnt.older.append(_older(one.place, f"{one.place[0]} gives", one.edition, before))
    return Known(before.heard)


def _older(place: Place, who: str, given: int, before: Known) -> str:
    return (
        f"{who} edition {given} of the profile {'/'.join(place)}, but edition "
        f"{before.edition} is known: the known one stays. If {place[0]} has lost count, it sets "
        f"archipelago:identities.{place[1]}.revision to {before.edition + 1}."
    )
