"""A stack whose nodes stand in several namespaces: each has all that its nodes need, and each is looked at."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from archipelago.manifests.common import Manifest
from archipelago.model.endpoint import Endpoint
from archipelago.problems import Refused
from archipelago.settings.models import Cluster
from archipelago.stack.plan import StackPlan
from operate.check_nodes import pods as check_pods
from operate.drift import drift
from operate.findings import Mark
from operate.kubectl import Kubectl
from operate.remains import remains
from operate.site import Seen, Site, pods
from operate.stack import Stack
from tests.fake_network import FakeCluster
from tests.pools import KIND, KINDS, plan_of
from tests.stacks import GONE, changed, floats, outputs_of
from tests.unit.test_operate_cluster import found, without_spaces
from tests.world import objects

pytestmark = pytest.mark.unit

PUBLIC = "pools.public"
ARCHIVE = "outside/research-public-archive"


def in_namespace(plan: StackPlan, namespace: str) -> set[tuple[str, str]]:
    listed = objects(plan).values()
    return {
        (each["kind"], each["metadata"]["name"]) for each in listed if each["metadata"].get("namespace") == namespace
    }


def test_everything_of_a_node_stands_in_its_namespace() -> None:
    stem = "research-public-archive"
    there = {each for each in in_namespace(plan_of(), "outside") if each[1].startswith(stem)}
    assert there == {
        ("Secret", f"{stem}-identity"),
        ("PersistentVolumeClaim", f"{stem}-data"),
        ("Service", stem),
        ("Deployment", stem),
    }
    assert not [name for _, name in in_namespace(plan_of(), "ours") if name.startswith(stem)]


def test_what_all_nodes_share_stands_in_every_namespace_that_has_nodes() -> None:
    shared = {("ConfigMap", "research-genesis"), ("ConfigMap", "research-peers"), ("NetworkPolicy", "research-peers")}
    found_there = objects(plan_of())
    for namespace in ("ours", "outside"):
        assert shared <= in_namespace(plan_of(), namespace)
    assert (
        found_there["ConfigMap", "outside/research-peers"]["data"] == found_there["ConfigMap", "research-peers"]["data"]
    )
    alone = plan_of({"pools.private": GONE})
    assert in_namespace(alone, "ours") == set()
    assert shared <= in_namespace(alone, "outside")


def test_the_stack_makes_the_namespaces_that_nobody_says_are_there() -> None:
    def spaces(plan: StackPlan) -> set[str]:
        return {name for kind, name in objects(plan) if kind == "Namespace"}

    assert spaces(plan_of()) == {"ours", "outside"}
    assert spaces(plan_of({f"{PUBLIC}.createNamespace": False})) == {"ours"}
    assert spaces(plan_of({"cluster.createNamespace": False})) == {"outside"}


def test_a_volume_waits_for_the_claim_in_its_nodes_namespace() -> None:
    local = {"host": "machine-1", "path": "/srv/archive"}
    plan = plan_of({f"{PUBLIC}.members.archive.storage": {"local": local}})
    volume = objects(plan)["PersistentVolume", "outside.research-public-archive-data"]
    assert volume["spec"]["claimRef"]["namespace"] == "outside"


def test_a_policy_lets_in_what_the_nodes_of_its_namespace_offer_and_out_to_all() -> None:
    found_there = objects(plan_of())
    for name in ("research-peers", "outside/research-peers"):
        policy = found_there["NetworkPolicy", name]
        assert policy["spec"]["ingress"][0]["ports"] == policy["spec"]["egress"][1]["ports"]


def test_a_record_tells_the_namespace_of_a_node_that_stands_elsewhere() -> None:
    exported = {each["name"]: each.get("namespace") for each in outputs_of(plan_of())["externalNodes"]}
    assert exported == {"private-archive": None, "public-archive": "outside", "public-cache": "outside"}


@pytest.mark.parametrize("namespace", ["ours", "third"])
def test_a_pool_that_would_move_and_leave_its_data_behind_is_refused(namespace: str) -> None:
    last = floats(outputs_of(plan_of()))
    plan_of({}, last)
    with pytest.raises(Refused) as caught:
        plan_of({f"{PUBLIC}.namespace": namespace}, last)
    paths = [each.path for each in caught.value.problems]
    assert paths == [f"{PUBLIC}.members.archive", f"{PUBLIC}.members.cache"]
    assert "runs in the namespace outside" in caught.value.problems[0].message


def test_what_is_there_is_not_in_its_own_way_in_any_namespace() -> None:
    assert found(plan_of(), without_spaces(plan_of())) == []


def test_an_object_of_somebody_else_is_found_in_every_namespace_and_told_where_that_is_written() -> None:
    taken: Manifest = {
        "kind": "Secret",
        "metadata": {"name": "research-public-archive-identity", "namespace": "outside"},
    }
    (problem,) = found(plan_of(), [taken])
    assert problem.path == f"{PUBLIC}.namespace"
    assert "Secret outside/research-public-archive-identity is there already" in problem.message
    assert found(plan_of(), [changed(taken, {"metadata.namespace": "ours"})]) == []


def test_a_namespace_that_the_stack_shall_not_make_has_to_be_there() -> None:
    """Else half a stack is made before the API server says it."""
    theirs = plan_of({f"{PUBLIC}.createNamespace": False})
    (problem,) = found(theirs, [])
    assert problem.path == f"{PUBLIC}.namespace"
    assert "kubectl create namespace outside; or set archipelago:pools.public.createNamespace: true" in problem.cure
    space: Manifest = {"kind": "Namespace", "metadata": {"name": "outside", "labels": {}}}
    assert found(theirs, [space]) == []


def test_a_namespace_of_somebody_else_is_refused_where_it_is_written() -> None:
    space: Manifest = {"kind": "Namespace", "metadata": {"name": "outside", "labels": {}}}
    plan = plan_of()
    mine = [each for each in objects(plan).values() if each["metadata"]["name"] == "ours"]
    (problem,) = found(plan, [space, *mine], spaces=False)
    assert problem.path == f"{PUBLIC}.namespace"
    assert "archipelago:pools.public.createNamespace: false" in problem.cure


def deployed(plan: StackPlan, there: list[Manifest]) -> Stack:
    cluster = FakeCluster("ours", "research", {}, there, more=("outside",))
    elsewhere = {node.name: node.namespace for node in plan.nodes if node.namespace != "ours"}
    names = tuple(node.name for node in plan.nodes)
    site = Site("cluster-a", "alpha", "research", names, KINDS[KIND], cluster, elsewhere)
    pins = {
        node.name: {port.name: Endpoint(host="203.0.113.10", port=30300) for port in node.service.ports}
        for node in plan.nodes
    }
    records = tuple(each.model_copy(update={"endpoints": pins[each.name]}) for each in plan.records)
    network = outputs_of(plan)["network"]
    return Stack(site, network, records, plan=plan)


def test_drift_is_told_by_namespace() -> None:
    plan = plan_of()
    there = [each for each in objects(plan).values() if each["kind"] != "Namespace"]
    lacking = [
        each for each in there if each["metadata"]["name"] != "research-public-archive" or each["kind"] != "Deployment"
    ]
    seen = [each.seen for each in drift(deployed(plan, lacking)) if each.mark is Mark.FAILED]
    assert "Deployment outside/research-public-archive is missing" in seen
    genesis = next(
        each
        for each in lacking
        if each["metadata"]["name"] == "research-genesis" and each["metadata"]["namespace"] == "outside"
    )
    genesis["data"] = {}
    seen = [each.seen for each in drift(deployed(plan, lacking)) if each.mark is Mark.FAILED]
    assert [each for each in seen if each.startswith("ConfigMap outside/research-genesis: data")]
    assert not [each for each in seen if each.startswith("ConfigMap research-genesis")]


def test_what_a_node_left_is_found_in_its_namespace() -> None:
    stack = deployed(plan_of(), list(objects(plan_of()).values()))
    left = remains(stack.site.access, "research", "public-archive")
    assert {(each.kind, each.namespace) for each in left} == {
        ("PersistentVolumeClaim", "outside"),
        ("Secret", "outside"),
    }


def test_a_pod_is_known_with_its_namespace_and_a_missing_one_is_looked_for_there() -> None:
    pod: Manifest = {
        "kind": "Pod",
        "metadata": {
            "name": "research-public-archive-x",
            "namespace": "outside",
            "labels": {"archipelago/network": "research", "archipelago/node": "public-archive"},
        },
        "spec": {"containers": [{"name": "quorum", "image": "i"}]},
        "status": {"phase": "Running", "containerStatuses": []},
    }
    stack = deployed(plan_of(), [pod])
    assert pods(stack.site)["public-archive"].namespace == "outside"
    cures = [
        each.cure
        for each in check_pods([Seen(stack.site, "public-cache", None), Seen(stack.site, "private-archive", None)])
    ]
    assert cures[0].startswith("kubectl -n outside get")
    assert cures[1].startswith("kubectl -n ours get")


def test_kubectl_is_asked_in_every_namespace_and_tells_of_a_volume_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {
        namespace: {
            "items": [
                {"kind": "Pod", "metadata": {"name": "one", "namespace": namespace}},
                {"kind": "PersistentVolume", "metadata": {"name": "disk"}},
            ]
        }
        for namespace in ("ours", "outside")
    }
    for namespace, answer in listed.items():
        (tmp_path / namespace).write_text(json.dumps(answer))
    program = tmp_path / "kubectl"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncat {tmp_path}/"$2"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    access = Kubectl(Cluster.model_validate({"namespace": "ours"}), ("ours", "outside"))
    assert access.namespaces == ("ours", "outside")
    got = [(each["kind"], each["metadata"].get("namespace")) for each in access.get(["pod", "persistentvolume"])]
    assert got == [("Pod", "ours"), ("PersistentVolume", None), ("Pod", "outside")]
    access.delete("pod", "one", "outside")
    access.run("one", "main", ["true"])
    *_, deleted, ran = (tmp_path / "asked").read_text().splitlines()
    assert deleted.startswith("--namespace outside delete pod one")
    assert ran.startswith("--namespace ours exec one")
