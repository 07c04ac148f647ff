"""What organisations publish under their members' names, and what the live files tell of the network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.words import entries, mapping, text, whole


@dataclass(frozen=True, slots=True)
class Place:
    """Where an identity is published."""

    namespace: str
    pool: str
    swarm: str


@dataclass(frozen=True, slots=True)
class Profile:
    """An identity as its organisation describes it, as far as the monitor cares.

    Args:
        organisation: Whose it is.
        identity: Its name there.
        namespace: Where its rights are.
        revision: Counted up with each change.
        digest: Of all that it says, its signature apart.
        places: Where it is published.
    """

    organisation: str
    identity: str
    namespace: str
    revision: int
    digest: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """What one member publishes.

    Args:
        profiles: Its organisation's, by identity.
        taken: The revisions of others' profiles that its stack has, by `organisation/identity`; None where it does not
            tell.
    """

    profiles: Mapping[str, Profile] = field(default_factory=dict)
    taken: Mapping[str, int] | None = None


def document(raw: Any) -> Document:
    """A published document; what of it cannot be read is left out.

    Args:
        raw: Parsed JSON, of anybody: profiles by identity or as a list, alone or under `profiles` beside `taken`.
    """
    given, taken = raw, None
    if isinstance(raw, dict) and isinstance(raw.get("profiles"), (dict, list)):
        given, taken = raw["profiles"], raw.get("taken")
    listed = entries(list(given.values()) if isinstance(given, dict) else given)
    found = [profile for each in listed if (profile := _profile(each))]
    revisions = None
    if isinstance(taken, dict):
        counted = ((text(name), whole(revision)) for name, revision in mapping(taken).items())
        revisions = {name: revision for name, revision in counted if name and revision is not None}
    return Document({each.identity: each for each in found}, revisions)


def swarms(raw: Any) -> dict[str, frozenset[str]]:
    """The PeerIDs of each swarm's members, of the live file `peers.json`."""
    return {
        name: frozenset(filter(None, (text(mapping(each).get("id")) for each in entries(members))))
        for name, members in mapping(raw).items()
    }


def _profile(raw: Any) -> Profile | None:
    given = mapping(raw)
    organisation, identity, revision = (
        text(given.get("organisation")),
        text(given.get("identity")),
        given.get("revision"),
    )
    counted = whole(revision)
    if not organisation or not identity or counted is None or given.get("withdrawn"):
        return None
    places = tuple(
        Place(text(each.get("namespace")), text(each.get("pool")), text(each.get("swarm")))
        for each in map(mapping, entries(given.get("publishedTo")))
    )
    return Profile(organisation, identity, text(given.get("namespace")), counted, _digest(given), places)


def _digest(profile: Mapping[str, Any]) -> str:
    """SHA-256 of the text that is signed: JSON with sorted keys and no spaces, in ASCII."""
    said = {key: value for key, value in profile.items() if key != "signature"}
    try:
        return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    except (ValueError, RecursionError):  # made to break its reader
        return ""
