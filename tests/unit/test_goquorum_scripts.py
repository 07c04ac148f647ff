"""The shell of the init step and of the peers' keeper, run for real with a geth that only takes notes."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from archipelago.chains.goquorum import readiness
from archipelago.model.plan import Container
from tests.stacks import alpha, plan_of

pytestmark = pytest.mark.unit

OURS, OTHER = "0x" + "ab" * 32, "0x" + "cd" * 32
GETH = """#!/bin/sh
echo "$*" >> {root}/calls
case "$*" in
  *init*) [ ! -e {root}/broken ] || exit 1; mkdir -p {root}/data/dd/geth/chaindata ;;
  *) [ ! -e {root}/slow ] || { echo "added 12345678@b:1"; echo "at 0"; echo "at 6"; exit; }
     [ ! -e {root}/broken ] || { echo "Fatal: Unable to attach"; exit 1; }
     echo "added 12345678@b:1"; echo applied; echo undefined ;;
esac
"""


def container(name: str) -> Container:
    node = plan_of(alpha({"network.privacy": "none", "nodes.quorum-node1.exposure": {}})).nodes[0]
    return next(each for each in (*node.init, *node.containers) if each.name == name)


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


class Pod:
    """A pod's file system below a folder, with a geth of our own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.said = root / "said"
        for folder in ("data", "run/archipelago", "tmp", "peers", "identity", "genesis", "bin"):
            (root / folder).mkdir(parents=True)
        (root / "identity/keystore.json").write_text("key")
        (root / "genesis/genesis.json").write_text("genesis")
        (root / "peers/static-nodes.json").write_text('["enode://a"]')
        (root / "bin/geth").write_text(GETH.replace("{root}", str(root)))
        (root / "bin/geth").chmod(0o755)
        for tool in ("nc", "wget", "timeout", "true"):
            (root / "bin" / tool).symlink_to(str(shutil.which("busybox")))
        self.port, self.rpc = free_port(), free_port()
        self.environment = {**os.environ, "PATH": f"{root}/bin:{os.environ['PATH']}"}

    def script(self, name: str) -> str:
        """What a container runs, inside this folder and fifty times as fast."""
        paths = re.sub(
            r"(?<![\w/])/(data|run|tmp|peers|identity|genesis)/", rf"{self.root}/\1/", container(name).command[2]
        )
        ports = paths.replace(f"-p {readiness.PORT.number}", f"-p {self.port}").replace(":8545", f":{self.rpc}")
        return ports.replace("sleep 5", "sleep 0.1").replace("pause=2", "pause=0.1")

    @property
    def ready(self) -> bool:
        """What kubelet hears when it asks."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
            return True
        return False

    def init(self, genesis: str) -> subprocess.CompletedProcess[str]:
        words = ["sh", "-c", self.script("init"), "init", genesis]
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, check=False)

    @property
    def calls(self) -> int:
        """How often geth was called."""
        path = self.root / "calls"
        return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


def test_a_volume_is_initialised_once_and_its_links_are_made_at_every_start(pod: Pod) -> None:
    data = pod.root / "data/dd"
    for _ in range(2):
        assert pod.init(OURS).returncode == 0
        assert (data / "genesis-hash").read_text() == f"{OURS}\n"
        assert (data / "static-nodes.json").read_text() == (pod.root / "run/archipelago/peers.json").read_text()
        assert (pod.root / "run/archipelago/keystore/account.json").read_text() == "key"
        (data / "static-nodes.json").unlink()
    assert pod.calls == 1


def test_a_failed_init_is_never_recorded_as_done(pod: Pod) -> None:
    """Other projects wrote the marker first, and started a node on an empty database ever after."""
    (pod.root / "broken").touch()
    assert pod.init(OURS).returncode != 0
    assert not (pod.root / "data/dd/genesis-hash").exists()
    (pod.root / "broken").unlink()
    assert pod.init(OURS).returncode == 0
    assert (pod.root / "data/dd/genesis-hash").read_text() == f"{OURS}\n"


def test_a_volume_of_another_chain_is_refused_untouched_with_both_hashes(pod: Pod) -> None:
    pod.init(OTHER)
    (pod.root / "data/dd/static-nodes.json").unlink()
    refused = pod.init(OURS)
    assert refused.returncode == 1
    assert OURS in refused.stderr
    assert OTHER in refused.stderr
    assert "genesisFile" in refused.stderr
    assert (pod.root / "data/dd/genesis-hash").read_text() == f"{OTHER}\n"
    assert not (pod.root / "data/dd/static-nodes.json").is_symlink()
    assert pod.calls == 1


def test_chain_data_that_geth_has_not_got_from_this_genesis_goes_through_geth(pod: Pod) -> None:
    """It refuses another chain itself, and takes new rules for the old one."""
    pod.init(OURS)
    (pod.root / "data/dd/genesis-hash").unlink()  # imported, or killed before it was written
    assert pod.init(OURS).returncode == 0
    (pod.root / "genesis/genesis.json").write_text("the same block 0, other rules")
    assert pod.init(OURS).returncode == 0
    (pod.root / "data/dd/geth/chaindata").rmdir()  # thrown away to sync anew; a marker alone is no database
    assert pod.init(OURS).returncode == 0
    assert pod.calls == 4


@contextmanager
def keeper(pod: Pod) -> Iterator[subprocess.Popen[bytes]]:
    """The peers' keeper while it runs."""
    (pod.root / "run/archipelago/peers.json").write_text('["enode://a"]')
    words = ["sh", "-c", pod.script("peers")]
    with pod.said.open("w") as said:
        process = subprocess.Popen(words, env=pod.environment, stdout=said, stderr=said)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(5)
        until(lambda: not pod.ready)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def open_socket(pod: Pod) -> None:
    os.mknod(pod.root / "run/archipelago/geth.ipc", stat.S_IFSOCK | 0o600)


def test_the_keeper_waits_quietly_for_geth_and_ends_at_once(pod: Pod) -> None:
    """Process 1 of a container ignores SIGTERM without a trap, and a node would take its two minutes to stop."""
    with keeper(pod) as process:
        time.sleep(0.5)
        process.terminate()
        assert process.wait(1) == 0
    assert pod.said.read_text() == ""
    assert pod.calls == 0


def test_the_keeper_tells_geth_what_has_changed_and_remembers_it(pod: Pod) -> None:
    applied, listed = pod.root / "run/archipelago/peers.json", pod.root / "peers/static-nodes.json"
    open_socket(pod)
    with keeper(pod):
        until(lambda: pod.calls == 1)
        listed.write_text('["enode://a", "enode://b"]')
        until(lambda: applied.read_text() == listed.read_text())
        assert pod.calls == 2
        script = (pod.root / "tmp/peers.js").read_text()
        assert re.match(
            r'var start = 0; var had =\s*\["enode://a"\]\s*; var want =\s*\["enode://a", "enode://b"\]\s*;', script
        )
        until(lambda: pod.calls == 3)  # a minute later, although nothing has changed
    assert pod.said.read_text().splitlines()[:2] == ["added 12345678@b:1"] * 2


def test_the_keeper_outlives_a_geth_that_does_not_answer(pod: Pod) -> None:
    applied, listed = pod.root / "run/archipelago/peers.json", pod.root / "peers/static-nodes.json"
    open_socket(pod)
    (pod.root / "broken").touch()
    with keeper(pod):
        listed.write_text('["enode://b"]')
        until(lambda: pod.calls > 3)
        assert applied.read_text() == '["enode://a"]'
        (pod.root / "broken").unlink()
        until(lambda: applied.read_text() == listed.read_text())
    assert pod.said.read_text().count("Unable to attach") == 1


class Geth(BaseHTTPRequestHandler):
    """geth's HTTP port, with one answer for every question."""

    answer = "false"

    def do_POST(self) -> None:
        """Answer `eth_syncing`, and refuse everything else as geth does."""
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        right = question["method"] == "eth_syncing" and self.headers["Content-Type"] == "application/json"
        self.send_response(200 if right else 415)
        self.end_headers()
        self.wfile.write(b'{"jsonrpc":"2.0","id":1,"result":%s}\n' % type(self).answer.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def geth(pod: Pod, answer: str) -> Iterator[type[Geth]]:
    """geth while it runs."""
    answers = type("Answers", (Geth,), {"answer": answer})
    with HTTPServer(("127.0.0.1", pod.rpc), answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield answers
        finally:
            server.shutdown()
            thread.join()


def test_a_node_is_ready_while_geth_says_that_it_does_not_sync(pod: Pod) -> None:
    """The port that Kubernetes asks is open as long as that is so, however often it is connected to."""
    with keeper(pod):
        time.sleep(0.5)
        assert not pod.ready  # nothing answers yet
        with geth(pod, "false") as said:
            until(lambda: pod.ready)
            assert all(pod.ready for _ in range(20))
            said.answer = '{"currentBlock":"0x1","highestBlock":"0x2"}'
            until(lambda: not pod.ready)
            said.answer = "false"
            until(lambda: pod.ready)
        until(lambda: not pod.ready)  # it is gone
    assert pod.said.read_text() == ""


def test_s2_a_list_that_takes_too_long_goes_on_where_it_stopped(pod: Pod) -> None:
    """A partner with many dead names that sorts first kept all others from being told, for ever."""
    applied, script = pod.root / "run/archipelago/peers.json", pod.root / "tmp/peers.js"
    open_socket(pod)
    (pod.root / "slow").touch()
    with keeper(pod):
        until(lambda: pod.calls > 1)
        until(lambda: script.read_text().startswith("var start = 7; "))
        (pod.root / "slow").unlink()
        calls = pod.calls
        until(lambda: pod.calls > calls + 2)
        assert applied.read_text() == (pod.root / "peers/static-nodes.json").read_text()
        assert script.read_text().startswith("var start = 0; ")
    assert "the list goes on behind entry 6" in pod.said.read_text()


def test_s2_each_entry_that_is_told_is_named_before_and_none_is_left_out(pod: Pod) -> None:
    """With node in the place of geth's console."""
    if (node := shutil.which("node")) is None:
        pytest.skip("there is no node on this machine")
    urls = [f"enode://{number:0128x}@host{number}:30303?discport=0" for number in range(4)]
    script = pod.root / "tmp/apply-peers.js"
    with keeper(pod):
        until(lambda: script.exists() and script.read_text().endswith('console.log("applied")\n'))
    told = f"""var start = 3, had = [{urls[1]!r}], want = {urls!r}, calls = [];
var admin = {{nodeInfo: {{enode: {urls[0]!r}}}, peers: [{{enode: {urls[1]!r}}}],
  addPeer: function (url) {{ calls.push(url[135]) }}, removePeer: function () {{}}}};
{script.read_text()};
console.log(calls.join(""))"""
    done = subprocess.run([node, "-e", told], capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if not line.startswith("added")]
    assert lines == ["at 3", "at 2", "applied", "32"]
