"""Two organisations' deployed stacks with clusters that answer as real ones did, and can be broken piece by piece.

The answers of geth's console have the form that GoQuorum 22.7.4 gave on a network of four validators.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archipelago.chains.registry import CHAINS
from archipelago.manifests.common import Manifest
from archipelago.manifests.stack import manifests
from archipelago.model.record import ExternalNode, NetworkRecord
from archipelago.stack.plan import StackPlan
from operate.drift import settled
from operate.kubectl import Failed
from operate.site import Site
from operate.stack import Stack
from tests.stacks import STACKS, alpha, beta, crossed
from tests.world import World

FOUR = ["quorum-node1", "quorum-node2", "beta/quorum-node1", "beta/quorum-node2"]


@dataclass
class FakeNode:
    """A running node, in the words of its console.

    Args:
        record: Who it is.
        peers: Node ids.
        height: Of its last block; one more at every look, unless it is stuck.
    """

    record: ExternalNode
    genesis: str
    peers: set[str]
    validators: list[str]
    height: int = 100
    stuck: bool = False
    syncing: bool = False
    lost_keys: set[str] = field(default_factory=set)
    pod: bool = True
    ready: bool = True
    restarts: int = 0
    waiting: str = ""
    said: str = ""
    trouble: str = ""
    fork: str = ""
    listed: str = ""
    given: str = ""
    pending: dict[str, bool] = field(default_factory=dict)
    votes: list[dict[str, Any]] = field(default_factory=list)

    def manifest(self, network: str) -> Manifest:
        """Its pod, as the API server shows it."""
        state = {"waiting": {"reason": self.waiting}} if self.waiting else {"running": {}}
        status = {"name": "quorum", "ready": self.ready, "restartCount": self.restarts, "state": state}
        if self.said:
            status["lastState"] = {"terminated": {"exitCode": 1, "message": self.said}}
        labels = {"archipelago/network": network, "archipelago/node": self.record.name}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"{network}-{self.record.name}-5c4f-x7k2p", "labels": labels},
            "spec": {"containers": [{"name": "quorum", "image": "quorumengineering/quorum:22.7.4"}]},
            "status": {"phase": "Running", "containerStatuses": [status]},
        }


@dataclass
class FakeCluster:
    """A cluster as `operate` asks it (`operate.kubectl.Access`)."""

    namespace: str
    network: str
    nodes: dict[str, FakeNode]
    objects: list[Manifest]
    closed: set[str] = field(default_factory=set)  # host:port
    deleted: list[tuple[str, str]] = field(default_factory=list)
    asked: list[Sequence[str]] = field(default_factory=list)
    shared_keys: set[str] = field(default_factory=set)
    down: str = ""
    shared: dict[str, str] = field(default_factory=dict)  # what each transaction made of the contract, on all clusters
    mines: bool = True
    more: tuple[str, ...] = ()  # namespaces beside the stack's own
    named: str = ""  # the UID by which it is known

    def get(self, kinds: Sequence[str], selector: str = "") -> list[Manifest]:
        """Objects, by kind and labels."""
        if self.down:
            raise Failed(self.down)
        wanted = {kind.partition(".")[0].removesuffix("s") for kind in kinds}
        pods = [node.manifest(self.network) for node in self.nodes.values() if node.pod]
        labels = dict(pair.split("=") for pair in selector.split(",") if pair)
        return [
            each
            for each in [*pods, *self.objects]
            if each["kind"].lower() in wanted and labels.items() <= each["metadata"].get("labels", {}).items()
        ]

    def uid(self) -> str:
        """Which cluster it is."""
        if not self.named:
            raise Failed("namespaces is forbidden")
        return self.named

    @property
    def namespaces(self) -> tuple[str, ...]:
        """All of the stack's."""
        return (self.namespace, *self.more)

    def run(self, pod: str, container: str, command: Sequence[str], namespace: str = "") -> str:
        """What a command prints in a pod."""
        assert namespace in ("", *self.namespaces)
        self.asked.append(command)
        node = next(each for each in self.nodes.values() if pod == each.manifest(self.network)["metadata"]["name"])
        assert container == "quorum"
        if node.trouble:
            raise Failed(node.trouble)
        match tuple(command):
            case ("cat", "/peers/permissioned-nodes.json"):
                return node.listed
            case ("cat", "/data/dd/genesis.json"):
                return node.given
            case ("nc", "-w", "3", host, port):
                if f"{host}:{port}" in self.closed:
                    raise Failed(f"nc: can't connect to remote host ({host}): Connection refused", 1)
                return ""
            case ("timeout", _, "wget", *_, url):
                where = re.sub(r"http://([^/]*)/.*", r"\1", url)
                if where in self.closed:
                    raise Failed("wget: can't connect to remote host: Connection refused", 1)
                if url.endswith("/partyinfo"):
                    return json.dumps({"keys": [{"key": key} for key in self.shared_keys - node.lost_keys]})
                return "0.0.0-stand-in" if url.endswith("/version") else "I'm up!"
            case ("geth", "--exec", script, "--datadir", "/tmp", "attach", "/run/archipelago/geth.ipc"):
                return self._console(node, script)
        raise Failed("executable file not found", 126)

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Delete an object."""
        assert namespace in ("", *self.namespaces)
        self.deleted.append((kind, name))
        self.objects = [
            each for each in self.objects if (each["kind"].lower(), each["metadata"]["name"]) != (kind, name)
        ]

    def _console(self, node: FakeNode, script: str) -> str:
        if "(0,eval)" in script:
            return "8\n"
        if "istanbul.getSnapshot" in script:
            return _printed(self._state(node, script))
        if "istanbul.propose" in script:
            cast, drop = _arguments(script)
            node.pending = {a: add for a, add in node.pending.items() if a not in {d.lower() for d in drop}}
            node.pending |= {address.lower(): add for address, add in cast.items()}
            return _printed([])
        if "eth.sendRawTransaction" in script:
            name = f"0x{len(self.shared):064x}"
            self.shared[name] = ["42", "77"][len(self.shared)]
            return json.dumps(name)
        asked = re.search(r'getTransactionReceipt\("(0x[0-9a-f]+)', script)
        assert asked, script
        if '"failed"' in script:
            return json.dumps("true" if self.mines else "false")
        return json.dumps(self.shared[asked[1]])

    def _state(self, node: FakeNode, script: str) -> dict[str, Any]:
        given = re.search(r"\)\((\d+|null)\)\)\}catch", script)
        assert given, script
        height = None if given[1] == "null" else int(given[1])
        node.height += 0 if node.stuck else 1
        hash_ = "" if height is None or height > node.height else f"0x{node.fork or 'a'}{height:063x}"
        return {
            "id": f"enode://{node.record.node_id}@127.0.0.1:30303?discport=0",
            "height": node.height,
            "syncing": node.syncing,
            "genesis": node.genesis,
            "block": hash_,
            "address": node.record.address.lower(),
            "validators": [each.lower() for each in node.validators],
            "pending": node.pending,
            "votes": node.votes,
            "peers": [[f"enode://{each}@10.0.0.1:30303", "10.0.0.1:44780"] for each in sorted(node.peers)],
        }


@functools.cache
def _settled(privacy: bool, validators: tuple[str, ...]) -> tuple[World, Mapping[str, StackPlan]]:
    """Both organisations once they have converged, and what their next runs plan; it must not be changed."""
    network: dict[str, Any] = {"network.privacy": {"manager": "tessera" if privacy else "none"}}
    founder = {
        "nodes": {"quorum-node1": {}, "quorum-node2": {}},
        "network.genesis": {"validators": list(validators)},
    }
    world = World(alpha=alpha(network | founder), beta=beta(network | {"defaults": {"validator": True}}))
    world.up("alpha", "beta", "alpha", "beta")
    return world, {each: world.plan(each) for each in world.configs}


class FakeNetwork:
    """Both organisations with two validators each, all of them connected.

    Args:
        privacy: Whether a private-transaction manager stands beside each node.
    """

    def __init__(self, *, privacy: bool = False, validators: Sequence[str] = FOUR) -> None:
        settled, plans = _settled(privacy, tuple(validators))
        self.world = settled.copied()
        self.deploy(plans)

    def deploy(self, plans: Mapping[str, StackPlan] | None = None) -> None:
        """Let everything run that was planned; without plans what the world's next runs plan."""
        self.plans = dict(plans or {each: self.world.plan(each) for each in self.world.configs})
        self.records = {
            f"{organisation}/{each['name']}": ExternalNode.model_validate(each)
            for organisation, outputs in self.world.outputs.items()
            for each in outputs["externalNodes"]
        }
        self.clusters = {organisation: self._cluster(organisation) for organisation in self.plans}
        for cluster in self.clusters.values():
            cluster.shared_keys = {each.privacy_key for each in self.records.values()}
            cluster.shared = self.clusters["alpha"].shared

    def node(self, name: str) -> FakeNode:
        """A node by its full name."""
        organisation, _, short = name.partition("/")
        return self.clusters[organisation].nodes[short]

    def stop(self, name: str) -> None:
        """Take a node's pod away, and everybody's connection with it."""
        self.node(name).pod = False
        for cluster in self.clusters.values():
            for each in cluster.nodes.values():
                each.peers.discard(self.records[name].node_id)

    def validate(self, *names: str) -> None:
        """Let exactly these validate."""
        for cluster in self.clusters.values():
            for each in cluster.nodes.values():
                each.validators = [self.records[name].address for name in names]

    def stack(self, organisation: str, **changed: Any) -> Stack:
        """A stack as `cli.running.load` would find it."""
        outputs, plan = self.world.outputs[organisation], self.plans[organisation]
        site = Site(
            stack=STACKS[organisation],
            organisation=organisation,
            network=plan.network,
            nodes=tuple(node.name for node in plan.nodes),
            chain=CHAINS[plan.settings.network.kind],
            access=self.clusters[organisation],
        )
        records = tuple(each for name, each in self.records.items() if name.startswith(f"{organisation}/"))
        given: dict[str, Any] = {
            "network": NetworkRecord.model_validate(crossed(outputs)["network"]),
            "records": records,
            "imports": plan.imports,
            "plan": plan,
        }
        return Stack(site=site, **(given | changed))

    def stacks(self) -> list[Stack]:
        """Both."""
        return [self.stack("alpha"), self.stack("beta")]

    def _cluster(self, organisation: str) -> FakeCluster:
        plan, outputs = self.plans[organisation], self.world.outputs[organisation]
        everybody = {each.node_id for each in self.records.values()}
        nodes = {
            node.name: FakeNode(
                record=node,
                genesis=outputs["network"]["genesisHash"],
                peers=everybody - {node.node_id},
                validators=[self.records[name if "/" in name else f"alpha/{name}"].address for name in FOUR],
                listed=plan.live_files["permissioned-nodes.json"],
            )
            for name, node in self.records.items()
            if name.startswith(f"{organisation}/")
        }
        return FakeCluster(plan.namespace, plan.network, nodes, live(plan, nodes))


def live(plan: StackPlan, nodes: Mapping[str, FakeNode]) -> list[Manifest]:
    """A stack's objects in its cluster."""
    own = tuple(node.record for node in nodes.values())
    return [_live(each) for each in manifests(settled(plan, own))]


def _live(manifest: Manifest) -> Manifest:
    """An object as the API server shows it: what it was given, its defaults, and Secrets encoded."""
    live: Manifest = json.loads(json.dumps(manifest))
    live["metadata"] |= {"uid": "0d7b", "resourceVersion": "12", "creationTimestamp": "2026-01-01T00:00:00Z"}
    if "stringData" in live:
        live["data"] = {key: base64.b64encode(text.encode()).decode() for key, text in live.pop("stringData").items()}
    if live["kind"] == "Service":
        live["spec"] |= {"clusterIP": "10.96.0.7", "sessionAffinity": "None"}
        for index, port in enumerate(live["spec"]["ports"]):
            port.setdefault("nodePort", 30100 + index)
    if live["kind"] == "Deployment":
        live["spec"]["revisionHistoryLimit"] = 10
        live["status"] = {"replicas": 1}
    return live


def _printed(value: Any) -> str:
    """A value as `JSON.stringify` gives it and geth's console prints it."""
    return json.dumps(json.dumps(value)) + "\n"


def _arguments(script: str) -> tuple[Mapping[str, bool], Sequence[str]]:
    decoder = json.JSONDecoder()
    text = script.rpartition("return wrong})(")[2]
    cast, end = decoder.raw_decode(text)
    drop, _ = decoder.raw_decode(text[end + 1 :])
    return cast, drop
