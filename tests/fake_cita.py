"""Two organisations' CITA-Cloud stacks with nodes that answer in HTTP/2; to be broken like `tests.fake_network`."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

from google.protobuf.wrappers_pb2 import BytesValue, UInt64Value
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

from archipelago.manifests.common import Manifest
from archipelago.model.record import ExternalNode
from archipelago.stack.plan import StackPlan
from operate.kubectl import Failed
from tests.cita import founder, joiner
from tests.fake_network import FakeCluster, FakeNetwork, FakeNode, live
from tests.world import World

CONTAINERS = ("controller", "network", "consensus", "executor", "storage", "kms", "syncthing", "peers")
Answers = dict[str, bytes | str]


def number(value: int) -> bytes:
    """A message whose only field is a number."""
    return cast(bytes, UInt64Value(value=value).SerializeToString())


def digest(value: bytes) -> bytes:
    """A message whose only field is a hash."""
    return cast(bytes, BytesValue(value=value).SerializeToString())


class Controller:
    """The server's end of one connection.

    Args:
        answers: By method, `GetBlockHash 7` for one with an argument: a message, or the words of an error.
    """

    def __init__(self, answers: Mapping[str, bytes | str]) -> None:
        self._answers = answers
        self._asked: dict[int, str] = {}
        self._connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._connection.initiate_connection()

    def hear(self, text: bytes) -> bytes:
        """What it sends when it has received this."""
        for event in self._connection.receive_data(text):
            match event:
                case RequestReceived(stream_id=stream):
                    headers = {str(name): str(value) for name, value in event.headers}
                    self._asked[stream] = headers[":path"].removeprefix("/controller.RPCService/")
                case DataReceived(stream_id=stream) if event.data[5:]:
                    self._asked[stream] += f" {UInt64Value.FromString(event.data[5:]).value}"
                case StreamEnded(stream_id=stream):
                    self._answer(stream)
        return self._connection.data_to_send()

    def _answer(self, stream: int) -> None:
        found = self._answers.get(self._asked[stream], "load block hash failed")
        first = [(":status", "200"), ("content-type", "application/grpc")]
        if isinstance(found, str):
            wrong = [("grpc-status", "13"), ("grpc-message", quote(found))]
            self._connection.send_headers(stream, first + wrong, end_stream=True)
        else:
            self._connection.send_headers(stream, first)
            self._connection.send_data(stream, b"\0" + len(found).to_bytes(4) + found)
            self._connection.send_headers(stream, [("grpc-status", "0")], end_stream=True)


@dataclass
class FakeCitaNode(FakeNode):
    """A running node: the pod of seven services and the container in which questions are asked."""

    def manifest(self, network: str) -> Manifest:
        """Its pod, named as its Deployment."""
        pod = super().manifest(network)
        (status,) = pod["status"]["containerStatuses"]
        pod["metadata"]["name"] = f"{network}-{self.record.index}-5c4f-x7k2p"
        pod["spec"]["containers"] = [{"name": name, "image": f"citacloud/{name}:v5.0.0"} for name in CONTAINERS]
        sound = {"ready": True, "restartCount": 0, "state": {"running": {}}}
        pod["status"]["containerStatuses"] = [
            (status if name == "controller" else sound) | {"name": name} for name in CONTAINERS
        ]
        return pod

    def answers(self) -> Mapping[str, bytes]:
        """What its controller says now; a block more at every look, unless it is stuck."""
        self.height += 0 if self.stuck else 1
        hashes = {
            f"GetBlockHash {height}": digest(bytes.fromhex(f"{self.fork or 'a'}{height:063x}"))
            for height in range(1, self.height + 1)
        }
        listed = (b"\x2a\x14" + bytes.fromhex(each.removeprefix("0x")) for each in self.validators)
        return hashes | {
            "GetBlockNumber": number(self.height),
            "GetBlockHash": digest(bytes.fromhex(self.genesis.removeprefix("0x"))),
            "GetSystemConfig": b"".join(listed),
            "GetPeerCount": number(len(self.peers)),
        }


@dataclass
class FakeCitaCluster(FakeCluster):
    """A cluster in whose pods busybox carries the questions."""

    def run(self, pod: str, container: str, command: Sequence[str], namespace: str = "") -> str:
        """What a command prints in a pod."""
        assert namespace in ("", *self.namespaces)
        self.asked.append(command)
        node = next(each for each in self.nodes.values() if pod == each.manifest(self.network)["metadata"]["name"])
        assert container == "peers"
        match tuple(command):
            case ("nc", "-w", "3", host, port, "-e", "true"):
                if f"{host}:{port}" in self.closed:
                    raise Failed(f"nc: can't connect to remote host ({host}): Connection refused", 1)
                return ""
            case ("sh", "-c", _, "ask", _, asked, _):
                if node.trouble:
                    raise Failed(node.trouble)
                assert isinstance(node, FakeCitaNode)
                said = Controller(node.answers()).hear(base64.b64decode(asked))
                return f"{node.record.address}\n{said.hex(' ')}\n"
        raise Failed("executable file not found", 126)


@functools.cache
def _settled() -> tuple[World, Mapping[str, StackPlan]]:
    """Both organisations once they have converged, and what their next runs plan; it must not be changed."""
    world = World(alpha=founder(), beta=joiner())
    world.up("alpha", "beta", "alpha", "beta")
    return world, {each: world.plan(each) for each in world.configs}


class FakeCita(FakeNetwork):
    """alpha founds with three nodes, beta joins with one; all of them validate."""

    def __init__(self) -> None:
        settled, plans = _settled()
        self.world = settled.copied()
        self.deploy(plans)

    def _cluster(self, organisation: str) -> FakeCluster:
        plan, outputs = self.plans[organisation], self.world.outputs[organisation]
        everybody = {each.node_id for each in self.records.values()}
        nodes: dict[str, FakeNode] = {
            each.name: FakeCitaNode(
                record=each,
                genesis=outputs["network"]["genesisHash"],
                peers=everybody - {each.node_id},
                validators=[other.address for other in self._in_order()],
            )
            for name, each in self.records.items()
            if name.startswith(f"{organisation}/")
        }
        return FakeCitaCluster(plan.namespace, plan.network, nodes, live(plan, nodes))

    def _in_order(self) -> list[ExternalNode]:
        return sorted(self.records.values(), key=lambda each: each.index or 0)
