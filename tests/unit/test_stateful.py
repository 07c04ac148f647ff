"""Nodes whose pods keep their names, and ways to them that not every protocol has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from archipelago.manifests.common import Manifest
from archipelago.model.endpoint import Exposed
from archipelago.problems import Problem, Refused
from operate.addresses import addresses
from operate.drift import drift
from operate.findings import Mark
from tests.pools import PROXY, plan_of
from tests.stacks import changed
from tests.unit.test_namespaces import deployed
from tests.unit.test_operate_cluster import found, without_spaces
from tests.world import MANAGED, objects

pytestmark = pytest.mark.unit

ARCHIVE = "pools.public.members.archive"
STATEFUL = {f"{ARCHIVE}.stateful": True}
ROUTED = {**STATEFUL, f"{ARCHIVE}.entry_point".replace("_p", "P"): "ipfs"}


def refused(changes: dict[str, Any]) -> tuple[Problem, ...]:
    with pytest.raises(Refused) as caught:
        plan_of(changes)
    return caught.value.problems


def of(changes: dict[str, Any], kind: str, name: str) -> Manifest:
    return objects(plan_of(changes))[kind, f"outside/{name}"]


def test_a_node_whose_pod_keeps_its_name_runs_the_same_pod_under_one_set_of_one() -> None:
    made = of(STATEFUL, "StatefulSet", "public-archive-ss")
    plain = of({}, "Deployment", "research-public-archive")
    assert made["spec"]["replicas"] == 1
    assert made["spec"]["selector"] == plain["spec"]["selector"]
    assert made["spec"]["template"]["spec"]["containers"] == plain["spec"]["template"]["spec"]["containers"]
    assert "volumeClaimTemplates" not in made["spec"]
    volumes = {each["name"]: each for each in made["spec"]["template"]["spec"]["volumes"]}
    assert volumes["data"]["persistentVolumeClaim"]["claimName"] == "public-archive-ss-data"
    assert ("Deployment", "outside/public-archive-ss") not in objects(plan_of(STATEFUL))


def test_its_pod_is_found_by_its_name_ready_or_not() -> None:
    headless = of(STATEFUL, "Service", "public-archive")
    assert of(STATEFUL, "StatefulSet", "public-archive-ss")["spec"]["serviceName"] == "public-archive"
    assert headless["spec"]["clusterIP"] == "None"
    assert headless["spec"]["publishNotReadyAddresses"] is True
    assert "clusterIP" not in of(STATEFUL, "Service", "public-archive-swarm")["spec"]


def test_its_rollout_is_awaited_by_the_new_pod_and_a_bad_one_is_not_in_its_cures_way() -> None:
    """Ordered sets wait for a pod that never gets ready, also when its template was taken back."""
    made = of(STATEFUL, "StatefulSet", "public-archive-ss")
    asked = json.loads(made["metadata"]["annotations"]["pulumi.com/waitFor"])
    assert asked == ["jsonpath={.status.updatedReplicas}=1", "jsonpath={.status.availableReplicas}=1"]
    assert int(made["metadata"]["annotations"]["pulumi.com/timeoutSeconds"]) > 600
    assert made["spec"]["podManagementPolicy"] == "Parallel"
    careless = of({**STATEFUL, f"{ARCHIVE}.awaitReady": False}, "StatefulSet", "public-archive-ss")
    assert careless["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"} | MANAGED


def test_a_secret_beside_the_identity_is_kept_like_it() -> None:
    made = of(STATEFUL, "Secret", "public-archive-shared")
    assert made["stringData"] == {"swarm-key": "secret words"}
    assert made["metadata"]["annotations"] == {"archipelago/stack": "cluster-a"} | MANAGED


def test_a_proxy_hands_everything_at_its_entry_point_to_the_service() -> None:
    route, service = (of(ROUTED, kind, "public-archive-swarm") for kind in ("IngressRouteTCP", "Service"))
    assert route["apiVersion"] == "traefik.io/v1alpha1"
    assert route["spec"] == {
        "entryPoints": ["ipfs"],
        "routes": [{"match": "HostSNI(`*`)", "services": [{"name": "public-archive-swarm", "port": 30303}]}],
    }
    assert service["spec"]["type"] == "ClusterIP"


def test_a_routed_node_is_dialled_at_the_proxy() -> None:
    record = next(each for each in plan_of(ROUTED).records if each.name == "public-archive")
    assert {name: (str(end), end.exposure) for name, end in record.endpoints.items()} == {
        "p2p": (f"{PROXY}:4001", "Route")
    }


def test_a_load_balancer_is_asked_for_an_address() -> None:
    service = of({**STATEFUL, f"{ARCHIVE}.balanced": "198.51.100.9"}, "Service", "public-archive-swarm")
    assert (service["spec"]["type"], service["spec"]["loadBalancerIP"]) == ("LoadBalancer", "198.51.100.9")


def test_two_nodes_with_one_service_are_refused() -> None:
    """`public` and `archive-swarm`, `public-archive` and its Service for partners: one name."""
    other = {"pools.public.members.archive-swarm": {"stateful": True}}
    (problem,) = refused({**STATEFUL, **other})
    assert problem.path == "pools.public.members.archive-swarm"
    assert "named public-archive-swarm, as that of archipelago:pools.public.members.archive is" in problem.message
    apart = {"pools.private.members.archive": {"stateful": True}}
    assert plan_of({**STATEFUL, **apart})


def test_a_set_whose_pods_no_label_could_name_is_refused() -> None:
    """Its controller puts its name and a hash in a label of each pod, and would fail with the set made."""
    pool, name = "p" * 10, "n" * 40
    long = {f"pools.{pool}": {"members": {name: {"stateful": True}}}, "network.name": "r"}
    (problem,) = refused(long)
    assert problem.path == f"pools.{pool}.members.{name}"
    assert f"its workload would be named {pool}-{name}-ss, 2 characters too long" in problem.message
    assert plan_of(changed(long, {f"pools.{pool}": {"members": {"n" * 38: {"stateful": True}}}}))


def test_a_stateful_stack_that_is_there_is_not_in_its_own_way_and_another_claim_is() -> None:
    plan = plan_of(ROUTED)
    there = without_spaces(plan)
    assert found(plan, there) == []
    for each in there:
        if each["kind"] == "StatefulSet":
            other = {"name": "data", "persistentVolumeClaim": {"claimName": "other"}}
            each["spec"]["template"]["spec"]["volumes"] = [other]
    (problem,) = found(plan, there)
    assert problem.path == f"{ARCHIVE}.storage"
    assert "its data is on the claim other" in problem.message


def test_a_set_or_a_route_of_somebody_else_is_in_the_way() -> None:
    for kind in ("StatefulSet", "IngressRouteTCP"):
        other = next(each for each in without_spaces(plan_of(ROUTED)) if each["kind"] == kind)
        (problem,) = found(plan_of(ROUTED), [changed(other, {"metadata.labels": {}})])
        assert f"{kind} outside/{other['metadata']['name']} is there already" in problem.message


def test_a_cluster_without_the_proxys_kinds_is_told_of_before_anything_is_made() -> None:
    (problem,) = found(plan_of(ROUTED), [], unknown=("IngressRouteTCP",))
    assert problem.path == ARCHIVE
    assert "knows no IngressRouteTCP of traefik.io/v1alpha1" in problem.message
    assert found(plan_of(STATEFUL), [], unknown=("IngressRouteTCP",)) == []


def test_drift_sees_sets_and_routes() -> None:
    plan = plan_of(ROUTED)
    there = [changed(each, {}) for each in without_spaces(plan)]
    for each in there:
        if each["kind"] == "StatefulSet":
            each["spec"]["replicas"] = 0
        if each["kind"] == "IngressRouteTCP":
            each["spec"]["entryPoints"] = ["web"]
    seen = [each.seen for each in drift(deployed(plan, there)) if each.mark is Mark.FAILED]
    assert "StatefulSet outside/public-archive-ss: spec.replicas: 0 instead of 1" in seen
    assert "IngressRouteTCP outside/public-archive-swarm: spec.entryPoints[0]: web instead of ipfs" in seen


def test_a_headless_service_is_dialled_by_its_name() -> None:
    plan = plan_of(STATEFUL)
    site = deployed(plan, without_spaces(plan)).site
    listed = {each.service: str(each.endpoint) for each in addresses(site, Exposed.CLUSTER_IP, {})}
    assert listed["public-archive"] == "public-archive.outside.svc.cluster.local:30303"
