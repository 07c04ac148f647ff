"""Names that others choose for their Peers, beside what stands in the cluster already: no run is refused for them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import httpx2
import pytest
from lightkube import Client
from lightkube.core.exceptions import ApiError

from archipelago.manifests.stack import manifests
from archipelago.profiles.peers import longer
from archipelago.stack.plan import StackPlan
from operate import conflicts
from operate.cluster import Unreachable
from operate.peer_names import beside_others
from tests.identities import granted, settled
from tests.world import difference, of_kind

pytestmark = pytest.mark.unit


class Beside:
    """A cluster with objects that are not the stack's, by kind and name."""

    def __init__(self, *there: tuple[str, str]) -> None:
        self._there = there

    def list(self, kind: Any, *, namespace: str, labels: Any = None) -> Collection[Any]:
        assert namespace, "one at a time"
        names = [name for of, name in self._there if of == kind.__name__]
        return [SimpleNamespace(metadata=SimpleNamespace(name=name, labels={}, annotations={})) for name in names]


class Silent:
    """A cluster that lists nothing to us."""

    def list(self, *_: Any, **__: Any) -> Any:
        raise ApiError(response=httpx2.Response(403, json={"code": 403, "message": "forbidden"}))


@pytest.fixture
def configured() -> StackPlan:
    return settled({"beta": {"network.peers": "configMap"}}).plans["beta"]


def meets(plan: StackPlan, *there: tuple[str, str]) -> StackPlan:
    """The plan, and nothing that refuses it."""
    client = cast(Client, Beside(*there))
    found = beside_others(client, plan)
    for namespace in plan.populated:
        wanted = [each for each in manifests(found) if each["metadata"].get("namespace") == namespace]
        assert [each.message for each in conflicts.others(client, wanted, found)] == []
    return found


def test_a_peer_whose_config_map_is_of_another_owner_takes_its_longer_name(configured: StackPlan) -> None:
    peer = configured.exchange.peers[0]
    found = meets(configured, ("ConfigMap", peer.object_name))
    names = (peer.object_name, longer(peer).object_name)
    assert difference(configured, found) == {("ConfigMap", f"{peer.namespace}/{name}") for name in names}
    assert found.warnings == configured.warnings
    assert meets(found, ("ConfigMap", peer.object_name)) == found


def test_a_peer_whose_longer_name_is_taken_too_is_left_out_and_told(configured: StackPlan) -> None:
    peer = configured.exchange.peers[0]
    found = meets(configured, ("ConfigMap", peer.object_name), ("ConfigMap", longer(peer).object_name))
    assert difference(configured, found) == {("ConfigMap", f"{peer.namespace}/{peer.object_name}")}
    (told,) = set(found.warnings) - set(configured.warnings)
    assert f"1 profile ({peer.profile} in {peer.namespace}) is without a Peer" in told


def test_a_peer_whose_kubeconfig_has_the_name_of_anothers_secret_takes_its_longer_name() -> None:
    plan = granted().plans["beta"]
    (peer,) = [each for each in plan.exchange.peers if each.access]
    found = meets(plan, ("Secret", f"{peer.object_name}-kubeconfig"))
    assert f"{longer(peer).object_name}-kubeconfig" in of_kind(found, "Secret")
    assert f"{peer.object_name}-kubeconfig" not in of_kind(found, "Secret")
    assert longer(peer).object_name in of_kind(found, "Peer")


def test_names_stay_where_nothing_of_others_has_them(configured: StackPlan) -> None:
    """What is ours is not listed: a Peer that is there keeps its name."""
    assert difference(configured, meets(configured, ("ConfigMap", "another"), ("Secret", "another"))) == set()
    assert beside_others(cast(Client, Silent()), plan_without_peers(configured)).exchange.peers == ()


def plan_without_peers(plan: StackPlan) -> StackPlan:
    return replace(plan, exchange=replace(plan.exchange, peers=()))


def test_a_cluster_that_does_not_show_its_objects_is_one_that_cannot_be_asked(configured: StackPlan) -> None:
    with pytest.raises(Unreachable, match="refuses to list the objects beside Peers: forbidden"):
        beside_others(cast(Client, Silent()), configured)
