"""What a stack file says of pods: registries, labels, machines, users; of nodes of every kind, and of the monitor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from archipelago.manifests.common import Manifest
from archipelago.manifests.pods import POD_SECURITY
from archipelago.manifests.stack import manifests
from archipelago.stack.plan import StackPlan
from operate.rollouts import restarts
from tests import cita, ipfs
from tests.stacks import alpha, plan_of, problems_of, settings_of
from tests.unit.test_pod_security import against_restricted

pytestmark = pytest.mark.unit

Make = Callable[[dict[str, Any]], dict[str, Any]]
ARCH = "kubernetes.io/arch"
KINDS: dict[str, Make] = {"goquorum": alpha, "cita-cloud": cita.local, "ipfs": ipfs.alpha}
each_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
WANTED = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [{"key": "disk", "operator": "In", "values": ["nvme"]}]}]
        }
    }
}
EVERYTHING: dict[str, Any] = {
    "defaults.imagePullSecrets": ["regcred"],
    "defaults.labels": {"cost-centre": 42, "example.org/team": "ledger"},
    "defaults.podAnnotations": {"sidecar.istio.io/inject": False},
    "defaults.priorityClassName": "chain-critical",
    "defaults.serviceAccountName": "chain",
    "defaults.nodeSelector": {"pool": "chain"},
    "defaults.tolerations": [{"key": "chain", "operator": "Exists"}],
    "defaults.affinity": WANTED,
    "defaults.securityContext": {"runAsUser": 430, "fsGroup": 430, "supplementalGroups": [666, 777]},
}


def planned(config: dict[str, Any]) -> StackPlan:
    return {"goquorum": plan_of, "cita-cloud": cita.plan_of, "ipfs": ipfs.plan_of}[config["network"]["kind"]](config)


def workloads(config: dict[str, Any]) -> list[Manifest]:
    """Of nodes, and of a monitor where there is one."""
    return [each for each in manifests(planned(config)) if "template" in each.get("spec", {})]


def nodes(config: dict[str, Any]) -> list[Manifest]:
    return [each for each in workloads(config) if each["kind"] == "StatefulSet"]


@each_kind
def test_r18_what_defaults_say_of_pods_holds_for_every_pod_of_the_stack(make: Make) -> None:
    for each in workloads(make(EVERYTHING)):
        template = each["spec"]["template"]
        pod = template["spec"]
        assert pod["imagePullSecrets"] == [{"name": "regcred"}]
        assert template["metadata"]["labels"].items() >= {"cost-centre": "42", "example.org/team": "ledger"}.items()
        assert each["metadata"]["labels"].items() >= {"cost-centre": "42"}.items()
        assert template["metadata"]["annotations"]["sidecar.istio.io/inject"] == "false"
        assert pod["priorityClassName"] == "chain-critical"
        assert pod["nodeSelector"]["pool"] == "chain"
        assert pod["tolerations"] == [{"key": "chain", "operator": "Exists"}]
        assert pod["affinity"]["nodeAffinity"] == WANTED["nodeAffinity"]
        found = pod["securityContext"]
        assert (found["runAsUser"], found["runAsGroup"], found["fsGroup"]) == (430, 1000, 430)
        assert found["supplementalGroups"] == [666, 777]
        assert list(against_restricted(pod)) == []
        account = "research-monitor" if each["kind"] == "Deployment" else "chain"  # the monitor reads by its own
        assert pod["serviceAccountName"] == account


@each_kind
def test_r18_a_stack_that_says_nothing_has_pods_as_before(make: Make) -> None:
    for each in nodes(make({})):
        pod = each["spec"]["template"]["spec"]
        assert pod.keys().isdisjoint({"imagePullSecrets", "priorityClassName", "serviceAccountName", "tolerations"})
        assert pod["securityContext"] == POD_SECURITY
        assert pod["affinity"].keys() == {"podAntiAffinity"}


@each_kind
@pytest.mark.parametrize("key", EVERYTHING)
def test_r18_each_of_them_is_seen_as_a_restart_when_it_comes_and_when_it_goes(make: Make, key: str) -> None:
    """A run counts how many validators it would restart at once."""
    before, after = nodes(make({}))[0], nodes(make({key: EVERYTHING[key]}))[0]
    assert before["spec"]["selector"] == after["spec"]["selector"]
    assert before["spec"]["template"] != after["spec"]["template"]
    assert restarts(after, before, files=True)
    if key not in ("defaults.labels", "defaults.podAnnotations"):  # what others put there is no restart
        assert restarts(before, after, files=True)


def test_r18_a_nodes_own_word_wins_and_maps_are_merged() -> None:
    own = {"nodes.quorum-node2": {"imagePullSecrets": [{"name": "other"}], "nodeSelector": {"pool": None, "zone": "b"}}}
    found = settings_of(alpha({**EVERYTHING, **own})).nodes["quorum-node2"]
    assert found.image_pull_secrets == ("other",)
    assert settings_of(alpha({"defaults.imagePullSecrets": "one"})).nodes["quorum-node2"].image_pull_secrets == ("one",)
    pod = nodes(alpha({**EVERYTHING, **own}))[1]["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"zone": "b", ARCH: "amd64"}


def test_r18_the_monitors_own_word_wins() -> None:
    own = {"network.monitor.imagePullSecrets": ["mirror"]}
    found = {each["kind"]: each["spec"]["template"]["spec"] for each in workloads(ipfs.alpha({**EVERYTHING, **own}))}
    assert found["Deployment"]["imagePullSecrets"] == [{"name": "mirror"}]
    assert found["Deployment"]["tolerations"] == found["StatefulSet"]["tolerations"]


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "a label of ours": ({"labels": {"archipelago/node": "x"}}, "labels", "set by this program"),
    "a label of Kubernetes": ({"labels": {"controller-revision-hash": "x"}}, "labels", "or by Kubernetes"),
    "a label's value": ({"labels": {"team": "a b"}}, "labels", "no label has"),
    "a label's key": ({"labels": {"a/b/c": "x"}}, "labels", "no key of Kubernetes"),
    "an annotation of the engine": ({"podAnnotations": {"pulumi.com/a": "true"}}, "podAnnotations", "is set by"),
    "a Secret's name": ({"imagePullSecrets": ["Reg_Cred"]}, "imagePullSecrets[0]", "no name of a Kubernetes object"),
    "an account's name": ({"serviceAccountName": "a b"}, "serviceAccountName", "no name of a Kubernetes object"),
    "a taint without a key": ({"tolerations": [{"value": "x"}]}, "tolerations[0]", "names no key"),
    "a value that is never asked": (
        {"tolerations": [{"key": "a", "operator": "Exists", "value": "x"}]}, "tolerations[0]", "must have no value",
    ),
    "seconds that mean nothing": (
        {"tolerations": [{"key": "a", "operator": "Exists", "tolerationSeconds": 3}]}, "tolerations[0]", "NoExecute",
    ),
    "root": ({"securityContext": {"runAsUser": 0}}, "securityContext.runAsUser", "no process of a node runs as root"),
    "root's group": ({"securityContext": {"fsGroup": 0}}, "securityContext.fsGroup", "runs as root"),
    "a pod that may be root": ({"securityContext": {"runAsNonRoot": False}}, "securityContext.runAsNonRoot", ""),
    "more rights": ({"securityContext": {"privileged": True}}, "securityContext.privileged", "unknown key"),
    "an affinity of no kind": ({"affinity": {"nodeAfinity": {}}}, "affinity.nodeAfinity", "unknown key"),
    "a demand without values": (
        {
            "affinity": {
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {
                        "nodeSelectorTerms": [{"matchExpressions": [{"key": "disk", "operator": "In"}]}]
                    }
                }
            }
        },
        "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]",
        "In must have values",
    ),
    "no topology": (
        {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}}},
        "affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey",
        "is missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_r18_what_the_api_server_would_refuse_is_refused_before(name: str) -> None:
    said, path, words = REFUSED[name]
    (key,) = said
    found = problems_of(alpha({f"defaults.{key}": said[key]}))
    assert [each.path.partition(".")[2] for each in found] == [path]
    assert words in found[0].message
    assert found[0].cure


def test_r19_images_of_one_architecture_go_to_its_machines() -> None:
    for make in (alpha, cita.local):
        assert {each["spec"]["template"]["spec"]["nodeSelector"][ARCH] for each in nodes(make({}))} == {"amd64"}
    assert all("nodeSelector" not in each["spec"]["template"]["spec"] for each in nodes(ipfs.alpha({})))
    (old,) = nodes(ipfs.alpha({"network.version": "0.12.2"}))  # go-ipfs
    assert old["spec"]["template"]["spec"]["nodeSelector"] == {ARCH: "amd64"}


@pytest.mark.parametrize(
    ("said", "selector"),
    [
        ({"nodeSelector": {ARCH: "arm64"}}, {ARCH: "arm64"}),
        ({"nodeSelector": {ARCH: None}}, None),
        (
            {
                "affinity": {
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {
                            "nodeSelectorTerms": [
                                {"matchExpressions": [{"key": ARCH, "operator": "In", "values": ["arm64", "amd64"]}]}
                            ]
                        }
                    }
                }
            },
            None,
        ),
    ],
)
def test_r19_images_of_ones_own_go_where_the_stack_file_says(said: dict[str, Any], selector: Any) -> None:
    for each in nodes(alpha({f"defaults.{key}": value for key, value in said.items()})):
        assert each["spec"]["template"]["spec"].get("nodeSelector") == selector


@each_kind
def test_r20_openshift_gives_the_ids_and_nothing_else_is_given_up(make: Make) -> None:
    for each in workloads(make({"cluster.openshift": True})):
        pod = each["spec"]["template"]["spec"]
        assert pod["securityContext"].keys().isdisjoint({"runAsUser", "runAsGroup", "fsGroup"})
        assert pod["securityContext"].items() <= POD_SECURITY.items()
        assert list(against_restricted(pod)) == []


def test_r20_an_id_that_is_said_is_asked_for_in_openshift_too() -> None:
    (first, *_) = nodes(alpha({"cluster.openshift": True, "defaults.securityContext.fsGroup": 5000}))
    found = first["spec"]["template"]["spec"]["securityContext"]
    assert found["fsGroup"] == 5000
    assert "runAsUser" not in found


def test_a_monitor_watches_as_before_where_nothing_is_said_of_pods() -> None:
    """What it is told of a member holds a digest of the member's settings: a new key must not change it."""
    usual, said = (
        next(each for each in manifests(planned(ipfs.alpha(changes))) if each["kind"] == "Deployment")
        for changes in ({}, {"network.monitor.labels": {"team": "a"}})
    )
    mark = "archipelago/restart-on"
    digests = [each["spec"]["template"]["metadata"]["annotations"][mark] for each in (usual, said)]
    assert digests[0] == digests[1]


@each_kind
def test_r20_a_neighbour_names_are_looked_up_where_openshifts_dns_listens(make: Make) -> None:
    """Its pods listen on 5353, and most plugins see a pod's port: no node found its peers by name."""
    for openshift, numbers in ((False, {53}), (True, {53, 5353})):
        policies = list(manifests(planned(make({"cluster.openshift": openshift}))))
        (policy,) = [
            each for each in policies if each["kind"] == "NetworkPolicy" and each["metadata"]["name"].endswith("-peers")
        ]
        looked = policy["spec"]["egress"][0]["ports"]
        assert {each["port"] for each in looked} == numbers
        assert {each["protocol"] for each in looked} == {"UDP", "TCP"}
