"""One key signs bundles, profiles and deliveries: what it signed for one of them is never taken for another."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from archipelago.identity.curve25519 import verify
from archipelago.model.profile import description, heard
from archipelago.model.record import canonical, is_signed
from tests.profiles import Net
from tests.stacks import alpha, beta, bundle, plan_of
from tests.unit.test_profiles_hostile import signed_again
from tests.unit.test_profiles_relays import STAR, started
from tests.unit.test_stack_accepted import STAY
from tests.unit.test_stack_accepted import signed_again as bundle_again
from tests.world import World

pytestmark = pytest.mark.unit

OTHERS = ["profile", "delivery", "node", "anything", 7, {}]


def own(made: Net, name: str = "beta") -> dict[str, Any]:
    outputs = made[name].outputs
    assert outputs is not None
    found: dict[str, Any] = outputs["profiles"][0]
    return found


@pytest.mark.parametrize("purpose", OTHERS)
def test_s6_a_text_that_was_signed_for_another_purpose_is_no_bundle(purpose: object) -> None:
    """All fields fit, and the signature is the organisation's own: before, only luck told the three texts apart."""
    given = bundle(beta(), {"alpha": bundle(alpha())})
    assert given["network"]["purpose"] == "bundle"
    assert is_signed(given)
    forged = bundle_again(lambda raw: raw["network"].update(purpose=purpose), copy.deepcopy(given))
    assert verify(forged["key"], canonical(forged), forged["signature"])
    assert not is_signed(forged)


@pytest.mark.parametrize("purpose", ["profile", None])
def test_a_description_that_is_signed_for_a_profile_is_no_bundle(purpose: str | None) -> None:
    """Its network is a name, so the purpose stands beside it; an older program says none."""
    raw = {**own(started(STAR)), "purpose": purpose}
    described = description(signed_again(raw, bytes(32)))
    assert verify(described["key"], canonical(described), described["signature"])
    assert not is_signed(described)


@pytest.mark.parametrize("purpose", ["bundle", "node", "delivery", "profile"])
@pytest.mark.parametrize("half", ["profile", "delivery"])
def test_s6_the_halves_of_a_profile_are_signed_each_for_itself(half: str, purpose: str) -> None:
    made = started(STAR)
    raw = copy.deepcopy(own(made))
    (raw if half == "profile" else raw["delivery"])["purpose"] = purpose
    again = signed_again(raw, made["beta"].private)
    if purpose == half:
        assert heard(again).raw == again
    else:
        with pytest.raises(ValueError, match="another purpose"):
            heard(again)


def test_s6_a_partner_with_an_older_program_is_taken_as_before_and_takes_what_we_sign() -> None:
    """It signs for no purpose and reads none: what it gives is checked as it came, and so does it check ours."""
    old: Callable[[dict[str, Any]], object] = lambda raw: raw["network"].pop("purpose")  # noqa: E731
    given = bundle_again(old, bundle(beta(), {"alpha": bundle(alpha())}))
    plan = plan_of(alpha(), {"beta": given})
    assert len(plan.imports[0].nodes) == 2
    ours = bundle(alpha())
    assert verify(ours["key"], canonical(ours), ours["signature"]), "as every program before this one checks it"
    made = started(STAR)
    raw = copy.deepcopy(own(made))
    for half in (raw, raw["delivery"]):
        del half["purpose"]
    assert heard(signed_again(raw, made["beta"].private)).profile.purpose is None


def test_s6_who_moves_to_this_program_counts_up_once_and_settles() -> None:
    """Another text under the same count would be an older one to those who relay."""
    made = started(STAR)
    raw = copy.deepcopy(own(made))
    for half in (raw, raw["delivery"]):
        del half["purpose"]
    old = signed_again(raw, made["beta"].private)
    assert made["beta"].outputs is not None
    made["beta"].outputs["profiles"] = [old]
    made.settle()
    now = own(made)
    assert now["delivery"]["edition"] == old["delivery"]["edition"] + 1
    assert made["gamma"].learnt.known[("beta", "gpu")].heard.profile.purpose == "profile"
    world = World(alpha=alpha(), beta=beta())
    world.up("alpha", "beta", "alpha")
    world.outputs["beta"]["network"].pop("purpose")
    before = world.outputs["beta"]["network"]["edition"]
    world.up("beta", "beta")
    assert world.outputs["beta"]["network"]["edition"] == before + 1
    assert not any(STAY in each for each in world.up("alpha").warnings)
    assert world.outputs["beta"]["network"]["purpose"] == "bundle"
