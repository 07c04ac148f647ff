"""A stack's members and its cluster as the monitor sees them, for its tests.

alpha has one member in the swarm `archive`; beta has two there, publishes the identity `gpu`, and has taken nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from monitor.rounds import Rounds
from monitor.settings import Member, Settings
from tests.fake_kubernetes import FakeKubernetes, Object
from tests.unit.loopback import Answer, serving

OWN = "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"
BETA = "12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq"
BETA_36 = "k51qzi5uqu5djejcj9das04p3wen7mowcz0z5iq3tw0yxaa8ko01odjley7fdg"
SECOND = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5"
ADDRESS = f"/ip4/203.0.113.10/tcp/4001/p2p/{OWN}"
PEERS = "/apis/peerdiscovery.irt-saintexupery.com/v1alpha1/namespaces/ipfs/peers"
STATUS = "/api/v1/namespaces/consortium/configmaps/research-swarm-status"
LIVE = "/api/v1/namespaces/ipfs/configmaps/research-peers"


class FakeMember:
    """What a member's status port shows; `files` by path, `broken` in the place of all of them."""

    def __init__(self) -> None:
        self.files: dict[str, Any] = {
            "/id.json": {"ID": OWN, "Addresses": [ADDRESS]},
            "/bootstrap.json": {"Peers": []},
        }
        self.connected()
        self.broken: Answer | None = None

    def connected(self, *ids: str) -> None:
        """Be connected with these and nobody else."""
        found = [{"Addr": "/ip4/198.51.100.20/tcp/4001", "Peer": each} for each in ids]
        self.files["/swarm.json"] = {"Peers": found or None}

    def answer(self, request: BaseHTTPRequestHandler) -> Answer:
        """One file."""
        if self.broken:
            return self.broken
        if request.path == "/time":
            return 200, {}, str(int(self.files.get("/time", time.time()))).encode()
        if request.path not in self.files:
            return 404, {}, b""
        return 200, {}, json.dumps(self.files[request.path]).encode()


def profile(identity: str = "gpu", organisation: str = "beta", revision: int = 1, **more: Any) -> Object:
    """A published profile."""
    place = {"namespace": "ipfs", "pool": "public", "swarm": "archive", "peerId": BETA, "addrs": []}
    said = {"organisation": organisation, "identity": identity, "namespace": "jobs", "publishedTo": [place]}
    return {**said, "revision": revision, "description": "GPU cluster", "signature": "of it", **more}


def peer(identity: str = "gpu", revision: int = 1, **spec: Any) -> Object:
    """A Peer as `up` made it of such a profile."""
    said = profile(identity, revision=revision)
    labels = {"archipelago/peer-id": BETA_36, "app.kubernetes.io/instance": "research"}
    made = {"labels": labels, "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": made, "spec": {key: said[key] for key in said if key != "signature"} | spec}


class Watched:
    """A monitor with what it watches."""

    def __init__(self, rounds: Rounds, member: FakeMember, cluster: FakeKubernetes) -> None:
        self.rounds, self.member, self.cluster = rounds, member, cluster

    def look(self) -> None:
        """Ask the member and go round once, documents included."""
        self.rounds.round()  # tells the members whose documents are wanted
        for each in self.rounds.watched:
            each._again = 0.0
            each.look()
        self.rounds.round()

    def peer(self, name: str = "beta-gpu") -> Object:
        """A Peer's status."""
        found: Object = self.cluster.objects[f"{PEERS}/{name}"].get("status", {})
        return found

    def condition(self, kind: str, name: str = "beta-gpu") -> Object:
        """What is said of a Peer."""
        found: Object = next(each for each in self.peer(name)["conditions"] if each["type"] == kind)
        return found

    def record(self) -> Object:
        """The member's status."""
        found: Object = json.loads(self.cluster.objects[STATUS]["data"]["public-archive"])
        return found


@contextmanager
def watching(folder: Path, peers: str = "crd", swarm: tuple[str, ...] = (OWN, BETA, SECOND)) -> Iterator[Watched]:
    """A monitor of alpha's member.

    Args:
        folder: For its account.
        peers: What Peers are.
        swarm: Who is in the swarm, by alpha's list.
    """
    cluster, fake = FakeKubernetes(), FakeMember()
    cluster.add(STATUS, {})
    listed = json.dumps({"archive": [{"id": each, "addrs": []} for each in swarm]})
    own = profile("jobs", organisation="alpha")
    files = {"peers.json": listed, "profiles-public-archive.json": json.dumps({"jobs": own})}
    cluster.add(LIVE, {"data": files})
    with serving(fake.answer) as url, cluster.serving(folder) as kubernetes:
        port = int(url.rpartition(":")[2])
        member = Member("public-archive", "public", "archive", "ipfs", OWN, "127.0.0.1", port, "aGFzaA==")
        settings = Settings(
            network="research",
            organisation="alpha",
            stack="ipfs-a",
            namespace="consortium",
            live="research-peers",
            status="research-swarm-status",
            peers=peers,
            members=(member,),
        )
        yield Watched(Rounds(settings, kubernetes, pause=0.05), fake, cluster)
