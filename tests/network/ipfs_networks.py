"""IPFS networks as the tests of this layer use them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archipelago.settings.stack_file import from_file
from tests.network import kubo
from tests.network.networks import Network, Organisation, eventually
from tests.stacks import Config, changed, seed

VERSION = "0.42.0"
IMAGE = f"docker.io/ipfs/kubo:v{VERSION}"
EXAMPLES = Path(__file__).parents[2] / "examples"
STACKS = {"alpha": "ipfs-a", "beta": "ipfs-b", "gamma": "ipfs-c"}
CONTAINER = "kubo"
LAB: dict[str, Any] = {
    "awaitReady": False,  # tests look for connections themselves
    "storage": {"size": "1Gi"},
    "resources": {"cpu": "20m", "memory": "64Mi", "memoryLimit": "512Mi"},
}
"""Defaults for nodes on the lab's machines."""
_ADDRESS = re.compile(r"^(/\S+)/p2p/(12D3KooW\w+)$", re.MULTILINE)


def founder(network: str, pools: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> Config:
    """The configuration of alpha, which founds a network.

    Args:
        network: Its name, and the namespace's.
        pools: What it says of its pools.
        changes: By dotted path.
    """
    return changed(_organisation("alpha", network, pools), {"network.founder": True, **(changes or {})})


def joiner(
    organisation: str, network: str, pools: Mapping[str, Any], changes: Mapping[str, Any] | None = None
) -> Config:
    """The configuration of an organisation that joins alpha's network.

    Args:
        organisation: Who it is.
        network: Name of the network, and the namespace's.
        pools: What it says of its pools.
        changes: By dotted path.
    """
    return changed(_organisation(organisation, network, pools), {"network.joins": "alpha", **(changes or {})})


def example(organisation: str, network: str, changes: Mapping[str, Any] | None = None) -> Config:
    """An organisation's file under `examples`, for small machines and under names of the test's own.

    Args:
        organisation: Whose.
        network: Its name, the namespace of the stack and of its pools.
        changes: By dotted path.
    """
    config: Config = {**from_file(EXAMPLES / f"Pulumi.{STACKS[organisation]}.yaml"), "identitySeed": seed(organisation)}
    own = {"cluster.namespace": network, "network.name": network, "defaults": {**config.get("defaults", {}), **LAB}}
    for pool in config["pools"].values():
        pool["namespace"] = network
        for written in pool["swarms"].values():
            written.pop("storage", None)
    for identity in config["identities"].values():
        identity["namespace"] = f"{network}-{identity['namespace']}"
        identity["publishTo"] = [each.replace("ipfs/", f"{network}/", 1) for each in identity["publishTo"]]
    return changed(config, own | dict(changes or {}))


def _organisation(name: str, network: str, pools: Mapping[str, Any]) -> Config:
    return {
        "identitySeed": seed(f"{name} of {network}"),
        "organisation": name,
        "cluster": {"context": "", "namespace": network, "address": "127.0.0.1", "apiServer": "https://127.0.0.1:6443"},
        "network": {"kind": "ipfs", "name": network, "version": VERSION},
        "defaults": LAB,
        "pools": {pool: {"swarms": dict(swarms)} for pool, swarms in pools.items()},
        "partners": {},
    }


@dataclass(frozen=True)
class Member:
    """One kubo node of an organisation.

    Args:
        organisation: Whose.
        pool: Its pool.
        swarm: Its swarm.
    """

    organisation: Organisation
    pool: str
    swarm: str

    @property
    def name(self) -> str:
        """The node's name in its stack."""
        return f"{self.pool}-{self.swarm}"

    @property
    def namespace(self) -> str:
        """Where it runs."""
        written = self.organisation.stack.configuration["archipelago:pools"][self.pool].get("namespace")
        return str(written or self.organisation.namespace)

    @property
    def pod(self) -> str:
        """The name of its pod."""
        return f"{self.name}-ss-0"

    @property
    def record(self) -> dict[str, Any]:
        """What its stack exports of it."""
        exported = self.organisation.stack.outputs()["externalNodes"]
        found: dict[str, Any] = next(each for each in exported if each["name"] == self.name)
        return found

    @property
    def peer_id(self) -> str:
        """Its PeerID, as its stack exports it."""
        return str(self.record["nodeId"])

    @property
    def dialled(self) -> tuple[str, int]:
        """Host and port at which partners dial it."""
        endpoint = self.record["endpoints"]["swarm"]
        return endpoint["host"], int(endpoint["port"])

    @property
    def multiaddr(self) -> str:
        """The address at which partners dial it."""
        host, port = self.dialled
        return f"/ip4/{host}/tcp/{port}/p2p/{self.peer_id}"

    def kubectl(self, *arguments: str, text: str | None = None, check: bool = True) -> str:
        """What kubectl prints, in its namespace."""
        return self.organisation.run("-n", self.namespace, *arguments, text=text, check=check)

    def ipfs(self, *arguments: str, text: str | None = None) -> str:
        """What `ipfs` prints in its container.

        Raises:
            AssertionError: It failed; with its words.
        """
        stdin = ("-i",) if text is not None else ()
        command = ("exec", *stdin, self.pod, "-c", CONTAINER, "--", "ipfs", *arguments)
        return self.kubectl(*command, text=text).strip()

    def peers(self) -> dict[str, str]:
        """By PeerID, the address of each peer that it is connected to."""
        swarm = self.organisation.stack.configuration["archipelago:pools"][self.pool]["swarms"][self.swarm] or {}
        answer = kubo.ask(
            self.organisation.cluster, self.namespace, self.pod, swarm.get("apiPort", 5001), "swarm/peers"
        )
        return {each["Peer"]: each["Addr"] for each in answer["Peers"] or ()}

    def bootstraps(self) -> set[str]:
        """The PeerIDs that it would dial first."""
        return {peer for _, peer in _ADDRESS.findall(self.ipfs("bootstrap", "list"))}

    def add(self, text: str) -> str:
        """Add a file and give its CID."""
        return self.ipfs("add", "--quieter", "--pin", text=text)

    def read(self, cid: str) -> str:
        """The content of a file, from wherever it comes.

        Raises:
            AssertionError: It did not come within some seconds.
        """
        return self.ipfs("--timeout=20s", "cat", cid)

    def forget(self, cid: str) -> None:
        """Keep no content of a file, so that reading it means to fetch it."""
        self.ipfs("pin", "rm", cid)
        self.ipfs("repo", "gc", "--quiet")

    def restart(self) -> None:
        """Delete its pod, and wait for another one that answers."""
        before = self.uid()
        self.kubectl("delete", "pod", self.pod, "--wait=false", "--grace-period=5")
        eventually(self.uid, lambda uid: uid not in ("", before), 90)
        eventually(lambda: self.ipfs("id"), bool, 90)

    def uid(self) -> str:
        """The UID of its pod; empty where none is."""
        return self.kubectl("get", "pod", self.pod, "-o", "jsonpath={.metadata.uid}", check=False)


def member(organisation: Organisation, path: str) -> Member:
    """A member by `pool/swarm`."""
    pool, swarm = path.split("/")
    return Member(organisation, pool, swarm)


def connected(*members: Member, within: float = 120) -> None:
    """Wait until each of some members is connected to each other one."""
    for one in members:
        others = {each.peer_id for each in members if each is not one}
        eventually(lambda: others - one.peers().keys(), lambda missing: not missing, within)  # noqa: B023 - asked at once


def secret(organisation: Organisation, name: str, namespace: str = "") -> dict[str, bytes] | None:
    """The content of a Secret; None where there is none."""
    found = organisation.run(
        "-n", namespace or organisation.namespace, "get", "secret", name, "-o", "json", check=False
    )
    if not found:
        return None
    return {key: base64.b64decode(value) for key, value in (json.loads(found).get("data") or {}).items()}


def put_secret(organisation: Organisation, name: str, content: Mapping[str, bytes], namespace: str = "") -> None:
    """Make a Secret, as somebody would who was given its content by hand; what else it has stays."""
    data = {key: base64.b64encode(value).decode() for key, value in content.items()}
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}
    organisation.run(
        "-n",
        namespace or organisation.namespace,
        "apply",
        "--server-side",
        "--force-conflicts",
        "-f",
        "-",
        text=json.dumps(manifest),
    )


def converge(network: Network, *order: str, rounds: int = 4) -> int:
    """`pulumi up` of organisations in an order, round after round, until one changes nothing.

    Returns:
        How many rounds changed something.

    Raises:
        AssertionError: It never ended.
    """
    for number in range(rounds + 1):
        runs = network.up(*order)
        if not any(run.changes for run in runs) and not any(
            network[name].stack.outputs()["waitingFor"] for name in order
        ):
            return number
    raise AssertionError(f"{order} still change after {rounds} rounds: {[run.changes for run in runs]}")
