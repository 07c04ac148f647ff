"""Two that claim one thing: a node of a partner's is left out, and everything else of all partners is taken."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from archipelago.identity.peer_id import peer_id
from archipelago.problems import Problem
from archipelago.stack import accepted, clashes
from archipelago.stack.plan import StackPlan
from tests.stacks import (
    GONE,
    Config,
    alpha,
    beta,
    bundle,
    changed,
    crossed,
    floats,
    outputs_of,
    plan_of,
    refusal_of,
    seed,
)
from tests.unit.test_profiles_hostile import signed_again as signed_profile
from tests.unit.test_profiles_strangers import OWN_KEY, relays, stranger, with_beta
from tests.unit.test_stack_accepted import STAY, met, of_gamma, signed_again
from tests.world import World, difference

pytestmark = pytest.mark.unit

AAA: Config = {"partners.aaa": {"stack": "organization/archipelago/cluster-z", "required": False}}
CLAIMS: dict[str, Callable[[Config], Config]] = {
    "its address": lambda theirs: {"endpoints": {"p2p": theirs["endpoints"]["p2p"]}},
    "its key, unproven": lambda theirs: {"nodeId": theirs["nodeId"], "address": theirs["address"], "proof": None},
}


def left_out(plan: StackPlan) -> set[str]:
    """Nodes of partners that were given and are not used; none of them is in a list of peers."""
    found = {f"{given.name}/{name}": node for given in plan.imports for name in given.left_out for node in given.told}
    text = "".join(plan.live_files.values())
    for given in plan.imports:
        assert not any(node.node_id in text for node in given.told if node not in given.nodes and node.proof)
    return set(found)


def _at_ours(node: Config, world: World) -> None:
    """beta's node at the address that alpha's cluster chose for one of alpha's."""
    ours = {each["name"]: each for each in world.outputs["alpha"]["externalNodes"]}["quorum-node2"]
    node["endpoints"]["p2p"] = ours["endpoints"]["p2p"]


def test_an_address_that_our_cluster_chose_is_nobody_elses_as_a_pinned_one_is() -> None:
    world = met()
    assert "p2p" not in {each.name: each for each in world.plans["alpha"].records}["quorum-node2"].endpoints
    wrong = signed_again(lambda raw: _at_ours(raw["externalNodes"][0], world), crossed(world.outputs["beta"]))
    plan = plan_of(world.configs["alpha"], {"beta": wrong}, floats(world.outputs["alpha"]))
    assert left_out(plan) == {"beta/quorum-node1"}
    (told,) = [each for each in plan.warnings if "left out" in each]
    assert "Partner beta: beta/quorum-node1 has the same address" in told
    assert "as alpha/quorum-node2" in told


@pytest.mark.parametrize(
    "change", [{"nodes.quorum-node2": GONE}, {"cluster.address": "203.0.113.99"}], ids=["it left", "it moved"]
)
def test_an_address_that_is_no_longer_ours_is_free(change: dict[str, Any]) -> None:
    world = met()
    wrong = signed_again(lambda raw: _at_ours(raw["externalNodes"][0], world), crossed(world.outputs["beta"]))
    last = floats(world.outputs["alpha"])
    plan = plan_of(changed(world.configs["alpha"], change), {"beta": wrong}, last)
    assert not left_out(plan)
    assert not [each for each in plan.warnings if STAY in each]


def test_s4_two_partners_that_contradict_each_other_stop_no_run() -> None:
    """One says of another's node that it is its own: that node of it is left out, and nothing of the other."""
    config = alpha({"partners.aaa": {"stack": "organization/archipelago/cluster-z", "required": False}})
    received = {"beta": bundle(beta(), {"alpha": bundle(alpha())}), "aaa": of_gamma(lambda _: None)}
    before = plan_of(config, received)
    (stolen, *_) = received["beta"]["externalNodes"]
    taken = {"nodeId": stolen["nodeId"], "address": stolen["address"], "proof": None}
    wrong = of_gamma(lambda node: node.update(taken))
    after = plan_of(config, {**received, "aaa": wrong}, floats(outputs_of(before)))
    assert (after.missing, left_out(after)) == ((), {"aaa/quorum-node1"})
    fewer = of_gamma(lambda _: None)
    fewer = signed_again(lambda raw: raw["externalNodes"].pop(0), fewer, "aaa")
    assert difference(after, plan_of(config, {**received, "aaa": fewer}, floats(outputs_of(before)))) == set()


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS.keys())
def test_s4_who_claims_what_a_partner_had_loses_that_node_alone(claim: Callable[[Config], Config]) -> None:
    """The key of a node of beta was stolen: while another partner is in its way, the stolen one stayed admitted."""
    world = World(alpha=alpha(AAA), beta=beta())
    world.up("alpha", "beta")
    config, sound = world.configs["alpha"], of_gamma(lambda _: None)
    before = plan_of(config, {"beta": crossed(world.outputs["beta"]), "aaa": sound}, floats(world.outputs["alpha"]))
    last = floats(outputs_of(before))
    first = crossed(world.outputs["beta"])["externalNodes"][0]
    world.configs["beta"] = beta({"nodes.quorum-node2.identity": {"generation": 2}, "nodes.quorum-node3": {}})
    world.up("beta")
    theirs = crossed(world.outputs["beta"])
    wrong = of_gamma(lambda node: node.update(claim(first)))
    fewer = signed_again(lambda raw: raw["externalNodes"].pop(0), of_gamma(lambda _: None), "aaa")
    sought = plan_of(config, {"beta": theirs, "aaa": fewer}, last)
    assert difference(before, sought), "what beta changed is taken"
    for _ in range(3):  # a later run does not take what was left out for what aaa had
        plan = plan_of(config, {"beta": theirs, "aaa": wrong}, last)
        assert (plan.missing, left_out(plan)) == ((), {"aaa/quorum-node1"})
        assert difference(plan, sought) == set()
        last = floats(outputs_of(plan))
    for received in ({"beta": theirs, "aaa": None}, {"beta": None, "aaa": wrong}):
        away = plan_of(config, received, last)
        assert (difference(away, sought), left_out(away)) == (set(), {"aaa/quorum-node1"})
        assert outputs_of(away)["accepted"] == outputs_of(plan)["accepted"]
    assert outputs_of(plan)["accepted"]["aaa"]["leftOut"] == ["quorum-node1"]
    again = plan_of(config, {"beta": theirs, "aaa": of_gamma(lambda _: None)}, last)
    assert not left_out(again)
    assert "leftOut" not in outputs_of(again)["accepted"]["aaa"]


def test_s4_of_two_partners_that_claim_one_new_address_the_later_by_name_is_left_out() -> None:
    """Which of them has it cannot be told; the run after that keeps to it."""
    world = World(alpha=alpha(AAA), beta=beta())
    world.up("alpha", "beta")
    config, sound = world.configs["alpha"], of_gamma(lambda _: None)
    before = plan_of(config, {"beta": crossed(world.outputs["beta"]), "aaa": sound}, floats(world.outputs["alpha"]))
    new = {"p2p": {"host": "192.0.2.77", "port": 31234}}
    theirs = signed_again(lambda raw: raw["externalNodes"][0]["endpoints"].update(new), crossed(world.outputs["beta"]))
    wrong = of_gamma(lambda node: node["endpoints"].update(new))
    last = floats(outputs_of(before))
    for _ in range(2):
        plan = plan_of(config, {"beta": theirs, "aaa": wrong}, last)
        assert (plan.missing, left_out(plan)) == ((), {"beta/quorum-node1"})
        last = floats(outputs_of(plan))


def test_c9_a_partner_that_claims_the_address_of_a_revoked_node_does_not_bring_it_back() -> None:
    """beta's node goes on under another key at the same address, or is gone: another partner has no say in that."""
    world = World(alpha=alpha(AAA), beta=beta())
    world.up("alpha", "beta")
    config, sound = world.configs["alpha"], of_gamma(lambda _: None)
    before = plan_of(config, {"beta": crossed(world.outputs["beta"]), "aaa": sound}, floats(world.outputs["alpha"]))
    revoked = crossed(world.outputs["beta"])["externalNodes"][1]
    wrong = of_gamma(lambda node: node["endpoints"].update(p2p=revoked["endpoints"]["p2p"]))
    for change in ({"nodes.quorum-node2.identity": {"generation": 2}}, {"nodes.quorum-node2": GONE}):
        world.configs["beta"] = beta(change)
        world.up("beta")
        received = {"beta": crossed(world.outputs["beta"]), "aaa": wrong}
        plan = plan_of(config, received, floats(outputs_of(before)))
        assert "beta" not in plan.missing
        assert not any(revoked["nodeId"] in text for text in plan.live_files.values())


def _squat(end: Config) -> Config:
    """aaa's bundle, with its first node at an address that is another's, or will be."""
    return of_gamma(lambda node: node["endpoints"].update(p2p={"host": end["host"], "port": end["port"]}))


def test_s4_who_claims_an_address_first_does_not_keep_a_revoked_key_admitted() -> None:
    """aaa says where beta's next node will be; then a key of beta's is stolen, and beta moves to that address."""
    world = World(alpha=alpha(AAA), beta=beta())
    world.up("alpha", "beta")
    config, old = world.configs["alpha"], crossed(world.outputs["beta"])
    world.configs["beta"] = beta({"nodes.quorum-node2.identity": {"generation": 2}, "nodes.quorum-node3": {}})
    world.up("beta")
    theirs = crossed(world.outputs["beta"])
    ends = {each["name"]: each["endpoints"] for each in theirs["externalNodes"]}
    squat = _squat(ends["quorum-node3"]["p2p"])
    last = floats(outputs_of(plan_of(config, {"beta": old, "aaa": squat}, floats(world.outputs["alpha"]))))
    for _ in range(2):
        plan = plan_of(config, {"beta": theirs, "aaa": squat}, last)
        assert (plan.missing, left_out(plan)) == ((), {"beta/quorum-node3"})
        assert old["externalNodes"][1]["nodeId"] not in plan.live_files["permissioned-nodes.json"]
        assert theirs["externalNodes"][1]["nodeId"] in plan.live_files["permissioned-nodes.json"]
        last = floats(outputs_of(plan))
    plan = plan_of(config, {"beta": theirs, "aaa": of_gamma(lambda _: None)}, last)
    assert not left_out(plan)


@pytest.mark.parametrize("pinned", [False, True], ids=["allocated", "pinned"])
def test_s4_an_address_that_a_partner_claimed_before_it_was_ours_is_ours(*, pinned: bool) -> None:
    """NodePorts are few: a partner that lists our host with a free one stopped each run once our cluster chose it."""
    world = World(alpha=alpha(AAA), beta=beta())
    world.up("alpha", "beta")
    new: Config = {"exposure": {"ports": {"p2p": 30444}}} if pinned else {}
    config = alpha({**AAA, "nodes.quorum-node4": new})
    theirs, full = crossed(world.outputs["beta"]), outputs_of(plan_of(config))
    end = {each["name"]: each["endpoints"] for each in full["externalNodes"]}["quorum-node4"]["p2p"]
    squat = _squat(end)
    before = plan_of(world.configs["alpha"], {"beta": theirs, "aaa": squat}, floats(world.outputs["alpha"]))
    assert not left_out(before)
    last = floats(outputs_of(before))
    if not pinned:  # the cluster chooses it in this run
        last = floats(outputs_of(plan_of(config, {"beta": theirs, "aaa": squat}, last)))
    world.configs["beta"] = beta({"nodes.quorum-node2.identity": {"generation": 2}})
    world.up("beta")
    for given in (squat, squat, None, squat):
        plan = plan_of(config, {"beta": crossed(world.outputs["beta"]), "aaa": given}, last)
        assert plan.missing == (() if given else ("aaa",))
        assert left_out(plan) == {"aaa/quorum-node1"}
        (told,) = [each for each in plan.warnings if "left out" in each]
        assert told.startswith("Partner aaa: aaa/quorum-node1 has the same address")
        assert theirs["externalNodes"][1]["nodeId"] not in plan.live_files["permissioned-nodes.json"]
        last = floats(outputs_of(plan))
    gone = plan_of(world.configs["alpha"], {"beta": crossed(world.outputs["beta"]), "aaa": None}, last)
    assert not left_out(gone), "it was remembered as it was given"


def test_s4_a_partner_that_is_new_is_refused_for_a_clash_before_block_0_and_loses_a_node_after_it() -> None:
    world = met()
    theirs = crossed(world.outputs["beta"])
    squat = _squat(theirs["externalNodes"][0]["endpoints"]["p2p"])
    plan = plan_of(alpha(AAA), {"beta": theirs, "aaa": squat}, floats(world.outputs["alpha"]))
    assert (plan.missing, left_out(plan)) == ((), {"aaa/quorum-node1"})
    assert {each.path for each in refusal_of(alpha(AAA), {"beta": theirs, "aaa": squat})} >= {"partners.aaa"}


def test_s4_a_new_node_of_ours_with_the_key_that_a_partner_has_is_refused() -> None:
    """Two validators with one key sign against each other: to leave the partner's out would not stop it."""
    world = met()
    key = world.plans["beta"].nodes[0].private_files["nodekey"]
    config = alpha({"nodes.quorum-node4": {"identity": {"nodekey": key}}})
    found = refusal_of(config, {"beta": crossed(world.outputs["beta"])}, floats(world.outputs["alpha"]))
    assert any("alpha/quorum-node4 and beta/quorum-node1 have the same node id" in each.message for each in found)


def test_nodes_that_lose_to_a_node_that_is_left_out_stay() -> None:
    a, b, c, d = (("x", name) for name in "abcd")
    assert clashes._out({b: {a: "b to a"}, c: {b: "c to b"}}) == {b: "b to a"}
    assert clashes._out({b: {a: "b to a"}, c: {b: "c to b"}, d: {c: "d to c"}}) == {b: "b to a", d: "d to c"}
    assert set(clashes._out({a: {b: "a to b"}, b: {a: "b to a"}})) == {b}
    assert set(clashes._out({a: {c: ""}, b: {a: ""}, c: {b: ""}})) == {b}


def test_s4_no_partner_goes_back_because_of_whom_this_stack_does_not_list() -> None:
    world = met()
    plan, before = world.plans["alpha"], accepted.read(floats(world.outputs["alpha"]), world.plans["alpha"].settings)
    taken = {given.name: given for given in plan.imports}
    for path, names in (("partners.stranger", set()), ("nodes.x", set()), ("partners.beta", {"beta"})):
        found = accepted.blamed([Problem(path, "It is wrong.", "Mend it.")], taken, plan.settings, before)
        assert found.keys() == names


def members(entry: dict[str, Any], organisation: str, *changes: dict[str, Any]) -> dict[str, Any]:
    """What a relay gives of an organisation that it made up, with a member for each of the changes."""
    made = stranger(entry, organisation)["profile"]
    (first,) = made["delivery"]["members"]
    own = [peer_id(bytes([number]) * 32) for number in range(len(changes))]
    listed = [
        {**first, "organisation": organisation, "name": f"m{number}", "nodeId": own[number], "proof": None, **change}
        for number, change in enumerate(changes)
    ]
    for number, each in enumerate(listed):
        each["endpoints"] = {"swarm": {"host": "192.0.2.77", "port": 31001 + number}}
    places = [{"namespace": "ipfs", "pool": "public", "swarm": "archive", "peerId": each} for each in own]
    made = {**made, "publishedTo": places, "delivery": {**made["delivery"], "members": listed}}
    return {"via": {}, "profile": signed_profile(made, OWN_KEY)}


STRANGE: dict[str, list[dict[str, Any]]] = {
    "one index twice": [{"index": 7}, {"index": 7}],
    "one account twice": [{"address": "0xabc"}, {"address": "0xabc"}],
    "another key of the swarm": [{"fingerprint": "00" * 16, "keyGeneration": 2}],
    "the next generation of the swarm's key": [{"keyGeneration": 2}],
}


@pytest.mark.parametrize("changes", STRANGE.values(), ids=STRANGE.keys())
@pytest.mark.parametrize("name", ["aaa", "zzz"])
def test_s4_no_member_of_a_stranger_sends_a_partner_back_or_refuses_a_first_run(
    name: str, changes: list[dict[str, Any]]
) -> None:
    """beta moves and the swarm's key goes to its next generation: what we do not list keeps neither away."""
    made = with_beta()
    entry = copy.deepcopy(made.outputs["alpha"]["relayedProfiles"][0])
    made.configs["beta"]["cluster"]["address"] = "198.51.100.99"
    for each in ("alpha", "beta"):
        made.configs[each]["pools"]["public"]["swarms"]["archive"]["keyGeneration"] = 2
    made.up("alpha", "beta", "alpha", "beta", "alpha")
    relays(made, lambda listed: listed.append(members(entry, name, *changes)))
    for _ in range(2):
        plan = made.up("gamma")
        assert plan.missing == ()
        (theirs,) = next(given.nodes for given in plan.imports if given.name == "beta")
        assert (theirs.key_generation, theirs.endpoints["swarm"].host) == (2, "198.51.100.99")
    del made.outputs["gamma"]
    made.configs["gamma"]["identitySeed"] = seed("another gamma")
    plan = made.up("gamma")
    assert (plan.missing, [node.runs for node in plan.nodes]) == ((), [False]), "a first run waits for the key"
