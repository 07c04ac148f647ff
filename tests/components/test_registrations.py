"""How resources are registered: parents, options, order, provider, and what is secret."""

from __future__ import annotations

import base64
import json

import pytest

from archipelago.stack.plan import StackPlan
from tests.components.engine import Registered
from tests.components.harness import Run, run
from tests.components.runs import A, first_a, first_b, second_a, stacks, waiting_a
from tests.stacks import GONE, alpha, beta, bundle, plan_of, seed

pytestmark = pytest.mark.components

RUNS = {"first alpha": first_a, "second alpha": second_a, "beta": first_b, "waiting alpha": waiting_a}
each_run = pytest.mark.parametrize("name", RUNS)
KEPT = {"Namespace", "Secret", "PersistentVolumeClaim"}


def objects(given: Run) -> list[Registered]:
    """Everything that is a Kubernetes object."""
    return [each for each in given.resources if each.type.startswith("kubernetes:")]


@each_run
def test_what_cannot_be_made_again_outlives_a_destroy_and_nothing_else_does(name: str) -> None:
    """Keys and chain data; and the Namespace, whose end would be theirs."""
    given = RUNS[name]()
    assert {each.kind for each in given.resources if each.retain_on_delete} == KEPT
    assert all(each.retain_on_delete for each in given.resources if each.kind in KEPT)


@each_run
def test_children_hang_under_their_component_and_components_under_the_stack(name: str) -> None:
    given = RUNS[name]()
    (network,) = given.of("ChainNetwork").values()
    for each in given.resources:
        if each.kind in ("ChainNetwork", "kubernetes"):
            assert "ChainNetwork" not in each.parent
        elif each.kind in {"ChainNode", "Namespace"} or each.name.endswith(("-peers", "-genesis", "-validators")):
            assert each.parent == network.urn
        else:
            owner = next(
                node for node in given.of("ChainNode") if each.name == node or each.name.startswith(f"{node}-")
            )
            assert each.parent == given.named("ChainNode", owner).urn


@each_run
def test_every_object_belongs_to_the_one_explicit_provider(name: str) -> None:
    """A default provider would follow whatever context the kubeconfig names that day."""
    given = RUNS[name]()
    (provider,) = [each for each in given.resources if each.type == "pulumi:providers:kubernetes"]
    assert {each.provider.rpartition("::")[0] for each in objects(given)} == {provider.urn}


def test_the_provider_updates_config_maps_in_place_and_knows_its_cluster_by_a_name_of_ours() -> None:
    """Without these a partner's new node replaces all workloads, and a renewed certificate the whole stack."""
    inputs = first_a().named("kubernetes", "cluster").inputs
    assert inputs["enableConfigMapMutable"] == inputs["enableSecretMutable"] == "true"
    assert inputs["clusterIdentifier"] == plan_of(alpha()).owner
    assert inputs["context"] == "cluster-a"
    assert json.loads(inputs["kubeClientSettings"]) == {"burst": 2000, "qps": 1000}
    assert "kubeconfig" not in inputs


def test_a_kubeconfig_is_given_as_a_path_and_never_as_its_contents() -> None:
    """Contents are printed in a preview, token included."""
    config = alpha({"cluster.kubeconfig": "~/kube/alpha", "cluster.context": GONE})
    inputs = run(config).named("kubernetes", "cluster").inputs
    assert inputs["kubeconfig"].endswith("/kube/alpha")
    assert "~" not in inputs["kubeconfig"]


@each_run
def test_the_private_files_of_a_node_are_a_secret_input(name: str) -> None:
    for each in RUNS[name]().of("Secret").values():
        assert each.secret == {("stringData",)}
        assert {"data", "stringData"} <= set(each.additional_secret_outputs)


@each_run
def test_nothing_else_is_secret_so_that_a_preview_can_be_read(name: str) -> None:
    given = RUNS[name]()
    assert not [each.name for each in given.resources if each.secret and each.kind != "Secret"]
    assert given.secret_outputs == frozenset()


def private_values(plan: StackPlan) -> set[str]:
    """Every private value of a stack, as text, in JSON and in base64."""
    found = {seed(plan.settings.organisation), plan.signing_key.hex()}
    for node in plan.nodes:
        for file, text in node.private_files.items():
            found |= {text, json.dumps(text)[1:-1], base64.b64encode(text.encode()).decode()}
            if file == "keystore.json":
                found.add(json.loads(text)["crypto"]["ciphertext"])
            if file == "tm.key":
                found.add(json.loads(text)["data"]["bytes"])
    return found


@each_run
def test_no_private_value_is_in_any_other_input_or_in_an_output(name: str) -> None:
    given = RUNS[name]()
    plan = plan_of(beta(), {"alpha": bundle(alpha())}) if name == "beta" else plan_of(alpha())
    secrets = given.of("Secret").values()
    opened = json.dumps([each.inputs for each in secrets])
    assert all(json.dumps(node.private_files["nodekey"])[1:-1] in opened for node in plan.nodes), "the test looks away"
    plain = json.dumps([each.inputs for each in given.resources if each.kind != "Secret"])
    plain += json.dumps([each.inputs["metadata"] for each in secrets])
    told = json.dumps(given.outputs) + " ".join((*given.errors, *given.warnings))
    for value in private_values(plan):
        assert value not in plain
        assert value not in told


@each_run
def test_an_object_is_made_after_the_namespace_it_stands_in(name: str) -> None:
    given = RUNS[name]()
    (namespace,) = given.of("Namespace").values()
    for each in objects(given):
        if each.kind != "Namespace":
            assert namespace.urn in each.depends_on


def test_a_workload_is_made_after_all_that_it_mounts() -> None:
    given = first_a()
    for name, each in given.of("StatefulSet").items():
        needed = [given.named("ConfigMap", name), given.named("Secret", f"{name}-identity")]
        needed += [given.named("PersistentVolumeClaim", f"{name}-data"), given.named("Service", name)]
        needed += [given.named("ConfigMap", f"consortium-{shared}") for shared in ("peers", "genesis")]
        assert {resource.urn for resource in needed} <= each.depends_on


def test_a_volume_outlives_a_destroy_as_its_claim_does() -> None:
    place = {"local": {"host": "machine-1", "path": "/srv/chain"}}
    given = run(alpha({"nodes.quorum-node2.storage": place}))
    volume = given.named("PersistentVolume", "consortium.consortium-quorum-node2-data")
    assert volume.retain_on_delete
    assert volume.parent == given.named("ChainNode", "consortium-quorum-node2").urn
    assert volume.urn in given.named("StatefulSet", "consortium-quorum-node2").depends_on


@each_run
def test_a_workload_starts_when_every_node_can_be_found_by_name(name: str) -> None:
    """CITA-Cloud looks its peers' names up once, when it starts, and ends where one is not there."""
    given = RUNS[name]()
    services = {each.urn for each in given.of("Service").values()}
    assert len(services) == len(given.of("ChainNode"))
    for each in given.of("StatefulSet").values():
        assert services <= given.before(each.urn)


def test_the_nodes_of_a_new_network_are_made_at_once() -> None:
    """A validator that waits until the one before is ready waits for blocks, and those need both."""
    given = run(alpha(), slow=True)
    assert [given.waited(each.urn) for each in given.of("StatefulSet").values()] == [set(), set(), set()]


def test_the_nodes_of_a_running_network_are_updated_one_after_another() -> None:
    """So that a bad image stops at the first validator."""
    given = run(alpha(), stacks(), slow=True)
    first, second, third = (given.named("StatefulSet", f"consortium-quorum-node{number}") for number in (1, 2, 3))
    assert [given.waited(each.urn) for each in (first, second, third)] == [set(), {first.urn}, {first.urn, second.urn}]


@pytest.mark.parametrize("name", ["quorum-node0", "quorum-node4"])
def test_a_node_added_to_a_running_network_waits_for_nobody_and_nobody_for_it(name: str) -> None:
    """Its first sync may take hours, wherever its name stands among the others."""
    before = first_a()
    given = run(alpha({f"nodes.{name}": {"validator": False}}), {A: before.outputs}, slow=True)
    new = given.named("StatefulSet", f"consortium-{name}")
    urns = {each.urn for each in given.of("StatefulSet").values()}
    assert len(urns) == 4
    assert not given.waited(new.urn)
    first, second, third = (given.named("StatefulSet", f"consortium-quorum-node{number}") for number in (1, 2, 3))
    others = [given.waited(each.urn) - {new.urn} for each in (first, second, third)]
    assert others == [set(), {first.urn}, {first.urn, second.urn}]
    for each in (first, second, third):
        assert each.inputs == before.named("StatefulSet", each.name).inputs


def test_a_changed_node_is_the_only_one_changed_and_the_next_one_comes_after_it() -> None:
    """Also where no run waits for it: it keeps its turn."""
    before = run(alpha(), stacks())
    changes = {"nodes.quorum-node2.version": "23.4.0", "nodes.quorum-node2.awaitReady": False}
    after = run(alpha(changes), stacks(), slow=True)
    deployments = after.of("StatefulSet")
    changed = {name for name, each in deployments.items() if each.inputs != before.named("StatefulSet", name).inputs}
    assert changed == {"consortium-quorum-node2"}
    third = deployments["consortium-quorum-node3"]
    assert deployments["consortium-quorum-node2"].urn in after.waited(third.urn)


def test_a_policy_stands_before_the_pods_that_it_is_about() -> None:
    given = run(alpha({"defaults.api": {"rpc": True}}))
    shared = given.named("NetworkPolicy", "consortium-peers").urn
    for name, each in given.of("StatefulSet").items():
        assert {shared, given.named("NetworkPolicy", f"{name}-api").urn} <= each.depends_on


def test_a_stack_that_still_waits_is_no_running_network() -> None:
    given = run(alpha(), {A: waiting_a().outputs})
    urns = {each.urn for each in given.of("StatefulSet").values()}
    assert len(urns) == 3
    assert not [each for each in given.of("StatefulSet").values() if each.depends_on & urns]


def test_a_namespace_that_is_not_ours_is_neither_made_nor_waited_for() -> None:
    given = run(alpha({"cluster.createNamespace": False}))
    assert not given.of("Namespace")
    assert len(given.of("StatefulSet")) == 3


@each_run
def test_components_show_no_inputs_of_their_own(name: str) -> None:
    """A component with inputs is one more changed row in every preview."""
    for each in RUNS[name]().resources:
        if each.type.startswith("archipelago:"):
            assert each.inputs == {}
            assert not each.custom


@each_run
def test_nothing_is_protected_or_named_by_chance(name: str) -> None:
    for each in objects(RUNS[name]()):
        assert each.inputs["metadata"]["name"] == each.name
        assert not each.protect


@each_run
def test_every_change_of_an_object_reaches_the_cluster(name: str) -> None:
    """A list of peers whose changes are ignored names the partners of its first run for ever."""
    assert not [each.name for each in RUNS[name]().resources if each.ignore_changes]
