"""A running geth, asked over its socket from the machine that its pod runs on.

A console in the pod costs 0.2 s of CPU a question (geth 0.1, kubectl 0.06, the rest the runtime), for each node at each
look.
"""

from __future__ import annotations

import json
import os
import re
import socket
from dataclasses import dataclass
from typing import Any

from lab.cluster import Cluster
from tests.network.pods import pods

_PATIENCE = 10.0  # seconds
_POD = "(0|[0-9a-f]+-[0-9a-z]{5})"  # of a StatefulSet, or of a Deployment as older programs made it


@dataclass(frozen=True)
class Geth:
    """One node's process.

    Args:
        cluster: Where it runs.
        namespace: Its namespace.
        workload: Name of its StatefulSet or Deployment.
    """

    cluster: Cluster
    namespace: str
    workload: str

    def ask(self, method: str, *parameters: Any) -> Any:
        """The result of a JSON-RPC method.

        Raises:
            AssertionError: No pod answers, or it answers with an error.
        """
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        try:
            with self._connected() as connection, connection.makefile("rwb") as stream:
                stream.write(json.dumps(question).encode() + b"\n")
                stream.flush()
                answer = json.loads(stream.readline() or b'{"error": "it hung up"}')
        except OSError as error:
            raise AssertionError(f"{self.namespace}/{self.workload}: {error}") from None
        if "result" not in answer:
            raise AssertionError(f"{self.namespace}/{self.workload}: {method}: {answer.get('error')}")
        return answer["result"]

    def height(self) -> int:
        """The number of its highest block."""
        return int(self.ask("eth_blockNumber"), 16)

    def block(self, number: int) -> dict[str, Any] | None:
        """A block by its number; None where it has none."""
        found: dict[str, Any] | None = self.ask("eth_getBlockByNumber", hex(number), False)
        return found

    def block_hash(self, number: int) -> str | None:
        """The hash of a block; None where it has none."""
        found = self.block(number)
        return str(found["hash"]) if found else None

    def peers(self) -> list[str]:
        """The address of each connected peer."""
        return [each["network"]["remoteAddress"] for each in self.ask("admin_peers")]

    def validators(self) -> int:
        """How many validators there are."""
        return len(self.ask("istanbul_getValidators"))

    def identity(self, number: int) -> tuple[str, str | None]:
        """Its enode without its address, and the hash of a block."""
        return self.ask("admin_nodeInfo")["enode"].partition("@")[0], self.block_hash(number)

    def _connected(self) -> socket.socket:
        for pod in pods(self.cluster, self.namespace, rf"{re.escape(self.workload)}-{_POD}"):
            if (path := pod.file("empty-dir", "run/geth.ipc")) is None:
                continue
            # by a descriptor of its folder: the whole path is longer than a socket's name can be
            folder = os.open(path.parent, os.O_PATH)
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(_PATIENCE)
            try:
                connection.connect(f"/proc/self/fd/{folder}/{path.name}")
            except ConnectionRefusedError:  # of the pod before it, which has ended
                connection.close()
            else:
                return connection
            finally:
                os.close(folder)
        raise AssertionError(f"no geth of {self.namespace}/{self.workload} answers")
