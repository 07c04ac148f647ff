"""Configurations of CITA-Cloud stacks as tests change them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archipelago.chains.contract import Chain
from archipelago.chains.registry import CHAINS
from archipelago.checks.settings import problems as checks
from archipelago.problems import Problem, Refused
from archipelago.settings.read import Settings, read
from archipelago.stack.plan import StackPlan, plan_stack
from tests.stacks import NOWHERE, SOURCE, Config, changed, committed, seed
from tests.world import World

CITA: Chain = CHAINS["cita-cloud"]
EXAMPLES = Path(__file__).parents[1] / "examples"
STACKS = {"alpha": "cita-a", "beta": "cita-b", "gamma": "cita-c"}
TIMESTAMP = 1618560000000
# what `--need_monitor 1 --need_debug 1 --node_port 31000` and another service-config.toml added; for three nodes
EXTENDED: dict[str, Any] = {
    "network.services": {
        "executor": "executor_chaincode_ext",
        "storage": "storage_tikv",
        "consensus": "consensus_raft",
        "kms": "kms_eth",
    },
    "network.portBase": 31000,
    "network.monitor": True,
    "network.debug": True,
    **{f"nodes.node{index}.pdEndpoints": [f"node{index}-pd:2379"] for index in range(3)},
}


def local(changes: Mapping[str, Any] | None = None) -> Config:
    """What `create_k8s_config.py local_cluster --peers_count 3` made with the seed's service-config.toml."""
    services = {
        "network": "network_p2p",
        "consensus": "consensus_raft",
        "executor": "executor_evm",
        "storage": "storage_sqlite",
        "controller": "controller",
        "kms": "kms_sm",
    }
    config: Config = {
        "identitySeed": seed("alpha"),
        "organisation": "alpha",
        "cluster": {"context": "cluster-a", "namespace": "chains", "address": "203.0.113.10"},
        "network": {
            "kind": "cita-cloud",
            "name": "test-chain",
            "founder": True,
            "services": services,
            "portBase": 30004,
            "genesis": {"timestamp": TIMESTAMP},
        },
        "defaults": {"exposure": {"type": "ClusterIP"}, "kmsPassword": "123456"},
        "nodes": {f"node{index}": {"index": index} for index in range(3)},
    }
    return changed(config, changes or {})


def outside(changes: Mapping[str, Any] | None = None) -> Config:
    """The same chain with the layout for several clusters: a block of nine NodePorts for two nodes on one host."""
    config = local({"network.portBase": None, "defaults.exposure.type": "NodePort"})
    del config["network"]["portBase"]
    for index in range(3):
        config["nodes"][f"node{index}"]["portBase"] = 30000 + 9 * index
    return changed(config, changes or {})


def founder() -> Config:
    """The same for alpha, whose genesis names a node of beta, too."""
    return outside(
        {
            "network.genesis.validators": ["node0", "node1", "node2", "beta/node0"],
            "partners": {"beta": {"stack": "organization/archipelago/cluster-b", "required": False}},
        }
    )


def joiner() -> Config:
    """beta, which joins that chain with one node."""
    config = outside({"organisation": "beta", "identitySeed": seed("beta"), "cluster.address": "198.51.100.20"})
    config["network"] = {
        **{key: config["network"][key] for key in ("kind", "name", "services")},
        "joins": "alpha",
    }
    config["nodes"] = {"node0": {"index": 3, "portBase": 30000}}
    return changed(config, {"partners": {"alpha": {"stack": "organization/archipelago/cluster-a"}}})


def example(organisation: str) -> Config:
    """An organisation's file under `examples`, with a throw-away seed."""
    return committed(EXAMPLES / f"Pulumi.{STACKS[organisation]}.yaml", organisation)


def examples() -> World:
    """Four nodes in three stacks, as in `examples`; nothing has run yet."""
    configs = {organisation: example(organisation) for organisation in STACKS}

    def planned(config: Config, received: Mapping[str, Any], last: Mapping[str, Any]) -> StackPlan:
        return plan_of(config, received, last, stack=STACKS[config["organisation"]])

    return World(planned, **configs)


def settings_of(config: Mapping[str, Any]) -> Settings:
    """The settings, or Refused."""
    return read(config, SOURCE, CHAINS, lambda found: checks(found, CHAINS))


def problems_of(config: Mapping[str, Any]) -> dict[str, Problem]:
    """What is wrong with a configuration, by path."""
    try:
        plan_of(config)
    except Refused as refused:
        return {each.path: each for each in refused.problems}
    return {}


def plan_of(
    config: Mapping[str, Any],
    received: Mapping[str, Mapping[str, Any] | None] | None = None,
    last: Mapping[str, Any] | None = None,
    root: Path = NOWHERE,
    stack: str = "cluster-a",
) -> StackPlan:
    """The plan of a stack (see `tests.stacks.plan_of`)."""
    return plan_stack(settings_of(config), CITA, stack, received or {}, last or {}, root, SOURCE)
