"""Organisations of whom only relays tell: they stop no run, take nobody's place and open nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from archipelago.identity.curve25519 import sign
from archipelago.identity.derive import Keyring
from archipelago.model.record import canonical
from archipelago.stack.partners import bundle_of
from archipelago.stack.plan import StackPlan
from tests.identities import Shown, settled
from tests.stacks import seed
from tests.unit.test_profiles_hostile import signed_again
from tests.world import of_kind

pytestmark = pytest.mark.unit

OWN_KEY = bytes(range(32))  # the private key of whom a relay made up
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


def test_a_relay_still_tells_what_a_partner_that_is_away_has_signed() -> None:
    made = with_beta()
    made.destroy("beta")
    made.up("gamma")
    assert "beta-beta-site" in urls(made.up("gamma"))


def test_a_partner_that_is_to_be_forgotten_is_introduced_anew() -> None:
    made = with_beta()
    relays(made, forged)
    made.destroy("beta")
    made.up("gamma")
    made.configs["gamma"]["partners"]["beta"]["forget"] = True
    assert EVIL in urls(made.up("gamma")).values()
