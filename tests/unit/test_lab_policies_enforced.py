"""NetworkPolicies in force: namespaces joined as the CNI plugin `ptp` joins pods, and TCP connections through them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from lab.controllers.ruleset import ruleset
from tests.unit.test_lab_policies import namespace, pod, policy

pytestmark = [
    pytest.mark.unit,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("nft"), reason="needs root and nft"),
]

ADDRESSES = {"server": "10.99.0.2", "friend": "10.99.0.3", "foe": "10.99.0.4", "outside": "192.0.2.7"}
GATEWAY, SERVICE = "10.99.0.1", "10.96.0.5"
RPC, P2P = 8545, 30303
PODS = [
    pod("alpha", "server", ADDRESSES["server"]),
    pod("alpha", "friend", ADDRESSES["friend"]),
    pod("beta", "foe", ADDRESSES["foe"]),
]
SPACES = [namespace("alpha"), namespace("beta")]
INTO_SERVER = policy(
    selector={"matchLabels": {"app": "server"}},
    ingress=[
        {"from": [{"podSelector": {"matchLabels": {"app": "friend"}}}], "ports": [{"port": "rpc"}]},
        {"from": [{"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.8/32"]}}], "ports": [{"port": P2P}]},
    ],
)
FRIEND_TO_BETA = policy(
    "out",
    selector={"matchLabels": {"app": "friend"}},
    egress=[{"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "beta"}}}]}],
)

# What kube-proxy would add: a Service's address becomes a pod's before routing, and sources are hidden after it.
KUBE_PROXY = f"""
table ip proxy {{
    chain before {{
        type nat hook prerouting priority dstnat;
        ip daddr {SERVICE} tcp dport 80 dnat to {ADDRESSES["server"]}:{RPC}
    }}
    chain after {{
        type nat hook postrouting priority srcnat;
        ip saddr {ADDRESSES["outside"]} masquerade
    }}
}}
"""
ECHO = """
import socketserver, sys, threading
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)
socketserver.ThreadingTCPServer.daemon_threads = True
for port in sys.argv[1:]:
    server = socketserver.ThreadingTCPServer(("", int(port)), Echo)
    threading.Thread(target=server.serve_forever).start()
print("up", flush=True)
"""
DIAL = """
import concurrent.futures, socket, sys
def reached(target):
    host, port = target.split(":")
    try:
        socket.create_connection((host, int(port)), 0.4).close()
    except OSError:
        return ""
    return target
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    print(*pool.map(reached, sys.argv[1:]))
"""
HOLD = """
import socket, sys
line = socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)
print("up", flush=True)
for word in sys.stdin:
    line.sendall(word.encode())
    print(line.recv(99).decode().strip(), flush=True)
"""
LOAD = "import asyncio, sys; from lab.controllers.policies import load; asyncio.run(load(sys.stdin.read()))"


class Node:
    """A network namespace that routes between those of pods, which are joined to it by a link each."""

    def __init__(self) -> None:
        self._prefix = f"np{os.getpid()}-"
        self._processes: list[subprocess.Popen[str]] = []
        self._spaces: list[str] = []

    def build(self) -> None:
        self._add("node")
        self.run("node", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        for name, address in ADDRESSES.items():
            self._add(name)
            link = ["ip", "link", "add", f"v-{name}", "type", "veth", "peer", "name", "eth0"]
            self.run("node", *link, "netns", self._prefix + name)
            self.run("node", "ip", "address", "add", f"{GATEWAY}/32", "dev", f"v-{name}")
            self.run("node", "ip", "link", "set", f"v-{name}", "up")
            self.run("node", "ip", "route", "add", f"{address}/32", "dev", f"v-{name}")
            self.run(name, "ip", "address", "add", f"{address}/32", "dev", "eth0")
            self.run(name, "ip", "link", "set", "eth0", "up")
            self.run(name, "ip", "route", "add", f"{GATEWAY}/32", "dev", "eth0")
            self.run(name, "ip", "route", "add", "default", "via", GATEWAY)
            self.start(name, ECHO, str(RPC), str(P2P))
        self.run("node", "nft", "-f", "-", text=KUBE_PROXY)

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()
        for name in self._spaces:
            subprocess.run(["ip", "netns", "delete", name], check=True)

    def enforce(self, *policies: dict[str, Any]) -> None:
        """Load the ruleset by the function that the lab's process uses."""
        repository = str(Path(__file__).parents[2])
        command = [sys.executable, "-c", LOAD]
        self.run("node", "env", f"PYTHONPATH={repository}", *command, text=ruleset(PODS, SPACES, policies))

    def reached(self, source: str) -> set[str]:
        """What of all pods' ports, and of the Service, can be connected to; by the names `server:rpc` and so on."""
        ports = {"rpc": RPC, "p2p": P2P}
        names = {f"{ADDRESSES[to]}:{ports[port]}": f"{to}:{port}" for to in ADDRESSES for port in ports if to != source}
        names[f"{SERVICE}:80"] = "service"
        said = self.run(source, sys.executable, "-ISc", DIAL, *names)
        return {names[target] for target in said.split()}

    def start(self, name: str, program: str, *arguments: str) -> subprocess.Popen[str]:
        command = ["ip", "netns", "exec", self._prefix + name, sys.executable, "-ISc", program, *arguments]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self._processes.append(process)
        assert stream(process.stdout).readline() == "up\n"
        return process

    def run(self, name: str, *command: str, text: str = "") -> str:
        inside = ["ip", "netns", "exec", self._prefix + name, *command]
        return subprocess.run(inside, input=text, stdout=subprocess.PIPE, text=True, check=True).stdout

    def _add(self, name: str) -> None:
        subprocess.run(["ip", "netns", "add", self._prefix + name], check=True)
        self._spaces.append(self._prefix + name)
        self.run(name, "ip", "link", "set", "lo", "up")


def stream(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


@pytest.fixture
def node() -> Iterator[Node]:
    made = Node()
    try:
        made.build()
        yield made
    finally:
        made.end()


def all_but(source: str) -> set[str]:
    return {f"{to}:{port}" for to in ADDRESSES if to != source for port in ("rpc", "p2p")}


def test_what_must_pass_passes_and_what_must_not_does_not(node: Node) -> None:
    assert node.reached("foe") == all_but("foe") | {"service"}, "without policies everything is open"

    node.enforce(INTO_SERVER)
    to_server = {"server:rpc", "server:p2p"}
    assert node.reached("friend") == all_but("friend") - {"server:p2p"} | {"service"}
    assert node.reached("foe") == all_but("foe") - to_server
    assert node.reached("outside") == all_but("outside") - {"server:rpc"}, "its own address decides, not the masquerade"
    # It reaches itself through the Service only if kube-proxy hides the source, which the table above does not.
    assert node.reached("server") - {"service"} == all_but("server"), "no policy restricts what it calls"
    assert node.reached("node") == {f"{to}:{port}" for to in ADDRESSES for port in ("rpc", "p2p")}, "the node may all"

    held = node.start("friend", HOLD, ADDRESSES["server"], str(RPC))
    node.enforce(INTO_SERVER, FRIEND_TO_BETA)
    assert node.reached("friend") == {"foe:rpc", "foe:p2p"}, "both sides must allow"
    stream(held.stdin).write("still here\n")
    stream(held.stdin).flush()
    assert stream(held.stdout).readline() == "still here\n", "a connection that exists goes on"

    node.enforce()
    assert node.reached("foe") == all_but("foe") | {"service"}, "without policies everything is open again"
