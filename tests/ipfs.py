"""Configurations of IPFS stacks as tests change them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archipelago.chains.contract import Ask, Chain
from archipelago.chains.registry import CHAINS
from archipelago.checks.settings import problems as checks
from archipelago.model.plan import NodePlan
from archipelago.problems import Problem, Refused
from archipelago.settings.read import Settings, read
from archipelago.stack.plan import StackPlan, plan_stack
from tests.stacks import NOWHERE, SOURCE, Config, changed, committed, seed
from tests.world import World

IPFS: Chain = CHAINS["ipfs"]
EXAMPLES = Path(__file__).parents[1] / "examples"
STACKS = {"alpha": "ipfs-a", "beta": "ipfs-b", "gamma": "ipfs-c"}
ARCHIVE = "pools.public.swarms.archive"
PEER = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5"


def alpha(changes: Mapping[str, Any] | None = None) -> Config:
    """The founder, with one member of one swarm, changed by dotted path (see `tests.stacks.changed`)."""
    config: Config = {
        "identitySeed": seed("alpha"),
        "organisation": "alpha",
        "cluster": {"context": "cluster-a", "namespace": "ipfs", "address": "203.0.113.10"},
        "network": {"kind": "ipfs", "name": "research", "founder": True},
        "pools": {"public": {"swarms": {"archive": {}}}},
        "partners": {"beta": {"stack": "organization/archipelago/cluster-b", "required": False}},
    }
    return changed(config, changes or {})


def beta(changes: Mapping[str, Any] | None = None) -> Config:
    """A joiner with a member of the same swarm."""
    config: Config = {
        "identitySeed": seed("beta"),
        "organisation": "beta",
        "cluster": {"context": "cluster-b", "namespace": "ipfs", "address": "198.51.100.20"},
        "network": {"kind": "ipfs", "name": "research", "joins": "alpha"},
        "pools": {"public": {"swarms": {"archive": {}}}},
        "partners": {"alpha": {"stack": "organization/archipelago/cluster-a"}},
    }
    return changed(config, changes or {})


def example(organisation: str) -> Config:
    """An organisation's file under `examples`, with a throw-away seed."""
    return committed(EXAMPLES / f"Pulumi.{STACKS[organisation]}.yaml", organisation)


def examples() -> World:
    """Three stacks, as in `examples`; nothing has run yet."""
    configs = {organisation: example(organisation) for organisation in STACKS}

    def planned(config: Config, received: Mapping[str, Any], last: Mapping[str, Any]) -> StackPlan:
        return plan_of(config, received, last, stack=STACKS[config["organisation"]])

    return World(planned, **configs)


def world(**configs: Config) -> World:
    """Stacks of which nothing has run yet."""
    return World(plan_of, **configs)


def secret(name: str, data: Mapping[str, str | bytes], namespace: str = "ipfs", owner: str = "") -> dict[Ask, Any]:
    """A Secret as the cluster answers it."""
    raw = {key: value.encode() if isinstance(value, str) else value for key, value in data.items()}
    return {
        Ask("Secret", namespace, name): {
            "metadata": {"name": name, "namespace": namespace, "labels": {"archipelago/owner": owner}},
            "data": {key: base64.b64encode(value).decode() for key, value in raw.items()},
        }
    }


def settings_of(config: Mapping[str, Any]) -> Settings:
    """The settings, or Refused."""
    return read(config, SOURCE, CHAINS, lambda found: checks(found, CHAINS))


def problems_of(config: Mapping[str, Any], given: Mapping[Ask, Any] | None = None) -> dict[str, Problem]:
    """What is wrong with a configuration, or with what the cluster has, by path."""
    try:
        plan_of(config, given=given)
    except Refused as refused:
        return {each.path: each for each in refused.problems}
    return {}


def plan_of(
    config: Mapping[str, Any],
    received: Mapping[str, Mapping[str, Any] | None] | None = None,
    last: Mapping[str, Any] | None = None,
    root: Path = NOWHERE,
    stack: str = "cluster-a",
    given: Mapping[Ask, Any] | None = None,
) -> StackPlan:
    """The plan of a stack (see `tests.stacks.plan_of`)."""
    return plan_stack(settings_of(config), IPFS, stack, received or {}, last or {}, root, SOURCE, given)


def node(plan: StackPlan, name: str = "public-archive") -> NodePlan:
    """What has to run for a member."""
    return next(each for each in plan.nodes if each.name == name)


def made(plan: StackPlan, name: str = "public-archive") -> dict[str, dict[str, str]]:
    """The Secrets that a member has beside its identity's and its token's."""
    return {key: dict(each) for key, each in node(plan, name).secrets.items() if key != f"{name}-api-token"}


def kubo_config(plan: StackPlan, name: str = "public-archive") -> dict[str, Any]:
    """A member's config as it starts with it."""
    found: dict[str, Any] = json.loads(node(plan, name).public_files["kubo.json"])
    return found


def held(plan: StackPlan, name: str = "public-archive") -> bytes:
    """The file with the swarm key that a member has."""
    return node(plan, name).private_files["swarm.key"].encode()
