"""Plans as Kubernetes objects: where secrets stand, what restarts a node, what never changes."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from archipelago.manifests.common import OWNER
from archipelago.manifests.stack import manifests
from archipelago.model.names import LONGEST
from archipelago.stack.plan import StackPlan
from tests.stacks import GONE, alpha, outputs_of, plan_of, seed
from tests.unit.plans import BOTH, EVERYTHING_OPEN, FIRST, SECOND, each_plan, later, templates
from tests.world import MANAGED, difference, objects

pytestmark = pytest.mark.unit


def private_values(plan: StackPlan) -> set[str]:
    """Everything that nobody else may read, in the spellings in which it could leak."""
    found = {plan.settings.identity_seed.get_secret_value(), plan.signing_key.hex()}
    for node in plan.nodes:
        for text in node.private_files.values():
            found |= {text, json.dumps(text)[1:-1], base64.b64encode(text.encode()).decode()}
        keystore = json.loads(node.private_files["keystore.json"])
        found.add(keystore["crypto"]["ciphertext"])
        if "tm.key" in node.private_files:
            found.add(json.loads(node.private_files["tm.key"])["data"]["bytes"])
    return found


@each_plan
def test_private_values_stand_in_secrets_and_nowhere_else(plan: StackPlan) -> None:
    """Qubernetes keeps node keys in ConfigMaps."""
    secrets = [each for each in manifests(plan) if each["kind"] == "Secret"]
    others = json.dumps([each for each in manifests(plan) if each["kind"] != "Secret"])
    assert not [value for value in private_values(plan) if value in others]
    assert len(secrets) == len(plan.nodes)
    for node, secret in zip(plan.nodes, secrets, strict=True):
        assert secret["stringData"] == dict(node.private_files)
        assert seed("alpha") not in json.dumps(secret)


@each_plan
def test_a_node_has_at_most_nine_objects_with_everything_opened(plan: StackPlan) -> None:
    listed = list(manifests(plan))
    for node in plan.nodes:
        own = [each for each in listed if each["metadata"]["labels"].get("archipelago/node") == node.name]
        assert 3 <= len(own) <= 9
    shared = [each for each in listed if "archipelago/node" not in each["metadata"]["labels"]]
    assert len(shared) <= 5


@each_plan
def test_every_object_says_whose_it_is_and_has_a_name_that_kubernetes_takes(plan: StackPlan) -> None:
    for each in manifests(plan):
        metadata = each["metadata"]
        assert metadata["labels"][OWNER] == plan.owner
        assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", metadata["name"])
        assert len(metadata["name"]) <= LONGEST
        assert all(
            re.fullmatch(r"([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]", v) for v in metadata["labels"].values()
        )
        assert each["kind"] == "Namespace" or metadata["namespace"] == plan.namespace


def test_the_longest_allowed_names_fit_into_every_object() -> None:
    longest = {"network.name": "n" * 30, "nodes": {"m" * 23: {}}, "defaults.api": {"rpc": True}}
    names = [each["metadata"]["name"] for each in manifests(plan_of(alpha(longest)))]
    assert max(map(len, names)) == LONGEST


# What restarts which node. A restart costs blocks, and one of all nodes at once stops the chain.
RESTARTS: dict[str, tuple[dict[str, Any], set[int]]] = {
    "a node's release": ({f"{SECOND}.version": "23.4.0"}, {2}),
    "the network's release": ({"network.version": "23.4.0"}, {1, 2, 3}),
    "a node's release of Tessera": ({f"{SECOND}.privacyVersion": "21.7.0"}, {2}),
    "a node's keys": ({f"{SECOND}.identity": {"generation": 2}}, {2}),
    "a node's address that Tessera tells": (
        {f"{SECOND}.exposure": {"host": "192.0.2.1", "ports": {"tessera": 31000}}},
        {2},
    ),
    "a node's p2p port": ({f"{FIRST}.exposure.ports.p2p": 30404}, set()),
    "a node's API": ({f"{SECOND}.api": {"rpc": True}}, {2}),
    "the type of an API's Service": ({"defaults.api.type": "NodePort"}, set()),
    "a node's arguments": ({f"{SECOND}.extraArgs": ["--metrics"]}, {2}),
    "a node's memory": ({f"{SECOND}.resources": {"memoryLimit": "8Gi"}}, {2}),
    "whether a node is waited for": ({f"{SECOND}.awaitReady": False}, set()),
    "a node's volume": ({f"{SECOND}.storage": {"size": "40Gi"}}, set()),
    "a partner": ({"partners.gamma": {"stack": "s", "required": False}}, set()),
    "annotations of a Service": ({f"{SECOND}.exposure": {"annotations": {"a": "b"}}}, set()),
    "nothing": ({}, set()),
}


@pytest.mark.parametrize("name", RESTARTS)
def test_what_restarts_which_node(name: str) -> None:
    changes, expected = RESTARTS[name]
    before, after = (templates(later(each)) for each in ({}, changes))
    restarted = {node for node, template in after.items() if template != before[node]}
    assert restarted == {f"consortium-quorum-node{number}" for number in expected}


def test_other_keys_restart_a_node_even_where_no_public_file_changes_with_them() -> None:
    """Kubernetes does not see what a Secret holds, and a process that runs does not read it again."""
    plain = {"network.privacy": "none", f"{FIRST}.exposure": GONE}
    founded = plan_of(alpha(plain))
    other = alpha({**plain, f"{SECOND}.identity": {"account": "ab" * 32, "generation": 2}})
    before, after = templates(founded), templates(plan_of(other, last=outputs_of(founded)))
    assert {node for node, template in after.items() if template != before[node]} == {"consortium-quorum-node2"}


def test_a_new_node_leaves_the_others_as_they_are() -> None:
    before, after = later({}), later({"nodes.quorum-node4": {"validator": False}})
    changed = {(kind, name) for kind, name in difference(before, after) if "quorum-node4" not in name}
    assert changed == {("ConfigMap", "consortium-peers")}


@pytest.mark.parametrize("name", RESTARTS)
def test_no_change_ever_touches_what_kubernetes_cannot_update(name: str) -> None:
    """A workload's selector and a claim's class force a replace, and with it a new, empty node."""
    before, after = objects(later({})), objects(later(RESTARTS[name][0]))
    assert before.keys() <= after.keys()
    for key, manifest in before.items():
        match key[0]:
            case "StatefulSet":
                assert after[key]["spec"]["serviceName"] == manifest["spec"]["serviceName"]
                assert after[key]["spec"]["selector"] == manifest["spec"]["selector"]
                labels = after[key]["spec"]["template"]["metadata"]["labels"].items()
                assert manifest["spec"]["selector"]["matchLabels"].items() <= labels
            case "PersistentVolumeClaim":
                assert after[key]["spec"]["accessModes"] == manifest["spec"]["accessModes"]
            case "Service":
                assert after[key]["spec"]["selector"] == manifest["spec"]["selector"]


def test_a_service_finds_the_pod_of_its_node_and_no_other() -> None:
    found = objects(plan_of(alpha(EVERYTHING_OPEN)))
    pods = {
        name: each["spec"]["template"]["metadata"]["labels"]
        for (kind, name), each in found.items()
        if kind == "StatefulSet"
    }
    for (kind, name), each in found.items():
        if kind == "Service":
            hit = [pod for pod, labels in pods.items() if each["spec"]["selector"].items() <= labels.items()]
            assert hit == [name.removesuffix("-api")]


def test_clients_ports_stand_on_a_service_of_their_own() -> None:
    """Whoever opens the p2p port to partners must not open RPC with it."""
    found = objects(plan_of(alpha(EVERYTHING_OPEN)))
    shared, api = found["Service", "consortium-quorum-node1"], found["Service", "consortium-quorum-node1-api"]
    assert {port["name"] for port in shared["spec"]["ports"]} == {"p2p", "tessera"}
    assert {port["name"] for port in api["spec"]["ports"]} == {"rpc", "ws", "third-party"}
    assert shared["spec"]["publishNotReadyAddresses"] is True
    assert "publishNotReadyAddresses" not in api["spec"]
    assert ("Service", "consortium-quorum-node1-api") not in objects(plan_of(alpha()))


def test_pinned_node_ports_are_set_and_others_left_to_the_cluster() -> None:
    found = objects(plan_of(alpha()))
    pinned = {
        port["name"]: port.get("nodePort") for port in found["Service", "consortium-quorum-node1"]["spec"]["ports"]
    }
    assert pinned == {"p2p": 30303, "tessera": 30901}
    assert not any("nodePort" in port for port in found["Service", "consortium-quorum-node2"]["spec"]["ports"])


@pytest.mark.parametrize(
    ("exposure", "annotations"),
    [
        ({"type": "NodePort"}, {"pulumi.com/skipAwait": "true"}),
        ({"type": "ClusterIP"}, {"pulumi.com/skipAwait": "true"}),
        ({"type": "LoadBalancer"}, {"pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress}"}),
        ({"type": "NodePort", "annotations": {"a": "b"}}, {"pulumi.com/skipAwait": "true", "a": "b"}),
    ],
)
def test_only_a_load_balancer_is_waited_for(exposure: dict[str, Any], annotations: dict[str, str]) -> None:
    """The provider's own wait costs 10 s a Service, for endpoints that the node's peers would have to bring."""
    service = objects(plan_of(alpha({f"{SECOND}.exposure": exposure})))["Service", "consortium-quorum-node2"]
    assert service["metadata"]["annotations"] == annotations | MANAGED
    assert service["spec"]["type"] == exposure["type"]


def test_a_claim_is_never_waited_for_and_grows_with_its_node() -> None:
    """A class that binds at first use has no pod to bind to while the stack waits for its genesis."""
    claim = objects(plan_of(alpha({f"{SECOND}.storage": {"size": "1Ti", "storageClass": "fast"}})))[
        "PersistentVolumeClaim", "consortium-quorum-node2-data"
    ]
    assert claim["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
    assert claim["spec"]["resources"] == {"requests": {"storage": "1Ti"}}
    assert claim["spec"]["storageClassName"] == "fast"


def test_a_claim_names_the_chain_whose_blocks_it_holds_once_there_is_one() -> None:
    """What outlives its stack is found again by another run: a claim of another chain must not be taken for its own."""
    plan, key = later({}), ("PersistentVolumeClaim", "consortium-quorum-node2-data")
    assert plan.genesis
    assert objects(plan)[key]["metadata"]["annotations"]["archipelago/genesis"] == plan.genesis.hash
    assert "archipelago/genesis" not in objects(plan_of(alpha(BOTH)))[key]["metadata"]["annotations"]


def test_rb1_every_object_is_applied_under_one_name_by_every_run_of_every_state() -> None:
    """And no pod's template says so: that would restart the pods."""
    for each in objects(later({})).values():
        assert each["metadata"]["annotations"].items() >= MANAGED.items()
        template = each.get("spec", {}).get("template", {}).get("metadata", {})
        assert not any(key.startswith("pulumi.com/") for key in template.get("annotations", {}))


def test_what_outlives_its_stack_names_it_and_nothing_else_does() -> None:
    for (kind, _), each in objects(later({})).items():
        named = each["metadata"]["annotations"].get("archipelago/stack")
        assert named == ("cluster-a" if kind in {"Namespace", "Secret", "PersistentVolumeClaim"} else None)


def test_a_namespace_that_is_not_ours_is_not_made() -> None:
    plan = plan_of(alpha({"cluster.createNamespace": False}))
    assert "Namespace" not in {each["kind"] for each in manifests(plan)}
