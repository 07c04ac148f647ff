"""The container beside the daemon, run for real against an API that remembers what it was told."""

from __future__ import annotations

import json
import re
import socket
import subprocess
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

MARK = "here the test began to count"
GONE = "12D3KooWQK1wnefoLrcVHbbnf5tLzbopUd3K3bFAoJpA7YJgL5pV"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


DOCUMENT = '{"gpu":{"revision":1}}\n'


def has_looked(api: Api, times: int) -> bool:
    """Whether it has looked for a profile so often since it was asked first."""
    start = api.calls.index(MARK) if MARK in api.calls else len(api.calls)
    if start == len(api.calls):
        api.calls.append(MARK)
    elif sum(call.startswith("name/resolve") for call in api.calls[start:]) > times:
        api.calls.remove(MARK)
        return True
    return False


def until(true: Callable[[], bool], what: str = "") -> None:
    end = time.monotonic() + 15
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
def keeper(pod: Pod, api: Api, *change: str) -> Iterator[int]:
    """The container while it runs, 25 times as fast and with a text replaced; the port of its status."""
    shown = free_port()
    changes = {
        "port=$4": f"port={api.port}",
        "-p 8090": f"-p 127.0.0.1:{shown}",
        "sleep 5": "sleep 0.2",
        "sleep 10": "sleep 0.2",
        "sleep 60": "sleep 0.4",
        "+ 5))": "+ 20))",
    }
    if change:
        old, new = change
        changes[old] = new
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
    first = plan.live_files["profiles-public-archive.json"]
    with keeper(pod, api):
        until(lambda: api.published == f"/ipfs/bafk{len(first)}")
        assert api.added == [first]
        until(lambda: has_looked(api, 2))  # it has gone round as often
        assert api.added == [first]
        second = '{"gpu":{"revision":2}}'
        pod.deliver({**plan.live_files, "profiles-public-archive.json": second})
        until(lambda: api.published == f"/ipfs/bafk{len(second)}")
        until(lambda: f"pin/rm bafk{len(first)}" in api.calls)
        assert api.added == [first, second]


def test_partners_profiles_are_kept_while_they_cannot_be_had(pod: Pod, api: Api, plan: StackPlan) -> None:
    (theirs,) = plan.imports[0].nodes
    api.documents = {theirs.node_id: DOCUMENT}
    with keeper(pod, api) as port:
        path = f"/profiles/{theirs.node_id}.json"
        until(lambda: shown_at(port, path) == DOCUMENT)
        api.documents = {}
        until(lambda: has_looked(api, 2))
        assert shown_at(port, path) == DOCUMENT
        api.documents = {theirs.node_id: DOCUMENT[:9]}
        until(lambda: has_looked(api, 2))
        assert shown_at(port, path) == DOCUMENT, "one that was cut short takes no other's place"


def test_s3_all_documents_together_have_a_limit(pod: Pod, api: Api, plan: StackPlan) -> None:
    """/tmp has 256 MiB: 260 members that publish 1 MiB each had our pods evicted again and again."""
    (theirs,) = plan.imports[0].nodes
    kept = pod.root / f"status/profiles/{theirs.node_id}.json"
    api.documents = {theirs.node_id: "x" * ((1 << 20) - 1) + "\n"}
    line = plan.live_files["archive.members"].splitlines()[-1]
    assert theirs.node_id in line
    many = "".join(f"org{n} {theirs.node_id}{n} /ip4/192.0.2.9/tcp/4001\n" for n in range(2))
    with keeper(pod, api, f"({64 << 20} ", f"({2 << 20} "):
        until(lambda: kept.exists() and kept.stat().st_size == 1 << 20)
        pod.deliver({**plan.live_files, "archive.members": f"{line}\n{many}"})
        until(lambda: not kept.exists(), "with three others each has half a MiB")
        api.documents = {theirs.node_id: DOCUMENT}
        until(kept.exists)
        pod.deliver({**plan.live_files, "archive.members": ""})
        until(lambda: not kept.exists(), "who is gone keeps nothing")


def test_c35_the_token_is_an_argument_of_no_process(pod: Pod, api: Api, plan: StackPlan) -> None:
    """Every user of the machine reads the arguments of each process."""
    (theirs,) = plan.imports[0].nodes
    api.documents = {theirs.node_id: DOCUMENT}
    noted = pod.note_arguments()
    with keeper(pod, api):
        until(lambda: (pod.root / f"status/profiles/{theirs.node_id}.json").exists() and bool(api.published))
    kubo = pod.container("kubo")
    config = pod.repository / "config"
    config.write_text(config.read_text().replace("tcp/5001", f"tcp/{api.port}"))
    words = pod.here(ipfs.IPFS.running.look())
    done = subprocess.run(words, env=pod.environment(kubo), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert pod.run("init").returncode == 0
    assert pod.run("kubo").returncode == 0
    assert api.refused == 0
    said = noted.read_text()
    assert "nc -w 3 127.0.0.1" in said
    for name, text in pod.node.private_files.items():
        assert text not in said, name


def test_c35_a_console_has_a_token_that_ends_with_the_daemon(pod: Pod) -> None:
    """kubo's program takes a token by an argument alone."""

    def token() -> str:
        subprocess.run([pod.root / "run/bin/ipfs", "id"], env=pod.environment(pod.container("kubo")), check=True)
        (said,) = re.findall(r"--api=/ip4/127.0.0.1/tcp/5001 --api-auth=bearer:(\S+) id", pod.said.read_text())
        pod.said.unlink()
        return str(said)

    first = token()
    assert first not in pod.node.private_files.values()
    assert len(first) == 64
    assert pod.run("kubo").returncode == 0
    assert token() != first
