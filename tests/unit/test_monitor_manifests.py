"""The monitor's objects: what it may, who may ask it, whom two stacks of one cluster do not share, what restarts it."""

from __future__ import annotations

import ast
import json
import ssl
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from archipelago.manifests import common, monitor, stack
from archipelago.manifests.common import Manifest, managed
from archipelago.model.monitor import MonitorPlan, Watched
from archipelago.model.plan import Resources
from archipelago.stack.plan import StackPlan
from monitor.settings import read
from tests.stacks import Config, alpha, beta, bundle, plan_of, seed

pytestmark = pytest.mark.unit

PROGRAM = Path(__file__).parents[2] / "monitor"
MEMBERS = (
    Watched(
        "public-archive", "public", "archive", "ipfs", "12D3KooW1", "public-archive.ipfs.svc.cluster.local", "aa=="
    ),
    Watched("own-archive", "own", "archive", "consortium", "12D3KooW2", "own-archive.consortium.svc", "bb=="),
)
MONITOR = MonitorPlan("docker.io/library/python:3.13-slim", Resources("20m", "64Mi", "128Mi"), MEMBERS, "crd")


def watched(config: Config | None = None, made: MonitorPlan = MONITOR) -> StackPlan:
    return replace(plan_of(config or alpha()), monitor=made)


def listed(plan: StackPlan) -> list[Manifest]:
    """The monitor's objects."""
    assert plan.monitor
    return list(monitor.manifests(plan, plan.monitor))


def of(objects: list[Manifest], kind: str, name: str = "", namespace: str = "") -> Manifest:
    (found,) = (
        each
        for each in objects
        if each["kind"] == kind
        and name in ("", each["metadata"]["name"])
        and namespace in ("", each["metadata"].get("namespace"))
    )
    return found


def test_a_stack_without_a_monitor_has_none_of_its_objects() -> None:
    plan = plan_of(alpha())
    assert plan.monitor is None
    assert not [each for each in stack.manifests(plan) if "monitor" in each["metadata"]["name"]]
    assert managed(listed(watched())[0]) in list(stack.manifests(watched()))


def test_it_may_write_statuses_and_one_config_map_and_read_no_secret() -> None:
    rules = [rule for each in listed(watched()) if each["kind"] == "Role" for rule in each["rules"]]
    may = {
        (verb, resource, *rule.get("resourceNames", ()))
        for rule in rules
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert may == {
        ("get", "configmaps", "consortium-swarm-status"),
        ("patch", "configmaps", "consortium-swarm-status"),
        ("get", "configmaps", "consortium-peers"),
        ("list", "peers"),
        ("patch", "peers/status"),
    }


def test_where_peers_are_config_maps_it_may_read_them_and_change_none() -> None:
    objects = listed(watched(made=replace(MONITOR, peers="configMap")))
    rules = of(objects, "Role", namespace="ipfs")["rules"]
    assert {(verb, *rule.get("resourceNames", ())) for rule in rules for verb in rule["verbs"]} == {
        ("get", "consortium-peers"),
        ("list",),
    }


def test_its_rights_are_bound_in_each_namespace_of_members_and_in_its_own() -> None:
    objects = listed(watched())
    bound = {each["metadata"]["namespace"]: each for each in objects if each["kind"] == "RoleBinding"}
    assert set(bound) == {"consortium", "ipfs"}
    account = {"kind": "ServiceAccount", "name": "consortium-monitor", "namespace": "consortium"}
    assert all(each["subjects"] == [account] for each in bound.values())
    assert of(objects, "ServiceAccount")["metadata"]["namespace"] == "consortium"
    assert of(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"] == "consortium-monitor"


def test_two_stacks_of_one_cluster_share_no_name_of_the_whole_cluster() -> None:
    here = of(listed(watched()), "ClusterRoleBinding")["metadata"]["name"]
    there = of(listed(watched(alpha({"cluster.namespace": "other"}))), "ClusterRoleBinding")["metadata"]["name"]
    assert here == "consortium.consortium-monitor"
    assert there == "other.consortium-monitor"
    wide = {each["kind"] for each in listed(watched()) if "namespace" not in each["metadata"]}
    assert wide == {"ClusterRoleBinding"}


def test_every_object_says_whose_it_is() -> None:
    plan = watched()
    assert all(each["metadata"]["labels"][common.OWNER] == plan.owner for each in listed(plan))


def test_its_pod_is_none_of_the_nodes_pods() -> None:
    """Or the policies and commands that look for nodes would find it."""
    plan = watched()
    template = of(listed(plan), "Deployment")["spec"]["template"]
    assert not common.members(plan).items() & template["metadata"]["labels"].items()


def test_only_the_monitor_reaches_the_nodes_status_port_and_pods_of_the_cluster_the_monitor() -> None:
    objects = listed(watched())
    labels = of(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    for namespace in ("ipfs", "consortium"):
        (rule,) = of(objects, "NetworkPolicy", "consortium-monitor-status", namespace)["spec"]["ingress"]
        (who,) = rule["from"]
        assert who["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "consortium"}
        assert who["podSelector"]["matchLabels"].items() <= labels.items()
        assert rule["ports"] == [{"protocol": "TCP", "port": 8090}]
    (rule,) = of(objects, "NetworkPolicy", "consortium-monitor")["spec"]["ingress"]
    assert rule == {"from": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": 8443}]}


def test_without_network_policies_there_are_none_of_its_own_either() -> None:
    plan = watched(alpha({"cluster.networkPolicies": False}))
    assert "NetworkPolicy" not in {each["kind"] for each in listed(plan)}


def test_the_pod_runs_as_nobody_on_a_root_that_it_cannot_write() -> None:
    pod = of(listed(watched()), "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsUser"] == 1000
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert all(each["readOnly"] for each in container["volumeMounts"])
    assert container["image"] == MONITOR.image


def test_the_config_map_holds_the_program_and_what_it_is_told(tmp_path: Path) -> None:
    data = of(listed(watched()), "ConfigMap", "consortium-monitor")["data"]
    assert {name for name in data if name.endswith(".py")} == {path.name for path in PROGRAM.glob("*.py")}
    assert sum(map(len, data.values())) < 200_000  # a ConfigMap has room for a megabyte
    (tmp_path / "settings.json").write_text(data["settings.json"])
    told = read(tmp_path / "settings.json")
    assert (told.stack, told.organisation, told.live) == ("cluster-a", "alpha", "consortium-peers")
    assert told.namespaces == ("consortium", "ipfs")
    assert told.members[0].peer_id == "12D3KooW1"


def test_the_status_has_no_data_that_an_up_would_take_back() -> None:
    assert "data" not in of(listed(watched()), "ConfigMap", "consortium-swarm-status")


def test_a_partner_who_comes_or_goes_does_not_restart_it() -> None:
    alone, joined = (
        watched(),
        replace(plan_of(alpha(), {"beta": bundle(beta(), {"alpha": bundle(alpha())})}), monitor=MONITOR),
    )
    assert listed(alone) == listed(joined)


def test_a_member_more_restarts_it() -> None:
    fewer = watched(made=replace(MONITOR, members=MEMBERS[:1]))
    restarts = [
        of(listed(plan), "Deployment")["spec"]["template"]["metadata"]["annotations"] for plan in (watched(), fewer)
    ]
    assert restarts[0] != restarts[1]


def test_its_certificate_is_the_same_in_every_run_and_good_for_its_service(tmp_path: Path) -> None:
    secret, again = (of(listed(watched()), "Secret")["stringData"] for _ in range(2))
    assert secret == again
    assert secret["tls.crt"] == of(listed(watched()), "ConfigMap", "consortium-monitor")["data"]["tls.crt"]
    read_back = x509.load_pem_x509_certificate(secret["tls.crt"].encode())
    names = read_back.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "consortium-monitor.consortium.svc" in names.get_values_for_type(x509.DNSName)
    for name, text in secret.items():
        (tmp_path / name).write_text(text)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    others = of(listed(watched(alpha({"identitySeed": seed("beta")}))), "Secret")["stringData"]
    assert others["tls.crt"] != secret["tls.crt"]


def test_its_key_stands_in_its_secret_and_nowhere_else() -> None:
    objects = listed(watched())
    key = of(objects, "Secret")["stringData"]["tls.key"].splitlines()[1]
    assert key not in json.dumps([each for each in objects if each["kind"] != "Secret"])


def test_the_program_needs_nothing_but_python() -> None:
    """It runs in an image of Python and nothing else, of any release since 3.11."""
    for path in PROGRAM.glob("*.py"):
        assert len(path.read_text().splitlines()) < 300
        for node in ast.walk(ast.parse(path.read_text(), feature_version=(3, 11))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.partition(".")[0]
                assert top == "monitor" or top in sys.stdlib_module_names, f"{path.name} imports {name}"
