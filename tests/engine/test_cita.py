"""CITA-Cloud chains on real API servers: what runner_k8s made in one cluster, and the examples in three stacks."""

from __future__ import annotations

from typing import Any

import pytest

from tests import cita
from tests.engine.organisations import Consortium
from tests.stacks import GONE, changed

pytestmark = pytest.mark.engine

# the kubelet of these clusters runs nothing, and a balancer of the lab is no cloud's
LOCAL: dict[str, dict[str, Any]] = {
    "as runner_k8s had it": {},
    "with everything": cita.EXTENDED,
    "in directories of a machine": {
        "defaults.storage.local.path": "/srv/chains",
        **{f"nodes.node{index}.storage.local": {"path": f"/srv/chains/{index}", "host": "lab-a"} for index in range(3)},
    },
}


@pytest.mark.parametrize("changes", LOCAL.values(), ids=LOCAL)
def test_a_local_chain_is_taken_and_stays(consortium: Consortium, space: str, changes: dict[str, Any]) -> None:
    derived = {"defaults.kmsPassword": GONE}  # in plain text it is refused
    config = cita.local({"cluster.namespace": space, **derived, **changes})
    stack = consortium.stack("local", config, "a")
    stack.up().expect()
    made = {kind for kind, _ in consortium.objects("a", space)}
    assert made == {"ConfigMap", "NetworkPolicy", "PersistentVolumeClaim", "Secret", "Service", "StatefulSet"}
    assert stack.preview().expect().changes == []


@pytest.mark.soak
def test_three_stacks_are_wired_in_two_rounds(consortium: Consortium, space: str) -> None:
    places = {"alpha": "a", "beta": "b", "gamma": "b"}
    stacks = {}
    for organisation, cluster in places.items():
        # two stacks share a cluster here: their namespaces differ, and their ports have to
        own: dict[str, Any] = {"cluster.namespace": f"{space[:30]}-{organisation}"}
        if organisation == "gamma":
            own["nodes.node3.portBase"] = 30018
        stacks[organisation] = consortium.stack(
            cita.STACKS[organisation], changed(cita.example(organisation), own), cluster
        )
    for stack in stacks.values():
        stack.up().expect()
    assert stacks["alpha"].outputs()["waitingFor"] == ["beta/node2", "gamma/node3"]
    for stack in stacks.values():
        stack.up().expect()
    for organisation, stack in stacks.items():
        assert stack.outputs()["waitingFor"] == []
        assert stack.preview().expect().changes == [], f"{organisation} would change something in a third round"
    assert len({stack.outputs()["network"]["genesisHash"] for stack in stacks.values()}) == 1
