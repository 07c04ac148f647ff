"""The container beside the daemon, run for real against an API that remembers what it was told."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from archipelago.stack.plan import StackPlan
from tests import ipfs
from tests.ipfs_api import Api
from tests.ipfs_pod import Pod

pytestmark = pytest.mark.unit

GONE = "12D3KooWQK1wnefoLrcVHbbnf5tLzbopUd3K3bFAoJpA7YJgL5pV"


# adds a file, and says what was in it; its CID is a checksum
ADDS = """#!/bin/sh
printf "%s\\n" "$*" >> "$SAID"
case $1 in add) cat "$4" >> "$SAID"; sha256sum < "$4" | tr " " - ;; esac
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def until(true: Callable[[], bool], what: str = "") -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


@pytest.fixture
def plan() -> StackPlan:
    """alpha's, when it knows beta."""
    world = ipfs.world(alpha=ipfs.alpha(), beta=ipfs.beta())
    return world.up("alpha", "beta", "alpha")


@pytest.fixture
def pod(tmp_path: Path, plan: StackPlan) -> Pod:
    made = Pod(tmp_path, plan)
    assert made.run("init").returncode == 0
    return made


@pytest.fixture
def api(pod: Pod) -> Iterator[Api]:
    made = Api(pod.node.private_files["api-token"])
    yield made
    made.close()


@contextmanager
def keeper(pod: Pod, api: Api) -> Iterator[int]:
    """The container while it runs, 25 times as fast; the port of its status."""
    shown = free_port()
    changes = {
        "port=$4": f"port={api.port}",
        "-p 8090": f"-p 127.0.0.1:{shown}",
        "sleep 5": "sleep 0.2",
        "sleep 10": "sleep 0.2",
        "sleep 60": "sleep 0.4",
        "+ 5))": "+ 20))",
    }
    with pod.running("peers", **changes):
        yield shown


def shown_at(port: int, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def test_a_member_that_comes_is_dialled_and_one_that_goes_no_longer(pod: Pod, api: Api, plan: StackPlan) -> None:
    (theirs,) = plan.imports[0].nodes
    at = ipfs.IPFS.url(theirs).partition("/p2p/")[0]
    api.peering = {GONE: ["/ip4/192.0.2.9/tcp/4001"]}
    with keeper(pod, api):
        until(lambda: api.peering == {theirs.node_id: [at]}, str(api.peering))
        assert api.disconnected == [GONE]
        moved = {**plan.live_files, "archive.members": plan.live_files["archive.members"].replace(at, f"{at}1")}
        pod.deliver(moved)
        until(lambda: f"{at}1" in api.peering[theirs.node_id])
        alone = {**plan.live_files, "archive.members": plan.live_files["archive.members"].splitlines()[0] + "\n"}
        pod.deliver(alone)
        until(lambda: api.peering == {})
    assert "dialled from now on: beta" in (pod.root / "peers.log").read_text()


def test_a_member_is_ready_while_its_api_answers(pod: Pod, api: Api) -> None:
    """Kubernetes asks the container beside it over HTTP, and starts no process for that."""
    probe = pod.container("peers").readiness
    assert probe and not probe.command and not pod.container("kubo").readiness
    with keeper(pod, api) as port:
        until(lambda: shown_at(port, probe.path) == "yes\n")
        api.broken = True
        until(lambda: not shown_at(port, probe.path))


def test_what_was_connected_while_the_daemon_started_is_connected_anew(pod: Pod, api: Api, plan: StackPlan) -> None:
    """A connection that is older than the block exchange never carries a block (kubo 8346, seen on real nodes)."""
    (theirs,) = plan.imports[0].nodes
    started = pod.root / "run/started"
    api.connected = {theirs.node_id: "/ip4/192.0.2.9/tcp/4001"}
    started.write_text("one\n")
    with keeper(pod, api):
        until(lambda: bool(api.peering))
        assert api.disconnected == [theirs.node_id]
        applied = api.calls.count("swarm/peering/ls")
        until(lambda: api.calls.count("swarm/peering/ls") > applied + 1)
        assert api.disconnected == [theirs.node_id]
        started.write_text("two\n")
        until(lambda: api.disconnected == [theirs.node_id] * 2)


def test_what_the_daemon_forgot_is_told_again(pod: Pod, api: Api, plan: StackPlan) -> None:
    """Peering is in its memory only, and a container starts again by itself."""
    with keeper(pod, api):
        until(lambda: bool(api.peering))
        api.peering.clear()
        until(lambda: bool(api.peering))


def test_bootstraps_follow_the_members_that_publish(pod: Pod, api: Api, plan: StackPlan) -> None:
    (theirs,) = plan.imports[0].nodes
    api.bootstrap = [f"/ip4/192.0.2.9/tcp/4001/p2p/{GONE}"]
    with keeper(pod, api):
        until(lambda: api.bootstrap == [])
        pod.deliver({**plan.live_files, "published.txt": f"archive {theirs.node_id}\n"})
        until(lambda: api.bootstrap == [ipfs.IPFS.url(theirs)])


def test_it_shows_what_the_daemon_says_of_itself_and_when(pod: Pod, api: Api) -> None:
    api.connected = {GONE: "/ip4/192.0.2.9/tcp/4001"}
    with keeper(pod, api) as port:
        until(lambda: shown_at(port, "/time").strip().isdigit())
        assert abs(int(shown_at(port, "/time")) - time.time()) < 30
        assert json.loads(shown_at(port, "/id.json"))["ID"] == "12D3KooWSelf"
        assert json.loads(shown_at(port, "/swarm.json"))["Peers"][0]["Peer"] == GONE
        assert json.loads(shown_at(port, "/bootstrap.json")) == {"Peers": []}
        api.broken = True
        refused = api.refused
        until(lambda: api.refused > refused + 3)  # what was under way has ended
        stale = shown_at(port, "/time")
        time.sleep(1.1)  # its clock has seconds
        assert shown_at(port, "/time") == stale
        assert shown_at(port, "/identity/api-token") == ""


def test_without_a_daemon_it_goes_on_and_ends_when_it_is_told_to(pod: Pod, api: Api) -> None:
    api.close()
    with keeper(pod, api):
        time.sleep(0.6)


def test_profiles_are_published_when_they_change_and_only_then(pod: Pod, api: Api, plan: StackPlan) -> None:
    (pod.root / "run/bin/ipfs").write_text(ADDS)
    (pod.bin / "sha256sum").symlink_to((pod.bin / "sh").readlink())
    with keeper(pod, api):
        until(lambda: pod.said.read_text().count("name publish") == 1)
        assert "{}" in pod.said.read_text()
        looks = pod.said.read_text().count("name resolve")
        until(lambda: pod.said.read_text().count("name resolve") > looks + 2)  # it has gone round as often
        assert pod.said.read_text().count("name publish") == 1
        pod.deliver({**plan.live_files, "profiles-public-archive.json": '{"gpu":{"revision":2}}'})
        until(lambda: '{"gpu":{"revision":2}}' in pod.said.read_text())
        until(lambda: "pin rm" in pod.said.read_text())
        assert pod.said.read_text().count("name publish") == 2


def test_partners_profiles_are_kept_while_they_cannot_be_had(pod: Pod, api: Api, plan: StackPlan) -> None:
    (theirs,) = plan.imports[0].nodes
    script = """#!/bin/sh
printf "%s\\n" "$*" >> "$SAID"
case $1 in
  name) [ -e "$HOME/there" ] && echo /ipfs/QmProfile ;;
  cat) echo '{"gpu":{"revision":1}}' ;;
esac
"""
    (pod.root / "run/bin/ipfs").write_text(script)
    (pod.root / "there").touch()
    with keeper(pod, api) as port:
        path = f"/profiles/{theirs.node_id}.json"
        until(lambda: shown_at(port, path) == '{"gpu":{"revision":1}}\n')
        (pod.root / "there").unlink()
        looks = pod.said.read_text().count("name resolve")
        until(lambda: pod.said.read_text().count("name resolve") > looks + 2)
        assert shown_at(port, path) == '{"gpu":{"revision":1}}\n'
