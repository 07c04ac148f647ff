"""Peers as Kubernetes has them, and what is to be said of each: reachable or not, and whether an `up` is due."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from monitor.member import Look
from monitor.peer_id import base58
from monitor.published import Document, Profile
from monitor.settings import Settings
from monitor.words import entries, mapping, text, whole

ONLINE, MISSING = "Online", "Missing"
STATUS, COUNTER, PROFILE, DUE = "Status", "Missing Counter", "Profile", "Due"
SYNCHRONIZED, OUT_OF_SYNC = "Synchronized", "Out of sync"  # the original's words
PATIENCE = 15.0  # seconds without a connection before a Peer is missing
LONGER = 60.0  # the same while no member of ours tells anything: it is most likely being updated
CHECK = 30.0  # seconds for each further count
MOST = 1000  # counts; whoever is away for so long is away
_ON_ITS_WAY = 600.0  # seconds until what was published has reached everybody for certain
_TRUE, _FALSE, _UNKNOWN = "True", "False", "Unknown"
_SEEN = ("Current", "ProfileChanged", "ProfileWithdrawn")
_TIME = "%Y-%m-%dT%H:%M:%SZ"

Status = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Peer:
    """A partner's identity in one of our namespaces.

    Args:
        namespace: Where it stands.
        name: `<organisation>-<identity>`.
        members: PeerIDs of the nodes that publish it.
        organisation: Whose it is.
        identity: Its name there.
        revision: Of the profile that it was made from.
        digest: Of that profile.
        status: As it stands.
        made: When it was made, in seconds since 1970; 0 where nobody knows.
    """

    namespace: str
    name: str
    members: frozenset[str]
    organisation: str
    identity: str
    revision: int
    digest: str
    status: Status
    made: float

    @property
    def key(self) -> str:
        """Its place among all, as `<namespace>/<name>`."""
        return f"{self.namespace}/{self.name}"

    @property
    def counter(self) -> int:
        """How often it was missed already; 0 where it is not missing."""
        return (whole(self.status.get(COUNTER)) or 0) if self.status.get(STATUS) == MISSING else 0

    @property
    def conditions(self) -> dict[str, dict[str, Any]]:
        """What was said of it last, by type."""
        return {text(mapping(each).get("type")): mapping(each) for each in entries(self.status.get("conditions"))}


def peer_of(manifest: Mapping[str, Any], written: Mapping[str, Any] | None = None) -> Peer:
    """A Peer as the API server shows it.

    Args:
        manifest: The object, a Peer or a ConfigMap with the specification of one.
        written: What the monitor wrote of each, by its place; None where the object has a status of its own.
    """
    metadata, spec = mapping(manifest.get("metadata")), mapping(manifest.get("spec"))
    listed = (text(mapping(each).get("peerId")) for each in entries(spec.get("publishedTo")))
    labelled = base58(text(mapping(metadata.get("labels")).get("archipelago/peer-id")))
    namespace, name = text(metadata.get("namespace")), text(metadata.get("name"))
    return Peer(
        namespace=namespace,
        name=name,
        members=frozenset(filter(None, listed)) or frozenset(filter(None, [labelled])),
        organisation=text(spec.get("organisation")),
        identity=text(spec.get("identity")),
        revision=whole(spec.get("revision")) or 0,
        digest=text(spec.get("digest")),
        status=mapping(manifest.get("status") if written is None else written.get(f"{namespace}/{name}")),
        made=_seconds(text(metadata.get("creationTimestamp"))),
    )


class Absences:
    """Since when each Peer has been away; forgets those that are no Peers any more."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[float, int]] = {}

    def status(self, peer: Peer, *, connected: bool, patience: float, now: float) -> tuple[str, int]:
        """The two original fields of its status.

        Args:
            peer: As it stands.
            connected: Whether a member of ours has a connection to it.
            patience: Seconds for which a Peer may be away without being missing.
            now: In seconds of the monitor's own clock.

        Returns:
            Its status and how often it was missed; empty before anything can be said of a new one.
        """
        if connected:
            self._since.pop(peer.key, None)
            return ONLINE, 0
        # a monitor that was started anew goes on with the count that it finds
        since, before = self._since.setdefault(peer.key, (now, peer.counter))
        away = now - since - (0 if before else patience)
        count = min(MOST, (before or 1) + int(away // CHECK)) if away >= 0 else 0
        # more patience, because our own members went away too, takes back no count
        count = max(count, peer.counter)
        return (MISSING, count) if count else (text(peer.status.get(STATUS)), 0)

    def keep(self, keys: Collection[str]) -> None:
        """Forget all others."""
        self._since = {key: since for key, since in self._since.items() if key in keys}


def status_of(peer: Peer, looks: Iterable[Look], absences: Absences, settings: Settings, now: float) -> Status:
    """What is to be said of a Peer now; equal to what stands there where nothing changed.

    Args:
        peer: As it stands.
        looks: What our members told lately.
        absences: Kept from one time to the next.
        settings: For whom.
        now: In seconds of the monitor's own clock.
    """
    told = list(looks)
    connected = any(peer.members & each.connected for each in told)
    state, count = absences.status(peer, connected=connected, patience=PATIENCE if told else LONGER, now=now)
    if not state:
        return peer.status
    documents = [each.documents[id_] for each in told for id_ in sorted(peer.members) if id_ in each.documents]
    before = peer.conditions
    current = _up_to_date(peer, documents, settings)
    if not told and "UpToDate" in before:  # while nobody tells anything, it is as it was
        current = {key: text(before["UpToDate"].get(key)) for key in current}
    said: Status = {STATUS: state, COUNTER: count}
    if current["status"] != _UNKNOWN:
        said[PROFILE] = SYNCHRONIZED if current["status"] == _TRUE else OUT_OF_SYNC
    if current["status"] == _FALSE:
        said[DUE] = _due(settings)
    conditions = [_reachable(connected=connected, asked=bool(told)), current]
    return {**said, "conditions": [_dated(each, before.get(each["type"], {})) for each in conditions]}


def _reachable(*, connected: bool, asked: bool) -> Status:
    if connected:
        return _condition("Reachable", _TRUE, "Connected", "A member of this stack is connected with it.")
    if asked:
        return _condition("Reachable", _FALSE, "NotConnected", "No member of this stack is connected with it.")
    return _condition("Reachable", _UNKNOWN, "OwnMembersAway", "No member of this stack tells anything.")


def _up_to_date(peer: Peer, documents: list[Document], settings: Settings) -> Status:
    """Whether what its organisation publishes is what stands here; if it is not, the `up` that is due."""
    whose, due = f"{peer.organisation}'s {peer.identity}", _due(settings)
    unseen = _condition("UpToDate", _UNKNOWN, "NotSeen", "What its organisation publishes was not seen yet.")
    if not documents:
        return unseen
    found = [profile for each in documents if (profile := each.profiles.get(peer.identity))]
    newest = max((each for each in found if each.organisation == peer.organisation), key=_revision, default=None)
    if newest is None:
        # a document takes its time through the swarm: the one that is at hand may be older than the identity
        seen = peer.conditions.get("UpToDate", {}).get("reason") in _SEEN
        if not seen and time.time() - peer.made < _ON_ITS_WAY:
            return unseen
        return _condition("UpToDate", _FALSE, "ProfileWithdrawn", f"{whose} is published no more: {due} removes it.")
    if newest.revision > peer.revision:
        numbers = f"revision {newest.revision}, here is {peer.revision}"
        return _condition("UpToDate", _FALSE, "ProfileChanged", f"{whose} is published in {numbers}: {due} takes it.")
    if newest.revision == peer.revision and peer.digest and newest.digest != peer.digest:
        return _condition(
            "UpToDate", _FALSE, "ProfileChanged", f"{whose} is published with other words: {due} takes them."
        )
    return _condition("UpToDate", _TRUE, "Current", "It is as its organisation publishes it.")


def _revision(profile: Profile) -> int:
    return profile.revision


def _due(settings: Settings) -> str:
    return f"pulumi up -s {settings.stack}"


def _condition(kind: str, status: str, reason: str, message: str) -> Status:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def _dated(condition: Status, before: Mapping[str, Any]) -> Status:
    """With the time of its last change, which a new message alone is not."""
    same = before.get("status") == condition["status"] and text(before.get("lastTransitionTime"))
    return {**condition, "lastTransitionTime": before["lastTransitionTime"] if same else stamp()}


def stamp() -> str:
    """Now, as Kubernetes writes it."""
    return datetime.now(UTC).strftime(_TIME)


def _seconds(written: str) -> float:
    try:
        return datetime.strptime(written, _TIME).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0
