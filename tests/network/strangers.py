"""kubo nodes of nobody, which try to get into a swarm of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from tests.network.ipfs_networks import IMAGE
from tests.network.networks import Organisation, eventually

_NAMESPACE = "strangers"
# A repository without bootstraps; a key where there is one. All that a node does by itself to meet others is off.
_START = """
export IPFS_PATH=/tmp/repo
ipfs init --empty-repo --profile=autoconf-off > /dev/null
ipfs bootstrap rm --all > /dev/null
ipfs config --json Addresses.Swarm '["/ip4/0.0.0.0/tcp/4001"]'
ipfs config --json AutoTLS.Enabled false
ipfs config --json Discovery.MDNS.Enabled false
ipfs config Routing.Type none
if [ -s /key/swarm.key ]; then cp /key/swarm.key $IPFS_PATH/swarm.key; fi
exec ipfs daemon
"""


class Stranger:
    """A kubo node outside of every stack.

    Args:
        organisation: In whose cluster.
        name: Of its pod.
    """

    def __init__(self, organisation: Organisation, name: str) -> None:
        self._organisation, self.name = organisation, name

    def run(self, *arguments: str, text: str | None = None, check: bool = True) -> str:
        """What kubectl prints, in the namespace of strangers."""
        return self._organisation.run("-n", _NAMESPACE, *arguments, text=text, check=check)

    def connect(self, multiaddr: str) -> str:
        """What `ipfs swarm connect` says, whether it succeeds or not."""
        script = f"ipfs --api /ip4/127.0.0.1/tcp/5001 --timeout=15s swarm connect {multiaddr} 2>&1 || true"
        return self.run("exec", self.name, "--", "sh", "-c", script)

    def peers(self) -> str:
        """What it is connected to."""
        return self.run("exec", self.name, "--", "ipfs", "--api", "/ip4/127.0.0.1/tcp/5001", "swarm", "peers")


@contextmanager
def strangers(organisation: Organisation, **keys: bytes) -> Iterator[dict[str, Stranger]]:
    """Strangers in an organisation's cluster, by name; each has the swarm key that is given, or none if it is empty."""
    organisation.run("create", "namespace", _NAMESPACE)
    try:
        made = {name: Stranger(organisation, name) for name in keys}
        for name, key in keys.items():
            made[name].run("apply", "-f", "-", text=json.dumps(_objects(name, key)))
        for each in made.values():
            eventually(partial(each.run, "logs", each.name), lambda text: "Daemon is ready" in text)
        yield made
    finally:
        organisation.run("delete", "namespace", _NAMESPACE, "--wait=false")


def _objects(name: str, key: bytes) -> dict[str, Any]:
    container = {
        "name": "kubo",
        "image": IMAGE,
        "command": ["sh", "-c", _START],
        "env": [{"name": "IPFS_TELEMETRY", "value": "off"}],
        "volumeMounts": [{"name": "key", "mountPath": "/key"}, {"name": "tmp", "mountPath": "/tmp"}],
    }
    volumes = [{"name": "key", "secret": {"secretName": name}}, {"name": "tmp", "emptyDir": {}}]
    pod = {"terminationGracePeriodSeconds": 1, "containers": [container], "volumes": volumes}
    metadata = {"name": name}
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"swarm.key": key.decode()}},
            {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod},
        ],
    }
