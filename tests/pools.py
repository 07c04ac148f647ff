"""A kind of network for tests alone: GoQuorum's nodes in pools, each pool in a namespace.

Its stack file has sections of its own, and no `nodes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field, SecretStr

from archipelago.chains.contract import Chain, Genesis, Site
from archipelago.chains.goquorum.chain import GoQuorum
from archipelago.chains.goquorum.settings import GoQuorumNetwork, GoQuorumNode
from archipelago.chains.node import Node
from archipelago.chains.registry import CHAINS
from archipelago.checks.settings import problems as checks
from archipelago.model.endpoint import Exposed
from archipelago.model.plan import NodePlan, Route, Service
from archipelago.settings.models import StackSettings
from archipelago.settings.read import Settings, read
from archipelago.settings.types import Label, Location, NamespaceName, Strict, Unwritten
from archipelago.stack.plan import StackPlan, plan_stack
from tests.stacks import NOWHERE, changed, seed

KIND = "pools"
PROXY = "192.0.2.80"
SOURCE = "Pulumi.cluster-a.yaml"


class PoolNetwork(GoQuorumNetwork):
    """The network of pools."""

    kind: Literal["pools"]  # type: ignore[assignment]  # another protocol, which no product has


class Berth(GoQuorumNode):
    """A node, which stands in a pool."""

    port: int = Field(default=4001, ge=1, description="Where it listens.")
    word: SecretStr | None = Field(default=None, description="What it whispers.")
    stateful: bool = Field(default=False, description="Whether its pod keeps its name.")
    entry_point: str = Field(default="", description="Of the proxy through which it is dialled.")
    balanced: str = Field(default="", description="Address that its load balancer is asked to be.")


class Harbour(Strict):
    """Members that stand together."""

    namespace: NamespaceName | None = Field(default=None, description="Of its objects; that of the stack if left out.")
    create_namespace: bool = Field(default=True, description="false: the namespace is there and is not ours.")
    members: dict[Label, Berth] = Field(default={}, description="The pool's members by name.")


class PoolStack(StackSettings[PoolNetwork, Berth]):
    """A stack file with pools."""

    pools: dict[Label, Harbour] = Field(default={}, description="Your pools by name.")
    nodes: Unwritten[dict[Label, Berth]] = Field(default={})

    def gathered(self) -> dict[Label, Berth]:
        """Members by the name of their pool and their own."""
        return {f"{pool}-{name}": each for pool, said in self.pools.items() for name, each in said.members.items()}

    @classmethod
    def written_nodes(cls, config: Mapping[str, Any]) -> Iterator[Location]:
        """`pools.<pool>.members.<member>`."""
        pools = config.get("pools")
        for pool, said in (pools if isinstance(pools, dict) else {}).items():
            members = said.get("members") if isinstance(said, dict) else None
            yield from (("pools", pool, "members", name) for name in (members if isinstance(members, dict) else ()))

    def path_of(self, node: str) -> str:
        """`pools.<pool>.members.<member>`."""
        pool = self._pool(node)
        return f"pools.{pool}.members.{node.removeprefix(f'{pool}-')}"

    def namespace_of(self, node: str) -> str:
        """That of its pool."""
        return self.pools[self._pool(node)].namespace or self.cluster.namespace

    @property
    def namespaces(self) -> dict[str, bool]:
        """The stack's own, and each pool's."""
        pools = {pool.namespace: pool.create_namespace for pool in self.pools.values() if pool.namespace}
        return super().namespaces | pools

    def path_of_namespace(self, namespace: str) -> str:
        """Of the pool that names it."""
        pool = next((name for name, pool in self.pools.items() if pool.namespace == namespace), None)
        return f"pools.{pool}.namespace" if pool else super().path_of_namespace(namespace)

    def _pool(self, node: str) -> str:
        return max((each for each in self.pools if node.startswith(f"{each}-")), key=len, default="")


class Pooled(GoQuorum):
    """GoQuorum in pools."""

    kind = KIND
    stack_model: type[Settings] = PoolStack

    def plan(self, settings: Settings, node: Node[Any], site: Site, genesis: Genesis | None) -> NodePlan:
        """The same node, in its pool's namespace."""
        namespace = settings.namespace_of(node.name)
        made = super().plan(settings, node, replace(site, namespace=namespace), genesis)
        member: Berth = settings.nodes[node.name]
        service = made.service
        if member.entry_point:
            service = replace(service, type=Exposed.CLUSTER_IP, route=Route(member.entry_point, 4001), host=PROXY)
        if member.balanced:
            service = replace(service, type=Exposed.LOAD_BALANCER, address=member.balanced, host="")
        if not member.stateful:
            return replace(made, namespace=namespace, service=service, stateful=False)
        headless = Service(name=node.name, type=Exposed.CLUSTER_IP, ports=service.ports, headless=True)
        return replace(
            made,
            namespace=namespace,
            object_name=f"{node.name}-ss",
            service=replace(service, name=f"{node.name}-swarm"),
            more_services=(headless,),
            stateful=True,
            min_ready=3,
            secrets={f"{node.name}-shared": {"swarm-key": "secret words"}},
        )


KINDS: dict[str, Chain] = {**CHAINS, KIND: Pooled()}


def config(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A stack file with two pools, one in a namespace of its own, changed by dotted path."""
    written = {
        "identitySeed": seed("alpha"),
        "organisation": "alpha",
        "cluster": {"context": "cluster-a", "namespace": "ours", "address": "203.0.113.10"},
        "network": {
            "kind": KIND,
            "name": "research",
            "founder": True,
            "chainId": 1000,
            "consensus": "qbft",
            "version": "22.7.4",
            "privacy": "none",
        },
        "defaults": {"storage": {"size": "5Gi"}, "validator": True},
        "pools": {
            "public": {"namespace": "outside", "members": {"archive": {"port": 4002}, "cache": None}},
            "private": {"members": {"archive": {"storage": {"size": "7Gi"}}}},
        },
    }
    return changed(written, changes or {})


def settings_of(changes: Mapping[str, Any] | None = None) -> Settings:
    """The settings, or Refused."""
    return read(config(changes), SOURCE, KINDS, lambda found: checks(found, KINDS))


def plan_of(changes: Mapping[str, Any] | None = None, last: Mapping[str, Any] | None = None) -> StackPlan:
    """The plan, or Refused."""
    return plan_stack(settings_of(changes), KINDS[KIND], "cluster-a", {}, last or {}, NOWHERE, SOURCE)
