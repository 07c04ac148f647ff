"""Stacks with pools and identities, of a protocol of the tests' own: what of it is the same for every protocol.

alpha, beta and gamma have a member of the swarm `archive` each. beta and gamma list alpha, and take what it relays.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from archipelago.chains.contract import Chain, Genesis, Site
from archipelago.chains.node import Node
from archipelago.checks.settings import problems as checks
from archipelago.identity.derive import Keyring
from archipelago.identity.peer_id import peer_id
from archipelago.manifests import grants
from archipelago.manifests.stack import manifests
from archipelago.model.plan import Container, NodePlan, Resources
from archipelago.problems import Problem, Refused
from archipelago.profiles.access import Access
from archipelago.settings.models import NetworkSettings, StackSettings
from archipelago.settings.profiles import Identities, place_of, with_identities
from archipelago.settings.read import Settings, read
from archipelago.settings.types import Label, NamespaceName, Strict, Unwritten
from archipelago.stack.outputs import outputs
from archipelago.stack.plan import StackPlan, plan_stack
from tests.sharing import Sharing, SharingNode
from tests.stacks import NOWHERE, STACKS, Config, changed, floats, records_of, seed
from tests.tokens import CA, token_of
from tests.world import World

KIND = "showing"
GRANTS = {"alpha": {"identities.alpha-site.grants": {"beta": None, "gamma": {"generation": 3}}}}
"""alpha lets both others in."""
PAUSE = Container("pause", "registry.k8s.io/pause:3.10", ("/pause",), (), Resources("1m", "1Mi", "8Mi"))


class ShowingNetwork(NetworkSettings):
    """A network with Peers."""

    peers: str = "crd"


class Pool(Strict):
    """Members that stand together."""

    namespace: NamespaceName | None = None
    swarms: dict[Label, Annotated[SharingNode, BeforeValidator(lambda given: given or {})]] = Field(default={})


class PoolStack(StackSettings[ShowingNetwork, SharingNode]):
    """A stack file with pools and identities."""

    pools: dict[Label, Pool] = Field(default={})
    identities: Identities = Field(default={})
    refuse: tuple[Label, ...] = ()
    nodes: Unwritten[dict[Label, SharingNode]] = Field(default={})

    def gathered(self) -> dict[Label, SharingNode]:
        return {f"{pool}-{swarm}": node for pool, said in self.pools.items() for swarm, node in said.swarms.items()}

    def path_of(self, node: str) -> str:
        return f"pools.{node.replace('-', '.swarms.', 1)}"

    def namespace_of(self, node: str) -> str:
        return self.pools[node.partition("-")[0]].namespace or self.cluster.namespace

    @property
    def namespaces(self) -> dict[str, bool]:
        made = {self.cluster.namespace: True} | {pool.namespace: True for pool in self.pools.values() if pool.namespace}
        return with_identities(made, self.identities)

    def path_of_namespace(self, namespace: str) -> str:
        return place_of(namespace, self.identities) or "cluster.namespace"


class Showing(Sharing):
    """Members whose names are PeerIDs."""

    kind = KIND
    stack_model = PoolStack  # type: ignore[assignment]  # of another network

    def node(self, settings: Settings, keyring: Keyring, name: str) -> Node[Any]:
        made = super().node(settings, keyring, name)
        swarm = name.partition("-")[2]
        record = made.record.model_copy(update={"node_id": peer_id(keyring.secret(name, "node")), "swarm": swarm})
        return replace(made, record=record)

    def plan(self, settings: Settings, node: Node[Any], site: Site, genesis: Genesis | None) -> NodePlan:
        made = super().plan(settings, node, site, genesis)
        return replace(made, namespace=settings.namespace_of(node.name), containers=(PAUSE,))


CHAINS: Mapping[str, Chain] = {KIND: Showing()}


def config(changes: Mapping[str, Any] | None = None) -> Config:
    """alpha's stack file, with one identity that is granted to beta."""
    return changed(
        {
            "identitySeed": seed("alpha"),
            "organisation": "alpha",
            "cluster": {"namespace": "discovery", "address": "203.0.113.10", "apiServer": "https://203.0.113.10:6443"},
            "network": {"kind": KIND, "name": "research", "founder": True},
            "pools": {"public": {"namespace": "ipfs", "swarms": {"archive": {}, "models": {}}}, "own": {"swarms": {}}},
            "identities": {
                "gpu": {
                    "namespace": "jobs",
                    "description": "GPU cluster",
                    "url": "https://203.0.113.10",
                    "categories": ["computing"],
                    "publishTo": ["ipfs/public/archive"],
                    "grants": {"beta": None},
                }
            },
            "partners": {"beta": {"stack": "organization/archipelago/cluster-b", "required": False}},
        },
        changes or {},
    )


def settings_of(written: Mapping[str, Any]) -> Settings:
    """The settings, or Refused."""
    return read(written, "Pulumi.ipfs-a.yaml", CHAINS, lambda found: checks(found, CHAINS))


def problems_of(changes: Mapping[str, Any]) -> tuple[Problem, ...]:
    """What is wrong with alpha's configuration once it is changed."""
    try:
        settings_of(config(changes))
    except Refused as refused:
        return refused.problems
    return ()


def organisation(name: str, changes: Mapping[str, Any] | None = None) -> Config:
    """A stack with a member and an identity `<name>-site`; alpha lists all, the others list alpha."""
    address = {"alpha": "203.0.113.10", "beta": "198.51.100.20", "gamma": "192.0.2.30"}[name]
    listed = ["beta", "gamma"] if name == "alpha" else ["alpha"]
    partners = {
        each: {"stack": f"organization/archipelago/{STACKS[each]}", "required": False, "accept": "network"}
        for each in listed
    }
    key = "generate" if name == "alpha" else "partner alpha"
    made = {
        "identitySeed": seed(name),
        "organisation": name,
        "cluster": {"namespace": "discovery", "address": address, "apiServer": f"https://{address}:6443"},
        "network": {"kind": KIND, "name": "research", **({"founder": True} if name == "alpha" else {"joins": "alpha"})},
        "pools": {"public": {"namespace": "ipfs", "swarms": {"archive": {"swarm": "archive", "key": key}}}},
        "identities": {f"{name}-site": {"namespace": "jobs", "description": f"{name}'s cluster",
                                        "url": f"https://{address}", "categories": ["computing", "EO data"],
                                        "publishTo": ["ipfs/public/archive"]}},
        "partners": partners,
    }  # fmt: skip
    return changed(made, changes or {})


def plan_of(
    written: Config,
    received: Mapping[str, Mapping[str, Any] | None] | None = None,
    last: Mapping[str, Any] | None = None,
) -> StackPlan:
    """The plan of one of these stacks."""
    settings = settings_of(written)
    stack = STACKS[settings.organisation]
    chain = CHAINS[settings.network.kind]
    return plan_stack(settings, chain, stack, received or {}, last or {}, NOWHERE, f"Pulumi.{stack}.yaml", {})


def tokens_of(plan: StackPlan) -> dict[tuple[str, str], Access]:
    """What a cluster would give partners."""
    found = {}
    for name, identity in grants.identities(plan).items():
        for partner, secret in grants.tokens(plan, name):
            token = token_of(secret["metadata"]["name"])
            server = plan.settings.cluster.api_server
            found[name, partner] = Access(server=server, ca=CA, token=token, namespace=identity.namespace)
    return found


def exported(plan: StackPlan) -> dict[str, Any]:
    """What a stack exports after `up`."""
    return outputs(plan, records_of(plan), tokens_of(plan))


class Shown(World):
    """Stacks whose clusters give tokens."""

    def up(self, *organisations: str) -> StackPlan:
        for organisation in organisations:
            self.plans[organisation] = self.plan(organisation)
            self.outputs[organisation] = exported(self.plans[organisation])
        return self.plans[organisations[-1]]

    def settle(self, *order: str) -> int:
        """Run all until nothing changes; how many rounds that took."""
        names = order or tuple(sorted(self.outputs))
        for count in range(12):
            before = {name: self.outputs.get(name) for name in names}
            self.up(*names)
            if before == {name: self.outputs[name] for name in names}:
                return count
        raise AssertionError("they do not settle")

    def settled(self) -> bool:
        for organisation, before in self.plans.items():
            again = self.plan(organisation)
            if list(manifests(again)) != list(manifests(before)) or exported(again) != self.outputs[organisation]:
                return False
        return True

    def destroy(self, organisation: str) -> None:
        """Its outputs are gone."""
        del self.outputs[organisation], self.plans[organisation]


def world(changes: Mapping[str, Mapping[str, Any]] | None = None, names: Iterable[str] = STACKS) -> Shown:
    """The three organisations, changed by dotted path."""
    own = copy.deepcopy(dict(changes or {}))  # tests change a world's configurations
    return Shown(plan_of, **{name: organisation(name, own.get(name)) for name in names})


def last_of(made: Shown, organisation: str) -> Mapping[str, Any]:
    """A stack's own last outputs as the engine hands them back."""
    found: Mapping[str, Any] = floats(made.outputs[organisation])
    return found


def settled(changes: Mapping[str, Mapping[str, Any]] | None = None) -> Shown:
    """The three organisations, run until nothing changes."""
    made = world(changes)
    made.up("beta", "alpha", "gamma")
    made.settle()
    assert made.settled()
    return made


def objects(plan: StackPlan) -> dict[tuple[str, str], Any]:
    """A stack's objects by kind and name; the namespace is in them."""
    return {(each["kind"], each["metadata"]["name"]): each for each in manifests(plan)}


@cache
def granted() -> Shown:
    """Three stacks in peace; alpha lets both others in."""
    return settled(GRANTS)
