"""A protocol for tests alone, whose nodes share a secret key by swarm, and organisations that run it.

A node says where its swarm's key comes from: `generate`, `partner <name>` or `secret <name>`. It runs as soon as the
key is there. alpha founds and generates, the others join.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from pydantic import Field

from archipelago.chains.contract import Ask, Chain, Genesis, Given, Site
from archipelago.chains.goquorum.chain import GoQuorum
from archipelago.chains.node import Node
from archipelago.chains.shared import Shared
from archipelago.checks.settings import problems as checks
from archipelago.identity.derive import Keyring
from archipelago.identity.sealing import Sealer
from archipelago.model import names
from archipelago.model.address_book import AddressBook
from archipelago.model.endpoint import Exposed, Port, Reach
from archipelago.model.plan import NodePlan, Service
from archipelago.model.record import ExternalNode
from archipelago.problems import Problem, Refused
from archipelago.settings.models import NetworkSettings, NodeSettings, StackSettings
from archipelago.settings.read import Settings, read
from archipelago.stack.plan import StackPlan, plan_stack
from tests.stacks import NOWHERE, STACKS, Config, changed, seed
from tests.world import World

KIND = "sharing"
_PORT = Port("swarm", 4001, Reach.PARTNERS)


class SharingNode(NodeSettings):
    """A member of a swarm."""

    swarm: str = Field(default="archive")
    key: str = Field(default="generate")
    key_generation: int = Field(default=1)


class Sharing(GoQuorum):
    """What of it tests need; the rest is never asked."""

    kind = KIND
    seals = True
    profiles = True
    stack_model = StackSettings[NetworkSettings, SharingNode]

    def ports(self, settings: Settings, node: NodeSettings) -> dict[str, frozenset[str]]:
        return {"exposure": frozenset({"swarm"})}

    def checks(self, settings: Settings) -> Iterable[Problem]:
        return ()

    def doubts(self, settings: Settings) -> Iterable[str]:
        return ()

    def unfoundable(self, settings: Settings) -> Iterable[Problem]:
        raise AssertionError("nobody founds it")

    def agreed(self, settings: Settings) -> Genesis:  # type: ignore[override]
        founder = settings.organisation if settings.network.founder else settings.network.joins
        return self.read_genesis(json.dumps({"kind": KIND, "name": settings.network.name, "founder": founder}) + "\n")

    def read_genesis(self, text: str) -> Genesis:
        return Genesis(text, hashlib.sha256(text.encode()).hexdigest(), 0, "network.json", "")

    def differences(self, *_: Any) -> Iterable[Problem]:
        return ()

    def asks(self, settings: Settings) -> tuple[Ask, ...]:
        keys = sorted({node.key for node in settings.nodes.values()})
        secrets = (key.split() for key in keys if key.startswith("secret "))
        return tuple(Ask("Secret", settings.cluster.namespace, name) for _, name in secrets)

    def shared(
        self, settings: Settings, keyring: Keyring, site: Site, received: Mapping[str, Mapping[str, bytes]]
    ) -> Shared:
        items: dict[str, bytes] = {}
        to: dict[str, tuple[str, ...]] = {}
        taken: dict[str, str] = {}
        for node in settings.nodes.values():
            how, _, source = node.key.partition(" ")
            item = _item(node)
            if how == "generate":
                found: bytes | None = keyring.secret("", f"swarm {node.swarm}", node.key_generation)
            elif how == "partner":
                found = received.get(source, {}).get(item)
            else:
                found = (site.secret(Ask("Secret", site.namespace, source)) or {}).get("swarm-key")
            if found is not None:
                items[item] = found
                to[item] = tuple(each for each in settings.partners if each != source)
                taken |= {item: source} if how == "partner" else {}
        return Shared(items, to, taken)

    def node(self, settings: Settings, keyring: Keyring, name: str) -> Node[Any]:
        written = settings.nodes[name]
        record = ExternalNode(
            network=settings.network.name,
            organisation=keyring.organisation,
            name=name,
            node_id=keyring.secret(name, "node").hex(),
            swarm=written.swarm,
            key_generation=written.key_generation,
        )
        return Node(written, record, {"node": keyring.secret(name, "private").hex()})

    def equipped(self, settings: Settings, node: Node[Any], shared: Shared) -> Node[Any]:
        key = shared.items.get(_item(node.settings))
        if key is None:
            return node
        record = node.record.model_copy(update={"fingerprint": fingerprint(key)})
        return replace(node, record=record, private_files={**node.private_files, "swarm.key": key.hex()})

    def plan(self, settings: Settings, node: Node[Any], site: Site, genesis: Genesis | None) -> NodePlan:
        stem = names.node_object(settings.network.name, node.name)
        known = "swarm.key" in node.private_files
        source = node.settings.key.rpartition(" ")[2]
        return NodePlan(
            name=node.name,
            object_name=stem,
            role="member",
            init=(),
            containers=(),
            service=Service(stem, Exposed.NODE_PORT, (_PORT,), site.address, node.settings.exposure.ports),
            api=None,
            volume=node.volume,
            public_files={},
            private_files=node.private_files,
            runs=known,
            waits_for="" if known else f"{source}: the key of swarm {node.settings.swarm}",
        )

    def summary(self, settings: Settings, genesis: Genesis | None) -> tuple[str, ...]:
        return (KIND,)

    def url(self, node: ExternalNode) -> str:
        return str(node.endpoints.get("swarm", ""))

    def parse_node(self, raw: Mapping[str, Any], network: str, organisation: str) -> ExternalNode:
        return ExternalNode.model_validate({"network": network, "organisation": organisation, **raw})

    def live_files(self, network: str, book: AddressBook, plans: Sequence[NodePlan] = ()) -> dict[str, str]:
        members = [node for node in book if node.swarm]
        swarms = groupby(sorted(members, key=lambda node: (str(node.swarm), node.key)), lambda node: node.swarm)
        return {"peers.json": json.dumps({swarm: [str(node) for node in nodes] for swarm, nodes in swarms})}


SHARING: Chain = Sharing()


def _item(node: SharingNode) -> str:
    return f"swarm/{node.swarm}" + (f"/{node.key_generation}" if node.key_generation > 1 else "")


def fingerprint(key: bytes) -> str:
    """What of a key may be seen."""
    return hashlib.sha256(b"fingerprint" + key).hexdigest()[:32]


def organisation(name: str, changes: Mapping[str, Any] | None = None) -> Config:
    """A stack with one member of the swarm archive, changed by dotted path; partner of all others."""
    addresses = {"alpha": "203.0.113.10", "beta": "198.51.100.20", "gamma": "192.0.2.30"}
    founds = {"founder": True} if name == "alpha" else {"joins": "alpha"}
    config: Config = {
        "identitySeed": seed(name),
        "organisation": name,
        "cluster": {"namespace": "research", "address": addresses[name]},
        "network": {"kind": KIND, "name": "research", **founds},
        "nodes": {"one": {"key": "generate" if name == "alpha" else "partner alpha"}},
        "partners": {other: {"stack": STACKS[other], "required": False} for other in STACKS if other != name},
    }
    return changed(config, changes or {})


def plan_of(
    config: Config,
    received: Mapping[str, Mapping[str, Any] | None] | None = None,
    last: Mapping[str, Any] | None = None,
    given: Given | None = None,
) -> StackPlan:
    """The plan of one of these stacks; the cluster says that no Secret is there, unless `given` says otherwise."""
    chains = {KIND: SHARING}
    settings = read(config, "Pulumi.test.yaml", chains, lambda found: checks(found, chains))
    stack = STACKS[settings.organisation]
    answers = dict.fromkeys(SHARING.asks(settings)) if given is None else given
    return plan_stack(settings, SHARING, stack, received or {}, last or {}, NOWHERE, f"Pulumi.{stack}.yaml", answers)


def world(*organisations: str, **changes: dict[str, Any]) -> World:
    """Stacks of which each lists the others."""
    listed = organisations or tuple(STACKS)
    configs = {}
    for name in listed:
        config = organisation(name, changes.get(name))
        config["partners"] = {other: each for other, each in config["partners"].items() if other in listed}
        configs[name] = config
    return World(plan_of, **configs)


def refusal(run: Callable[[], object]) -> tuple[Problem, ...]:
    try:
        run()
    except Refused as refused:
        return refused.problems
    return ()


def key_of(plan: StackPlan) -> str:
    """The one key that a stack's members have."""
    (key,) = {node.private_files.get("swarm.key", "") for node in plan.nodes}
    return key


def sealer(name: str) -> Sealer:
    return Sealer.of(Keyring(bytes.fromhex(seed(name)), name, "research"))


def private_keys(name: str) -> list[str]:
    return [sealer(name).private.hex(), sealer(name).secret.hex()]
