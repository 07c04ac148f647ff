"""A swarm is its key: who holds it is in the swarm, whatever each organisation calls it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from archipelago.chains.contract import Ask
from archipelago.chains.ipfs.swarm_key import SwarmKey
from archipelago.model.address_book import AddressBook
from archipelago.model.record import NetworkRecord
from archipelago.model.swarms import Swarms
from archipelago.problems import Refused
from archipelago.stack import swarms
from archipelago.stack.plan import StackPlan
from operate.site import Site
from operate.stack import Stack
from tests import ipfs
from tests.ipfs import ARCHIVE, alpha, beta, node, plan_of, secret
from tests.stacks import Config, crossed, outputs_of
from tests.world import World

pytestmark = pytest.mark.unit

KEY, OTHER = SwarmKey(bytes(range(32))), SwarmKey(bytes(range(1, 33)))
GIVEN = secret("the-key", {"swarm-key": KEY.text})
FROM_SECRET = {"key": {"secret": "the-key"}}
PASTED = {"name": "store", "swarm": "their-store", "multiaddr": f"/ip4/192.0.2.40/tcp/4001/p2p/{ipfs.PEER}"}


def two(
    changes: dict[str, Any] | None = None, keys: dict[str, SwarmKey] | None = None, theirs: str = "their-name"
) -> World:
    """alpha's swarm `archive` and beta's of another name, both with keys that came by hand."""
    held = {"alpha": KEY, "beta": KEY, **(keys or {})}
    joiner = beta({"pools": {"site": {"swarms": {theirs: FROM_SECRET}}}, **(changes or {})})

    def planned(config: Config, received: Any, last: Any) -> StackPlan:
        given = secret("the-key", {"swarm-key": held[config["organisation"]].text})
        return plan_of(config, received, last, given=given)

    return World(planned, alpha=alpha({f"{ARCHIVE}.key": FROM_SECRET["key"]}), beta=joiner)


def members(plan: StackPlan, swarm: str) -> set[str]:
    """PeerIDs in the live list of a swarm."""
    return {line.split()[1] for line in plan.live_files[f"{swarm}.members"].splitlines()}


def ids(world: World) -> set[str]:
    return {record.node_id for plan in world.plans.values() for record in plan.records}


def test_if1_two_names_and_one_key_are_one_swarm_on_both_sides() -> None:
    world = two()
    world.up("alpha", "beta", "alpha", "beta")
    assert members(world.plans["alpha"], "archive") == ids(world)
    assert members(world.plans["beta"], "their-name") == ids(world)
    listed = json.loads(world.plans["alpha"].live_files["peers.json"])
    assert {name: len(each) for name, each in listed.items()} == {"archive": 2}
    assert world.settled()
    assert any("beta calls our swarm archive their-name" in each for each in world.plans["alpha"].warnings)


def test_if1_names_in_outputs_and_in_files_stay_those_of_the_stack() -> None:
    world = two()
    world.up("alpha", "beta", "alpha", "beta")
    assert {record.swarm for record in world.plans["beta"].records} == {"their-name"}
    assert {name for name in world.plans["beta"].live_files if name.endswith(".members")} == {"their-name.members"}


def test_if1_a_partner_by_hand_is_in_our_swarm_by_the_fingerprint_that_it_tells() -> None:
    def listed(**told: str) -> StackPlan:
        config = alpha({f"{ARCHIVE}.key": FROM_SECRET["key"], "partners": {"delta": {"nodes": [{**PASTED, **told}]}}})
        return plan_of(config, given=GIVEN)

    known, unknown = listed(fingerprint=KEY.fingerprint), listed()
    assert ipfs.PEER in members(known, "archive")
    assert ipfs.PEER not in members(unknown, "archive")
    (told,) = [each for each in unknown.warnings if "No member of delta is in a swarm of ours" in each]
    assert "their-store (key not known)" in told and f"archive ({KEY.fingerprint})" in told
    assert not [each for each in known.warnings if "No member of delta" in each]


def test_if1_one_name_and_two_keys_is_refused_where_neither_is_the_others() -> None:
    world = two(keys={"beta": OTHER}, theirs="archive")
    world.up("alpha")
    with pytest.raises(Refused) as refused:
        world.up("beta")
    assert "different keys" in refused.value.problems[0].message


def test_if1_a_name_of_ours_that_means_another_swarm_of_ours_is_told_apart_by_its_key() -> None:
    two_of_ours = {
        "archive": {"key": {"secret": "one"}},
        "models": {"key": {"secret": "two"}},
    }
    given = secret("one", {"swarm-key": KEY.text}) | secret("two", {"swarm-key": OTHER.text})
    pasted = [{**PASTED, "swarm": "archive", "fingerprint": OTHER.fingerprint}]
    plan = plan_of(alpha({"pools.public.swarms": two_of_ours, "partners": {"delta": {"nodes": pasted}}}), given=given)
    assert ipfs.PEER in members(plan, "models")
    assert ipfs.PEER not in members(plan, "archive")


def test_if1_two_swarms_of_ours_with_one_key_are_one() -> None:
    pools = {
        "a": {"namespace": "one", "swarms": {"archive": FROM_SECRET}},
        "b": {"namespace": "two", "swarms": {"models": FROM_SECRET}},
    }
    given = secret("the-key", {"swarm-key": KEY.text}, "one") | secret("the-key", {"swarm-key": KEY.text}, "two")
    plan = plan_of(alpha({"pools": pools}), given=given)
    assert members(plan, "archive") == members(plan, "models") == {record.node_id for record in plan.records}
    assert any("Our swarms archive and models have one key" in each for each in plan.warnings)


def test_if1_a_partner_in_no_swarm_of_ours_is_told_with_both_fingerprints() -> None:
    world = two(keys={"beta": OTHER})
    plan = world.up("alpha", "beta", "alpha")
    (told,) = [each for each in plan.warnings if "No member of beta is in a swarm of ours" in each]
    assert KEY.fingerprint in told and OTHER.fingerprint in told
    assert members(plan, "archive") == {plan.records[0].node_id}


def test_if1_another_count_of_generations_is_no_other_key_where_the_key_is_one() -> None:
    world = two({"pools.site.swarms.their-name.keyGeneration": 2})
    plan = world.up("alpha", "beta", "alpha")
    assert members(plan, "archive") == ids(world)
    assert not [each for each in plan.warnings if "generation" in each]


def test_if1_bootstraps_of_published_profiles_are_known_under_our_name() -> None:
    publishing = {
        "identities": {"gpu": {"namespace": "jobs", "publishTo": ["ipfs/site/their-name"]}},
        "partners.alpha": {"stack": "organization/archipelago/cluster-a", "required": False},
    }
    world = two(publishing)
    plan = world.up("alpha", "beta", "alpha")
    beta_id = world.plans["beta"].records[0].node_id
    assert plan.live_files["published.txt"].splitlines() == [f"archive {beta_id}"]
    assert [each.object_name for each in plan.exchange.peers] == ["beta-gpu"], "a Peer, as in the swarm that it shows"


def test_if1_a_node_without_a_key_yet_is_known_by_its_name() -> None:
    record = plan_of(alpha({f"{ARCHIVE}.key": FROM_SECRET["key"]}), given=GIVEN).records[0]
    bare = record.model_copy(update={"organisation": "beta", "fingerprint": None})
    assert Swarms.of("alpha", [record, bare]).ours(bare) == {"archive"}
    assert not list(swarms.apart(AddressBook.of("alpha", [record, bare]), {}))


@pytest.mark.parametrize(
    "joining",
    [
        {},
        {
            "network": {"kind": "ipfs", "name": "research", "founder": True},
            f"{ARCHIVE}.bootstrap": [PASTED["multiaddr"]],
        },
        {
            "network": {"kind": "ipfs", "name": "research", "founder": True},
            f"{ARCHIVE}.keyFingerprint": KEY.fingerprint,
        },
    ],
    ids=["joins", "dials others first", "knows the fingerprint"],
)
def test_if2_who_joins_and_names_a_secret_waits_for_it_and_makes_none(joining: dict[str, Any]) -> None:
    config = beta({f"{ARCHIVE}.key": {"secret": "the-key"}, "partners.alpha.required": False, **joining})
    plan = plan_of(config, {"alpha": None}, given={Ask("Secret", "ipfs", "the-key"): None})
    assert not node(plan).runs
    assert not ipfs.made(plan)
    assert "Secret ipfs/the-key: the key of swarm archive" in plan.waiting_for
    (told,) = [each for each in plan.warnings if "create secret generic" in each]
    assert "kubectl -n ipfs create secret generic the-key --from-file=swarm-key=<file>" in told
    there = plan_of(config, {"alpha": None}, given=GIVEN)
    assert node(there).runs and there.records[0].fingerprint == KEY.fingerprint


def test_if2_a_joiner_that_ran_with_a_key_made_here_keeps_it() -> None:
    config = alpha({f"{ARCHIVE}.key": {"secret": "the-key"}})
    absent = {Ask("Secret", "ipfs", "the-key"): None}
    made = plan_of(config, given=absent)
    there = secret("the-key", {"swarm-key": ipfs.held(made)}, owner=made.owner)
    config = alpha({f"{ARCHIVE}.key": {"secret": "the-key"}, f"{ARCHIVE}.bootstrap": [PASTED["multiaddr"]]})
    last = outputs_of(made)
    for given in (there, absent):
        again = plan_of(config, last=last, given=given)
        assert ipfs.held(again) == ipfs.held(made)
        assert ipfs.made(again) == ipfs.made(made)


def test_if2_a_key_that_a_partner_seals_under_another_name_is_told() -> None:
    world = ipfs.world(alpha=alpha(), beta=beta({"pools": {"site": {"swarms": {"their-name": {}}}}}))
    plan = world.up("alpha", "beta", "alpha", "beta")
    assert not node(plan, "site-their-name").runs
    assert any("alpha seals no key of a swarm their-name to us, but those of archive" in each for each in plan.warnings)


def stack_of(world: World, organisation: str) -> Stack:
    """A stack as `verify` has it; its cluster is never asked."""
    plan = world.plan(organisation)
    network = NetworkRecord.model_validate(crossed(world.outputs[organisation])["network"])
    nobody: Any = None
    site = Site("cluster", organisation, "research", tuple(node.name for node in plan.nodes), ipfs.IPFS, nobody)
    return Stack(site, network, plan.records, plan.imports)


def test_if1_verify_asks_for_connections_within_a_swarm_by_its_key() -> None:
    world = two()
    world.up("alpha", "beta", "alpha", "beta")
    stack = stack_of(world, "alpha")
    assert set(stack.dialled_by("public-archive").values()) == {"alpha/public-archive", "beta/site-their-name"}
    apart = two(keys={"beta": OTHER})
    apart.up("alpha", "beta", "alpha")
    assert set(stack_of(apart, "alpha").dialled_by("public-archive").values()) == {"alpha/public-archive"}
