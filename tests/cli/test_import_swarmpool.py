"""`archipelago import-swarmpool`: what cluster-discovery was told becomes the stack file that means the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from archipelago.settings.stack_file import from_file
from cli.main import app
from tests import ipfs
from tests.cli.conftest import RUNNER, Project
from tests.ipfs import PEER, settings_of
from tests.stacks import seed

pytestmark = pytest.mark.unit

GROUP = "peerdiscovery.irt-saintexupery.com/v1alpha1"
CREATOR = """
apiVersion: peerdiscovery.irt-saintexupery.com/v1alpha1
kind: SwarmPool
metadata: {name: cluster1, namespace: ipfs}
spec:
  swarms:
    - name: cluster1
      swarmDefinition:
        swarmKeySecretRef: cluster1-key
      network:
        loadBalancer: {loadBalancerIP: auto, exposedAPI: false}
        swarmPort: 4001
        apiPort: 5001
      storage: {capacity: 1Gi}
      IPFSVersion: v0.8.0
status: {hash: 3cHzl1QvbXh0yDW2pHDEwg==, lastUpdate: "2020-10-12T09:00:00Z"}
---
apiVersion: peerdiscovery.irt-saintexupery.com/v1alpha1
kind: Identity
metadata: {name: cluster1-identity, namespace: jobs}
spec:
  swarms: [{namespace: ipfs, swarmPool: cluster1, swarm: cluster1}]
  name: cluster 1
  description: A cluster with GPUs
  URL: https://203.0.113.10
  categories: [{name: computing}, {name: EO data}]
---
apiVersion: v1
kind: Secret
metadata: {name: cluster1-key, namespace: ipfs}
"""


def run(tmp_path: Path, text: str, *options: str) -> Any:
    (tmp_path / "given.yaml").write_text(text)
    return RUNNER.invoke(app, ["import-swarmpool", str(tmp_path / "given.yaml"), "--organisation", "alpha", *options])


def config_of(result: Any) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    config = YAML(typ="safe", pure=True).load(result.stdout)["config"]
    return {key.removeprefix("archipelago:"): value for key, value in config.items()}


def member(config: dict[str, Any], pool: str, swarm: str) -> dict[str, Any]:
    found: dict[str, Any] = config["pools"][pool]["swarms"][swarm]
    return found


@pytest.fixture(autouse=True)
def _terminal(project: Project) -> None:
    assert project


def test_a_creator_with_an_identity_is_a_stack_that_can_be_planned(tmp_path: Path) -> None:
    result = run(tmp_path, CREATOR)
    config = config_of(result)
    assert member(config, "cluster1", "cluster1") == {
        "key": {"secret": "cluster1-key"},
        "exposure": {"type": "LoadBalancer", "address": "auto", "api": False},
        "swarmPort": 4001,
        "apiPort": 5001,
        "version": "0.8.0",
        "storage": {"size": "1Gi"},
    }
    assert config["identities"] == {
        "cluster1-identity": {
            "namespace": "jobs",
            "name": "cluster 1",
            "description": "A cluster with GPUs",
            "url": "https://203.0.113.10",
            "categories": ["computing", "EO data"],
            "publishTo": ["ipfs/cluster1/cluster1"],
        }
    }
    settings = settings_of({**config, "identitySeed": seed("alpha")})
    assert ipfs.IPFS.object_name(settings, "cluster1-cluster1") == "cluster1-cluster1-ss"
    assert "Secrets stay where they are" in result.stderr
    assert "kubeconfig of every identity to everybody" in result.stderr


def test_a_joiner_keeps_its_bootstrap_addresses_and_names_whom_it_joins(tmp_path: Path) -> None:
    old = "/ip4/203.0.113.7/tcp/4001/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ"
    text = CREATOR.replace(
        "swarmKeySecretRef: cluster1-key", f"swarmKeySecretRef: cluster1-key\n        bootstrapNodeAddresses: [{old}]"
    )
    config = config_of(run(tmp_path, text, "--joins", "beta", "--network", "euro"))
    assert member(config, "cluster1", "cluster1")["bootstrap"] == [old]
    assert config["network"] == {"kind": "ipfs", "name": "euro", "joins": "beta"}
    assert config["partners"] == {"beta": {"stack": "organization/archipelago/beta", "required": False}}


def test_a_swarm_behind_traefik_is_one_behind_traefik(tmp_path: Path) -> None:
    text = CREATOR.replace(
        "loadBalancer: {loadBalancerIP: auto, exposedAPI: false}",
        "traefik: {traefikEntryPoint: ipfs, traefikLoadBalancerServiceName: traefik, "
        "traefikLoadBalancerServiceNamespace: traefik-v2}",
    )
    config = config_of(run(tmp_path, text))
    way = {"entryPoint": "ipfs", "service": "traefik", "namespace": "traefik-v2"}
    assert member(config, "cluster1", "cluster1")["exposure"] == {"traefik": way}


@pytest.mark.parametrize("place", ["pool", "swarm", "definition", "balancer"])
def test_settings_are_taken_wherever_the_documentation_may_mean_them(tmp_path: Path, place: str) -> None:
    balancer: dict[str, Any] = {"loadBalancerIP": "203.0.113.9", "exposedAPI": False}
    network: dict[str, Any] = {"loadBalancer": balancer}
    (balancer if place == "balancer" else network).update({"swarmPort": 4005})
    common = {"network": network, "storage": {"capacity": "2Gi"}, "IPFSVersion": "v0.9.1"}
    definition = common if place == "definition" else {}
    swarm = {"name": "s", "swarmDefinition": definition, **(common if place in ("swarm", "balancer") else {})}
    spec = {"swarms": [swarm], **(common if place == "pool" else {})}
    given = {"apiVersion": GROUP, "kind": "SwarmPool", "metadata": {"name": "p", "namespace": "n"}, "spec": spec}
    found = member(config_of(run(tmp_path, json.dumps(given))), "p", "s")
    assert (found["swarmPort"], found["storage"], found["version"]) == (4005, {"size": "2Gi"}, "0.9.1")
    assert found["exposure"]["address"] == "203.0.113.9"


def test_what_kubectl_lists_is_opened_and_peers_are_passed_over(tmp_path: Path) -> None:
    listed = [*YAML(typ="safe", pure=True).load_all(CREATOR), {"apiVersion": GROUP, "kind": "Peer", "metadata": {}}]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": listed})
    assert set(config_of(run(tmp_path, text))["pools"]) == {"cluster1"}


def test_the_default_network_of_the_chart_is_told_apart(tmp_path: Path) -> None:
    text = CREATOR.replace("      swarmDefinition:\n        swarmKeySecretRef: cluster1-key\n", "")
    result = run(tmp_path, text)
    assert member(config_of(result), "cluster1", "cluster1")["key"] == "generate"
    assert "the same for everybody" in result.stderr


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("SwarmPool", "SwarmPond", "SwarmPond is no kind"),
        ("swarmPort: 4001", "swarmPort: many", "swarmPort"),
        ("swarmPort: 4001", "swarmHaven: 4001", "swarmHaven"),
        ("swarmPort: 4001", "swarmPort: 70000", "out of range"),
        ("v0.8.0", "v0.10.0", "drops the connections"),
        ("exposedAPI: false", "exposedAPI: true", "asks nobody who uses its API"),
        ("capacity: 1Gi", "capacity: 1M", "too small"),
        ("name: cluster1,", "name: Cluster1,", "no DNS label"),
        ("kind: SwarmPool", "kind: [", "no YAML (line"),
        (GROUP, "example.org/v1", "no SwarmPool"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_written(tmp_path: Path, old: str, new: str, words: str) -> None:
    result = run(tmp_path, CREATOR.replace(old, new), "--out", str(tmp_path))
    assert result.exit_code == 1
    assert words in result.output
    assert not list(tmp_path.glob("Pulumi.*"))


def test_the_file_is_written_once_and_what_to_type_next_is_printed(tmp_path: Path) -> None:
    result = run(tmp_path, CREATOR, "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "pulumi config set --secret archipelago:identitySeed" in result.stdout
    written = from_file(tmp_path / "Pulumi.alpha.yaml")
    assert settings_of({**written, "identitySeed": seed("alpha")})
    again = run(tmp_path, CREATOR, "--out", str(tmp_path))
    assert again.exit_code == 1
    assert PEER not in again.output
