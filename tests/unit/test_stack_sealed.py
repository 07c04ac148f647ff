"""What is sealed stands in plain outputs: only its recipient opens it, and what was changed on the way is refused."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from archipelago.identity.derive import Keyring
from archipelago.identity.sealing import sealing_key
from archipelago.model.record import Bundle
from tests.sharing import fingerprint, key_of, organisation, plan_of, private_keys, refusal, sealer, world
from tests.stacks import STACKS, Config, crossed, outputs_of, seed
from tests.stacks import alpha as goquorum
from tests.stacks import plan_of as goquorum_plan

pytestmark = pytest.mark.unit

ALL = tuple(STACKS)
ITEM = "swarm/archive"


def test_outputs_hold_no_key_in_plain_text_and_no_null() -> None:
    three = world()
    three.up(*ALL, *ALL)
    key = key_of(three.plans["alpha"])
    text = json.dumps(three.outputs)
    assert "null" not in text
    for secret in (
        key,
        base64.b64encode(bytes.fromhex(key)).decode(),
        *(s for name in ALL for s in private_keys(name)),
    ):
        assert secret not in text
    assert text.count(fingerprint(bytes.fromhex(key))) == 3


def test_only_the_one_it_is_sealed_for_can_open_it() -> None:
    three = world()
    three.up(*ALL, *ALL)
    sealed = three.outputs["alpha"]["sealed"]
    assert sealed.keys() == {"beta", "gamma"}
    assert sealer("beta").opened("alpha", ITEM, sealed["beta"][ITEM]).hex() == key_of(three.plans["alpha"])
    with pytest.raises(ValueError, match="another key"):
        sealer("gamma").opened("alpha", ITEM, sealed["beta"][ITEM])


def test_another_protocol_exports_nothing_of_it() -> None:
    """New keys in the outputs of every stack would be a diff for every user."""
    outputs = outputs_of(goquorum_plan(goquorum()))
    assert outputs.keys() == {
        "externalNodes", "network", "identities", "partners", "partnersMissing", "waitingFor", "fileFormats",
        "accepted", "cluster", "owner",
    }  # fmt: skip
    assert outputs["identities"].keys() == {"schema", "organisation", "key", "signature"}
    assert not outputs["externalNodes"][0].keys() & {"swarm", "fingerprint", "keyGeneration"}


def test_a_stack_with_shared_secrets_exports_them_under_its_signature() -> None:
    both = world("alpha", "beta")
    both.up("alpha", "beta", "alpha")
    given = crossed(both.outputs["alpha"])
    assert given["sealed"].keys() == {"beta"}
    assert Bundle.model_validate(given).plain() == json.loads(
        json.dumps(given), parse_float=lambda text: int(float(text))
    )
    changes: list[dict[str, Any]] = [{"sealingKey": sealing_key(bytes(range(32)))}, {"sealed": {}}]
    for change in changes:
        problems = refusal(partial(plan_of, both.configs["beta"], {"alpha": {**given, **change}}))
        assert any("no valid signature" in problem.message for problem in problems)


def received(change: Callable[[Config], object]) -> Config:
    """alpha's bundle with a change, signed all the same."""
    both = world("alpha", "beta")
    both.up("alpha", "beta", "alpha")
    given = copy.deepcopy(crossed(both.outputs["alpha"]))
    change(given)
    signing = Keyring(bytes.fromhex(seed("alpha")), "alpha", "research").secret("", "organisation signing key")
    return Bundle.model_validate(given).signed(signing).plain()


def beta(changes: Mapping[str, Any] | None = None) -> Config:
    config = organisation("beta", changes)
    del config["partners"]["gamma"]
    return config


def _text(change: Callable[[str], str]) -> Callable[[Config], None]:
    def apply(given: Config) -> None:
        given["sealed"]["beta"][ITEM] = change(given["sealed"]["beta"][ITEM])

    return apply


BROKEN: dict[str, Callable[[Config], object]] = {
    "a flipped letter": _text(lambda text: text[:-3] + ("A" if text[-3] != "A" else "B") + text[-2:]),
    "cut off": _text(lambda text: text[:-20]),
    "no sealed text": _text(lambda _: "swarm.key"),
    "of another item": lambda given: given["sealed"]["beta"].update({"swarm/other": given["sealed"]["beta"][ITEM]}),
    "another's, handed on": _text(
        lambda _: sealer("gamma").seal("beta", sealer("beta").key, ITEM, b"the key of another swarm")
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_sealed_text_that_does_not_open_is_refused_by_the_partners_name(name: str) -> None:
    (problem,) = refusal(lambda: plan_of(beta(), {"alpha": received(BROKEN[name])}))
    assert problem.path == "partners.alpha"
    assert problem.message.startswith("its sealed swarm/")


@pytest.mark.parametrize("sealed", [{"beta": "x"}, {"beta": {ITEM: 1}}, {"beta": [ITEM]}, [], "x"])
@pytest.mark.parametrize("signed", [True, False])
def test_sealed_texts_of_another_shape_are_refused(sealed: Any, signed: bool) -> None:
    given = {**received(lambda _: None), "sealed": sealed}
    problems = refusal(lambda: plan_of(beta({"partners.alpha.unsigned": True}), {"alpha": given}))
    assert any("no list of sealed texts" in each.message for each in problems)


@pytest.mark.parametrize("key", ["", "x", "x25519:" + "00" * 32, 1.0])
def test_a_sealing_key_that_is_none_is_refused(key: Any) -> None:
    given = {**received(lambda _: None), "sealingKey": key}
    problems = refusal(lambda: plan_of(beta({"partners.alpha.unsigned": True}), {"alpha": given}))
    assert any("sealing key" in each.message for each in problems)


def test_nothing_is_sealed_to_whoever_signed_nothing_and_nothing_of_theirs_is_opened() -> None:
    given = {**received(lambda _: None), "key": "", "signature": ""}
    plan = plan_of(beta({"partners.alpha.unsigned": True}), {"alpha": given})
    assert plan.waiting_for == ("alpha: the key of swarm archive",)
    assert (outputs_of(plan)["sealed"], outputs_of(plan)["sealingKeys"]) == ({}, {})
    assert any("alpha is not signed" in each for each in plan.warnings)


def test_a_key_that_was_seen_once_is_not_forgotten_for_a_run_in_which_nobody_signed() -> None:
    """Else one unsigned bundle would make way for a signed one with a stranger's key."""
    both = world("alpha", "beta")
    both.up("alpha", "beta", "alpha")
    keys = both.outputs["alpha"]["sealingKeys"]
    both.configs["alpha"]["partners"]["beta"]["unsigned"] = True
    other = sealing_key(bytes(range(32)))
    both.outputs["beta"]["identities"] |= {"key": "", "signature": "", "sealingKey": other}
    both.up("alpha")
    assert both.outputs["alpha"]["sealingKeys"] == keys


@pytest.mark.parametrize("broken", ["x", 1.0, {"beta": "x25519:00"}, {"beta": None}, {"beta": {"swarm/archive": 1.0}}])
def test_own_last_outputs_that_somebody_has_broken_are_passed_over(broken: Any) -> None:
    last = {"sealingKeys": broken, "received": broken}
    assert plan_of(beta(), {"alpha": received(lambda _: None)}, last).waiting_for == ()
    assert plan_of(beta(), last=last).waiting_for == ("alpha: the key of swarm archive",)


def test_another_key_that_a_partner_seals_is_told_and_the_one_that_was_kept_of_it_stays() -> None:
    both = world("alpha", "beta")
    both.up("alpha", "beta", "alpha", "beta")
    assert both.outputs["beta"]["received"] == {"alpha": {ITEM: both.outputs["alpha"]["sealed"]["beta"][ITEM]}}
    other = bytes(range(32))
    given = received(_text(lambda _: sealer("alpha").seal("beta", sealer("beta").key, ITEM, other)))
    plan = plan_of(beta(), {"alpha": given}, both.outputs["beta"])
    assert key_of(plan) == key_of(both.plans["alpha"]) != other.hex()
    assert any(f"its sealed {ITEM} holds another secret" in each for each in plan.warnings)
    never = {key: value for key, value in both.outputs["beta"].items() if key != "accepted"}  # of an older program
    problems = refusal(lambda: plan_of(beta(), {"alpha": given}, never))
    assert any(f"to {fingerprint(other)} under this member" in each.message for each in problems)


def test_a_text_for_an_earlier_key_of_ours_is_passed_over_until_the_partner_has_seen_the_new_one() -> None:
    """A refusal would be for ever: only our next outputs tell the partner our new key."""
    both = world("alpha", "beta")
    both.up("alpha", "beta", "alpha", "beta")
    both.configs["beta"]["identitySeed"] = seed("a new one")
    both.outputs["beta"] = {}
    anew = both.up("beta")
    assert anew.waiting_for == ("alpha: the key of swarm archive",)
    assert any("for an earlier key of ours" in each for each in anew.warnings)


def test_a_new_sealing_key_is_sealed_to_only_once_its_signer_is_pinned() -> None:
    """Who can write a partner's outputs could put his own key there, and would be handed the swarm's."""
    both = world("alpha", "beta")
    both.up("alpha", "beta", "alpha")
    before = both.outputs["alpha"]["sealed"]
    both.configs["beta"]["identitySeed"] = seed("stolen")
    both.outputs["beta"] = {}
    both.up("beta")
    for _ in range(2):  # and it is not forgotten by the second run
        plan = both.up("alpha")
        assert both.outputs["alpha"]["sealed"] == before
        assert any("beta now has the sealing key" in each for each in plan.warnings)
    key = both.outputs["beta"]["identities"]["key"]
    both.configs["alpha"]["partners"]["beta"]["key"] = key
    assert not any("now has the sealing key" in each for each in both.up("alpha").warnings)
    assert both.outputs["alpha"]["sealed"] != before
    assert both.up("beta").waiting_for == ()
