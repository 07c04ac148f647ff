"""The ConfigMap of peers is full: what grows finds no room, and no Peer that stands goes for it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from archipelago.checks import plans
from archipelago.identity.curve25519 import sign
from archipelago.identity.derive import Keyring
from archipelago.identity.peer_id import peer_id
from archipelago.model.record import canonical
from archipelago.profiles import limits
from archipelago.stack import exchange
from archipelago.stack.bundles import bundle_of
from tests.identities import Shown
from tests.stacks import seed
from tests.unit.test_profiles_strangers import relays, stranger, urls, with_beta

pytestmark = pytest.mark.unit


def grows(made: Shown, organisation: str, count: int) -> None:
    """An organisation hands over more nodes, under its own signature."""
    outputs = copy.deepcopy(made.outputs[organisation])
    first: dict[str, Any] = {key: value for key, value in outputs["externalNodes"][0].items() if key != "proof"}
    own = {"alpha": 100, "beta": 200}[organisation]
    for at in range(count):
        ends = {"swarm": {"host": f"192.0.2.{own}", "port": 4001 + at}}
        outputs["externalNodes"].append(
            {**first, "name": f"more-{at}-{'x' * 50}", "nodeId": peer_id(bytes([own + at]) * 32), "endpoints": ends}
        )
    private = Keyring(bytes.fromhex(seed(organisation)), organisation, "research").secret(
        "", "organisation signing key"
    )
    outputs["identities"]["signature"] = sign(private, canonical(bundle_of(outputs)))
    made.outputs[organisation] = outputs


def holds(patch: pytest.MonkeyPatch, size: int) -> None:
    for module in (exchange, limits, plans):
        patch.setattr(module, "LARGEST_FILE", size)


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """gamma's list, which has room for two or three members more."""
    made = with_beta()
    relays(made, lambda listed: listed.append(stranger(listed[0], "zzz")))
    made.up("gamma")
    assert set(urls(made.plans["gamma"])) == {"alpha-alpha-site", "beta-beta-site", "zzz-site"}
    holds(monkeypatch, limits.size_of(made.plans["gamma"].live_files) + 1000)
    return made


@pytest.mark.parametrize("count", [1, 3, 6, 9, 12, 13, 14, 15, 16, 17, 40])
def test_a_partner_that_grows_takes_the_room_of_no_peer(full: Shown, count: int) -> None:
    before = full.plans["gamma"]
    grows(full, "beta", count)
    for _ in range(2):
        plan = full.up("gamma")
        assert urls(plan) == urls(before)
        assert set(plan.missing) <= {"beta"}
        (beta,) = [len(given.nodes) for given in plan.imports if given.name == "beta"]
        assert beta == (1 if plan.missing else 1 + count)
    if count >= 17:
        (told,) = [each for each in plan.warnings if "Partner beta" in each]
        assert "taken last stay" in told


def test_the_partner_that_grew_is_named_and_not_the_one_with_the_most_nodes(
    full: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds(monkeypatch, 1 << 20)
    grows(full, "alpha", 20)
    before = full.up("gamma")
    holds(monkeypatch, limits.size_of(before.live_files) + 100)
    grows(full, "beta", 4)
    plan = full.up("gamma")
    assert plan.missing == ("beta",)
    assert urls(plan) == urls(before)


def test_a_partners_new_identities_take_the_room_of_no_peer_either(
    full: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = full.plans["gamma"]
    size = limits.size_of(before.live_files) + 1000
    site = full.configs["beta"]["identities"]["beta-site"]
    full.configs["beta"]["identities"] |= {f"more-{number}": dict(site) for number in range(20)}
    holds(monkeypatch, 1 << 20)
    full.up("beta")
    holds(monkeypatch, size)
    plan = full.up("gamma")
    assert urls(before).items() <= urls(plan).items()
    assert any("left out" in each for each in plan.warnings)


def test_a_profile_that_is_known_may_count_up(full: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    size = limits.size_of(full.plans["gamma"].live_files) + 60
    for number in range(12):
        full.configs["beta"]["identities"]["beta-site"]["url"] = f"https://{number}.example"
        holds(monkeypatch, 1 << 20)
        full.up("beta")
        holds(monkeypatch, size)
        full.up("gamma")
    assert urls(full.plans["gamma"])["beta-beta-site"] == "https://11.example"
