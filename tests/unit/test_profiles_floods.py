"""Many profiles, or large ones, of one organisation take nothing from others; nor does a name that fits ours."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from archipelago.identity.curve25519 import sign, signer
from archipelago.identity.derive import Keyring
from archipelago.model.record import canonical
from archipelago.profiles import limits
from archipelago.stack.bundles import bundle_of
from tests import ipfs
from tests.identities import Shown, settled
from tests.stacks import seed
from tests.unit.test_profiles_hostile import signed_again
from tests.unit.test_profiles_strangers import EVIL, OWN_KEY, at, forged, relays, stranger, urls, with_beta
from tests.world import objects

pytestmark = pytest.mark.unit


def withdrawn(count: int) -> Any:
    """Put identities that one organisation has withdrawn before all that alpha relays."""

    def change(listed: list[Any]) -> None:
        listed[:0] = [stranger(listed[0], "aaa", f"gone-{index}", withdrawn=True) for index in range(count)]

    return change


def test_what_is_remembered_is_read_first_and_what_is_not_read_is_not_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    made = settled()
    before = urls(made.plans["gamma"])
    assert "beta-beta-site" in before, "which gamma knows by alpha alone"
    for most in (5, 0):
        monkeypatch.setattr(limits, "MOST_READ", most)
        relays(made, withdrawn(20))
        for _ in range(2):
            plan = made.up("gamma")
            assert urls(plan).get("beta-beta-site") == before["beta-beta-site"]
            assert any(f"no more than {most} are read" in each for each in plan.warnings)


def test_identities_that_are_withdrawn_are_counted_for_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    made = settled()
    monkeypatch.setattr(limits, "MOST_OF_ONE", 3)
    relays(made, withdrawn(20))
    made.up("gamma")
    kept = [each for each in made.outputs["gamma"]["relayedProfiles"] if each["profile"]["organisation"] == "aaa"]
    assert len(kept) == 3


def shows(made: Shown, identity: str, size: int) -> None:
    """beta, a partner, shows a profile of so many bytes more, with a word of a later version."""
    outputs = copy.deepcopy(made.outputs["beta"])
    private = Keyring(bytes.fromhex(seed("beta")), "beta", "research").secret("", "organisation signing key")
    first = outputs["profiles"][0]
    outputs["profiles"].append(signed_again({**first, "identity": identity, "later": "x" * size}, private))
    outputs["identities"]["signature"] = sign(private, canonical(bundle_of(outputs)))
    made.outputs["beta"] = outputs


@pytest.mark.parametrize("limit", ["LARGEST", "LARGEST_OF_ONE"])
def test_a_partners_large_profile_takes_the_room_of_none_that_was_known(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = with_beta()
    relays(made, lambda listed: listed.append(stranger(listed[0], "zzz")))
    before = urls(made.up("gamma"))
    assert set(before) == {"alpha-alpha-site", "beta-beta-site", "zzz-site"}
    shows(made, "a-large-one", 20_000)
    monkeypatch.setattr(limits, limit, 22_000)
    for _ in range(2):
        plan = made.up("gamma")
        assert urls(plan) == before
        assert any("beta/a-large-one" in each and "left out" in each for each in plan.warnings)


@pytest.mark.parametrize("how", ["its nodes are pasted", "it has never run"])
def test_of_an_organisation_that_we_list_no_relay_introduces_anything_without_its_key(how: str) -> None:
    made = settled()
    node = copy.deepcopy(made.outputs["beta"]["externalNodes"][0])
    relays(made, forged)
    pasted = how == "its nodes are pasted"
    listed: dict[str, Any] = (
        {"nodes": [node]} if pasted else {"stack": "organization/archipelago/cluster-b", "required": False}
    )
    if not pasted:
        made.destroy("beta")
    del made.outputs["gamma"], made.plans["gamma"]
    made.configs["gamma"]["partners"]["beta"] = listed
    for _ in range(2):
        plan = made.up("gamma")
        assert EVIL not in urls(plan).values()
        assert any("beta, which is a partner whose key is not known" in each for each in plan.warnings)
    listed["key"] = signer(OWN_KEY)
    assert EVIL in urls(made.up("gamma")).values()


def test_a_config_map_of_a_stranger_has_no_name_that_a_member_to_come_may_have() -> None:
    site = {"namespace": "jobs", "url": "https://198.51.100.20", "publishTo": ["ipfs/public/archive"]}
    listens = {"network.peers": "configMap", "partners.beta.accept": "network"}
    made = ipfs.world(alpha=ipfs.alpha(listens), beta=ipfs.beta({"identities": {"site": site}}))
    made.up("alpha", "beta", "alpha", "beta", "alpha", "beta")
    outputs = copy.deepcopy(made.outputs["beta"])
    own: dict[str, Any] = {"profile": outputs["profiles"][0]}
    outputs["relayedProfiles"] = [stranger(own, "public", name) for name in ("models-ss", "models")]
    private = Keyring(bytes.fromhex(seed("beta")), "beta", "research").secret("", "organisation signing key")
    outputs["identities"]["signature"] = sign(private, canonical(bundle_of(outputs)))
    made.outputs["beta"] = outputs
    maps = {name for kind, name in objects(made.up("alpha")) if kind == "ConfigMap"}
    assert "public-models-ss" not in maps
    assert [name for name in maps if name.startswith("public-models-ss-")]
    assert "public-models" in maps, "others keep their short names"


@pytest.mark.parametrize("host", ["vault", "grafana.ipfs", "kube-dns.kube-system"])
def test_a_strangers_host_that_pods_complete_to_a_service_of_ours_is_not_dialled(host: str) -> None:
    made = settled()
    relays(made, at(host, 8200))
    plan = made.up("gamma")
    assert not [node for node in plan.exchange.members if node.organisation == "aaa"]
    assert any(f"the host {host} of aaa/public-archive is short" in each for each in plan.warnings)
    made.configs["gamma"]["partners"]["alpha"]["allowInside"] = True
    assert [node for node in made.up("gamma").exchange.members if node.organisation == "aaa"]
