"""What `manifests` yields is what the components register, object by object: render, review and `up` show one thing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from archipelago.manifests import stack as builders
from archipelago.manifests.common import Manifest, managed
from archipelago.manifests.stack import manifests
from archipelago.model.endpoint import Endpoint
from archipelago.stack.plan import StackPlan
from tests.components.engine import Ports, allocated_port
from tests.components.harness import Run, run
from tests.golden.examples import configs
from tests.stacks import Config, alpha, beta, changed, crossed, floats, plan_of

pytestmark = pytest.mark.golden

A = "organization/archipelago/cluster-a"
B = "organization/archipelago/cluster-b"
BOTH = {"network.genesis": {"validators": ["quorum-node1", "quorum-node2", "quorum-node3", "beta/quorum-node1"]}}
PINNED = {f"nodes.quorum-node{n}.exposure": {"ports": {"p2p": 30300 + n, "tessera": 30900 + n}} for n in (1, 2, 3)}
OPEN = {"rpc": True, "websocket": True, "thirdParty": True}

# Nothing is left to the cluster: `manifests` alone has to say it all.
SETTLED: dict[str, Config] = {
    "pinned ports": alpha(PINNED),
    "all APIs": alpha(
        {
            **PINNED,
            "defaults.api": {**OPEN, "clients": [{"namespace": "apps"}]},
            "defaults.unlock": True,
            "defaults.extraArgs": ["--metrics"],
        }
    ),
    "clients": alpha({**PINNED, "defaults.api": {**OPEN, "type": "NodePort", "clients": [{"cidr": "192.0.2.0/24"}]}}),
    "policies of somebody else": alpha({**PINNED, "defaults.api": OPEN, "cluster.networkPolicies": False}),
    "in the cluster only": alpha({"nodes.quorum-node1.exposure": {}, "defaults.exposure": {"type": "ClusterIP"}}),
    "without Tessera": alpha(
        {
            "network.privacy": "none",
            **{path: {"ports": {"p2p": given["ports"]["p2p"]}} for path, given in PINNED.items()},
        }
    ),
    "a namespace of somebody else": alpha({**PINNED, "cluster.createNamespace": False}),
    "waiting": alpha(BOTH),
    "directories": alpha(
        {
            **PINNED,
            "nodes.quorum-node1.storage": {"local": {"host": "machine-1", "path": "/srv/chain"}},
            "nodes.quorum-node2.storage": {"nfs": {"server": "nfs.example.org", "path": "/export/chain"}},
            "nodes.quorum-node3.storage": {"claim": "theirs"},
        }
    ),
    "storage and resources": alpha(
        {**PINNED, "defaults.storage": {"size": "1Ti", "storageClass": "fast"}, "defaults.resources": {"cpu": "2"}}
    ),
}


def registered(given: Run) -> dict[tuple[str, str], Any]:
    """Every Kubernetes object as the engine got it."""
    objects = [each.inputs for each in given.resources if each.type.startswith("kubernetes:")]
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def by_name(listed: Iterator[Manifest]) -> dict[tuple[str, str], Manifest]:
    return {(each["kind"], each["metadata"]["name"]): each for each in listed}


def told(plan: StackPlan) -> Iterator[Manifest]:
    """A stack's objects once the mock cluster has told its ports."""
    unknown = [node for node in plan.nodes if not node.service.settled]
    waiting = {(each["kind"], each["metadata"]["name"]) for node in unknown for each in _running(plan, node)}
    yield from (each for each in manifests(plan) if (each["kind"], each["metadata"]["name"]) not in waiting)
    for node in unknown:
        yield from _running(plan, node)


def _running(plan: StackPlan, node: Any) -> Iterator[Manifest]:
    endpoints = {
        port.name: Endpoint(
            host=node.service.host,
            port=node.service.node_ports.get(port.name) or allocated_port(node.service.name, port.name),
            exposure=node.service.type,
        )
        for port in node.service.ports
    }
    yield from map(managed, builders.running(plan, node, endpoints))


@pytest.mark.parametrize("name", SETTLED)
@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
def test_where_nothing_is_left_to_the_cluster_the_manifests_are_what_is_registered(name: str, preview: bool) -> None:
    config = SETTLED[name]
    given = run(config, preview=preview, ports=Ports.FAKE if preview else Ports.ALLOCATED)
    assert registered(given) == by_name(manifests(plan_of(config)))


def test_both_example_stacks_register_what_is_rendered_with_the_ports_that_the_cluster_gave() -> None:
    written = configs()
    first = run(written["alpha"])
    joined = run(written["beta"], {A: first.outputs}, name="cluster-b")
    second = run(written["alpha"], {A: first.outputs, B: joined.outputs})
    plan_b = plan_of(written["beta"], {"alpha": crossed(first.outputs)})
    plan_a = plan_of(written["alpha"], {"beta": crossed(joined.outputs)}, floats(first.outputs))
    assert registered(joined) == by_name(told(plan_b))
    assert registered(second) == by_name(told(plan_a))


def test_a_rendered_object_differs_from_the_registered_one_only_in_what_the_cluster_tells() -> None:
    """`render` shows a marker there; everything else of a first review is already final."""
    first = run(beta(), {A: run(alpha()).outputs}, name="cluster-b")
    plan = plan_of(beta(), {"alpha": crossed(run(alpha()).outputs)})
    rendered, made = by_name(manifests(plan)), registered(first)
    assert rendered.keys() == made.keys()
    different = {key for key in rendered if rendered[key] != made[key]}
    assert different == {(kind, f"consortium-quorum-node{n}") for kind in ("ConfigMap", "StatefulSet") for n in (1, 2)}
    for key in different:
        changes = {"data.tessera.json", "spec.template.metadata.annotations.archipelago/restart-on"}
        assert set(_differences(rendered[key], made[key])) <= changes


def test_the_two_configurations_of_the_tests_are_those_of_the_example_files() -> None:
    """Else the tests hold something that nobody deploys."""
    for organisation, config in configs().items():
        assert config == {"alpha": alpha, "beta": beta}[organisation]()
        assert changed(config, {}) == config


def _differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from _differences(one.get(key), other.get(key), f"{path}.{key}" if path else key)
    elif one != other:
        yield path
