"""What Prometheus gets from the monitor, and who gets nothing; over real TLS on loopback."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from archipelago.identity.certificate import certificate
from monitor import access as access_module
from monitor import metrics, server
from monitor.access import Access
from monitor.kubernetes import Kubernetes
from monitor.metrics import metric
from monitor.server import Pages, Server
from tests.fake_kubernetes import FakeKubernetes
from tests.monitored import BETA, LIVE, PEERS, SECOND, Watched, peer, profile, watching

pytestmark = pytest.mark.unit

CONTROLLER = "cluster_discovery_controller_identity_controller"
LABELS = {
    "identity_name": "jobs",
    "identity_namespace": "jobs",
    "swarm_name": "archive",
    "swarmpool_name": "public",
    "swarmpool_namespace": "ipfs",
}
PROMETHEUS = {"username": "system:serviceaccount:watch:prometheus", "uid": "7", "groups": ["g"], "extra": {"k": ["v"]}}


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with watching(tmp_path) as found:
        yield found


def values(text: str, name: str) -> dict[str, int]:
    """A gauge's value by status; its other labels are those of the identity."""
    found = {}
    for labels, value in re.findall(rf"^{name}{{(.*)}} (\d+)$", text, re.MULTILINE):
        named = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        found[named.pop("status")] = int(value)
        assert named == LABELS
    return found


def gauges(watched: Watched) -> tuple[dict[str, int], dict[str, int]]:
    watched.look()
    text = watched.rounds.metrics()
    return values(text, f"{CONTROLLER}_peers_number"), values(text, f"{CONTROLLER}_sync_peers_number")


def test_behaviour_30_there_is_a_gauge_by_identity_swarm_and_status_for_all_and_for_synchronised_peers(
    watched: Watched,
) -> None:
    watched.member.connected(BETA, SECOND)
    both = {"Synchronized": 2, "Out of sync": 0}
    assert gauges(watched) == (both, both)
    watched.member.connected(BETA)
    assert gauges(watched) == ({"Synchronized": 0, "Out of sync": 2}, {"Synchronized": 0, "Out of sync": 1})


def test_behaviour_30_whoever_tells_that_he_has_an_older_revision_is_not_synchronised(watched: Watched) -> None:
    files = watched.cluster.objects[LIVE]["data"]
    own = profile("jobs", organisation="alpha", revision=3)
    files["profiles-public-archive.json"] = json.dumps({"jobs": own})
    watched.member.connected(BETA, SECOND)
    watched.member.files[f"/profiles/{BETA}.json"] = {"profiles": {}, "taken": {"alpha/jobs": 2}}
    watched.member.files[f"/profiles/{SECOND}.json"] = {"profiles": {}, "taken": {"alpha/jobs": 3.0}}
    assert gauges(watched)[1] == {"Synchronized": 0, "Out of sync": 1}


def test_behaviour_30_an_identity_that_is_published_to_several_swarms_has_a_series_for_each(watched: Watched) -> None:
    places = [{"namespace": "ipfs", "pool": "public", "swarm": each} for each in ("archive", "models")]
    own = profile("jobs", organisation="alpha") | {"publishedTo": places}
    watched.cluster.objects[LIVE]["data"]["profiles-public-archive.json"] = json.dumps({"jobs": own})
    watched.look()
    found = re.findall(rf'{CONTROLLER}_peers_number{{.*swarm_name="(\w+)"', watched.rounds.metrics())
    assert found == ["archive", "archive", "models", "models"]


def test_the_page_is_what_prometheus_reads(watched: Watched) -> None:
    watched.cluster.add(f"{PEERS}/beta-gpu", peer())
    watched.look()
    line = re.compile(r'# (HELP|TYPE) \w+ .+|\w+(\{\w+="(\\.|[^"\\])*"(,\w+="(\\.|[^"\\])*")*\})? \d+')
    page = watched.rounds.metrics()
    assert page.endswith("\n")
    assert all(line.fullmatch(each) for each in page.splitlines())
    names = re.findall(r"# TYPE (\w+)", page)
    assert len(names) == len(set(names))
    assert "archipelago_member_up" in names
    assert "archipelago_peer_online" in names


def test_a_label_cannot_end_its_line() -> None:
    assert metric("m", "gauge", "w", [({"a": 'x"} 1\nforged 2\\'}, 3)]).splitlines()[2:] == [
        'm{a="x\\"} 1\\nforged 2\\\\"} 3'
    ]


@contextmanager
def served(folder: Path, kubernetes: Kubernetes, *, healthy: bool = True) -> Iterator[int]:
    """The port of a monitor's web server."""
    cert, key = certificate(bytes(range(1, 49)), "localhost")
    (folder / "tls.crt").write_text(cert)
    (folder / "tls.key").write_text(key)
    pages = Pages(Access(kubernetes), lambda: "up 1\n", lambda: healthy)
    with Server(("127.0.0.1", 0), folder, pages) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield int(listening.server_address[1])
        finally:
            listening.shutdown()
            thread.join()


def get(folder: Path, port: int, path: str, token: str | None = None) -> tuple[int, str]:
    """Status and text of an answer, from a client that trusts the monitor's own certificate alone."""
    context = ssl.create_default_context(cafile=str(folder / "tls.crt"))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    connection = http.client.HTTPSConnection("localhost", port, timeout=10, context=context)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.fixture
def cluster() -> FakeKubernetes:
    found = FakeKubernetes()
    found.users = {"good": PROMETHEUS, "poor": {"username": "system:serviceaccount:jobs:somebody"}}
    found.readers = {PROMETHEUS["username"]}  # type: ignore[arg-type]
    return found


def test_behaviour_31_metrics_refuse_callers_without_a_token_and_without_the_right(
    tmp_path: Path, cluster: FakeKubernetes
) -> None:
    with cluster.serving(tmp_path) as kubernetes, served(tmp_path, kubernetes) as port:
        assert get(tmp_path, port, "/metrics")[0] == 401
        assert get(tmp_path, port, "/metrics", "forged")[0] == 401
        assert get(tmp_path, port, "/metrics", "poor")[0] == 403
        assert get(tmp_path, port, "/metrics", "good") == (200, "up 1\n")


def test_behaviour_31_the_api_server_is_asked_for_the_nonresourceurl_with_all_that_is_known_of_the_caller(
    tmp_path: Path, cluster: FakeKubernetes
) -> None:
    with cluster.serving(tmp_path) as kubernetes:
        assert Access(kubernetes).verdict("Bearer good") == 200
    review, access = (body for _, body in cluster.asked)
    assert review["spec"] == {"token": "good"}
    wish = {"path": "/metrics", "verb": "get"}
    known = {key: PROMETHEUS[key] for key in ("uid", "groups", "extra")}
    assert access["spec"] == known | {"user": PROMETHEUS["username"], "nonResourceAttributes": wish}


def test_a_verdict_holds_for_a_while_and_not_for_ever(
    tmp_path: Path, cluster: FakeKubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cluster.serving(tmp_path) as kubernetes:
        access = Access(kubernetes)
        assert [access.verdict("Bearer good") for _ in range(3)] == [200] * 3
        assert len(cluster.asked) == 2
        monkeypatch.setattr(access_module, "_ALLOWED", 0.0)
        again = Access(kubernetes)
        assert again.verdict("Bearer good") == 200
        cluster.readers.clear()
        assert again.verdict("Bearer good") == 403


def test_thousands_of_tokens_are_not_remembered(tmp_path: Path, cluster: FakeKubernetes) -> None:
    with cluster.serving(tmp_path) as kubernetes:
        access = Access(kubernetes)
        for number in range(1000):
            access._remember(str(number).encode(), 401)
        assert len(access._known) <= 256
        assert access.verdict("Bearer good") == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer  ", "Basic good", "good", "Bearer " + "x" * 9000], ids=len)
def test_what_is_no_bearer_token_asks_nobody(tmp_path: Path, cluster: FakeKubernetes, header: str) -> None:
    with cluster.serving(tmp_path) as kubernetes:
        assert Access(kubernetes).verdict(header) == 401
    assert cluster.asked == []


def test_without_an_api_server_nobody_gets_in(tmp_path: Path, cluster: FakeKubernetes) -> None:
    with cluster.serving(tmp_path) as kubernetes:
        access = Access(kubernetes)
        for cluster.broken in ((500, b""), (200, b"nonsense"), (200, b"[]")):
            assert access.verdict("Bearer good") == 503
        cluster.broken = (200, b'{"status": {"authenticated": "yes"}}')
        assert access.verdict("Bearer good") == 401


def test_health_needs_no_token_and_other_paths_are_none(tmp_path: Path, cluster: FakeKubernetes) -> None:
    with cluster.serving(tmp_path) as kubernetes:
        with served(tmp_path, kubernetes) as port:
            assert get(tmp_path, port, "/healthz") == (200, "ok\n")
            assert get(tmp_path, port, "/", "good")[0] == 404
        with served(tmp_path, kubernetes, healthy=False) as port:
            assert get(tmp_path, port, "/healthz")[0] == 500


def test_clients_that_say_nothing_hold_up_nobody_and_are_cut_off(
    tmp_path: Path, cluster: FakeKubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_SECONDS", 1.0)
    monkeypatch.setattr(server, "_AT_ONCE", 4)
    with cluster.serving(tmp_path) as kubernetes, served(tmp_path, kubernetes) as port:
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        silent[0].sendall(b"GET / HTTP/1.0\r\n\r\n")  # no TLS
        silent[1].sendall(b"\x16\x03\x01")  # the beginning of a handshake
        assert get(tmp_path, port, "/healthz")[0] == 200
        more = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                if get(tmp_path, port, "/healthz")[0] == 200:
                    break
            except OSError:  # all places are taken
                time.sleep(0.1)
        else:
            pytest.fail("silent clients keep their places")
        for each in (*silent, *more):
            each.close()


def test_the_original_names_are_spelled_as_they_were() -> None:
    assert metrics._CONTROLLER == CONTROLLER
