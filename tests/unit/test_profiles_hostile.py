"""Relays that lie: what they change, invent, replay or withhold never becomes a Peer, and is named."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import pytest

from archipelago.identity.curve25519 import sign, signer
from archipelago.identity.sealing import sealing_key
from archipelago.model.profile import heard
from archipelago.model.record import canonical
from archipelago.profiles.relays import Listener, Word
from tests.profiles import NETWORK, Net, Organisation, identity, net
from tests.stacks import seed
from tests.unit.test_model_foreign import MARK
from tests.unit.test_profiles_relays import STAR, others, started

pytestmark = pytest.mark.unit

GPU = ("beta", "gpu")


def relayed(made: Net, organisation: str = "beta") -> dict[str, Any]:
    """What alpha, who relays, exports of an organisation."""
    outputs = made["alpha"].outputs
    assert outputs is not None
    found: dict[str, Any] = next(
        each for each in outputs["relayedProfiles"] if each["profile"]["organisation"] == organisation
    )
    return found


def told(made: Net, name: str = "gamma") -> str:
    return " ".join(made[name].learnt.doubts)


def signed_again(raw: dict[str, Any], private: bytes) -> dict[str, Any]:
    """A profile under another signature, both halves of it."""
    made = copy.deepcopy(raw)
    made["key"] = signer(private)
    described = {key: value for key, value in made.items() if key != "delivery"}
    made["signature"] = sign(private, canonical(described))
    made["delivery"]["profile"] = hashlib.sha256(canonical(described)).hexdigest()
    made["delivery"]["signature"] = sign(private, canonical(made["delivery"]))
    return made


@pytest.mark.parametrize("way", ["description", "url", "publishedTo", "revision", "sealingKey"])
def test_one_changed_word_is_refused_by_name_and_the_known_profile_stays(way: str) -> None:
    made = started(STAR)
    before = made["gamma"].sees
    profile = relayed(made)["profile"]
    other = {"publishedTo": [], "revision": 99, "sealingKey": sealing_key(bytes(range(32)))}
    profile[way] = other.get(way, "https://evil.example")
    made.up("gamma")
    assert made["gamma"].sees == before
    assert "alpha relays a profile" in told(made)
    assert "does not carry the signature" in told(made)


def test_a_delivery_is_neither_changed_nor_put_to_another_description() -> None:
    made = started(STAR)
    old = copy.deepcopy(relayed(made)["profile"]["delivery"])
    relayed(made)["profile"]["delivery"]["members"] = []
    made.up("gamma")
    assert "does not carry the signature" in told(made)
    made["beta"].identities["gpu"] = identity("second")
    made.settle()
    relayed(made)["profile"]["delivery"] = old
    made.up("gamma")
    assert "a delivery that belongs to another description" in told(made)
    assert made["gamma"].sees[GPU] == "second"


def test_an_earlier_edition_is_not_taken_again() -> None:
    made = started(STAR)
    old = copy.deepcopy(relayed(made))
    made["beta"].identities["gpu"] = identity("second")
    made.settle()
    entries = made["alpha"].outputs["relayedProfiles"]  # type: ignore[index]
    entries[entries.index(relayed(made))] = old
    made.up("gamma")
    assert made["gamma"].sees[GPU] == "second"
    assert "edition 1 of the profile beta/gpu, but edition 2 is known" in told(made)


def test_of_two_editions_that_one_relay_gives_the_later_is_taken() -> None:
    made = started(STAR)
    earlier = copy.deepcopy(relayed(made))
    made["beta"].identities["gpu"] = identity("second")
    made.settle()
    for both in ([earlier, relayed(made)], [relayed(made), earlier]):
        learnt = Listener("delta", NETWORK, "").learn([Word("alpha", relayed=both, network=True)], ())
        assert learnt.known[GPU].heard.profile.description == "second"


def test_what_was_withdrawn_is_not_brought_back() -> None:
    made = started(STAR)
    old = copy.deepcopy(relayed(made))
    made.withdraw("beta")
    made.settle()
    assert GPU not in made["gamma"].sees
    entries = made["alpha"].outputs["relayedProfiles"]  # type: ignore[index]
    entries[entries.index(relayed(made))] = old
    made.up("gamma")
    assert GPU not in made["gamma"].sees


def test_a_profile_under_another_key_than_the_known_one_is_refused() -> None:
    made = started(STAR)
    entry = relayed(made)
    entry["profile"] = signed_again(entry["profile"], bytes(range(32)))
    made.up("gamma")
    assert made["gamma"].learnt.known[GPU].heard.profile.key == signer(made["beta"].private)
    assert "not by the known key of beta" in told(made)


def test_a_pinned_key_is_the_only_one_from_the_first_run_on() -> None:
    made = net(STAR)
    made["gamma"].pins = {"beta": signer(bytes(range(32)))}
    made.up("alpha", "beta", "alpha", "gamma")
    assert GPU not in made["gamma"].sees
    assert "not by the known key of beta" in told(made)


def test_of_two_keys_for_a_stranger_none_is_taken() -> None:
    edges = {"alpha": ["beta"], "beta": [], "delta": ["beta"], "gamma": ["alpha", "delta"]}
    made = net(edges)
    made.up("beta", "alpha", "delta")
    entry = relayed(made)
    entry["profile"] = signed_again(entry["profile"], bytes(range(32)))
    made.up("gamma")
    assert GPU not in made["gamma"].sees
    assert "alpha and delta relay profiles of beta, under 2 keys" in told(made)


def test_a_new_seed_is_a_new_key_and_has_to_be_told() -> None:
    made = started(STAR)
    made["beta"].seed = seed("beta, another one")
    made["beta"].outputs = {"profiles": [], "relayedProfiles": []}
    made.up("beta", "alpha", "gamma")
    assert GPU in made["alpha"].sees, "its own stack says so"
    assert "not by the known key of beta" in told(made)
    made["gamma"].refuse = frozenset({"beta"})
    made.up("gamma")
    assert GPU not in made["gamma"].sees
    made["gamma"].refuse = frozenset()
    made.up("gamma")
    assert made["gamma"].learnt.known[GPU].heard.profile.key == signer(made["beta"].private)


def test_our_own_name_under_another_key_is_refused_and_never_a_peer() -> None:
    made = started(STAR)
    entry = copy.deepcopy(relayed(made, "gamma"))
    entry["profile"] = signed_again(entry["profile"], bytes(range(32)))
    made["alpha"].outputs["relayedProfiles"].append(entry)  # type: ignore[index]
    made.up("gamma")
    assert others(made, "gamma") == {"alpha", "beta"}
    assert "bears the name of this organisation and another key" in told(made)


def test_another_networks_profile_is_refused() -> None:
    made = started(STAR)
    entry = relayed(made)
    moved = {**entry["profile"], "network": "another"}
    entry["profile"] = signed_again(moved, made["beta"].private)
    made.up("gamma")
    assert f"is of the network another, not of {NETWORK}" in told(made)
    assert made["gamma"].learnt.known[GPU].heard.profile.network == NETWORK


def test_a_partner_speaks_for_itself_whatever_others_relay() -> None:
    edges = {"alpha": ["beta", "gamma"], "beta": ["alpha"], "gamma": ["alpha", "beta"]}
    made = started(edges)
    entry = relayed(made)
    entry["profile"] = signed_again(entry["profile"], bytes(range(32)))
    made.up("gamma")
    assert made["gamma"].learnt.known[GPU].heard.profile.key == signer(made["beta"].private)
    assert "not by the known key of beta" in told(made)


@pytest.mark.parametrize(
    "entry",
    [
        None, 7, "text", [], {}, {"via": 3, "profile": {}}, {"via": {"a": "b"}, "profile": {}}, {"via": {}},
        {"via": {}, "profile": {"organisation": "beta\x1b[2J", "identity": "gpu", "delivery": {}}},
        {"via": {}, "profile": {"organisation": ["x"], "identity": {}, "delivery": []}},
    ],
)  # fmt: skip
def test_rubbish_is_passed_over_and_said_without_its_control_characters(entry: Any) -> None:
    made = started(STAR)
    before = made["gamma"].sees
    made["alpha"].outputs["relayedProfiles"].append(entry)  # type: ignore[index]
    made.up("gamma")
    assert made["gamma"].sees == before
    assert "alpha relays a profile without a name" in told(made)
    assert told(made).isprintable()


def test_a_partners_own_profile_that_does_not_verify_is_refused_by_name() -> None:
    made = started(STAR)
    made["beta"].outputs["profiles"][0]["url"] = "https://evil.example"  # type: ignore[index]
    made.up("alpha")
    assert made["alpha"].learnt.refused == [
        ("beta", "its profile beta/gpu does not carry the signature of the key that it names")
    ]


def test_a_partner_hands_over_no_profile_of_somebody_else_as_its_own() -> None:
    made = started(STAR)
    stolen = made["gamma"].outputs["profiles"]  # type: ignore[index]
    made["beta"].outputs["profiles"] = copy.deepcopy(stolen)  # type: ignore[index]
    made.up("alpha")
    assert made["alpha"].learnt.refused == [("beta", "its profile gamma/gpu is of gamma")]


@pytest.mark.parametrize(
    "change",
    [
        {"identity": "../../etc"},
        {"identity": "UPPER"},
        {"description": "two\nlines"},
        {"description": "x" * 2000},
        {"categories": ["x"] * 51},
        {"revision": 0},
        {"publishedTo": [{"namespace": "a b", "pool": "p", "swarm": "s", "peerId": "id"}]},
    ],
)
def test_what_could_not_be_shown_or_named_is_no_profile_even_under_its_own_signature(change: dict[str, Any]) -> None:
    made = started(STAR)
    raw = signed_again({**relayed(made)["profile"], **change}, made["beta"].private)
    with pytest.raises(ValueError, match="is malformed"):
        heard(raw)


def test_a_later_writers_fields_are_signed_and_relayed_with_the_rest() -> None:
    made = net(STAR)
    made.up("beta")
    profile = made["beta"].outputs["profiles"][0]  # type: ignore[index]
    later = signed_again({**profile, "colour": "green"}, made["beta"].private)
    made["beta"].outputs["profiles"] = [later]  # type: ignore[index]
    made.up("alpha", "gamma")
    assert made["gamma"].learnt.known[GPU].heard.raw["colour"] == "green"


def test_who_is_new_learns_from_any_of_several_relays() -> None:
    edges = {"alpha": ["beta"], "beta": [], "delta": ["beta"], "gamma": {"alpha": True, "delta": True}}
    made = net(edges)
    made.up("beta", "alpha", "delta", "gamma")
    assert dict(made["gamma"].learnt.known[GPU].via) == {"alpha": (), "delta": ()}
    made.destroy("alpha")
    made.destroy("delta")
    made.settle()
    assert GPU in made["gamma"].sees


def test_profiles_beyond_measure_are_cut_off() -> None:
    made = started(STAR)
    outputs = made["alpha"].outputs
    assert outputs is not None
    outputs["relayedProfiles"] += [None] * 5000
    made.up("gamma")
    assert "no more than 1000 are read" in told(made)


def test_an_organisation_without_profiles_is_nobody_here() -> None:
    made = Net([Organisation("alpha", {"beta": True}), Organisation("beta", {"alpha": True})])
    made.up("alpha", "beta", "alpha")
    assert made["alpha"].sees == {}


@pytest.mark.parametrize(
    "value", [MARK, "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "\ud800"], ids=["file", "unknown", "half"]
)
def test_a_signed_profile_that_means_something_to_the_engine_is_no_profile(value: Any) -> None:
    made = started(STAR)
    profile = {**relayed(made)["profile"], "more": value}
    with pytest.raises(ValueError, match="no text to the engine"):
        heard(signed_again(profile, bytes(range(32))) if value != "\ud800" else profile)


def test_a_profile_is_less_deep_than_the_bundle_that_relays_it_may_be() -> None:
    made = started(STAR)
    value: Any = 0
    for _ in range(60):
        value = [value]
    with pytest.raises(ValueError, match="nested too deep"):
        heard({**relayed(made)["profile"], "more": value})
