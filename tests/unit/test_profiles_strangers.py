"""Organisations of whom only relays tell: they stop no run, take nobody's place and open nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from archipelago.identity.curve25519 import sign, signer
from archipelago.identity.derive import Keyring
from archipelago.manifests.limits import problems
from archipelago.model.record import LARGEST_FILE, canonical
from archipelago.profiles import limits
from archipelago.stack.bundles import bundle_of
from archipelago.stack.plan import StackPlan
from tests.identities import Shown, objects, settled
from tests.ipfs import PEER
from tests.stacks import seed
from tests.unit.test_profiles_hostile import signed_again
from tests.world import of_kind

pytestmark = pytest.mark.unit

OWN_KEY = bytes(range(32))  # the private key of whom a relay made up
SAME_DIGEST = [
    ("a-g-s-t-w-a-g-s-t-w-a-g-s-t-w-a-g", "s-t-w-a-g-s-t-w-a-g-s-t-w"),
    ("a-g-s-t-w-a-g-s-t-w-a-g-s-t-w-a-g-s-t-w-a-g-s-t-w-a-g", "s-t-w"),
]  # searched for: 22 seconds
EVIL = "https://evil.example"


def with_beta() -> Shown:
    """gamma lists beta, beside alpha, whose relaying it asks for."""
    made = settled({"gamma": {"partners.beta": {"stack": "organization/archipelago/cluster-b", "required": False}}})
    assert urls(made.plans["gamma"])["beta-beta-site"] != EVIL
    return made


def relays(made: Shown, change: Callable[[list[Any]], object]) -> None:
    """alpha relays something else, under its own signature."""
    outputs = copy.deepcopy(made.outputs["alpha"])
    change(outputs["relayedProfiles"])
    private = Keyring(bytes.fromhex(seed("alpha")), "alpha", "research").secret("", "organisation signing key")
    outputs["identities"]["signature"] = sign(private, canonical(bundle_of(outputs)))
    made.outputs["alpha"] = outputs


def forged(listed: list[Any]) -> None:
    """beta's profile under a key of the relay's, with another address."""
    entry = next(each for each in listed if each["profile"]["organisation"] == "beta")
    entry["profile"] = signed_again({**entry["profile"], "url": EVIL}, OWN_KEY)


def urls(plan: StackPlan) -> dict[str, str]:
    return {name: peer["spec"]["URL"] for name, peer in of_kind(plan, "Peer").items()}


@pytest.mark.parametrize("damage", ["gone", "unsigned"])
def test_a_relay_does_not_speak_for_a_partner_that_is_away_under_another_key(damage: str) -> None:
    made = with_beta()
    relays(made, forged)
    if damage == "gone":
        made.destroy("beta")
    else:
        made.outputs["beta"]["identities"]["signature"] = ""
    for _ in range(3):
        plan = made.up("gamma")
        assert EVIL not in urls(plan).values()
        assert any("not by the known key of beta" in each for each in plan.warnings)


def test_a_partner_that_gives_something_wrong_keeps_its_peer_its_kubeconfig_and_its_ways() -> None:
    """An accident of its own takes nothing from us; what it withdraws, or changes elsewhere, arrives as before."""
    listed = {each: {"stack": f"organization/archipelago/{each}", "required": False} for each in ("beta", "gamma")}
    grants = {"identities.beta-site.grants": {"gamma": None}, "partners.gamma": listed["gamma"]}
    made = settled({"beta": grants, "gamma": {"partners.beta": listed["beta"], "partners.alpha.accept": "own"}})
    before = made.plans["gamma"]
    assert [each for each in before.exchange.peers if each.access]
    sound = copy.deepcopy(made.outputs["beta"])
    made.outputs["beta"]["identities"]["signature"] = ""
    for _ in range(2):
        plan = made.up("gamma")
        assert any("taken last stay" in each for each in plan.warnings)
        assert objects(plan) == objects(before)
    made.outputs["beta"] = sound
    assert objects(made.up("gamma")) == objects(before)
    del made.configs["gamma"]["partners"]["beta"]
    made.outputs["beta"]["identities"]["signature"] = ""
    assert set(urls(made.up("gamma"))) == {"alpha-alpha-site"}, "the stack file says so"


def test_a_partner_that_gives_something_wrong_is_heard_by_relays_under_its_own_key() -> None:
    made = with_beta()
    made.configs["beta"]["identities"]["beta-site"]["url"] = "https://moved.example"
    made.up("beta", "alpha")
    made.outputs["beta"]["identities"]["signature"] = ""
    for _ in range(2):
        assert urls(made.up("gamma"))["beta-beta-site"] == "https://moved.example"
    del made.configs["beta"]["identities"]["beta-site"]
    made.up("beta", "alpha")
    made.outputs["beta"]["identities"]["signature"] = ""
    assert "beta-beta-site" not in urls(made.up("gamma"))


def test_a_relay_still_tells_what_a_partner_that_is_away_has_signed() -> None:
    made = with_beta()
    made.destroy("beta")
    made.up("gamma")
    assert "beta-beta-site" in urls(made.up("gamma"))


def test_a_partner_that_is_to_be_forgotten_is_introduced_anew_by_itself_or_under_a_pin() -> None:
    made = with_beta()
    relays(made, forged)
    made.destroy("beta")
    made.up("gamma")
    made.configs["gamma"]["partners"]["beta"]["forget"] = True
    for _ in range(2):
        assert "beta-beta-site" not in urls(made.up("gamma")), "its key is known in this run, and in no later one"
    made.configs["gamma"]["partners"]["beta"]["key"] = signer(OWN_KEY)
    assert EVIL in urls(made.up("gamma")).values()


def stranger(entry: dict[str, Any], organisation: str, identity: str = "site", **changes: Any) -> dict[str, Any]:
    """What a relay gives of an organisation that it made up, after the pattern of another one."""
    made = {**entry["profile"], "organisation": organisation, "identity": identity, **changes}
    return {"via": {}, "profile": signed_again(made, OWN_KEY)}


def publications(count: int, name: str = "archive") -> list[dict[str, str]]:
    """Swarms of long names, ours first."""
    at = {"namespace": "ipfs", "pool": "public", "peerId": PEER}
    return [{**at, "swarm": name}, *({**at, "swarm": f"{'x' * 50}-{index}"} for index in range(count - 1))]


def test_identities_without_number_stop_no_run_and_take_no_place_of_whom_we_know() -> None:
    made = settled()
    before = urls(made.plans["gamma"])
    relays(made, lambda listed: listed.extend(
        stranger(listed[0], f"aaa-{number}", publishedTo=publications(100)) for number in range(95)
    ))  # fmt: skip
    plan = made.up("gamma")
    assert before.items() <= urls(plan).items()
    assert f"archive {PEER}" in plan.live_files["published.txt"], "some of them fit"
    assert 5 < len([each for each in urls(plan) if each.startswith("aaa-")]) < 95
    (told,) = [each for each in plan.warnings if "left out" in each]
    assert "profiles (aaa-" in told
    assert len(made.outputs["gamma"]["relayedProfiles"]) == len(plan.exchange.known)


def test_what_a_stranger_was_first_is_not_displaced_by_a_later_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST", 3)
    made = settled()
    relays(made, lambda listed: listed.append(stranger(listed[0], "zzz")))
    assert "zzz-site" in urls(made.up("gamma"))
    relays(made, lambda listed: listed.extend(stranger(listed[0], f"aaa-{number}") for number in range(9)))
    plan = made.up("gamma")
    assert set(urls(plan)) == {"alpha-alpha-site", "beta-beta-site", "zzz-site"}
    assert any("9 profiles (aaa-0/site, aaa-1/site" in each for each in plan.warnings)
    assert made.plan("gamma").live_files == plan.live_files, "the next run keeps the same ones"


def test_a_partners_identities_have_a_measure_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_OF_ONE", 3)
    made = settled()
    site = made.configs["alpha"]["identities"]["alpha-site"]
    made.configs["alpha"]["identities"] |= {f"more-{number}": dict(site) for number in range(5)}
    made.up("alpha")
    plan = made.up("gamma")
    assert len([each for each in urls(plan) if each.startswith("alpha-")]) == 3
    assert any("3 profiles (alpha/more-" in each for each in plan.warnings)


def test_two_names_that_get_one_digest_are_one_peer() -> None:
    """A digest in a name has 32 bits."""
    made = settled()
    relays(made, lambda listed: listed.extend(stranger(listed[0], *each) for each in SAME_DIGEST))
    plan = made.up("gamma")
    names = [each.object_name for each in plan.exchange.peers]
    assert len(set(names)) == len(names)
    (told,) = [each for each in plan.warnings if "another one has the same name" in each]
    assert "/".join(max(SAME_DIGEST)) in told
    assert not list(problems(plan))


@pytest.mark.parametrize("place", [("istio", "ca-root-cert"), ("research", "peers")])
def test_a_peer_in_a_config_map_takes_no_name_that_others_use(place: tuple[str, str]) -> None:
    made = settled({"gamma": {"network.peers": "configMap"}})
    relays(made, lambda listed: listed.append(stranger(listed[0], *place)))
    found = of_kind(made.up("gamma"), "ConfigMap")
    name = "-".join(place)
    assert "peer.json" not in found.get(name, {"data": {}})["data"]
    assert [each for each in found if each.startswith(f"{name}-") and "peer.json" in found[each]["data"]]


def test_what_cannot_be_taken_is_counted_and_not_listed() -> None:
    made = settled()
    relays(made, lambda listed: listed.extend({"via": {}, "profile": {}} for _ in range(300)))
    told = [each for each in made.up("gamma").warnings if "alpha relays" in each]
    assert len(told) == 6
    assert told[-1] == "295 more profiles that alpha relays are not taken."


@pytest.mark.parametrize("room", [0, 1, 7, 99, 100, 1000])
def test_as_many_members_as_fit_are_dialled_the_first_ones(room: int) -> None:
    items = range(100)
    assert limits.fitting(items, lambda some: LARGEST_FILE + len(some) - room) == items[:room]


def test_members_beyond_what_the_list_of_peers_holds_are_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = settled()
    relays(made, at("192.0.2.77", 31001))
    monkeypatch.setattr(limits, "MOST_MEMBERS", 1)
    plan = made.up("gamma")
    assert [str(node) for node in plan.exchange.members] == ["beta/public-archive"], "which was known before"
    (told,) = [each for each in plan.warnings if "ConfigMap of peers holds no more" in each]
    assert told.startswith("1 member (aaa/public-archive) is not dialled")


def test_members_that_cannot_be_read_are_counted() -> None:
    made = settled()

    def spoil(listed: list[Any]) -> None:
        for number in range(20):
            entry = stranger(listed[0], f"aaa-{number}")
            entry["profile"]["delivery"]["members"] = [{}, {}]
            listed.append({"via": {}, "profile": signed_again(entry["profile"], OWN_KEY)})

    relays(made, spoil)
    told = [each for each in made.up("gamma").warnings if "member" in each]
    assert told[0] == "The profile aaa-0/site has 2 members that cannot be read. It is not dialled."
    assert told[5:] == ["15 more members in profiles of others are not dialled."]


def at(host: str, port: int) -> Callable[[list[Any]], None]:
    """A change of what alpha relays: a stranger's member somewhere else."""

    def change(listed: list[Any]) -> None:
        entry = next(each for each in listed if each["profile"]["organisation"] == "beta")
        (member,) = entry["profile"]["delivery"]["members"]
        made = {**member, "organisation": "aaa", "endpoints": {"swarm": {"host": host, "port": port}}}
        made["nodeId"] = PEER
        made.pop("proof", None)
        profile = copy.deepcopy(stranger(entry, "aaa", publishedTo=publications(1))["profile"])
        profile["delivery"]["members"] = [made]
        listed.append({"via": {}, "profile": signed_again(profile, OWN_KEY)})

    return change


def opened(plan: StackPlan, port: int) -> list[Any]:
    """Where that port leads to, by the policy of all nodes."""
    (policy,) = [each for name, each in of_kind(plan, "NetworkPolicy").items() if name == "research-peers"]
    rules = policy["spec"]["egress"]
    return [rule.get("to", "anywhere") for rule in rules if port in [each["port"] for each in rule["ports"]]]


def test_a_strangers_name_opens_nothing_and_is_told() -> None:
    made = settled()
    relays(made, at("evil.example", 6443))
    plan = made.up("gamma")
    assert [node.name for node in plan.exchange.members if node.organisation == "aaa"]
    assert opened(plan, 6443) == []
    (told,) = [each for each in plan.warnings if "dialled by name" in each]
    assert told.startswith("1 member (aaa/public-archive) is dialled by name")


def test_a_stranger_at_an_address_that_our_cluster_chose_is_not_dialled() -> None:
    made = settled()
    (own,) = made.outputs["gamma"]["externalNodes"][0]["endpoints"].values()
    relays(made, at(own["host"], own["port"]))
    plan = made.up("gamma")
    assert not [node for node in plan.exchange.members if node.organisation == "aaa"]
    assert any("claims what belongs to gamma/public-archive" in each for each in plan.warnings)


def test_a_strangers_address_opens_itself_alone_and_a_clouds_own_one_nothing() -> None:
    made = settled()
    relays(made, at("192.0.2.77", 31001))
    plan = made.up("gamma")
    assert opened(plan, 31001) == [[{"ipBlock": {"cidr": "192.0.2.77/32"}}]]
    assert not [each for each in plan.warnings if "dialled by name" in each]
    made = settled()
    relays(made, at("fd00:ec2::254", 31001))
    assert opened(made.up("gamma"), 31001) == []
