"""Every difference from what runner_k8s wrote has its line in docs/cita-cloud.md, in one cluster and in several."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from archipelago.manifests.stack import manifests
from tests.cita import local, outside, plan_of
from tests.stacks import changed

pytestmark = pytest.mark.unit

PAGE = (Path(__file__).parents[2] / "docs" / "cita-cloud.md").read_text()
ONE, SEVERAL = "one cluster", "several clusters"
SERVICES = {
    "network": ("network_p2p", "network run -p 50000 -k /network/network-key", {"network": 40000, "grpc": 50000}),
    "consensus": ("consensus_raft", "consensus run -p 50001", {"grpc": 50001}),
    "executor": ("executor_evm", "executor run -p 50002", {"grpc": 50002}),
    "storage": ("storage_sqlite", "storage run -p 50003", {"grpc": 50003}),
    "controller": ("controller_poc", "controller run -p 50004", {"grpc": 50004}),
    "kms": ("kms_sm", "kms run -p 50005 -k /kms/key_file", {"grpc": 50005}),
}
_LB = "service.beta.kubernetes.io"
# what a difference looks like, and the first words of its line; of both pages unless one is named
_POD = r"StatefulSet \S+ spec\.template\.spec"
LINES: tuple[tuple[str, str], ...] = (
    (r"Secret .*", "Secret"),
    (r"Namespace .*|.* metadata\.namespace", "no namespace"),
    (
        rf"ConfigMap .*|{_POD}\.(initContainers\.init|containers\.peers|volumes\.(config|peers|identity-init))\..*",
        "files copied",
    ),
    (r".*(selector|\.labels|metadata\.labels)\..*", "selectors"),
    (r"NetworkPolicy .*", "no NetworkPolicy"),
    (rf"{_POD}\.volumes\.tmp\..*|.*volumeMounts\./tmp\..*", "root, no limits"),
    (rf"{_POD}\.volumes\..*|{_POD}\.containers\.\w+\.volumeMounts\..*", "volumes `datadir`"),
    (rf"{_POD}\.containers\.\w+\.ports\..*", "container ports"),
    (rf"{_POD}.*\.command", "`sh -c <command>`"),
    (rf"{_POD}.*\.(image|imagePullPolicy)", "`latest`"),
    (rf"{_POD}.*\.(resources|securityContext|livenessProbe|readinessProbe|startupProbe)\..*", "root, no limits"),
    (rf"{_POD}\.(affinity|terminationGracePeriodSeconds).*|PodDisruptionBudget .*", "no affinity"),
    (rf"{_POD}.*(automountServiceAccountToken|enableServiceLinks|terminationMessagePolicy)", "a token of its account"),
    (rf"{_POD}\.nodeSelector\..*", "any machine"),
    (rf"{_POD}\.shareProcessNamespace", "shareProcessNamespace"),
    (rf"{_POD}\.containers\.syncthing\.env\..*", "environment `PUID`"),
    (r"Deployment .*|StatefulSet \S+ spec\.(minReadySeconds|podManagementPolicy|serviceName)", "Deployment, Rolling"),
    (r"StatefulSet \S+ spec\.template\.metadata\.annotations\..*", "a changed file"),
    (
        r".* metadata\.annotations\.(pulumi\.com|archipelago)/.*|.* spec\.publishNotReadyAddresses",
        "Deployments as they",
    ),
    (r"Service test-chain-\d spec\.ports\.gui\..*", "port 8384"),
    (r"Service test-chain-\d spec\.ports\.(syncthing|sync)\..*", "port `syncthing`"),
    (rf".* metadata\.annotations\.{_LB}/.*", "annotations of Aliyun"),
    (r"Service test-chain-\d", "no Service `<chain>-<i>`"),
    (r"Service \S+ spec\.(type|ports\.\w+\.(targetPort|protocol))", "target ports by number"),
)


def original(place: str) -> list[dict[str, Any]]:
    """What create_k8s_config.py of commit e11dcf4 wrote for two nodes; recorded from runs of it."""
    several = place == SEVERAL
    objects = (
        []
        if several
        else [
            _secret("kms-secret", "key_file"),
            _service("test-chain-node-port", {"rpc": (50004, 50004)}, "NodePort", 30004),
        ]
    )
    for index in range(2):
        name, key = f"test-chain-{index}", f"kms-secret-{index}" if several else "kms-secret"
        objects += [_secret(key, "key_file")] if several else []
        objects.append(_secret(f"node{index}-network-secret", "network-key"))
        objects.append(_deployment(name, index, key, f"pvc-{index}" if several else "local-pvc"))
        if several:
            start = 30000 + 9 * index
            numbers = {"network": 40000, "sync": 22000, "rpc": 50004, "call": 50002}
            ports = {port: (start + at, target) for at, (port, target) in enumerate(numbers.items())}
            objects.append(_service(f"all-{name}", ports, "LoadBalancer"))
            objects[-1]["metadata"]["annotations"] = {
                f"{_LB}/alibaba-cloud-loadbalancer-id": f"lb-{index}",
                f"{_LB}/alicloud-loadbalancer-force-override-listeners": "true",
            }
        else:
            inside = {
                port: (number, number) for port, number in (("network", 40000), ("syncthing", 22000), ("gui", 8384))
            }
            objects.append(_service(name, inside, ""))
            objects.append(_service(f"executor-{name}", {"call": (50002, 50002)}, "NodePort", 30009 + 5 * index))
    return objects


def _secret(name: str, key: str) -> dict[str, Any]:
    return {"kind": "Secret", "metadata": {"name": name}, "data": {key: "x"}}


def _service(name: str, ports: Mapping[str, tuple[int, int]], kind: str, node_port: int = 0) -> dict[str, Any]:
    more = {"nodePort": node_port} if node_port else {}
    listed = [{"name": port, "port": number, "targetPort": target, **more} for port, (number, target) in ports.items()]
    spec = {"ports": listed, "selector": {"node_name": name}, **({"type": kind} if kind else {})}
    return {"kind": "Service", "metadata": {"name": name}, "spec": spec}


def _deployment(name: str, index: int, key: str, claim: str) -> dict[str, Any]:
    folder = {"name": "datadir", "subPath": f"cita-cloud/test-chain/node{index}"}
    containers: list[dict[str, Any]] = [
        {
            "name": "syncthing",
            "image": "syncthing/syncthing:latest",
            "imagePullPolicy": "Always",
            "ports": [{"name": "sync", "containerPort": 22000}, {"name": "gui", "containerPort": 8384}],
            "volumeMounts": [{**folder, "mountPath": "/var/syncthing"}],
            "env": [{"name": "PUID", "value": "0"}, {"name": "PGID", "value": "0"}],
        }
    ]
    for role, (kind, command, ports) in SERVICES.items():
        mounts: list[dict[str, Any]] = [{**folder, "mountPath": "/data"}]
        mounts += (
            [{"name": f"{role}-key", "mountPath": f"/{role}", "readOnly": True}] if role in ("network", "kms") else []
        )
        containers.append(
            {
                "name": role,
                "image": f"citacloud/{kind}",
                "imagePullPolicy": "Always",
                "command": ["sh", "-c", command],
                "workingDir": "/data",
                "ports": [{"name": port, "containerPort": number} for port, number in ports.items()],
                "volumeMounts": mounts,
            }
        )
    volumes: list[dict[str, Any]] = [
        {"name": "kms-key", "secret": {"secretName": key}},
        {"name": "network-key", "secret": {"secretName": f"node{index}-network-secret"}},
        {"name": "datadir", "persistentVolumeClaim": {"claimName": claim}},
    ]
    labels = {"node_name": name, "chain_name": "test-chain"}
    pod = {"shareProcessNamespace": True, "containers": containers, "volumes": volumes}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": {"node_name": name}}, "template": template}
    return {"kind": "Deployment", "metadata": {"name": name, "labels": labels}, "spec": spec}


def ours(place: str) -> list[Mapping[str, Any]]:
    """The same chain here: as the importer writes it."""
    services = {"controller": "controller_poc"}
    nodes: dict[str, Any] = {f"node{index}": {"index": index} for index in range(2)}
    if place == ONE:
        config = local({"nodes": nodes, "defaults.storage.claim": "local-pvc"})
    else:
        for index, node in enumerate(nodes.values()):
            balanced = {"type": "LoadBalancer", "host": f"203.0.113.{index}", "provider": "aliyun"}
            node |= {"portBase": 30000 + 9 * index, "storage": {"claim": f"pvc-{index}"}}
            node["exposure"] = {**balanced, "loadBalancer": f"lb-{index}"}
        config = outside({"nodes": nodes})
    config = changed(config, {f"network.services.{role}": kind for role, kind in services.items()})
    return list(manifests(plan_of(config)))


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves by path; members of lists by their names, or by where they are mounted."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flat(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and all(isinstance(each, Mapping) and "name" in each for each in value):
        for each in value:
            yield from flat(each, f"{path}.{each.get('mountPath') or each['name']}")
    else:
        yield path, value


def described(objects: list[Any]) -> dict[str, dict[str, Any]]:
    """Leaves of each object by its kind and name; a node's workload under one kind."""
    return {f"{each['kind']} {each['metadata']['name']}": dict(flat(_spec(each))) for each in objects}


def _spec(each: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in each.items() if key not in ("apiVersion", "kind", "data", "stringData", "type")
    }


def differences(place: str) -> Iterator[str]:
    before, after = described(original(place)), described(ours(place))
    for name, leaves in before.items():
        kind, _, rest = name.partition(" ")
        here = f"StatefulSet {rest}" if kind == "Deployment" else name
        if kind == "Deployment":
            yield name
        if here not in after:
            yield name
            continue
        theirs = after[here]
        paths = leaves.keys() | theirs.keys()
        yield from (f"{here} {path}" for path in paths if leaves.get(path) != theirs.get(path))
    known = {f"StatefulSet {name.partition(' ')[2]}" if name.startswith("Deployment") else name for name in before}
    yield from (name for name in after if name not in known)


def lines(place: str) -> list[str]:
    """First cells of the table of one layout: several clusters add to one."""
    section = PAGE.partition("## What differs from runner_k8s in one cluster\n")[2].partition("\n## ")[0]
    more = PAGE.partition("## What differs from runner_k8s in several clusters\n")[2].partition("\n## ")[0]
    text = section if place == ONE else section + more
    return [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("place", [ONE, SEVERAL])
def test_cf3_every_difference_from_runner_k8s_has_its_line(place: str) -> None:
    found = sorted(set(differences(place)))
    assert found
    told = lines(place)
    without = []
    for each in found:
        words = next((words for pattern, words in LINES if re.fullmatch(pattern, each)), None)
        if words is None or not any(line.startswith(words) for line in told):
            without.append(f"{each} ({words})")
    assert not without


def test_cf3_every_line_of_the_objects_is_a_difference_that_is_there() -> None:
    found = {each for place in (ONE, SEVERAL) for each in differences(place)}
    used = {words for each in found for words in [next(w for p, w in LINES if re.fullmatch(p, each))]}
    assert {words for _, words in LINES} == used
