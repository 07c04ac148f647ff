"""What survives: a stack's name, its backend, a killed run, and the cluster that its context leads to.

Each test holds what only the engine, the provider and an API server decide together: replacements, field managers, and
where objects are made. What is refused, and in which words, is held by tests/unit and tests/components.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest
from lightkube import Client
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap

from lab.workspace import Stack
from tests.engine.organisations import Consortium
from tests.stacks import Config, alpha

pytestmark = pytest.mark.engine

NODE = "consortium-quorum-node2"
PASTED = {"Node_UserIdent": "late", "Enode_Url": f"enode://{'5' * 128}@198.51.100.7:30399?discport=0"}


def config(space: str, **changes: Any) -> Config:
    nodes: Config = {"quorum-node1": {}, "quorum-node2": {}}
    return alpha({"cluster.namespace": space, "partners": {}, "nodes": nodes, **changes})


def changed(written: dict[str, Any]) -> None:
    """Every kind of object gets another content."""
    written["archipelago:partners"] = {"gamma": {"nodes": [PASTED]}}  # ConfigMap and NetworkPolicy of all nodes
    written["archipelago:defaults"] |= {"storage": {"size": "30Gi"}, "resources": {"cpu": "300m"}, "unlock": True}
    written["archipelago:nodes"]["quorum-node2"] = {"exposure": {"annotations": {"example.org/changed": "yes"}}}


def kill_at(consortium: Consortium, stack: Stack, space: str, kind: str) -> None:
    """Kill an `up` as soon as there is an object of a kind."""
    process = stack.start("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 60
    while not any(each == kind for each, _ in consortium.seen("a", space)) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    stack.run("cancel", "--yes").expect()


def managers(consortium: Consortium, space: str) -> set[str]:
    """Who applied what is there."""
    found = consortium.objects("a", space).values()
    entries = [entry for each in found for entry in each.metadata.managedFields or []]
    return {entry.manager for entry in entries if entry.operation == "Apply"}


def test_rb1_after_killed_creates_and_a_lost_backend_every_kind_of_object_can_be_changed(
    consortium: Consortium, space: str
) -> None:
    """The API server tells whether two runs are one field manager; a state that is new or cut off knows no name."""
    a = consortium.stack("cluster-a", config(space), "a")
    for kind in ("Secret", "Service", "ConfigMap", "Deployment"):
        kill_at(consortium, a, space, kind)
    a.up().expect()
    a.folder.joinpath("genesis.json").write_text(a.outputs()["network"]["genesis"])
    lost = consortium.stack("cluster-a", config(space), "a", backend="another")
    lost.configure(lambda written: written["archipelago:network"].update(genesisFile="genesis.json"))
    before = consortium.seen("a", space)
    lost.up().expect()
    assert {key: uid for key, (uid, _) in consortium.seen("a", space).items()} == {
        key: uid for key, (uid, _) in before.items()
    }
    lost.configure(changed)
    assert lost.run("preview").expect()
    lost.up().expect()
    found = consortium.objects("a", space)
    assert "5" * 128 in found["ConfigMap", "consortium-peers"].data["static-nodes.json"]
    assert "198.51.100.7" in str(found["NetworkPolicy", "consortium-peers"].to_dict())
    claim = found["PersistentVolumeClaim", f"{NODE}-data"]
    assert claim.spec.resources.requests["storage"] == "30Gi"
    assert found["Service", NODE].metadata.annotations["example.org/changed"] == "yes"
    assert "300m" in str(found["Deployment", NODE].to_dict())
    assert managers(consortium, space) == {"archipelago"}
    assert lost.preview().expect().changes == []


def test_rb4_what_others_changed_is_taken_back_by_a_refresh(consortium: Consortium, space: str) -> None:
    """The API server gives a field to who wrote it last, and `verify` promises that a refresh takes it back."""
    a = consortium.stack("cluster-a", config(space), "a")
    a.up().expect()
    client = consortium.client("a")
    peers = client.get(ConfigMap, "consortium-peers", namespace=space)
    right = dict(peers.data or {})
    peers.data = {"static-nodes.json": "[]"}
    client.replace(peers, field_manager="kubectl-replace")
    scale(client, space)
    run = a.run("up", "--yes", "--skip-preview", "--refresh").expect()
    assert "conflict" not in run.text
    found = consortium.objects("a", space)
    assert found["ConfigMap", "consortium-peers"].data == right
    assert found["Deployment", NODE].spec.replicas == 1


def scale(client: Client, space: str) -> None:
    """Stop a node as `kubectl scale` does."""
    stopped = {"spec": {"replicas": 0}}
    client.patch(Deployment, NODE, stopped, namespace=space, field_manager="kubectl-scale")


def test_c3_after_a_rename_nothing_is_replaced_and_nothing_deleted(consortium: Consortium, space: str) -> None:
    """With another `clusterIdentifier` the engine replaces all; the provider then deletes objects of fixed names."""
    a = consortium.stack("cluster-a", config(space), "a")
    a.up().expect()
    before, outputs = consortium.seen("a", space), a.outputs()
    a.run("stack", "rename", "cluster-a2").expect()
    renamed = Stack("cluster-a2", a.folder, a.environment)
    run = renamed.up().expect()
    assert {op for op, _, _ in run.changes} == {"update"}
    assert {kind.rpartition(":")[2] for _, kind, _ in run.changes} == {"Namespace", "Secret", "PersistentVolumeClaim"}
    assert {key: uid for key, (uid, _) in consortium.seen("a", space).items()} == {
        key: uid for key, (uid, _) in before.items()
    }
    assert renamed.outputs() == outputs
    assert renamed.preview().expect().changes == []
    second = consortium.stack("cluster-a", config(space), "a", backend="another")
    assert "belongs to the stack cluster-a2, which has the same seed" in second.up().text


def test_c2_another_cluster_gets_no_key_until_the_stack_file_names_it(consortium: Consortium, space: str) -> None:
    """The provider takes any context for the same cluster: a refresh made every object a second time."""
    a = consortium.stack("cluster-a", config(space), "a")
    a.up().expect()
    outputs = a.outputs()
    a.configure(lambda written: written["archipelago:cluster"].update(context="lab-b"))
    assert "pulumi up would be refused" in a.preview().expect().text
    for arguments in (("up",), ("up", "--refresh"), ("up", "--refresh")):
        run = a.run(*arguments, "--yes", "--skip-preview")
        assert run.code != 0
        assert outputs["cluster"]["uid"] in run.text
    assert consortium.seen("b", space) == {}
    other = consortium.uid("b")
    assert other in run.text
    a.configure(lambda written: written["archipelago:cluster"].update(uid=other))
    a.up().expect()
    assert a.outputs()["cluster"] == {"uid": other, "context": "lab-b"}
    a.run("up", "--yes", "--skip-preview", "--refresh").expect()
    assert {name for kind, name in consortium.seen("b", space) if kind == "Deployment"} == {
        "consortium-quorum-node1",
        NODE,
    }
    assert a.preview().expect().changes == []


def test_c4_a_second_stack_with_the_same_keys_is_refused_in_another_namespace(
    consortium: Consortium, space: str
) -> None:
    """Only an API server tells what runs in namespaces that are not the stack's own."""
    a = consortium.stack("cluster-a", config(space), "a")
    a.up().expect()
    seed = a.run("config", "get", "archipelago:identitySeed").expect().text.strip()
    other = config(f"{space}-2", **{"organisation": "alpha", "identitySeed": seed})
    b = consortium.stack("cluster-a2", other, "a", backend="another")
    run = b.up()
    assert run.code != 0
    assert f"Deployment {space}/{NODE} of the stack {a.outputs()['owner']} has the same keys" in run.text
    assert consortium.seen("a", f"{space}-2") == {}
