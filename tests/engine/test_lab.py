"""The lab itself: real control planes that serve, heal, and end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from lightkube import Client
from lightkube.models.apps_v1 import DeploymentSpec
from lightkube.models.core_v1 import (
    Container,
    PersistentVolumeClaimSpec,
    PersistentVolumeClaimVolumeSource,
    PodSpec,
    PodTemplateSpec,
    ServicePort,
    ServiceSpec,
    Volume,
    VolumeResourceRequirements,
)
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Namespace, PersistentVolume, PersistentVolumeClaim, Service

from lab import processes
from lab.lab import Lab
from lab.status import look
from lab.tools import Toolchain
from tests.engine.lab_fixture import connected

pytestmark = pytest.mark.engine

NAMESPACE = "lab-test"
LABELS = {"app": "web"}


def eventually(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


def address(api: Client, service: str) -> str:
    status = api.get(Service, service).status
    ingress = (status.loadBalancer.ingress if status and status.loadBalancer else None) or []
    return ingress[0].ip or "" if ingress else ""


def workload(claim: str) -> list[PersistentVolumeClaim | Deployment]:
    volume = Volume(name="data", persistentVolumeClaim=PersistentVolumeClaimVolumeSource(claimName=claim))
    template = PodTemplateSpec(
        metadata=ObjectMeta(labels=LABELS),
        spec=PodSpec(containers=[Container(name="web", image="registry.invalid/web:1")], volumes=[volume]),
    )
    return [
        PersistentVolumeClaim(
            metadata=ObjectMeta(name=claim),
            spec=PersistentVolumeClaimSpec(
                accessModes=["ReadWriteOnce"], resources=VolumeResourceRequirements(requests={"storage": "1Gi"})
            ),
        ),
        Deployment(
            metadata=ObjectMeta(name="web"),
            spec=DeploymentSpec(selector=LabelSelector(matchLabels=LABELS), template=template, replicas=2),
        ),
    ]


@pytest.fixture(scope="module")
def lab(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of this module's own: its parts are killed."""
    made = Lab(tmp_path_factory.mktemp("lab"))
    try:
        made.up(toolchain, owner=os.getpid())
        yield made
    finally:
        made.down(purge=True)


@pytest.fixture(scope="module")
def cluster_b(lab: Lab) -> Iterator[Client]:
    with connected(lab, "b", NAMESPACE) as api:
        api.create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
        for thing in workload("data"):
            api.create(thing)
        yield api
        api.delete(Namespace, NAMESPACE)


def test_both_api_servers_answer_kubectl(lab: Lab, toolchain: Toolchain) -> None:
    for context, other in (("lab-a", "lab-b"), ("lab-b", "lab-a")):
        nodes = subprocess.run(
            [
                toolchain.path("kubectl"),
                "--kubeconfig",
                lab.kubeconfig,
                "--context",
                context,
                "get",
                "nodes",
                "-o",
                "name",
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        assert nodes.stdout.split() == [f"node/{context}"]
        assert other not in nodes.stdout


def test_nobody_gets_in_without_a_certificate(lab: Lab) -> None:
    # not by kubectl: what that prints depends on whether it has asked this server before
    address = f"{lab.cluster('a').server}/api/v1/namespaces/default/secrets"
    answer = httpx2.get(address, auth=("x", "y"), verify=False)
    assert answer.status_code == httpx2.codes.FORBIDDEN
    assert 'User "system:anonymous" cannot list' in answer.json()["message"]


def test_a_deployment_becomes_available_and_its_claim_binds(cluster_b: Client) -> None:
    def available() -> bool:
        status = cluster_b.get(Deployment, "web").status
        return status is not None and status.availableReplicas == 2

    eventually(available)
    claim = cluster_b.get(PersistentVolumeClaim, "data")
    assert claim.status is not None
    assert claim.status.phase == "Bound"


def test_a_claim_grows_in_place(cluster_b: Client) -> None:
    cluster_b.patch(PersistentVolumeClaim, "data", {"spec": {"resources": {"requests": {"storage": "2Gi"}}}})

    def grown() -> bool:
        status = cluster_b.get(PersistentVolumeClaim, "data").status
        return status is not None and (status.capacity or {}).get("storage") == "2Gi"

    eventually(grown)


def test_services_get_node_ports_and_addresses(cluster_b: Client) -> None:
    for name, kind in (("lb-one", "LoadBalancer"), ("lb-two", "LoadBalancer"), ("node-port", "NodePort")):
        spec = ServiceSpec(type=kind, selector=LABELS, ports=[ServicePort(port=80)])
        cluster_b.create(Service(metadata=ObjectMeta(name=name), spec=spec))

    eventually(lambda: address(cluster_b, "lb-one") != "" and address(cluster_b, "lb-two") != "")
    assert address(cluster_b, "lb-one") != address(cluster_b, "lb-two")
    assert address(cluster_b, "lb-one").startswith("127.20.")
    allocated = cluster_b.get(Service, "node-port").spec
    assert allocated is not None
    assert allocated.ports is not None
    assert 30000 <= (allocated.ports[0].nodePort or 0) <= 32767
    # What is deleted and made anew is found where it was.
    before = address(cluster_b, "lb-one")
    cluster_b.delete(Service, "lb-one")
    again = ServiceSpec(type="LoadBalancer", selector=LABELS, ports=[ServicePort(port=80)])
    cluster_b.create(Service(metadata=ObjectMeta(name="lb-one"), spec=again))
    eventually(lambda: address(cluster_b, "lb-one") == before)


def test_a_second_up_changes_nothing(lab: Lab, toolchain: Toolchain) -> None:
    before = processes.parts(lab.folder)
    content = lab.kubeconfig.read_text()
    assert lab.up(toolchain) is False
    assert processes.parts(lab.folder) == before
    assert lab.kubeconfig.read_text() == content


@pytest.mark.parametrize("part", ["kube-apiserver", "etcd"])
def test_a_killed_part_is_healed_with_its_data_and_ports(
    lab: Lab, toolchain: Toolchain, cluster_b: Client, part: str
) -> None:
    before = processes.parts(lab.folder)
    os.kill(before[f"b/{part}"].pid, signal.SIGKILL)
    eventually(lambda: not processes.alive(before[f"b/{part}"]))
    found = look(lab)
    assert not found.ready
    assert f"not running: {part}" in [cluster.problem for cluster in found.clusters]
    assert lab.up(toolchain) is True
    after = processes.parts(lab.folder)
    assert {name for name in before if before[name] != after[name]} == {f"b/{part}"}
    assert look(lab).ready
    assert cluster_b.get(Deployment, "web").metadata is not None
    # The controllers were not started anew, and have found back.
    spec = ServiceSpec(type="LoadBalancer", selector=LABELS, ports=[ServicePort(port=80)])
    cluster_b.create(Service(metadata=ObjectMeta(name=f"after-{part}"), spec=spec))
    eventually(lambda: address(cluster_b, f"after-{part}") != "")


def test_a_volume_goes_with_its_claim(cluster_b: Client) -> None:
    claim = cluster_b.get(PersistentVolumeClaim, "data")
    assert claim.spec is not None
    volume = claim.spec.volumeName
    cluster_b.delete(Deployment, "web")
    cluster_b.delete(PersistentVolumeClaim, "data")
    eventually(lambda: volume not in [each.metadata.name for each in cluster_b.list(PersistentVolume) if each.metadata])


def test_down_leaves_no_marked_process_and_up_finds_the_data_again(toolchain: Toolchain, tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    try:
        lab.up(toolchain, clusters=1, owner=os.getpid())
        with connected(lab, "a") as api:
            api.create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
        server = lab.cluster("a").server
        # As a provider plugin that a killed `pulumi` left behind: a process that only has the lab's environment.
        environment = {**os.environ, **lab.stack_environment("a", toolchain)}
        left_over = subprocess.Popen(["sleep", "600"], env=environment, start_new_session=True)
        running = processes.marked(lab.folder)
        assert left_over.pid in [process.pid for process in running]
        assert lab.down() == len(running)
        assert left_over.wait(timeout=5) == -signal.SIGTERM
        assert processes.marked(lab.folder) == []
        assert not any(processes.alive(process) for process in running)
        assert lab.down() == 0
        # As after a reboot: nothing runs, everything is there.
        lab.up(toolchain, clusters=1, owner=os.getpid())
        assert lab.cluster("a").server == server
        with connected(lab, "a") as api:
            assert api.get(Namespace, NAMESPACE).metadata is not None
    finally:
        lab.down(purge=True)
    assert not lab.folder.exists()


def test_an_owned_lab_ends_with_its_owner_even_if_that_is_killed(toolchain: Toolchain, tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    owner = subprocess.Popen(["sleep", "600"])
    try:
        lab.up(toolchain, clusters=1, owner=owner.pid)
        assert processes.marked(lab.folder)
        owner.kill()
        owner.wait()
        eventually(lambda: not lab.folder.exists() and processes.marked(lab.folder) == [])
    finally:
        lab.down(purge=True)
