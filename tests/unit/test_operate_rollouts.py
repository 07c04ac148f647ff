"""What runs of a stack, as its cluster tells it, and what of it a run would restart."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from lightkube import Client
from lightkube.core.exceptions import ApiError

from archipelago.manifests.common import Manifest
from archipelago.manifests.stack import manifests
from archipelago.problems import Problem
from archipelago.stack.plan import StackPlan
from operate.cluster import Unreachable
from operate.kept_keys import left
from operate.rollouts import beside, restarting, restarts, too_long, unawaited, workloads
from operate.users import others
from tests import cita
from tests.stacks import GONE, Config, alpha, changed, floats, outputs_of, plan_of
from tests.unit.test_operate_cluster import FakeClient, found
from tests.world import registered

pytestmark = pytest.mark.unit

KINDS = ("Deployment", "StatefulSet")


def made(changes: dict[str, Any] | None = None) -> list[Manifest]:
    return [each for each in registered(plan_of(alpha(changes))) if each["kind"] in KINDS]


def test_c7_workloads_are_found_by_their_labels_of_whatever_kind_and_owner_they_are() -> None:
    """An owner's label may have another form than this version writes: the network's name is enough."""
    plan = plan_of(alpha())
    there = copy.deepcopy(made())
    there[0]["kind"] = "Deployment"
    there[1]["kind"] = "StatefulSet"
    there[2]["metadata"]["labels"]["archipelago/owner"] = "alpha.was-once.12345678"
    others = copy.deepcopy(made())
    for each in others:
        each["metadata"]["labels"]["archipelago/network"] = "another"
        each["metadata"]["labels"]["archipelago/node"] = "of-others"
    seen = workloads(cast(Client, FakeClient([*there, *others])), plan)
    assert set(seen) == {"quorum-node1", "quorum-node2", "quorum-node3"}
    assert set(workloads(cast(Client, FakeClient([])), plan)) == set()


def test_c7_a_cluster_that_does_not_answer_is_no_cluster_without_workloads() -> None:
    class Silent:
        def list(self, *_: object, **__: object) -> None:
            raise httpx2.ConnectError("refused")

    with pytest.raises(Unreachable, match="does not answer"):
        workloads(cast(Client, Silent()), plan_of(alpha()))


def served(workload: Manifest) -> Manifest:
    """A workload as the API server completes it: with defaults, and quantities and lists in its own spelling."""
    there = copy.deepcopy(workload)
    template = there["spec"]["template"]
    template["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = "2026-01-01T00:00:00Z"
    template["spec"] |= {"dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler", "restartPolicy": "Always"}
    template["spec"]["volumes"].reverse()
    for container in (*template["spec"]["initContainers"], *template["spec"]["containers"]):
        container["terminationMessagePath"] = "/dev/termination-log"
        container.setdefault("env", [])
        container["env"].reverse()
        requests = container["resources"]["requests"]
        requests["cpu"] = {"250m": "0.25"}.get(requests["cpu"], requests["cpu"])
        for mount in container["volumeMounts"]:
            if not mount["readOnly"]:
                del mount["readOnly"]  # the server leaves out what is false
        for port in container.get("ports", ()):
            port["protocol"] = "TCP"
    for volume in template["spec"]["volumes"]:
        if "configMap" in volume:
            volume["configMap"]["defaultMode"] = 420
    return there


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"network.version": "23.4.0"}, True),
        ({"defaults.extraArgs": ["--cache", "512"]}, True),
        ({"defaults.resources.memoryLimit": "5Gi"}, True),
        ({"defaults.resources.cpu": "750m"}, True),
        ({"defaults.unlock": True}, True),
        ({"defaults.awaitReady": False}, False),
        ({"defaults.storage.size": "30Gi"}, False),
    ],
)
def test_c8_whatever_of_a_pods_template_changes_restarts_a_node(changes: dict[str, Any], expected: bool) -> None:
    assert restarts(made(changes)[0], served(made()[0]), files=True) is expected


TAKEN_OUT: dict[str, Callable[[Manifest], object]] = {
    "a probe": lambda pod: pod["containers"][0].pop("readinessProbe"),
    "all ports": lambda pod: pod["containers"][0].pop("ports"),
    "one port": lambda pod: pod["containers"][0]["ports"].pop(),
    "arguments": lambda pod: pod["initContainers"][0].pop("command"),
    "a container": lambda pod: pod["containers"].pop(),
    "all of them that go first": lambda pod: pod.pop("initContainers"),
    "a selection of files": lambda pod: [each.get("secret", {}).pop("items", None) for each in pod["volumes"]],
}


@pytest.mark.parametrize("change", TAKEN_OUT.values(), ids=TAKEN_OUT.keys())
def test_c8_so_does_what_is_taken_out_of_it(change: Callable[[Manifest], object]) -> None:
    wanted = copy.deepcopy(made()[0])
    change(wanted["spec"]["template"]["spec"])
    assert restarts(wanted, served(made()[0]), files=True)


def test_c8_validators_that_no_run_waits_for_do_not_restart_together_for_their_memory() -> None:
    careless = {"defaults.awaitReady": False}
    plan = plan_of(
        alpha({**careless, "defaults.resources.memoryLimit": "5Gi"}), last=floats(outputs_of(plan_of(alpha())))
    )
    there = {each["metadata"]["labels"]["archipelago/node"]: served(each) for each in made(careless)}
    (problem,) = unawaited(plan, list(manifests(plan)), there)
    assert "quorum-node1, quorum-node2, quorum-node3 at the same time" in problem.message
    same = plan_of(alpha(careless), last=floats(outputs_of(plan_of(alpha()))))
    assert not list(unawaited(same, list(manifests(same)), there))


ALLOCATED: dict[str, dict[str, Any]] = {
    "rules of later blocks": {"network.genesisFile": "genesis.json"},
    "Tessera's API for others": {"defaults.api": {"thirdParty": True}},
    "their keys": {"defaults.identity": {"generation": 2}, "losesValidators": [f"quorum-node{n}" for n in (1, 2, 3)]},
    "another address": {"cluster.address": "203.0.113.11"},
    "another way out": {"defaults.exposure": {"type": "LoadBalancer"}},
}


def with_later_rules(root: Path, plan: StackPlan) -> None:
    """A `genesis.json` in a folder, as the plan's with rules of a later block."""
    document = json.loads(plan.genesis.text if plan.genesis else "")
    document["config"]["transitions"] = [{"block": 250000, "blockperiodseconds": 5}]
    (root / "genesis.json").write_text(json.dumps(document))


@pytest.mark.parametrize("name", ALLOCATED)
def test_c8_what_nodes_read_at_their_start_counts_where_the_cluster_told_their_endpoints_too(
    name: str, tmp_path: Path
) -> None:
    """Tessera's port is allocated by default, and stands in its configuration."""
    careless: dict[str, Any] = {"defaults.awaitReady": False, "nodes.quorum-node1": {}}
    first = plan_of(alpha(careless))
    with_later_rules(tmp_path, first)
    there = {each["metadata"]["labels"]["archipelago/node"]: served(each) for each in made(careless)}
    last = floats(outputs_of(first))
    same = plan_of(alpha(careless), last=last)
    assert restarting(same, list(manifests(same)), there) == frozenset()
    plan = plan_of(alpha({**careless, **ALLOCATED[name]}), last=last, root=tmp_path)
    assert restarting(plan, list(manifests(plan)), there) == set(there)
    allowed = set(plan.settings.loses_validators) == set(there)
    assert allowed or [each.path for each in unawaited(plan, list(manifests(plan)), there)] == ["nodes"]


def test_c8_rules_of_later_blocks_count_where_no_output_tells_the_endpoints(tmp_path: Path) -> None:
    """The backend is lost; the genesis in the cluster tells that the file has others."""
    careless: dict[str, Any] = {"defaults.awaitReady": False, "nodes.quorum-node1": {}}
    first = plan_of(alpha(careless))
    with_later_rules(tmp_path, first)
    there = {each["metadata"]["labels"]["archipelago/node"]: served(each) for each in made(careless)}
    last = {**floats(outputs_of(first)), "externalNodes": []}
    plan = plan_of(alpha({**careless, "network.genesisFile": "genesis.json"}), last=last, root=tmp_path)
    assert restarting(plan, list(manifests(plan)), there) == set(there)
    same = plan_of(alpha(careless), last=last)
    assert restarting(same, list(manifests(same)), there) == frozenset()


LONG = "m" * 40


def named(excess: int) -> Config:
    """A stack with a node whose objects have a name that is too long by so many characters."""
    return alpha({"network.name": "n" * (11 + excess), f"nodes.{LONG}": {}})


@pytest.mark.parametrize("excess", [1, 2])
def test_c5_a_new_node_whose_name_leaves_no_room_for_a_set_is_refused(excess: int) -> None:
    (problem,), warnings = too_long(plan_of(named(excess)), {})
    assert (problem.path, warnings) == (f"nodes.{LONG}", [])
    assert f"-{LONG} must have at most 52 characters, got {52 + excess}" in problem.message
    assert too_long(plan_of(named(0)), {}) == ([], [])


def test_c5_one_that_is_there_stays_a_deployment_and_is_told() -> None:
    """It may be there by its workload, by the outputs, or by what a destroyed stack has left."""
    config = named(1)
    first = plan_of(config)
    runs = {each["metadata"]["labels"]["archipelago/node"]: each for each in manifests(first) if each["kind"] in KINDS}
    assert runs[LONG]["kind"] == "Deployment"
    ways = [too_long(first, runs), too_long(plan_of(config, last=floats(outputs_of(first))), {})]
    ways.append(too_long(replace(first, claims={("consortium", LONG): "0x5eed"}), {}))
    for problems, warnings in ways:
        assert problems == []
        (told,) = warnings
        assert "stays a Deployment" in told and LONG in told


def met(plan: StackPlan, there: list[Manifest]) -> list[Problem]:
    client = cast(Client, FakeClient(there))
    return too_long(plan, {*workloads(client, plan), *left(client, plan)})[0]


@pytest.mark.parametrize("kept", ["Secret", "PersistentVolumeClaim"])
def test_c5_so_does_one_whose_keys_or_data_a_destroyed_stack_has_left(kept: str) -> None:
    """Shorter names would leave its volume behind, and a node on a claim of the user's has no mark on it."""
    configs = [named(1), changed(named(2), {"defaults.storage": {"claim": "chains"}})]
    for config in configs if kept == "Secret" else configs[:1]:
        there = [each for each in manifests(plan_of(config)) if each["kind"] == kept]
        for each in there:
            each["metadata"].get("annotations", {}).pop("archipelago/genesis", None)
        assert met(plan_of(config), there) == []
        taken_out = plan_of(changed(config, {f"nodes.{LONG}": GONE}))
        assert met(plan_of(config, last=floats(outputs_of(taken_out))), there) == [], "and comes again"
        for each in there:
            each["metadata"]["labels"]["archipelago/owner"] = "gamma.cluster-g.12345678"
        assert [each.path for each in met(plan_of(config), there)] == [f"nodes.{LONG}"]


def earlier(*, unseen: bool) -> list[Manifest]:
    """Workloads of this stack as they were made while nodes were Deployments."""
    there = copy.deepcopy(made())
    for each in there:
        each["kind"] = "Deployment"
        each["metadata"]["annotations"] = {"pulumi.com/skipAwait": "true"} if unseen else {}
    return there


def pod(node: str) -> Manifest:
    labels = {"archipelago/network": "consortium", "archipelago/node": node}
    return {"kind": "Pod", "metadata": {"name": node, "namespace": "consortium", "labels": labels}}


def ends(there: list[Manifest], *, lost: bool = False) -> list[str]:
    """What is said of workloads that become others, where the last outputs know them or are lost."""
    last = None if lost else floats(outputs_of(plan_of(alpha())))
    plan, client = plan_of(alpha(), last=last), cast(Client, FakeClient(there))
    return [problem.text("") for problem in beside(client, plan, made(), workloads(client, plan))]


def test_c5_a_deployment_that_no_run_waits_for_is_stopped_by_hand_before_it_becomes_a_set() -> None:
    """The provider waits for the end of what it deletes, but where it was told to wait for nothing."""
    assert not ends([*earlier(unseen=False), pod("quorum-node2")])
    assert not ends(earlier(unseen=True))
    (told,) = ends([*earlier(unseen=True), pod("quorum-node2")])
    assert "nodes.quorum-node2" in told
    assert "scale deployment/consortium-quorum-node2 --replicas=0" in told
    assert "wait --for=delete pod -l archipelago/network=consortium,archipelago/node=quorum-node2" in told


def test_c5_deployments_that_a_lost_state_does_not_know_end_before_sets_start_beside_them() -> None:
    """The state names nothing to replace: the set would be made, and the Deployment left with the same keys."""
    (told,) = ends([*earlier(unseen=False), pod("quorum-node2")], lost=True)
    assert "this stack's outputs do not know the Deployment" in told
    assert "scale deployment/consortium-quorum-node2 --replicas=0" in told
    assert not ends(earlier(unseen=False), lost=True), "they were stopped"
    assert not ends([*copy.deepcopy(made()), pod("quorum-node2")], lost=True), "sets are taken over as they run"


@pytest.mark.parametrize("forbidden", [True, False])
def test_c5_pods_that_are_not_shown_are_no_traceback(forbidden: bool) -> None:
    class Silent:
        def list(self, *_: object, **__: object) -> None:
            if not forbidden:
                raise httpx2.ConnectError("refused")
            status = {"code": 403, "message": "pods is forbidden"}
            raise ApiError(response=httpx2.Response(403, json=status, request=httpx2.Request("GET", "http://x")))

    plan = plan_of(alpha())
    there = workloads(cast(Client, FakeClient(earlier(unseen=True))), plan)
    with pytest.raises(Unreachable, match="refuses to list the pods" if forbidden else "does not answer"):
        list(beside(cast(Client, Silent()), plan, made(), there))


def test_c5_somebodys_deployment_with_the_name_of_a_set_of_ours_is_in_the_way() -> None:
    """As runner_k8s leaves it: its pod would run beside ours with the same account."""
    plan = plan_of(cita.local())
    left = copy.deepcopy(next(each for each in manifests(plan) if each["metadata"]["name"] == "test-chain-0"))
    left |= {"kind": "Deployment", "metadata": {"name": "test-chain-0", "namespace": plan.namespace, "labels": {}}}
    left["spec"] = made()[0]["spec"]
    (problem,) = found(plan, [left])
    assert f"Deployment {plan.namespace}/test-chain-0" in problem.message


def test_c5_a_claim_is_compared_with_that_of_the_deployment_that_runs() -> None:
    plan = plan_of(alpha())
    there = earlier(unseen=False)
    volumes = there[0]["spec"]["template"]["spec"]["volumes"]
    next(each for each in volumes if each["name"] == "data")["persistentVolumeClaim"]["claimName"] = "another"
    (problem,) = found(plan, there)
    assert "its data is on the claim another" in problem.message


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, False),
        ({"defaults.securityContext": {"runAsUser": 430}}, True),
        ({"defaults.securityContext": {"runAsUser": 430, "fsGroup": 430}}, False),  # kubelet gives the files to 430
        ({"defaults.securityContext": {"runAsUser": 430, "fsGroupChangePolicy": "Always"}}, False),
        ({"defaults.securityContext": {"runAsGroup": 430}}, False),
        ({"cluster.openshift": True}, False),  # another fsGroup, too
        ({"cluster.openshift": True, "defaults.securityContext": {"fsGroup": 1000}}, True),
    ],
)
def test_r20_a_running_node_is_not_started_as_a_user_who_cannot_write_its_files(
    changes: dict[str, Any], *, refused: bool
) -> None:
    plan = plan_of(alpha(changes))
    there = {each["metadata"]["labels"]["archipelago/node"]: served(each) for each in made()}
    found = list(others(plan, list(manifests(plan)), there))
    paths = [f"nodes.{name}.securityContext.runAsUser" for name in there]
    assert [each.path for each in found] == (paths if refused else [])
    assert all("must be 1000" in each.message and "Always" in each.cure for each in found)
    assert not list(others(plan, list(manifests(plan)), {}))
