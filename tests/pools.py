"""A kind of network for tests alone, with a stack file whose nodes stand in sections of its own.

Nodes are called members. They stand in pools, each pool in a namespace; `nodes` is no key of such a stack file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, cast

from pydantic import Field, SecretStr

from archipelago.chains.contract import Chain
from archipelago.settings.models import NetworkSettings, NodeSettings, StackSettings
from archipelago.settings.read import Settings
from archipelago.settings.types import Label, Location, NamespaceName, Strict, Unwritten
from tests.stacks import seed

KIND = "pools"


class PoolNetwork(NetworkSettings):
    """The network of pools."""

    size: int = Field(default=1, ge=1, description="How large it may grow.")


class Member(NodeSettings):
    """A node, which stands in a pool."""

    port: int = Field(default=4001, ge=1, description="Where it listens.")
    word: SecretStr | None = Field(default=None, description="What it whispers.")


class Pool(Strict):
    """Members that stand together."""

    namespace: NamespaceName | None = Field(default=None, description="Of its objects; that of the stack if left out.")
    members: dict[Label, Member] = Field(default={}, description="The pool's members by name.")


class PoolStack(StackSettings[PoolNetwork, Member]):
    """A stack file with pools."""

    pools: dict[Label, Pool] = Field(default={}, description="Your pools by name.")
    nodes: Unwritten[dict[Label, Member]] = Field(default={})

    def gathered(self) -> dict[Label, Member]:
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
        pool = max((each for each in self.pools if node.startswith(f"{each}-")), key=len, default="")
        return f"pools.{pool}.members.{node.removeprefix(f'{pool}-')}"


def dialect() -> Chain:
    """As much of a chain as reading and checking a stack file need."""
    return cast(
        Chain,
        SimpleNamespace(
            kind=KIND,
            stack_model=PoolStack,
            ports=lambda _settings, _node: {"exposure": frozenset({"swarm"})},
            object_name=lambda settings, node: f"{settings.network.name}-{node}",
            checks=lambda _settings: (),
        ),
    )


def config() -> dict[str, Any]:
    """A stack file with two pools, in two namespaces."""
    return {
        "identitySeed": seed("alpha"),
        "organisation": "alpha",
        "cluster": {"context": "cluster-a", "namespace": "ours", "address": "203.0.113.10"},
        "network": {"kind": KIND, "name": "research", "founder": True},
        "defaults": {"storage": {"size": "5Gi"}},
        "pools": {
            "public": {"namespace": "ipfs", "members": {"archive": {"port": 4002}, "cache": None}},
            "private": {"members": {"archive": {"storage": {"size": "7Gi"}}}},
        },
    }


def nodes_of(settings: Settings) -> Mapping[str, Member]:
    """The members as all the program sees them."""
    return settings.nodes
