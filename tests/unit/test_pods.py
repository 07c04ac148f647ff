"""The pods that run nodes: what they may, what they see, when they count as there, how they end."""

from __future__ import annotations

import json
import re

import pytest

from archipelago.stack.plan import StackPlan
from tests.stacks import alpha, plan_of
from tests.unit.plans import SECOND, deployments, each_plan, later
from tests.world import MANAGED, objects

pytestmark = pytest.mark.unit


@each_plan
def test_a_node_is_one_pod_that_is_gone_before_the_next_one_starts(plan: StackPlan) -> None:
    """Two at once on one volume and one validator key sign against each other."""
    for each in deployments(plan):
        assert each["kind"] == "StatefulSet"  # of a Deployment a deleted pod's successor starts beside it
        assert each["spec"]["replicas"] == 1


@each_plan
def test_live_files_are_mounted_as_a_directory_and_stand_outside_the_pod_template(plan: StackPlan) -> None:
    """A subPath mount never sees a change."""
    for each in deployments(plan):
        assert "subPath" not in json.dumps(each)
        pod = each["spec"]["template"]["spec"]
        assert {"name": "peers", "configMap": {"name": f"{plan.network}-peers"}} in pod["volumes"]
        for container in (*pod["initContainers"], *pod["containers"]):
            assert {"name": "peers", "mountPath": "/peers", "readOnly": True} in container["volumeMounts"]


@each_plan
def test_a_container_sees_only_the_private_files_that_it_needs(plan: StackPlan) -> None:
    needed = {"init": {"keystore.json"}, "quorum": {"nodekey"}, "tessera": {"tm.key"}, "peers": set[str]()}
    for node, each in zip(plan.nodes, deployments(plan), strict=False):
        pod = each["spec"]["template"]["spec"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for container in (*pod["initContainers"], *pod["containers"]):
            mounted = [volumes[mount["name"]] for mount in container["volumeMounts"]]
            secrets = [volume["secret"] for volume in mounted if "secret" in volume]
            unlocked = (
                {"password"} if container["name"] == "quorum" and plan.settings.nodes[node.name].unlock else set()
            )
            seen = {item["key"] for secret in secrets for item in secret["items"]}
            assert seen == needed[container["name"]] | unlocked
            for secret in secrets:
                assert secret["secretName"] == f"{node.object_name}-identity"
                assert secret["defaultMode"] == 0o440


@each_plan
def test_pods_run_without_root_or_rights_in_the_cluster(plan: StackPlan) -> None:
    for each in deployments(plan):
        pod = each["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in (*pod["initContainers"], *pod["containers"]):
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert not container["image"].endswith(":latest")
            assert ":" in container["image"]


@each_plan
def test_every_container_says_what_it_needs_and_no_cpu_is_ever_throttled(plan: StackPlan) -> None:
    """A validator that is throttled misses its turn; memory without a limit takes the machine with it."""
    for each in deployments(plan):
        pod = each["spec"]["template"]["spec"]
        for container in (*pod["initContainers"], *pod["containers"]):
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert container["resources"]["limits"].keys() == {"memory"}


@each_plan
def test_a_shell_is_replaced_by_its_process_or_takes_the_signal_itself(plan: StackPlan) -> None:
    """Process 1 ignores SIGTERM otherwise, and geth is killed in the middle of its database."""
    for each in deployments(plan):
        for container in each["spec"]["template"]["spec"]["containers"]:
            script = container["command"][2]
            assert ("while " in script) <= (re.search("trap '.*' TERM", script) is not None)
            assert re.match("done|exec |stay ", script.splitlines()[-1])


@each_plan
def test_an_hour_of_opening_a_database_is_no_failed_rollout(plan: StackPlan) -> None:
    for each in deployments(plan):
        timeout = int(each["metadata"]["annotations"]["pulumi.com/timeoutSeconds"])
        assert timeout > 3600 + each["spec"]["minReadySeconds"]
        (geth,) = [c for c in each["spec"]["template"]["spec"]["containers"] if c["name"] == "quorum"]
        assert geth["startupProbe"]["periodSeconds"] * geth["startupProbe"]["failureThreshold"] == 3600


def test_a_node_is_there_when_it_has_had_the_time_to_find_that_it_is_behind() -> None:
    """geth 22.7.4 with one peer says that it is not syncing until 10 s after its start, however far it is behind."""
    spec = objects(plan_of(alpha()))["StatefulSet", "consortium-quorum-node2"]["spec"]
    readiness = spec["template"]["spec"]["containers"][0]["readinessProbe"]
    seen = 10 + readiness["periodSeconds"] * readiness["failureThreshold"]
    assert seen <= spec["minReadySeconds"]


def test_a_node_that_may_sync_for_hours_holds_up_nobody_who_says_so() -> None:
    found = objects(later({f"{SECOND}.awaitReady": False}))
    waited = {name: each["metadata"]["annotations"] for (kind, name), each in found.items() if kind == "StatefulSet"}
    assert waited.pop("consortium-quorum-node2") == {"pulumi.com/skipAwait": "true"} | MANAGED
    keys = [{"pulumi.com/waitFor", "pulumi.com/timeoutSeconds"}] * 2
    assert [each.keys() - MANAGED for each in waited.values()] == keys


def test_a_rollout_is_judged_by_its_new_pod() -> None:
    """One condition alone is true of the old pod while it is about to be stopped (decision 0014)."""
    found = objects(plan_of(alpha()))["StatefulSet", "consortium-quorum-node1"]["metadata"]["annotations"]
    assert json.loads(found["pulumi.com/waitFor"]) == [
        "jsonpath={.status.updatedReplicas}=1",
        "jsonpath={.status.availableReplicas}=1",
    ]
