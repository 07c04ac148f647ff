"""Nodes in several namespaces, and pods that keep their names, with a kind of network of the tests' own."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace, Pod

from lab.workspace import Stack
from tests.engine.organisations import Consortium
from tests.pools import config

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).parent / "pools_program"
ARCHIVE, CACHE = "public-archive-ss", "public-cache-ss"
MIN_READY = 3  # seconds, as in tests/pools.py


def pools(consortium: Consortium, space: str, changes: dict[str, Any] | None = None) -> Stack:
    """A pool of two stateful members in a namespace of its own, and one that is not stateful in the stack's."""
    written = config(
        {
            "cluster.namespace": space,
            "pools.public.namespace": f"{space}-p",
            "pools.public.members": {"archive": {"stateful": True}, "cache": {"stateful": True}},
            **(changes or {}),
        }
    )
    return consortium.stack("cluster-a", written, "a", await_ready=True, program=PROGRAM, namespaces=(f"{space}-p",))


def ready_since(pod: Pod) -> datetime:
    assert pod.status
    (since,) = [each.lastTransitionTime for each in pod.status.conditions or [] if each.type == "Ready"]
    assert isinstance(since, datetime)
    return since


def test_pools_stand_in_their_namespaces_and_a_preview_is_clean(consortium: Consortium, space: str) -> None:
    a = pools(consortium, space)
    names = {name for _, _, name in a.up().expect().changes}
    assert {f"{space}-p/{ARCHIVE}", f"{space}-p/research-peers", "research-peers", "research-private-archive"} <= names
    assert a.preview().expect().changes == []
    there = consortium.objects("a", f"{space}-p")
    assert ("StatefulSet", ARCHIVE) in there
    assert there["Service", "public-archive"].spec.clusterIP == "None"
    assert ("Deployment", "research-private-archive") in consortium.objects("a", space)
    a.destroy().expect()
    left = consortium.seen("a", f"{space}-p")
    assert {kind for kind, _ in left} == {"Secret", "PersistentVolumeClaim"}
    a.up().expect()
    for key, (uid, _) in left.items():
        assert consortium.seen("a", f"{space}-p")[key][0] == uid


def test_a_change_of_image_is_done_when_the_new_pod_is_and_one_node_waits_for_the_other(
    consortium: Consortium, space: str
) -> None:
    """The state that the provider meets first is that of the old pod."""
    a = pools(consortium, space)
    a.up().expect()
    client, there = consortium.client("a"), f"{space}-p"
    before = {name: client.get(Pod, f"{name}-0", namespace=there) for name in (ARCHIVE, CACHE)}
    claims = {key: uid for key, (uid, _) in consortium.seen("a", there).items() if key[0] == "PersistentVolumeClaim"}
    a.configure(lambda written: written["archipelago:network"].update({"version": "23.4.0"}))
    run = a.up().expect()
    assert {(op, name) for op, _, name in run.changes} >= {
        ("update", f"{there}/{ARCHIVE}"),
        ("update", f"{there}/{CACHE}"),
    }
    after = {name: client.get(Pod, f"{name}-0", namespace=there) for name in (ARCHIVE, CACHE)}
    for name, pod in after.items():
        old = before[name]
        assert pod.metadata and pod.spec and old.metadata
        assert pod.metadata.uid != old.metadata.uid
        assert all("22.7.4" not in each.image for each in pod.spec.containers if each.image)
        status = consortium.objects("a", there)["StatefulSet", name].status
        assert (status.updatedReplicas, status.availableReplicas) == (1, 1)
        assert status.currentRevision == status.updateRevision
    second = after[CACHE].metadata
    made = second and second.creationTimestamp
    assert isinstance(made, datetime)
    assert (made - ready_since(after[ARCHIVE])).total_seconds() >= MIN_READY - 1, "whole seconds are told"
    kept = {key: uid for key, (uid, _) in consortium.seen("a", there).items() if key[0] == "PersistentVolumeClaim"}
    assert kept == claims
    assert a.preview().expect().changes == []


def test_a_namespace_that_nobody_made_is_refused_before_anything_is(consortium: Consortium, space: str) -> None:
    a = pools(consortium, space, {"pools.public.createNamespace": False})
    run = a.up()
    assert run.code != 0
    assert f"there is no namespace {space}-p in this cluster" in run.text
    assert consortium.seen("a", space) == {}
    consortium.client("a").create(Namespace(metadata=ObjectMeta(name=f"{space}-p")))
    a.up().expect()


def test_a_route_is_refused_where_the_cluster_knows_none(consortium: Consortium, space: str) -> None:
    a = pools(consortium, space, {"pools.public.members": {"archive": {"entryPoint": "ipfs"}}})
    run = a.up()
    assert run.code != 0
    assert "this cluster knows no IngressRouteTCP of traefik.io/v1alpha1" in run.text
    assert consortium.seen("a", space) == {}
