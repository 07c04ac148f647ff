"""What stands in a cluster and would be in the way: found before anything is made, with both owners named."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any, cast

import httpx2
import pytest
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.apps_v1 import Deployment, StatefulSet
from lightkube.resources.core_v1 import ConfigMap, PersistentVolume, PersistentVolumeClaim, Secret, Service

from archipelago.chains.contract import Ask
from archipelago.manifests.common import OWNER, Manifest
from archipelago.manifests.stack import manifests
from archipelago.problems import Problem
from archipelago.stack.plan import StackPlan
from operate.cluster import Unreachable, foreign, given, met
from tests import cita
from tests.stacks import Config, alpha, changed, plan_of, seed

pytestmark = pytest.mark.unit

KINDS: dict[str, Any] = {
    each.__name__: each for each in (Deployment, PersistentVolume, PersistentVolumeClaim, Service, StatefulSet)
}
NFS = {"nfs": {"server": "nfs.example.org", "path": "/export/chain"}}
LOCAL = {"local": {"host": "machine-1", "path": "/srv/chain"}}


class FakeClient:
    """A cluster in which some objects stand."""

    def __init__(self, objects: list[Manifest], unknown: Collection[str] = ()) -> None:
        self.objects = objects
        self.unknown = unknown  # kinds that nobody has installed

    def get(self, kind: type, name: str, *, namespace: str | None = None) -> Any:
        if kind in (ConfigMap, PersistentVolumeClaim, Secret):
            return self._held(kind, name, namespace)
        spaces = (each["metadata"] for each in self.objects if each["kind"] == "Namespace")
        labels = next((each["labels"] for each in spaces if each["name"] == name), None)
        if labels is None:
            raise _not_found()
        return Service.from_dict({"metadata": {"labels": labels}})

    def _held(self, kind: Any, name: str, namespace: str | None) -> Any:
        for each in self.objects:
            meta = each["metadata"]
            if (each["kind"], meta["name"], meta.get("namespace")) == (kind.__name__, name, namespace):
                private = each.get("stringData", {})
                data = {key: base64.b64encode(text.encode()).decode() for key, text in private.items()}
                return kind.from_dict({"metadata": meta, "data": data or each.get("data")})
        raise _not_found()

    def list(self, kind: type, namespace: str | None = None, labels: Mapping[str, Any] | None = None) -> list[Any]:
        if kind.__name__ in self.unknown:  # as an API server says it of a path that it does not know: in plain text
            response = httpx2.Response(404, text="404 page not found", request=httpx2.Request("GET", "https://a"))
            response.raise_for_status()
        found = (each for each in self.objects if each["kind"] == kind.__name__)
        there = [each for each in found if namespace in (None, "*", each["metadata"].get("namespace"))]
        for name, asked in (labels or {}).items():
            wanted = asked if isinstance(asked, str) else asked.value
            equal = isinstance(asked, str)  # the other one that is asked for is "not equal"
            there = [each for each in there if (each["metadata"].get("labels", {}).get(name) == wanted) is equal]
        return [KINDS.get(kind.__name__, Service).from_dict(_served(each)) for each in there]


def _not_found() -> ApiError:
    return ApiError(response=httpx2.Response(404, json={"code": 404, "message": "not found"}))


def _served(manifest: Manifest) -> Manifest:
    """An object as it is read; of most kinds only metadata is looked at."""
    return manifest if manifest["kind"] in KINDS else {"metadata": manifest["metadata"]}


def found(
    plan: StackPlan, there: list[Manifest], *, spaces: bool = True, unknown: Collection[str] = ()
) -> list[Problem]:
    """What is in the way of a stack, whose own namespaces are there."""
    listed = list(manifests(plan))
    ours = [each for each in listed if each["kind"] == "Namespace" and spaces]
    return list(foreign(cast(Client, FakeClient([*ours, *there], unknown)), listed, plan))


def without_spaces(plan: StackPlan) -> list[Manifest]:
    return [each for each in manifests(plan) if each["kind"] != "Namespace"]


def stored(changes: Mapping[str, Any] | None = None) -> Config:
    """A stack of one node in a directory of a machine."""
    node = {"validator": True, "storage": LOCAL}
    return changed(alpha({"partners": {}, "nodes": {"quorum-node1": node}}), changes or {})


def chain(organisation: str, changes: dict[str, Any]) -> StackPlan:
    """A local chain of three nodes, of another organisation than the usual one."""
    return cita.plan_of(cita.local({"organisation": organisation, **changes}))


def test_a_stack_that_is_there_is_not_in_its_own_way() -> None:
    for plan in (cita.plan_of(cita.local()), cita.plan_of(cita.outside()), plan_of(stored())):
        assert found(plan, without_spaces(plan)) == []


def test_two_chains_at_the_default_ports_are_refused_with_both_owners_named() -> None:
    """Two chains of runner_k8s at its default 30004 took each other's every port."""
    there = chain("beta", {"network.name": "other", "cluster.namespace": "elsewhere"})
    problems = found(cita.plan_of(cita.local()), without_spaces(there))
    assert {each.path for each in problems} == {"network", "nodes.node0", "nodes.node1", "nodes.node2"}
    rpc = next(each for each in problems if each.path == "network" and "30004" in each.message)
    for words in ("elsewhere/other-node-port", f"the stack {there.owner}", "test-chain-node-port asks"):
        assert words in rpc.message


def test_a_block_is_refused_in_numbers_that_another_chain_keeps_free() -> None:
    """30005 to 30008 are closed there today; when its monitor is switched on, they are not free any more."""
    there = chain("beta", {"network.name": "other", "cluster.namespace": "elsewhere"})
    mine = cita.plan_of(changed(cita.local(), {"network.portBase": 30015, "nodes": {"node0": {"index": 0}}}))
    (problem, *_) = found(mine, without_spaces(there))
    assert "30015, 30016, 30017, … are reserved by the Service elsewhere/other-node-port" in problem.message
    assert "30004-30019" in str(without_spaces(there))


def test_a_number_that_the_cluster_gave_by_chance_is_refused_only_where_it_is_opened() -> None:
    """Else a chain that runs could not be updated any more, because of a port that it does not use."""
    spec: Manifest = {"ports": [{"port": 80, "nodePort": 30005}], "type": "NodePort"}
    shop = {"kind": "Service", "metadata": {"name": "shop", "namespace": "default"}, "spec": spec}
    assert found(cita.plan_of(cita.local()), [shop]) == []
    (problem,) = found(cita.plan_of(cita.local({"network.monitor": True})), [shop])
    assert problem.path == "nodes.node0"
    assert "NodePort 30005 is held by the Service default/shop of this cluster; monitor-test-chain-0" in problem.message


@pytest.mark.parametrize("waits", [True, False])
def test_two_networks_of_one_name_in_a_namespace_are_refused_though_their_nodes_differ(waits: bool) -> None:
    """Pods are selected by the network's name: each would answer the other's Services."""
    other = changed(alpha({"organisation": "beta", "partners": {}}), {"nodes": {"late": {"validator": True}}})
    there = without_spaces(plan_of(other))
    if waits:
        there = [
            each
            for each in there
            if each["kind"] not in ("ConfigMap", "StatefulSet", "NetworkPolicy", "PodDisruptionBudget")
        ]
    assert "network.name" in {each.path for each in found(plan_of(alpha()), there)}
    elsewhere = without_spaces(plan_of(changed(other, {"network.name": "other"})))
    assert found(plan_of(alpha()), elsewhere) == []


@pytest.mark.parametrize("storage", [LOCAL, NFS], ids=["local", "nfs"])
def test_a_directory_that_is_another_volume_is_refused(storage: dict[str, Any]) -> None:
    config = stored({"nodes.quorum-node1.storage": storage})
    there = without_spaces(plan_of(changed(config, {"cluster.namespace": "elsewhere", "organisation": "beta"})))
    volumes = [each for each in there if each["kind"] == "PersistentVolume"]
    (problem,) = found(plan_of(config), volumes)
    assert problem.path == "nodes.quorum-node1.storage"
    assert "elsewhere.consortium-quorum-node1-data, which belongs to the stack beta." in problem.message


def test_a_volume_that_would_move_and_one_of_somebody_else_are_refused() -> None:
    plan = plan_of(stored())
    volumes = [each for each in manifests(plan) if each["kind"] == "PersistentVolume"]
    moved = plan_of(stored({"nodes.quorum-node1.storage.local.host": "machine-2"}))
    (problem,) = found(moved, volumes)
    assert "is at machine-1 /srv/chain, and a volume cannot move" in problem.message
    theirs = changed(volumes[0], {"metadata.labels": {OWNER: "beta.b.12345678"}})
    (problem,) = found(plan, [theirs])
    assert "belongs to the stack beta.b.12345678" in problem.message


OTHERWISE: dict[str, tuple[Any, Any, str]] = {
    # name: storage before and after, part of the message
    "another class": ({"storageClass": "slow"}, {"storageClass": "fast"}, "the storage class 'slow' and no volume yet"),
    "from a class to a directory": ({"storageClass": "slow"}, LOCAL, "the storage class 'slow'"),
    "from a directory to the default class": (LOCAL, {}, "'archipelago-local' and consortium.consortium-quorum-node1-"),
    "to a claim of others": ({}, {"claim": "theirs"}, "on the claim consortium-quorum-node1-data; on theirs it would"),
    "from a claim of others": ({"claim": "theirs"}, {}, "on the claim theirs; on consortium-quorum-node1-data it"),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_node_that_would_leave_its_data_behind_is_refused(name: str) -> None:
    """The provider would make the claim anew: an empty volume, and with raft a node that must not come back empty."""
    before, after, words = OTHERWISE[name]
    there = without_spaces(plan_of(stored({"nodes.quorum-node1.storage": before})))
    (problem,) = found(plan_of(stored({"nodes.quorum-node1.storage": after})), there)
    assert problem.path == "nodes.quorum-node1.storage"
    assert words in problem.message
    assert "Bring that back" in problem.cure


def test_a_directory_cannot_grow_and_that_is_said_before_the_api_server_says_it() -> None:
    there = without_spaces(plan_of(stored()))
    (problem,) = found(plan_of(stored({"nodes.quorum-node1.storage.size": "1Ti"})), there)
    assert (problem.path, problem.cure[:10]) == ("nodes.quorum-node1.storage.size", "Write 20Gi")
    assert found(plan_of(stored({"nodes.quorum-node1.storage.size": "20480Mi"})), there) == []


def test_a_claim_that_grows_or_took_the_clusters_class_is_left_in_peace() -> None:
    there = without_spaces(plan_of(stored({"nodes.quorum-node1.storage": {}})))
    for each in there:
        if each["kind"] == "PersistentVolumeClaim":
            each["spec"] |= {"storageClassName": "standard", "volumeName": "pvc-1234"}
    assert found(plan_of(stored({"nodes.quorum-node1.storage": {"size": "1Ti"}})), there) == []


def test_c4_another_stack_of_the_same_seed_with_a_node_of_this_name_is_refused_wherever_it_is() -> None:
    elsewhere = alpha({"cluster.namespace": "elsewhere", "nodes.quorum-node1.exposure": {}})
    there = without_spaces(plan_of(elsewhere))
    problems = found(plan_of(alpha()), there)
    assert [each.path for each in problems] == [f"nodes.quorum-node{n}" for n in (1, 2, 3)]
    owner = plan_of(elsewhere).owner
    assert (
        f"StatefulSet elsewhere/consortium-quorum-node1 of the stack {owner} has the same keys" in problems[0].message
    )
    others = [each for each in there if each["kind"] != "Secret"]
    assert len(found(plan_of(alpha()), others)) == 3, "keys that are not shown may be the same"


@pytest.mark.parametrize(
    "change",
    [
        {"defaults.identity": {"generation": 2}},
        {"identitySeed": seed("delta")},
        {"organisation": "gamma"},
        {"network.chainId": 1001},
    ],
)
def test_c4_stacks_with_other_keys_stay_side_by_side(change: dict[str, Any]) -> None:
    there = without_spaces(plan_of(alpha({"cluster.namespace": "elsewhere", "nodes.quorum-node1.exposure": {}})))
    settings = changed(alpha(), change)
    assert found(plan_of(settings), there) == []


class Refusing:
    """A cluster with one Secret; everything else is not there, or is not shown."""

    config = SimpleNamespace(context_name="lab-a")

    def __init__(self, code: int) -> None:
        self.code = code

    def list(self, *_: object, **__: object) -> list[Any]:
        return []

    def get(self, kind: type, name: str, *, namespace: str | None = None) -> Any:
        if (kind.__name__, namespace, name) == ("Secret", "research", "theirs"):
            return Secret.from_dict({"metadata": {"name": name}, "data": {"swarm-key": "YnkgaGFuZA=="}})
        status = {"code": self.code, "message": f"{kind.__name__} {name} is forbidden"}
        raise ApiError(response=httpx2.Response(self.code, json=status, request=httpx2.Request("GET", "http://x")))


ASKED = (Ask("Secret", "research", "theirs"), Ask("Service", "traefik", "traefik"), Ask("Namespace", "", "jobs"))


def test_the_cluster_tells_what_it_has_and_what_is_not_there() -> None:
    told = given(cast(Client, Refusing(404)), ASKED)
    assert (told[ASKED[0]] or {})["data"] == {"swarm-key": "YnkgaGFuZA=="}
    assert [told[ask] for ask in ASKED[1:]] == [None, None]


def test_what_is_not_shown_to_us_is_not_taken_for_absent() -> None:
    """Else a stack without the right to read a Secret would make another key and store it."""
    with pytest.raises(Unreachable, match="does not show the Service traefik/traefik: Service traefik is forbidden"):
        given(cast(Client, Refusing(403)), ASKED)


def test_c2_a_cluster_that_does_not_show_its_uid_says_why() -> None:
    """A user of one namespace may not look at kube-system; the run goes on, with a warning."""
    told = met(cast(Client, Refusing(403)))
    assert (told.uid, told.context) == ("", "lab-a")
    assert told.withheld == "Namespace kube-system is forbidden"
