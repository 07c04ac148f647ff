"""Look at everything, write what changed, begin again. Whoever does not answer is counted; nothing ends the rounds."""

from __future__ import annotations

import logging
import threading
import time

from monitor import metrics
from monitor.kubernetes import Kubernetes
from monitor.member import Watched
from monitor.objects import Objects
from monitor.peers import Absences, status_of
from monitor.settings import Settings
from monitor.swarm import publications, record

PAUSE = 5.0  # seconds between two rounds
_FRESH = 20.0  # seconds for which what a member told is told on
_DEAD = 120.0  # seconds without a round after which the monitor says that it is ill
_PUBLISHERS = 500  # nodes whose documents are looked for
_log = logging.getLogger(__name__)


class Rounds:
    """The monitor.

    Args:
        settings: What it is told.
        kubernetes: The cluster.
        pause: Seconds between two rounds.
    """

    def __init__(self, settings: Settings, kubernetes: Kubernetes, pause: float = PAUSE) -> None:
        self.watched = tuple(Watched(each, pause) for each in settings.members)
        self._settings, self._objects, self._pause = settings, Objects(settings, kubernetes), pause
        self._absences = Absences()
        self._count, self._last, self._text = 0, time.monotonic(), ""

    def run(self, stop: threading.Event) -> None:
        """Go round until it is over."""
        for each in self.watched:
            threading.Thread(target=each.watch, args=[stop], name=each.member.name, daemon=True).start()
        while not stop.wait(self._pause):
            try:
                self.round()
            except Exception:  # the next round may do better; that there was none is seen at /healthz
                _log.exception("a round ended early")

    def healthy(self) -> bool:
        """Whether it still goes round, whatever it finds."""
        return time.monotonic() - self._last < _DEAD

    def metrics(self) -> str:
        """What Prometheus reads: that of the last round, and the monitor's own."""
        return self._text + metrics.own(self._count, dict(self._objects.failures))

    def round(self) -> None:
        """Once around."""
        now, objects, settings = time.monotonic(), self._objects, self._settings
        objects.read()
        told = [(each, each.last if each.answers(now, _FRESH) else None) for each in self.watched]
        looks = [(each.member, look) for each, look in told if look]
        everybody = [look for _, look in looks]
        statuses = {peer.key: status_of(peer, everybody, self._absences, settings, now) for peer in objects.peers}
        self._absences.keep(statuses)
        self._ask_for_documents()
        objects.write(
            {each.member.name: record(each.member, look, objects.record(each.member.name)) for each, look in told},
            statuses,
        )
        published = publications(objects.profiles, objects.swarms, looks, settings.members)
        self._text = (
            metrics.identities(published)
            + metrics.members([(each.member, look, each.failures) for each, look in told])
            + metrics.peers([(peer, statuses[peer.key]) for peer in objects.peers])
        )
        self._count, self._last = self._count + 1, now

    def _ask_for_documents(self) -> None:
        """Let the members tell what others publish: those of the lists, and those that only a Peer knows of."""
        listed = {id_ for ids in self._objects.swarms.values() for id_ in ids}
        known = {id_ for peer in self._objects.peers for id_ in peer.members}
        own = {each.peer_id for each in self._settings.members}
        wanted = frozenset(sorted((listed | known) - own)[:_PUBLISHERS])
        for each in self.watched:
            each.publishers = wanted
