"""Others choose the names of Peers, and never that of an object of ours."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from archipelago.manifests import limits
from archipelago.manifests.common import place
from archipelago.manifests.stack import manifests
from archipelago.profiles.peers import Peer, _told_apart
from archipelago.stack.plan import StackPlan
from tests.identities import granted, settled
from tests.stacks import alpha, plan_of
from tests.world import of_kind

pytestmark = pytest.mark.unit


def named(plan: StackPlan, organisation: str, identity: str) -> StackPlan:
    """The same with a Peer of that name, as its organisation chose it."""
    first, *more = plan.exchange.peers
    profile = first.profile.model_copy(update={"organisation": organisation, "identity": identity})
    changed = replace(first, profile=profile, object_name=f"{organisation}-{identity}")
    return replace(plan, exchange=replace(plan.exchange, peers=(changed, *more)))


@pytest.mark.parametrize("name", ["research-peers", "research-genesis"])
def test_c10_a_peer_in_a_config_map_takes_no_name_of_ours(name: str) -> None:
    """A stranger's identity overwrote the list of all members, and deleted it when it went."""
    plan = settled({"beta": {"network.peers": "configMap"}}).plans["beta"]
    ours = of_kind(plan, "ConfigMap")[name]
    hostile = named(plan, *name.split("-"))
    found = of_kind(hostile, "ConfigMap")
    assert found[name] == ours
    (longer,) = [each for each in found if each.startswith(f"{name}-")]
    assert found[longer]["metadata"]["labels"]["archipelago/organisation"] == "research"
    assert not [each for each in limits.problems(hostile) if "one object" in each.message]
    assert named(plan, "gamma", "other").exchange.peers[0].object_name in of_kind(
        named(plan, "gamma", "other"), "ConfigMap"
    )


def test_c10_a_kubeconfigs_secret_takes_no_name_of_ours_either() -> None:
    plan = granted().plans["beta"]
    (peer,) = [each for each in plan.exchange.peers if each.access]
    mine = {"alpha-alpha-site-kubeconfig": {"swarm-key": "ours"}}
    kept = replace(plan, nodes=(replace(plan.nodes[0], secrets=mine), *plan.nodes[1:]))
    places = Counter(map(place, manifests(kept)))
    assert max(places.values()) == 1
    (renamed,) = [name for kind, _, name in places if kind == "Peer" and name.startswith(f"{peer.object_name}-")]
    annotations = of_kind(kept, "Peer")[renamed]["metadata"]["annotations"]
    assert annotations["clusterdiscovery/kubeconfig-secret"] == f"{renamed}-kubeconfig"


def test_c10_a_name_that_looks_like_a_longer_one_is_made_longer_too() -> None:
    """Or a stranger could choose the longer name of another's Peer."""
    (peer, *_) = granted().plans["beta"].exchange.peers

    def of(organisation: str, identity: str) -> Peer:
        profile = peer.profile.model_copy(update={"organisation": organisation, "identity": identity})
        return replace(peer, profile=profile, object_name=f"{organisation}-{identity}")

    (longer, _) = _told_apart([of("a-b", "c"), of("a", "b-c")])
    digest = longer.object_name.removeprefix("a-b-c-")
    told = [each.object_name for each in _told_apart([of("a-b", "c"), of("a", "b-c"), of("a-b-c", digest)])]
    assert len(set(told)) == len(told)
    assert told[0] == longer.object_name


def test_c10_two_objects_under_one_name_are_refused_whatever_they_are_made_of() -> None:
    plan = plan_of(alpha())
    first = plan.nodes[0]
    twice = replace(first, secrets={f"{first.object_name}-identity": {"key": "another"}})
    (problem,) = limits.problems(replace(plan, nodes=(twice, *plan.nodes[1:])))
    assert f"-{first.name}-identity must be one object, got 2 of that name." in problem.message


def test_a_stranger_renames_no_peer_of_a_partner() -> None:
    """`gpu-eu` of beta stayed under its name until a relay told of `eu` of an organisation beta-gpu."""
    (peer, *_) = granted().plans["beta"].exchange.peers

    def of(organisation: str, identity: str) -> Peer:
        profile = peer.profile.model_copy(update={"organisation": organisation, "identity": identity})
        return replace(peer, profile=profile, object_name=f"{organisation}-{identity}")

    partner, stranger, other = of("beta", "gpu-eu"), of("beta-gpu", "eu"), of("beta-gpu-eu", "x")
    first, second, third = _told_apart([partner, stranger, other], {stranger.profile.place, other.profile.place})
    assert first.object_name == "beta-gpu-eu"
    assert second.object_name.startswith("beta-gpu-eu-")
    assert third.object_name == "beta-gpu-eu-x"
    both = _told_apart([partner, stranger], ())
    assert "beta-gpu-eu" not in {each.object_name for each in both}, "of two partners, neither has it"
