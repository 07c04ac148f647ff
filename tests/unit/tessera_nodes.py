"""Stand-ins for Tessera as real processes on loopback: the files and the start script that we render."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from archipelago.chains.goquorum import tessera
from archipelago.manifests.workload import public_files
from archipelago.model.endpoint import Endpoint
from archipelago.model.plan import NodePlan
from tests.stacks import alpha, plan_of

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
Document = dict[str, Any]
Change = Callable[[Document], object]


@dataclass
class StandIn:
    """One stand-in: a rendered node's files in a folder, and the process that its start script becomes."""

    folder: Path
    node: NodePlan
    port: int
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def key(self) -> str:
        return self.node.public_files[tessera.PUBLIC_KEY]

    @property
    def socket(self) -> Path:
        return self.folder / "run/archipelago/tm.ipc"

    def info(self) -> Document:
        with DIRECT.open(f"{self.url}partyinfo", timeout=2) as answer:
            document: Document = json.load(answer)
        return document

    def touched(self) -> set[str]:
        """The peers that it has called and that answered."""
        return {peer["url"] for peer in self.info()["peers"] if peer.get("lastContact")}

    def listed(self) -> set[str]:
        """Its peers; others tell a node about itself, too."""
        return {peer["url"] for peer in self.info()["peers"]} - {self.url}

    def owners(self) -> dict[str, str]:
        return {key["key"]: key["url"] for key in self.info()["keys"]}

    def up(self) -> bool:
        """Whether the socket that geth waits for is there."""
        assert self.process.poll() is None, self.end()
        try:
            return self.ask("GET", "/upcheck")[0] == 200
        except (FileNotFoundError, ConnectionRefusedError):
            return False

    def reachable(self) -> bool:
        """Whether its port is open, which is last."""
        assert self.process.poll() is None, self.end()
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def ask(self, method: str, path: str, content: Document | None = None) -> tuple[int, str]:
        """Ask as GoQuorum does, through the socket."""
        status, said = self.ask_raw(method, path, json.dumps(content or {}).encode())
        return status, said.decode()

    def ask_raw(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = MappingProxyType({})
    ) -> tuple[int, bytes]:
        """The same with bytes."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.connect(str(self.socket))
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def end(self) -> str:
        """End it as Kubernetes would; what it has said."""
        self.process.terminate()
        try:
            return self.process.communicate(timeout=5)[1]
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise


Starter = Callable[..., StandIn]


@contextmanager
def starting(program: Path) -> Iterator[Starter]:
    """What starts stand-ins, each with a node's files; they end with the block.

    Args:
        program: The stand-in.
    """
    nodes = plan_of(alpha()).nodes
    begun: list[StandIn] = []
    # Not pytest's own folder: the path of a socket has at most 107 characters.
    root = Path(tempfile.mkdtemp(prefix="tessera-"))

    def starter(
        number: int, peers: list[str], change: Change = lambda document: None, port: int = 0, release: str = ""
    ) -> StandIn:
        folder, port = root / str(number), port or free_port()
        script = write(folder, nodes[number], port, peers, change).replace("/tessera/bin/tessera", str(program))
        words = ["sh", "-c", script, "tessera", own_url(nodes[number])]
        environ = {**os.environ, "TESSERA_STAND_IN_FOR": release}
        process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environ)  # it ends in exec
        begun.append(StandIn(folder, nodes[number], port, process))
        return begun[-1]

    try:
        yield starter
    finally:
        for each in begun:
            if each.process.returncode is None:
                each.end()
        shutil.rmtree(root)


def own_url(node: NodePlan) -> str:
    return next(each for each in node.containers if each.name == "tessera").command[-1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write(folder: Path, node: NodePlan, port: int, peers: list[str], change: Change) -> str:
    """Write what the containers mount; the start script, with the folder in the place of the root."""

    def moved(text: str) -> str:
        return re.sub(r"(?<![\w/])/(config|identity|peers|data|run)/", rf"{folder}/\1/", text)

    files = public_files(node, {"tessera": Endpoint(host="127.0.0.1", port=port)})
    for name in ("config", "data", "identity", "peers", "run/archipelago"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "identity/tm.key").write_text(node.private_files["tm.key"])
    (folder / "peers" / tessera.PEERS).write_text(tessera.peers(peers))
    (folder / "config" / tessera.PUBLIC_KEY).write_text(files[tessera.PUBLIC_KEY])
    text = moved(files[tessera.CONFIG]).replace(f"0.0.0.0:{tessera.P2P}", f"127.0.0.1:{port}")
    document = json.loads(text.replace('"@peers@"', '["@peers@"]'))
    change(document)
    # The mark on a line of its own again, where the start script looks for it.
    merged = json.dumps(document, indent=2).replace('[\n    "@peers@"\n  ]', '\n"@peers@"\n')
    (folder / "config" / tessera.CONFIG).write_text(merged)
    command = next(each for each in node.containers if each.name == "tessera").command
    return moved(command[2])


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def running(
    start: Starter, number: int, peers: list[str], change: Change = lambda document: None, **more: Any
) -> StandIn:
    node = start(number, peers, change, **more)
    wait_until(node.up)
    wait_until(node.reachable)
    return node
