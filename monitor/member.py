"""One member of ours, asked over and over by a thread of its own: whoever hangs delays nobody else."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.exchange import Bounds, Failed, Server
from monitor.published import Document, document
from monitor.settings import Member
from monitor.words import entries, mapping, text

_BOUNDS = Bounds(seconds=5, size=1024 * 1024)
_GOOD, _NOT_FOUND = 200, 404
_STALE = 90  # seconds after which what a member tells is history
_PROFILES = 30.0  # seconds between two looks at what others publish
_DOCUMENT = Bounds(seconds=5, size=256 * 1024)
_ALL_DOCUMENTS = 2 * 1024 * 1024  # bytes: what others publish must not fill our memory
_ADDRESSES = 20  # of a member, in an object
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What a member told.

    Args:
        at: When, in seconds of the monitor's own clock.
        peer_id: Who it says that it is.
        addresses: Where it is dialled, as it announces them.
        bootstraps: Entries of its list; None where it did not tell.
        connected: PeerIDs of those whom it is connected with.
        documents: What others publish, by PeerID, as it found it last.
    """

    at: float
    peer_id: str
    addresses: tuple[str, ...]
    bootstraps: int | None
    connected: frozenset[str]
    documents: Mapping[str, Document] = field(default_factory=dict)


class Watched:
    """A member and the last that it told.

    Args:
        member: Which.
        pause: Seconds between two looks.
    """

    def __init__(self, member: Member, pause: float) -> None:
        self.member = member
        self.last: Look | None = None
        self.failures = 0
        self.trouble = ""
        self.publishers: frozenset[str] = frozenset()  # whose documents are wanted
        self._server, self._pause = Server(member.host, member.port), pause
        self._documents: Mapping[str, Document] = {}
        self._wanted, self._again = self.publishers, 0.0

    def answers(self, now: float, within: float) -> bool:
        """Whether it told something lately."""
        return self.last is not None and now - self.last.at <= within

    def watch(self, stop: threading.Event) -> None:
        """Look until it is over."""
        while not stop.is_set():
            self.look()
            stop.wait(self._pause)

    def look(self) -> None:
        """Ask once; whatever comes back, it is counted and no more."""
        try:
            self.last = self._asked()
            self._said("")
        except Failed as error:
            self.failures += 1
            self._said(str(error))
        except Exception as error:  # a member must not end its watch, whatever it found to say
            self.failures += 1
            self._said(f"unexpected {type(error).__name__}")

    def _said(self, trouble: str) -> None:
        if trouble != self.trouble:
            _log.warning("%s: %s", self.member.name, trouble or "answers again")
        self.trouble = trouble

    def _asked(self) -> Look:
        told = self._file("/time")
        if told is not None and not time.time() - _STALE <= _number(told) <= time.time() + _STALE:
            raise Failed("what it tells is old")
        who, peers, boots = (mapping(self._file(f"/{name}.json")) for name in ("id", "swarm", "bootstrap"))
        if not who and not peers:
            raise Failed("it tells nothing yet")
        connected = frozenset(filter(None, (text(mapping(each).get("Peer")) for each in entries(peers.get("Peers")))))
        addresses = filter(None, map(text, entries(who.get("Addresses"))))
        return Look(
            at=time.monotonic(),
            peer_id=text(who.get("ID")),
            addresses=tuple(sorted(set(addresses)))[:_ADDRESSES],
            bootstraps=len(entries(boots.get("Peers"))) if boots else None,
            connected=connected - {self.member.peer_id},
            documents=self._published(self.publishers),
        )

    def _published(self, publishers: frozenset[str]) -> Mapping[str, Document]:
        """What others publish; a document that cannot be read just now stays what it was."""
        if time.monotonic() < self._again and publishers == self._wanted:
            return self._documents
        found, left = {}, _ALL_DOCUMENTS
        for each in sorted(filter(str.isalnum, publishers)):
            try:
                answer = self._server.ask("GET", f"/profiles/{each}.json", _DOCUMENT)
                left -= len(answer.body)
                if answer.status == _GOOD and left > 0:
                    found[each] = document(answer.json())
            except Failed:
                self.failures += 1
                found |= {each: self._documents[each]} if each in self._documents else {}
        self._documents, self._wanted, self._again = found, publishers, time.monotonic() + _PROFILES
        return found

    def _file(self, path: str) -> Any:
        """A file that the member shows, parsed; None where it shows none."""
        answer = self._server.ask("GET", path, _BOUNDS)
        if answer.status == _NOT_FOUND or (answer.status == _GOOD and not answer.body.strip()):
            return None
        if answer.status != _GOOD:
            raise Failed(f"it says {answer.status}")
        return answer.json()


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
