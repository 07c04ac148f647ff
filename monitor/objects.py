"""The stack's objects in its cluster, as the monitor reads and writes them; what cannot be read stays what it was."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from monitor.exchange import Failed
from monitor.kubernetes import Kubernetes, Manifest
from monitor.peers import Peer, Status, peer_of
from monitor.published import Profile, document, swarms
from monitor.settings import CRD, Settings
from monitor.words import mapping

GROUP = ("apis", "peerdiscovery.irt-saintexupery.com", "v1alpha1")
PEERS = "peers.json"  # in the status ConfigMap, where Peers have no status of their own
_log = logging.getLogger(__name__)


class Objects:
    """What the monitor has to do with in Kubernetes.

    Args:
        settings: Of whom.
        kubernetes: Where.
    """

    def __init__(self, settings: Settings, kubernetes: Kubernetes) -> None:
        self.failures: Counter[str] = Counter()
        self.swarms: Mapping[str, frozenset[str]] = {}
        self.profiles: tuple[Profile, ...] = ()
        self.peers: tuple[Peer, ...] = ()
        self._settings, self._kubernetes = settings, kubernetes
        self._troubles: dict[str, str] = {}
        # what was written of a Peer, and what came of it: a cluster whose Peers have fewer fields is told it once
        self._kept: dict[str, tuple[Status, Status]] = {}
        self._records: Mapping[str, str] = {}
        self._told = frozenset[str]()  # what was read in this round: nothing else may be written in it

    def read(self) -> None:
        """Read everything anew."""
        deeds = {"status": self._read_records, "live files": self._read_live, "peers": self._read_peers}
        self._told = frozenset(what for what, deed in deeds.items() if self._done(what, deed))

    def record(self, name: str) -> str:
        """What the monitor wrote of a member."""
        return self._records.get(name, "")

    def write(self, records: Mapping[str, str], statuses: Mapping[str, Status]) -> None:
        """Write what changed.

        Args:
            records: Of each member, by its name.
            statuses: Of each Peer, by its place.
        """
        wanted = dict(records)
        if self._settings.peers != CRD:
            kept = {key: status for key, status in statuses.items() if status}
            wanted[PEERS] = json.dumps(kept, indent=1, sort_keys=True) + "\n"
        elif "peers" in self._told:
            self._write_peers(statuses)
        if "status" in self._told and wanted != self._records:
            gone = dict.fromkeys(set(self._records) - set(wanted))
            self._done("status", partial(self._write_records, {**wanted, **gone}))

    def _write_peers(self, statuses: Mapping[str, Status]) -> None:
        for peer in self.peers:
            status = statuses.get(peer.key, peer.status)
            if status == peer.status or self._kept.get(peer.key) == (_timeless(status), peer.status):
                continue
            if not self._done("peers", partial(self._write_peer, peer, status)):
                break  # an API server that hangs would hold up the round once for each of them
        self._kept = {peer.key: self._kept[peer.key] for peer in self.peers if peer.key in self._kept}

    def _done(self, what: str, deed: Callable[[], None]) -> bool:
        """Do something with the API server; if it fails, say so once and count it."""
        try:
            deed()
        except Failed as error:
            trouble = str(error)
        except Exception as error:  # an object that nobody could expect must not end the rounds
            trouble = f"unexpected {type(error).__name__}"
        else:
            self._troubles.pop(what, None)
            return True
        self.failures[what] += 1
        if self._troubles.get(what) != trouble:
            _log.warning("%s: %s", what, trouble)
        self._troubles[what] = trouble
        return False

    def _read_records(self) -> None:
        found = self._config_map(self._settings.namespace, self._settings.status)
        if found is None:
            raise Failed(f"there is no ConfigMap {self._settings.status}")
        data = mapping(found.get("data"))
        self._records = {key: value for key, value in data.items() if isinstance(value, str)}

    def _write_records(self, data: Mapping[str, str | None]) -> None:
        way = ("api", "v1", "namespaces", self._settings.namespace, "configmaps", self._settings.status)
        self._kubernetes.patch(*way, change={"data": dict(data)})

    def _read_live(self) -> None:
        for namespace in self._settings.namespaces:  # the files are the same in all of them
            if (found := self._config_map(namespace, self._settings.live)) is not None:
                files = mapping(found.get("data"))
                self.swarms = swarms(_json(files.get("peers.json")))
                self.profiles = tuple(self._own(files))
                return

    def _own(self, files: Mapping[str, Any]) -> Iterator[Profile]:
        """Our identities: each stands in the file of every member that publishes it."""
        found: dict[str, Profile] = {}
        for name, written in sorted(files.items()):
            if name.startswith("profiles"):
                found.update(document(_json(written)).profiles)
        yield from (each for each in found.values() if each.organisation == self._settings.organisation)

    def _read_peers(self) -> None:
        self.peers = tuple(peer for namespace in self._settings.namespaces for peer in self._in(namespace))

    def _in(self, namespace: str) -> list[Peer]:
        if self._settings.peers == CRD:
            listed = self._kubernetes.list(*GROUP, "namespaces", namespace, "peers", selector=self._settings.selector)
            return [peer_of(each) for each in listed]
        way = ("api", "v1", "namespaces", namespace, "configmaps")
        written = mapping(_json(self.record(PEERS)))
        return [
            peer_of({**mapping(_json(mapping(each.get("data")).get("peer.json"))), **each}, written)
            for each in self._kubernetes.list(*way, selector=self._settings.selector)
        ]

    def _write_peer(self, peer: Peer, status: Status) -> None:
        gone: dict[str, Any] = dict.fromkeys(set(peer.status) - set(status))
        way = (*GROUP, "namespaces", peer.namespace, "peers", peer.name, "status")
        found = self._kubernetes.patch(*way, change={"status": {**status, **gone}})
        self._kept[peer.key] = (_timeless(status), mapping(found.get("status")))

    def _config_map(self, namespace: str, name: str) -> Manifest | None:
        return self._kubernetes.get("api", "v1", "namespaces", namespace, "configmaps", name)


def _timeless(status: Status) -> Status:
    """A status without the times of its conditions."""
    said = [{key: value for key, value in each.items() if key != "lastTransitionTime"} for each in status["conditions"]]
    return {**status, "conditions": said}


def _json(value: Any) -> Any:
    """A file of a ConfigMap, parsed; None where there is none, or nothing that can be read."""
    try:
        return json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return None
