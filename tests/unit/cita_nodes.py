"""Nodes of a CITA-Cloud chain as processes of the lab's stand-in, each with addresses of its own on loopback.

Their files are filled by the init step of a real plan, and their commands are those of its containers.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archipelago.chains.cita_cloud import files, syncthing
from archipelago.model.plan import Container, NodePlan
from archipelago.stack.plan import StackPlan
from tests.cita_rpc import call, number
from tests.unit.test_cita_scripts import Pod

SERVICES = (*files.ROLES, "syncthing")
FOUR = {"nodes.node3": {"index": 3}, "network.genesis.blockInterval": 1}  # four nodes, and fast ones
SECOND = 0.2  # what a second of the chain takes
_NET = os.getpid()  # tests of two processes at once must not meet
_TIMEOUT = 3.0


@dataclass
class Place:
    """Where a node of the plan is, whether it is laid out or not.

    Args:
        index: Its place in the plan.
        plan: What runs for it.
    """

    index: int
    plan: NodePlan

    @property
    def inside(self) -> str:
        """What is loopback to its containers."""
        return f"127.{_NET >> 8 & 63 | 128}.{_NET & 255}.{2 * self.index + 1}"

    @property
    def outside(self) -> str:
        """The pod's address."""
        return f"127.{_NET >> 8 & 63 | 128}.{_NET & 255}.{2 * self.index + 2}"


@dataclass
class Node(Place):
    """One node: its files, and a process for each of its containers.

    Args:
        pod: Its volume.
        programs: Folder with the stand-in under the names of the services.
    """

    pod: Pod
    programs: Path
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """Its volume."""
        return self.pod.data

    def container(self, name: str) -> Container:
        """What the plan says of a container."""
        return next(each for each in self.plan.containers if each.name == name)

    def start(self, *names: str) -> None:
        """Start containers, or all of them."""
        for name in names or SERVICES:
            self.processes[name] = self._process(self.container(name))

    def _process(self, container: Container) -> subprocess.Popen[str]:
        here = {f"/{name}": str(self.data.parent / folder) for name, folder in _FOLDERS.items()}
        command = [re.sub(r"(?<![\w.])/(kms|network)(?=/)", lambda at: here[at[0]], word) for word in container.command]
        given = {name: value.replace("127.0.0.1", self.inside) for name, value in container.env.items()}
        secrets = {name: self.plan.private_files[file] for name, file in container.secret_env.items()}
        settings = {
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            "CITA_STAND_IN": container.image.removeprefix("citacloud/"),
            "CITA_STAND_IN_HOSTS": f"{self.inside},{self.outside}",
            "CITA_STAND_IN_SECOND": f"{SECOND:g}s",
        }
        with (self.data / f"{container.name}.said").open("a") as said:
            return subprocess.Popen(
                command or [str(self.programs / container.name), "-home", str(self.data / "config")],
                cwd=self.data,
                env={**settings, **given, **secrets},
                stdin=subprocess.DEVNULL,
                stderr=said,
                text=True,
            )

    def said(self, name: str) -> str:
        """Everything that a container has said."""
        return (self.data / f"{name}.said").read_text()

    def refusal(self, name: str, within: float = 20) -> str:
        """Why a container ended; it has to."""
        assert self.processes[name].wait(within) == 1, self.said(name)
        return self.said(name).splitlines()[-1]

    def stop(self, *names: str) -> None:
        """End containers, or all of them, as Kubernetes does."""
        chosen = [self.processes.pop(name) for name in names or tuple(self.processes)]
        for process in chosen:
            process.terminate()
        for process in chosen:
            process.wait(10)

    def call(self, method: str, message: bytes = b"") -> bytes:
        """What its controller answers (see `cita_rpc.call`)."""
        return call(self.outside, files.GRPC["controller"], method, message)

    def height(self) -> int:
        """What the controller answers to GetBlockNumber; -1 while it does not."""
        try:
            return number(self.call("GetBlockNumber"))
        except OSError:
            return -1

    def peers(self) -> int:
        """How many nodes its network is connected to."""
        return number(self.call("GetPeerCount"))


Layout = Callable[..., list[Node]]
"""Lays out the nodes of a plan, or as many of the first as are told."""
_FOLDERS = {"kms": "identity-of-kms", "network": "identity-of-network"}


def laid_out(plan: StackPlan, root: Path, programs: Path, count: int | None = None) -> list[Node]:
    """The nodes of a plan with all their files, started by nobody yet.

    Args:
        plan: Of all nodes of the chain.
        root: A folder for them.
        programs: See `Node`.
        count: How many of the first, where not all are looked at: each has a hundred files.
    """
    nodes = []
    for index, each in enumerate(plan.nodes[:count]):
        folder = root / each.name
        folder.mkdir()
        node = Node(index, each, Pod(folder, plan, index), programs)
        node.pod.start()
        for service, name in _FOLDERS.items():
            mounted = next(mount.files for mount in node.container(service).mounts if mount.path == f"/{service}")
            (folder / name).mkdir()
            for file in mounted:
                (folder / name / file).write_text(each.private_files[file])
        nodes.append(node)
    places = [Place(index, each) for index, each in enumerate(plan.nodes)]
    for node in nodes:
        meet(node, places)
    return nodes


def meet(node: Node, nodes: Sequence[Place]) -> None:
    """Write addresses where a node's files name the other nodes' Services."""
    for file in ("network-config.toml", "config/config.xml"):
        path = node.data / file
        text = path.read_text()
        for other in nodes:
            text = re.sub(rf"\b{other.plan.object_name}(?=[\":])", other.outside, text)
        path.chmod(0o600)
        path.write_text(text)


def listens(host: str, port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT):
            return True
    except OSError:
        return False


def restart_syncthing(node: Node, key: str) -> int:
    """Ask a node's syncthing to start again; the status of its answer."""
    request = f"POST /rest/system/restart HTTP/1.0\r\nX-API-Key: {key}\r\n\r\n".encode()
    with socket.create_connection((node.inside, syncthing.GUI), timeout=_TIMEOUT) as connection:
        connection.sendall(request)
        return int(connection.recv(64).split()[1])


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def have(nodes: list[Node], height: int) -> Callable[[], bool]:
    """Whether all nodes are so high."""
    return lambda: all(each.height() >= height for each in nodes)
