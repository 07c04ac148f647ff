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
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import StatefulSet
from lightkube.resources.core_v1 import ConfigMap

from lab.workspace import Stack
from tests.engine.organisations import Consortium
from tests.stacks import Config, alpha, beta, plan_of

pytestmark = pytest.mark.engine

NODE = "consortium-quorum-node2"
LATE = plan_of(beta(), {"alpha": None}).records[0].node_id
PASTED = {"Node_UserIdent": "late", "Enode_Url": f"enode://{LATE}@198.51.100.7:30399?discport=0"}


def config(space: str, **changes: Any) -> Config:
    return alpha({"cluster.namespace": space, "partners": {}, "nodes": {"quorum-node2": {}}, **changes})


def changed(written: dict[str, Any]) -> None:
    """Every kind of object gets another content."""
    written["archipelago:partners"] = {"gamma": {"nodes": [PASTED]}}  # ConfigMap and NetworkPolicy of all nodes
    written["archipelago:defaults"] |= {"storage": {"size": "30Gi"}, "resources": {"cpu": "300m"}}
    identity = {"keystore": 1}  # the Secret has the same key in another format
    annotations = {"annotations": {"example.org/changed": "yes"}}
    written["archipelago:nodes"]["quorum-node2"] = {"exposure": annotations, "identity": identity}


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


def uids(consortium: Consortium, space: str) -> dict[tuple[str, str], str]:
    return {key: uid for key, (uid, _) in consortium.seen("a", space).items()}


def edited(client: Client, space: str) -> None:
    """What others do by hand: `kubectl replace` of a list, `kubectl scale` of a node to nothing."""
    peers = client.get(ConfigMap, "consortium-peers", namespace=space)
    peers.data = {"static-nodes.json": "[]"}
    client.replace(peers, field_manager="kubectl-replace")
    client.patch(StatefulSet, NODE, {"spec": {"replicas": 0}}, namespace=space, field_manager="kubectl-scale")


def as_an_older_program(client: Client, space: str) -> None:
    """What a run whose state is lost has applied under a name that the provider drew."""
    made = ConfigMap(metadata=ObjectMeta(name="consortium-peers", namespace=space), data={"old.json": "[]"})
    client.apply(made, field_manager="pulumi-kubernetes-12345678", force=True)


def test_rb1_rb4_after_a_killed_create_and_a_lost_backend_every_kind_of_object_can_be_changed_and_edits_taken_back(
    consortium: Consortium, space: str
) -> None:
    """The API server tells whether two runs are one field manager; a state that is new or cut off knows no name.

    A lost state is a create that was killed at every object at once; the kill shows the state that is cut off.
    """
    a = consortium.stack("cluster-a", config(space), "a")
    kill_at(consortium, a, space, "StatefulSet")
    a.up().expect()
    a.folder.joinpath("genesis.json").write_text(a.outputs()["network"]["genesis"])
    before, keys = uids(consortium, space), consortium.objects("a", space)["Secret", f"{NODE}-identity"].data
    lost = consortium.stack("cluster-a", config(space), "a", backend="another")
    lost.configure(lambda written: written["archipelago:network"].update(genesisFile="genesis.json"))
    as_an_older_program(consortium.client("a"), space)
    lost.up().expect()
    assert "old.json" not in consortium.objects("a", space)["ConfigMap", "consortium-peers"].data
    assert uids(consortium, space) == before
    lost.configure(changed)
    lost.run("up", "--yes").expect()  # preview and all
    found = consortium.objects("a", space)
    peers = found["ConfigMap", "consortium-peers"].data
    assert LATE in peers["static-nodes.json"]
    assert "198.51.100.7" in str(found["NetworkPolicy", "consortium-peers"].to_dict())
    assert found["PersistentVolumeClaim", f"{NODE}-data"].spec.resources.requests["storage"] == "30Gi"
    assert found["Service", NODE].metadata.annotations["example.org/changed"] == "yes"
    assert found["Secret", f"{NODE}-identity"].data["keystore.json"] != keys["keystore.json"]
    assert "300m" in str(found["StatefulSet", NODE].to_dict())
    assert managers(consortium, space) == {"archipelago"}
    edited(consortium.client("a"), space)
    lost.run("up", "--yes", "--skip-preview", "--refresh").expect()
    again = consortium.objects("a", space)
    assert again["ConfigMap", "consortium-peers"].data == peers
    assert again["StatefulSet", NODE].spec.replicas == 1


def peers(consortium: Consortium, space: str) -> list[Any]:
    """Whom the nodes of both clusters know and may dial."""
    found = [consortium.objects(cluster, space) for cluster in "ab"]
    lists = [each["ConfigMap", "consortium-peers"].data for each in found]
    return [*lists, *(each["NetworkPolicy", "consortium-peers"].to_dict()["spec"] for each in found)]


@pytest.mark.soak
def test_rb2_two_stacks_whose_one_backend_is_lost_come_back_and_neither_cuts_the_others_nodes(
    consortium: Consortium, space: str
) -> None:
    """Only the engine refuses a partner's stack that is not there, and knows one that was made and never ran."""
    partner = {"stack": "organization/archipelago/cluster-b", "required": False}
    of_a = config(space, partners={"beta": partner})
    of_b = beta({"cluster.namespace": space, "nodes": {"quorum-node1": {}}})
    a, b = consortium.stack("cluster-a", of_a, "a"), consortium.stack("cluster-b", of_b, "b")
    for stack in (a, b, a):
        stack.up().expect()
    before, objects = peers(consortium, space), [consortium.seen(cluster, space) for cluster in "ab"]
    a.folder.joinpath("genesis.json").write_text(a.outputs()["network"]["genesis"])
    a.configure(lambda written: written["archipelago:network"].update(genesisFile="genesis.json"))
    a.configure(lambda written: written["archipelago:partners"]["beta"].pop("required"))
    a = consortium.stack("cluster-a", of_a, "a", backend="another")
    assert 'unknown stack "organization/archipelago/cluster-b"' in a.up().text, "each requires the other"
    b = consortium.stack("cluster-b", of_b, "b", backend="another")
    first = a.up().expect()
    assert "the list of peers stays as it stands in the cluster" in first.text
    assert peers(consortium, space) == before
    for stack in (b, a):
        stack.up().expect()
        assert peers(consortium, space) == before
    for cluster, seen in zip("ab", objects, strict=True):
        assert {key: uid for key, (uid, _) in consortium.seen(cluster, space).items()} == {
            key: uid for key, (uid, _) in seen.items()
        }
    assert a.preview().expect().changes == []


def test_c3_c4_a_rename_replaces_and_deletes_nothing_and_a_second_stack_with_its_keys_is_refused(
    consortium: Consortium, space: str
) -> None:
    """With another `clusterIdentifier` the engine replaces all, and of fixed names the provider deletes what it made.

    And only an API server tells what runs in namespaces that are not the stack's own.
    """
    a = consortium.stack("cluster-a", config(space), "a")
    a.up().expect()
    before, outputs = uids(consortium, space), a.outputs()
    a.run("stack", "rename", "cluster-a2").expect()
    renamed = Stack("cluster-a2", a.folder, a.environment)
    run = renamed.up().expect()
    assert {op for op, _, _ in run.changes} == {"update"}
    assert {kind.rpartition(":")[2] for _, kind, _ in run.changes} == {"Namespace", "Secret", "PersistentVolumeClaim"}
    assert uids(consortium, space) == before
    assert renamed.outputs() == outputs
    seed = renamed.run("config", "get", "archipelago:identitySeed").expect().text.strip()
    elsewhere = config(f"{space}-2", identitySeed=seed)
    refused = consortium.stack("cluster-a3", elsewhere, "a", backend="another").up()
    assert refused.code != 0
    assert f"StatefulSet {space}/{NODE} of the stack {outputs['owner']} has the same keys" in refused.text
    assert consortium.seen("a", f"{space}-2") == {}


def test_c2_another_cluster_gets_no_key_until_the_stack_file_names_it(consortium: Consortium, space: str) -> None:
    """The provider takes any context for the same cluster: a refresh made every object a second time."""
    a = consortium.stack("cluster-a", config(space), "a")
    a.up().expect()
    was, other = consortium.uid("a"), consortium.uid("b")
    a.configure(lambda written: written["archipelago:cluster"].update(context="lab-b"))
    run = a.run("up", "--yes", "--skip-preview", "--refresh")
    assert run.code != 0
    assert f"this stack runs in the cluster {was} (context lab-a)" in run.text
    assert other in run.text
    assert consortium.seen("b", space) == {}
    a.configure(lambda written: written["archipelago:cluster"].update(uid=other))
    a.up().expect()
    a.run("up", "--yes", "--skip-preview", "--refresh").expect()
    assert ("StatefulSet", NODE) in consortium.seen("b", space)
    assert a.outputs()["cluster"] == {"uid": other, "context": "lab-b"}
