"""Where nodes keep their data: directories of machines and NFS servers, or claims of others, whatever the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from archipelago.manifests.common import OWNER, Manifest
from archipelago.problems import Problem
from archipelago.stack.plan import StackPlan
from operate.drift import drift
from operate.findings import Mark
from operate.kubectl import Failed
from operate.remains import remains
from tests import cita
from tests.fake_network import FakeCluster, FakeNetwork
from tests.stacks import Config, alpha, changed, plan_of, problems_of
from tests.world import objects

pytestmark = pytest.mark.unit

LOCAL = {"local": {"host": "machine-1", "path": "/srv/chain/"}}
NFS = {"nfs": {"server": "nfs.example.org", "path": "/export/chain"}}
VOLUME, CLAIM = "PersistentVolume", "PersistentVolumeClaim"


def goquorum(storage: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> Config:
    """A stack of one node that keeps its data there."""
    config = alpha({"partners": {}, "nodes": {"quorum-node1": {"validator": True}}, "defaults.storage": dict(storage)})
    return changed(config, changes or {})


def stored(storage: Mapping[str, Any]) -> tuple[Manifest, Manifest, StackPlan]:
    """The volume and the claim of a node."""
    plan = plan_of(goquorum(storage))
    found = objects(plan)
    name = "consortium-quorum-node1-data"
    return found[VOLUME, f"consortium.{name}"], found[CLAIM, name], plan


def test_a_directory_of_a_machine_is_a_volume_that_only_that_machine_has() -> None:
    """The same path on two machines is two disks: a pod that moved would find an empty one."""
    volume, claim, _ = stored(LOCAL)
    assert volume["spec"]["local"] == {"path": "/srv/chain"}
    assert volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"] == [
        {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["machine-1"]}]}
    ]
    assert claim["spec"]["storageClassName"] == "archipelago-local"


def test_a_directory_of_an_nfs_server_is_mounted_wherever_the_pod_runs() -> None:
    volume, claim, _ = stored(NFS)
    assert volume["spec"]["nfs"] == {"server": "nfs.example.org", "path": "/export/chain"}
    assert "nodeAffinity" not in volume["spec"]
    # left out it would be the cluster's default class, which makes another volume
    assert claim["spec"]["storageClassName"] == ""


@pytest.mark.parametrize("storage", [LOCAL, NFS], ids=["local", "nfs"])
def test_a_volume_and_its_claim_bind_to_each_other_and_to_nobody_else(storage: dict[str, Any]) -> None:
    volume, claim, plan = stored(storage)
    meta, spec = volume["metadata"], volume["spec"]
    assert claim["spec"]["volumeName"] == meta["name"]
    assert (spec["claimRef"]["namespace"], spec["claimRef"]["name"]) == ("consortium", claim["metadata"]["name"])
    for key in ("accessModes", "storageClassName"):
        assert spec[key] == claim["spec"][key]
    assert spec["capacity"] == claim["spec"]["resources"]["requests"] == {"storage": "20Gi"}
    assert spec["persistentVolumeReclaimPolicy"] == "Retain"
    assert (meta["labels"][OWNER], meta["annotations"]["pulumi.com/patchForce"]) == (plan.owner, "true")
    assert "namespace" not in meta


def test_volumes_of_two_namespaces_never_have_one_name() -> None:
    """Volumes are the cluster's: a-b and c must not be what a and b-c are."""
    names = {
        next(name for kind, name in objects(plan_of(config)) if kind == VOLUME)
        for space, network in (("a-b", "c"), ("a", "b-c"))
        for config in [goquorum(NFS, {"cluster.namespace": space, "network.name": network})]
    }
    assert len(names) == 2


def test_nodes_on_one_claim_have_a_folder_each() -> None:
    config = goquorum({"claim": "shared"}, {"nodes.quorum-node2": {"validator": True}})
    found = objects(plan_of(config))
    assert not [name for kind, name in found if kind in (CLAIM, VOLUME)]
    for node in ("consortium-quorum-node1", "consortium-quorum-node2"):
        pod = found["StatefulSet", node]["spec"]["template"]["spec"]
        (data,) = (each for each in pod["volumes"] if each["name"] == "data")
        assert data["persistentVolumeClaim"]["claimName"] == "shared"
        mounts = [m for each in (*pod["initContainers"], *pod["containers"]) for m in each["volumeMounts"]]
        assert {each["subPath"] for each in mounts if each["name"] == "data"} == {node}


def test_a_cita_node_is_stored_in_the_same_ways_and_keeps_its_folder() -> None:
    paths = {f"nodes.node{index}.storage": {"nfs": {**NFS["nfs"], "path": f"/export/{index}"}} for index in range(3)}
    found = objects(cita.plan_of(cita.local(paths)))
    assert found[VOLUME, "chains.test-chain-2-data"]["spec"]["nfs"]["path"] == "/export/2"
    shared = objects(cita.plan_of(cita.local({"defaults.storage": {"claim": "local-pvc"}})))
    for each in (found, shared):
        (network,) = (
            container
            for container in each["StatefulSet", "test-chain-1"]["spec"]["template"]["spec"]["containers"]
            if container["name"] == "network"
        )
        folders = [mount["subPath"] for mount in network["volumeMounts"] if mount["name"] == "data"]
        assert folders == ["cita-cloud/test-chain/node1"]


TWO = {"nodes.quorum-node2": {"validator": True}}
REFUSED: dict[str, tuple[Config, str, str]] = {
    "no host": (goquorum({"local": {"path": "/srv"}}), "local.host", "is missing"),
    "no path": (goquorum({"local": {"host": "m"}}), "local.path", "is missing"),
    "no server": (goquorum({"nfs": {"path": "/srv"}}), "nfs.server", "is missing"),
    "no path on the server": (goquorum({"nfs": {"server": "s"}}), "nfs.path", "is missing"),
    "a relative path": (goquorum({"local": {"host": "m", "path": "srv"}}), "local.path", "'srv' is no directory"),
    "the root": (goquorum({"nfs": {"server": "s", "path": "/"}}), "nfs.path", "'/' is no directory"),
    "a way up": (goquorum({"nfs": {"server": "s", "path": "/a/../b"}}), "nfs.path", "'/a/../b' is no directory"),
    "a list of machines": (goquorum({"local": {"host": "a,b", "path": "/a"}}), "local.host", "no machine"),
    "two kinds": (goquorum({**NFS, "storageClass": "fast"}), "", "it names storageClass and nfs"),
    "two nodes in one directory": (goquorum(LOCAL, TWO), "local.path", "machine-1:/srv/chain is not apart from"),
    "a directory in another's": (
        goquorum(NFS, {"nodes.quorum-node2.storage": {"nfs": {"path": "/export/chain/2"}}}),
        "nfs.path",
        "nfs.example.org:/export/chain/2 is not apart from nfs.example.org:/export/chain of",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_directory_that_cannot_be_a_nodes_own_is_refused_with_its_place(name: str) -> None:
    config, key, words = REFUSED[name]
    places = {f"{where}.storage.{key}".rstrip(".") for where in ("defaults", *(f"nodes.{n}" for n in config["nodes"]))}
    told: list[Problem] = [each for each in problems_of(config) if each.path in places]
    assert len(told) == 1, problems_of(config)
    assert words in told[0].message
    assert told[0].cure


def test_what_all_nodes_have_in_common_is_said_once() -> None:
    paths = {f"nodes.quorum-node{n}.storage": {"nfs": {"path": f"/export/{n}"}} for n in (1, 2)}
    found = objects(plan_of(goquorum({"nfs": {"server": "nfs.example.org"}}, paths)))
    volumes = [each["spec"]["nfs"] for (kind, _), each in found.items() if kind == VOLUME]
    assert volumes == [{"server": "nfs.example.org", "path": f"/export/{n}"} for n in (1, 2)]


def test_one_path_of_two_machines_is_two_directories() -> None:
    assert not problems_of(goquorum(LOCAL, {"nodes.quorum-node2.storage": {"local": {"host": "machine-2"}}}))


def test_what_is_left_of_a_node_is_told_in_the_order_in_which_it_can_be_deleted() -> None:
    """A volume whose claim is still there is not gone until the claim is."""
    plan = plan_of(goquorum(LOCAL))
    listed = list(objects(plan).values())
    volume = next(each for each in listed if each["kind"] == VOLUME)
    elsewhere = changed(volume, {"metadata.name": "else.x", "spec.claimRef.namespace": "elsewhere"})
    cluster = FakeCluster("consortium", "consortium", {}, [elsewhere, *listed])
    found = remains(cluster, "consortium", "quorum-node1")
    assert [(each.kind, each.name) for each in found] == [
        (CLAIM, "consortium-quorum-node1-data"),
        (VOLUME, "consortium.consortium-quorum-node1-data"),
        ("Secret", "consortium-quorum-node1-identity"),
    ]


def test_whoever_may_not_see_volumes_can_still_release_a_node() -> None:
    class Narrow(FakeCluster):
        def get(self, kinds: Any, selector: str = "") -> list[Manifest]:
            if "persistentvolume" in kinds:
                raise Failed('persistentvolumes is forbidden: User "x" cannot list resource')
            return super().get(kinds, selector)

    listed = list(objects(plan_of(goquorum({}))).values())
    found = remains(Narrow("consortium", "consortium", {}, listed), "consortium", "quorum-node1")
    assert [each.kind for each in found] == [CLAIM, "Secret"]


def test_a_changed_volume_is_drift() -> None:
    network = FakeNetwork()
    given = network.stack("alpha")
    plan = plan_of(goquorum(NFS))
    there = [changed(each, {}) for each in objects(plan).values()]
    for each in there:
        if each["kind"] == VOLUME:
            each["spec"]["persistentVolumeReclaimPolicy"] = "Delete"
    network.clusters["alpha"].objects = there
    stack = type(given)(given.site, given.network, (), plan=plan)
    found = [each for each in drift(stack) if each.mark is Mark.FAILED]
    assert [each.seen for each in found if VOLUME in each.seen and CLAIM not in each.seen] == [
        "PersistentVolume consortium.consortium-quorum-node1-data: "
        "spec.persistentVolumeReclaimPolicy: Delete instead of Retain"
    ]
