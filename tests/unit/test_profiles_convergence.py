"""Stacks with identities, run in any order, with partners that leave or claim what is not theirs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from archipelago.manifests.common import OWNER
from archipelago.model.endpoint import Endpoint
from archipelago.model.record import ExternalNode
from archipelago.profiles.peers import _told_apart, relayed_members, swarms_of
from tests.identities import (
    CHAINS,
    GRANTS,
    KIND,
    exported,
    granted,
    objects,
    organisation,
    plan_of,
    settings_of,
    settled,
    world,
)
from tests.stacks import GONE, alpha, outputs_of
from tests.stacks import plan_of as plan_of_goquorum
from tests.world import of_kind

pytestmark = pytest.mark.unit

PEER, SECRET = "Peer", "Secret"


@pytest.mark.parametrize("order", [("alpha", "beta", "gamma"), ("gamma", "beta", "alpha"), ("beta", "gamma", "alpha")])
def test_any_order_of_runs_converges_and_then_changes_nothing(order: tuple[str, ...]) -> None:
    made = world(GRANTS)
    made.up(*order)
    made.settle(*order)
    assert made.settled()
    assert {name: set(objects(plan)) for name, plan in made.plans.items()} == {
        name: set(objects(plan)) for name, plan in granted().plans.items()
    }


def test_beta_and_gamma_keep_each_others_peers_and_addresses_after_alpha_has_left() -> None:
    made = settled()
    made.destroy("alpha")
    made.settle()
    for name, other in (("beta", "gamma"), ("gamma", "beta")):
        assert of_kind(made.plans[name], PEER).keys() == {f"{other}-{other}-site", "alpha-alpha-site"}
        assert f"{other}/public-archive" in made.plans[name].live_files["peers.json"]
    assert made.settled()
    for name in ("beta", "gamma"):
        made.configs[name]["partners"]["alpha"]["forget"] = True
    made.up("beta", "gamma")
    made.settle()
    for name, other in (("beta", "gamma"), ("gamma", "beta")):
        assert of_kind(made.plans[name], PEER).keys() == {f"{other}-{other}-site"}
    assert made.settled()


def _unsigned(outputs: dict[str, Any]) -> None:
    outputs["identities"] = {**outputs["identities"], "signature": "00" * 64}


def _silent(outputs: dict[str, Any]) -> None:
    outputs.clear()


def _other_place(outputs: dict[str, Any]) -> None:
    outputs["externalNodes"] = "none"


@pytest.mark.parametrize("damage", [_unsigned, _silent, _other_place])
def test_s4_a_partner_that_is_away_keeps_its_peer_and_the_way_in_that_it_gave(damage: Callable[..., None]) -> None:
    made = settled(GRANTS)
    before = objects(made.plans["beta"])
    assert {("Peer", "alpha-alpha-site"), ("Secret", "alpha-alpha-site-kubeconfig")} <= before.keys()
    damage(made.outputs["alpha"])
    for _ in range(2):  # the second run has them from the first one alone
        plan = made.up("beta")
        assert plan.missing == ("alpha",)
        assert objects(plan) == before
    made.outputs["alpha"] = {}
    made.configs["beta"]["partners"]["alpha"]["forget"] = True
    assert not of_kind(made.up("beta"), PEER).keys() & {"alpha-alpha-site"}


def test_a_grant_to_a_partner_that_is_not_there_waits_and_says_so() -> None:
    made = world(GRANTS)
    plan = made.up("alpha")
    words = "beta: its sealing key, for the kubeconfig of identity alpha-site"
    assert words in made.outputs["alpha"]["waitingFor"]
    assert any(f"Waiting for {words}" in each for each in plan.warnings)
    assert "alpha-site-beta" in of_kind(plan, SECRET), "its token is there already"
    assert made.outputs["alpha"]["profiles"][0]["delivery"]["kubeconfigs"] == {}
    made.up("beta", "gamma", "alpha")
    assert set(made.outputs["alpha"]["profiles"][0]["delivery"]["kubeconfigs"]) == {"beta", "gamma"}
    assert made.outputs["alpha"]["waitingFor"] == []


def test_objects_say_whose_they_are_and_the_kind_of_peers_is_everybodys() -> None:
    plan = granted().plans["beta"]
    for (kind, name), each in objects(plan).items():
        if kind == "CustomResourceDefinition":
            assert OWNER not in each["metadata"]["labels"]
            assert each["metadata"]["annotations"] == {"pulumi.com/patchForce": "true"}
            assert each == objects(granted().plans["gamma"])[kind, name]
        else:
            assert each["metadata"]["labels"][OWNER] == plan.owner


def test_where_no_kind_may_be_defined_peers_are_config_maps() -> None:
    made = settled({**GRANTS, "beta": {"network.peers": "configMap"}})
    plan = made.plans["beta"]
    assert not of_kind(plan, PEER)
    assert not of_kind(plan, "CustomResourceDefinition")
    found = of_kind(plan, "ConfigMap")["alpha-alpha-site"]
    crd = of_kind(granted().plans["beta"], PEER)["alpha-alpha-site"]
    assert json.loads(found["data"]["peer.json"])["spec"] == crd["spec"]
    assert found["metadata"] == crd["metadata"]


def test_a_way_in_stands_in_its_secret_alone_also_where_peers_are_config_maps() -> None:
    plan = settled({**GRANTS, "beta": {"network.peers": "configMap"}}).plans["beta"]
    tokens = [each.access.token for each in plan.exchange.peers if each.access]
    found = objects(plan)
    assert tokens
    for token in tokens:
        assert {kind for (kind, _), each in found.items() if token in json.dumps(each)} == {SECRET}


def test_without_anybodys_identity_there_is_no_kind_of_peers() -> None:
    plan = plan_of(organisation("alpha"))
    assert not of_kind(plan, "CustomResourceDefinition")
    assert exported(plan)["relayedProfiles"] == []


def test_two_organisations_whose_names_run_together_get_peers_of_their_own() -> None:
    one = granted().plans["beta"].exchange.peers[0]
    pairs = (("a", "b-c"), ("a-b", "c"))
    made = [
        replace(one, object_name="a-b-c", profile=one.profile.model_copy(update={"organisation": o, "identity": i}))
        for o, i in pairs
    ]
    names = {each.object_name for each in _told_apart(made)}
    assert len(names) == 2
    assert all(name.startswith("a-b-c-") for name in names)


def test_a_strangers_member_that_claims_what_is_anothers_is_not_dialled_and_stops_nothing() -> None:
    plan = granted().plans["beta"]
    heard = next(each.heard for each in plan.exchange.known if each.heard.profile.organisation == "gamma")
    (member,) = heard.delivery.members
    (endpoint,) = member["endpoints"].values()

    def dialled(changes: dict[str, Any], known: dict[str, Any]) -> tuple[list[ExternalNode], str]:
        other = replace(heard, delivery=heard.delivery.model_copy(update={"members": ({**member, **changes},)}))
        ours = [plan.records[0].model_copy(update=known)]
        read = ("research", CHAINS[KIND].parse_node)
        found, doubts = relayed_members([(other, False)], ours, [], swarms_of("beta", ours, [other], *read), *read)
        return found, " ".join(doubts)

    def at(host: str) -> dict[str, Any]:
        return {"endpoints": {"swarm": {**endpoint, "host": host}}}

    assert [str(node) for node in dialled({}, {})[0]] == ["gamma/public-archive"]
    taken = {"endpoints": {"swarm": Endpoint.model_validate(endpoint)}}
    refused = [
        (dialled({}, {"node_id": member["nodeId"]}), "claims what belongs to beta/public-archive"),
        (dialled({}, taken), "claims what belongs to beta/public-archive"),
        (dialled({"fingerprint": "00" * 16}, {}), "holds another key of the swarm archive"),
        (dialled({"nodeId": 3, "name": []}, {}), "has a member that cannot be read"),
        (dialled(at("x;y"), {}), "has a member that cannot be read"),
        (dialled(at("169.254.169.254"), {}), "is an address of the machine's own"),
        (dialled({"nodeId": plan.records[0].node_id}, {}), ""),
        (dialled({"organisation": "delta"}, {}), ""),
        (dialled({"swarm": "another", "fingerprint": "0" * 32}, {}), ""),
    ]
    for (found, told), words in refused:
        assert found == []
        assert words in told


def test_no_output_of_a_protocol_without_profiles_has_any() -> None:
    given = outputs_of(plan_of_goquorum(alpha()))
    assert not {"profiles", "relayedProfiles"} & given.keys()


def test_the_settings_of_the_tests_are_sound() -> None:
    for name in ("alpha", "beta", "gamma"):
        assert settings_of(organisation(name, {"partners.nobody": GONE}))
