"""Stack files with identities, on pools of the tests' own kind, until they are asked of a real one."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

from pydantic import Field

from archipelago.chains.contract import Chain
from archipelago.checks.settings import problems as checks
from archipelago.problems import Problem, Refused
from archipelago.settings.models import NetworkSettings, NodeSettings, StackSettings
from archipelago.settings.profiles import Identities
from archipelago.settings.read import Settings, read
from archipelago.settings.types import Label, NamespaceName, Strict, Unwritten
from tests.stacks import changed, seed

KIND = "pools"


class Pool(Strict):
    """Members that stand together."""

    namespace: NamespaceName | None = None
    swarms: dict[Label, NodeSettings] = Field(default={})


class PoolStack(StackSettings[NetworkSettings, NodeSettings]):
    """A stack file with pools and identities."""

    pools: dict[Label, Pool] = Field(default={})
    identities: Identities = Field(default={})
    refuse: tuple[Label, ...] = ()
    nodes: Unwritten[dict[Label, NodeSettings]] = Field(default={})


CHAINS: Mapping[str, Chain] = {
    KIND: cast(Chain, SimpleNamespace(kind=KIND, stack_model=PoolStack, profiles=True, checks=lambda _settings: ()))
}


def config(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A stack file with one identity, granted to beta."""
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
            "partners": {"beta": {"stack": "organization/archipelago/ipfs-b", "required": False}},
        },
        changes or {},
    )


def settings_of(written: Mapping[str, Any]) -> Settings:
    """The settings, or Refused."""
    return read(written, "Pulumi.ipfs-a.yaml", CHAINS, lambda found: checks(found, CHAINS))


def problems_of(changes: Mapping[str, Any]) -> tuple[Problem, ...]:
    """What is wrong with the configuration once it is changed."""
    try:
        settings_of(config(changes))
    except Refused as refused:
        return refused.problems
    return ()
