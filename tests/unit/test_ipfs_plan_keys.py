"""Where the keys of swarms come from in a plan, and who gets them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from archipelago.chains.contract import Ask, Site
from archipelago.chains.ipfs.swarm_key import SwarmKey, parsed
from archipelago.identity.derive import Keyring
from archipelago.manifests.stack import manifests
from tests import ipfs
from tests.ipfs import ARCHIVE, alpha, beta, held, node, plan_of, problems_of, secret
from tests.stacks import changed, crossed, outputs_of

pytestmark = pytest.mark.unit

KEY = SwarmKey(bytes(range(32)))
SECRET = Ask("Secret", "ipfs", "the-key")


def test_behaviour_02_a_secret_that_is_absent_is_made_with_a_valid_key() -> None:
    plan = plan_of(alpha({f"{ARCHIVE}.key": {"secret": "the-key"}}), given={SECRET: None})
    assert ipfs.made(plan) == {"the-key": {"swarm-key": held(plan).decode()}}
    assert parsed(held(plan)).fingerprint == plan.records[0].fingerprint
    assert len(held(plan)) == 95
    assert not held(plan).endswith(b"\n")


def test_behaviour_03_a_second_run_does_not_make_another_key() -> None:
    config = alpha({f"{ARCHIVE}.key": {"secret": "the-key"}})
    first = plan_of(config, given={SECRET: None})
    there = secret("the-key", {"swarm-key": held(first)}, owner=first.owner)
    again = plan_of(config, last=outputs_of(first), given=there)
    assert held(again) == held(first)
    assert ipfs.made(again) == ipfs.made(first)


def test_behaviour_05_a_secret_that_is_there_is_used_unchanged_and_left_alone() -> None:
    for data in (KEY.text.encode(), KEY.text.encode() + b"\r\nmore"):
        for name in ("swarm-key", "swarm.key"):
            plan = plan_of(alpha({f"{ARCHIVE}.key": {"secret": "the-key"}}), given=secret("the-key", {name: data}))
            assert held(plan) == data
            assert plan.records[0].fingerprint == KEY.fingerprint
            assert not ipfs.made(plan)


def test_a_key_in_binary_is_given_to_the_daemon_as_text() -> None:
    data = b"/key/swarm/psk/1.0.0/\n/bin/\n" + b"\xff" * 32
    plan = plan_of(alpha({f"{ARCHIVE}.key": {"secret": "the-key"}}), given=secret("the-key", {"swarm-key": data}))
    assert held(plan) == SwarmKey(b"\xff" * 32).text.encode()


def test_a_secret_that_nobody_could_look_at_makes_its_members_wait() -> None:
    """With another key they would be cut off from the others, and only the cluster knows."""
    plan = plan_of(alpha({f"{ARCHIVE}.key": {"secret": "the-key"}}))
    assert not node(plan).runs
    assert plan.waiting_for == ("Secret ipfs/the-key: the key of swarm archive",)
    assert any("Secret ipfs/the-key" in each for each in plan.warnings)


def test_s11_a_preview_without_a_cluster_keeps_the_secrets_that_were_made_before() -> None:
    config = alpha({f"{ARCHIVE}.key": {"secret": "the-key"}})
    first = plan_of(config, given={SECRET: None})
    preview = plan_of(config, last=outputs_of(first))
    assert list(manifests(preview)) == list(manifests(first))
    assert any("Secret ipfs/the-key" in each for each in preview.warnings)
    assert not node(plan_of(changed(config, {f"{ARCHIVE}.keyGeneration": 2}), last=outputs_of(first))).runs


def test_s11_a_key_that_only_the_cluster_knows_is_not_guessed() -> None:
    config = alpha({f"{ARCHIVE}.key": {"secret": "the-key"}})
    first = plan_of(config, given=secret("the-key", {"swarm-key": KEY.text}))
    preview = plan_of(config, last=outputs_of(first))
    assert not ipfs.made(preview)
    assert not node(preview).runs


@pytest.mark.parametrize("extra", ["\n", "\r\nfor beta", "\n" + "x" * 3000])
def test_c13_a_partner_restarts_no_member_by_another_spelling_of_the_key(extra: str) -> None:
    """Its text was stored as it came, and every other spelling restarted all members of the swarm."""

    def stored(key: str) -> list[Any]:
        world = ipfs.world(alpha=alpha({f"{ARCHIVE}.key": {"secret": "the-key"}}), beta=beta())
        given = secret("the-key", {"swarm-key": key})
        world.up("beta")
        for _ in range(2):
            received = {"beta": crossed(world.outputs["beta"])}
            world.plans["alpha"] = plan_of(world.configs["alpha"], received, given=given)
            world.outputs["alpha"] = outputs_of(world.plans["alpha"])
        assert held(world.plans["alpha"]) == key.encode(), "the key of the own cluster stays byte for byte"
        made = manifests(world.up("beta"))
        return [each for each in made if each["kind"] in ("Secret", "StatefulSet")]

    plain, other = stored(KEY.text), stored(KEY.text.replace(KEY.secret.hex(), KEY.secret.hex().upper()) + extra)
    assert KEY.text in [each["stringData"].get("swarm.key") for each in plain if each["kind"] == "Secret"]
    assert plain == other


def test_c13_a_key_file_has_a_limit() -> None:
    given = secret("the-key", {"swarm-key": KEY.text + "\n" + "x" * 900_000})
    found = problems_of(alpha({f"{ARCHIVE}.key": {"secret": "the-key"}}), given)
    assert "at most 4,096 bytes" in found[f"{ARCHIVE}.key"].message


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"swarm-key": "0849"}, "its first line"),
        ({"password": KEY.text}, "has no swarm-key and no swarm.key"),
        ({}, "has no swarm-key"),
    ],
)
def test_a_secret_without_a_key_is_refused(data: dict[str, str], why: str) -> None:
    found = problems_of(alpha({f"{ARCHIVE}.key": {"secret": "the-key"}}), secret("the-key", data))
    assert why in found[f"{ARCHIVE}.key"].message
    assert KEY.secret.hex() not in str(found)


def test_members_of_one_swarm_share_a_secrets_key_over_namespaces() -> None:
    pools = {
        "a": {"namespace": "one", "swarms": {"archive": {"key": {"secret": "the-key"}}}},
        "b": {"namespace": "two", "swarms": {"archive": {"key": {"secret": "the-key"}}}},
    }
    given = {**secret("the-key", {"swarm-key": KEY.text}, "one"), Ask("Secret", "two", "the-key"): None}
    plan = plan_of(alpha({"pools": pools}), given=given)
    assert {held(plan, name).decode() for name in ("a-archive", "b-archive")} == {KEY.text}
    assert not ipfs.made(plan, "a-archive")
    assert ipfs.made(plan, "b-archive") == {"the-key": {"swarm-key": KEY.text}}
    other = secret("the-key", {"swarm-key": SwarmKey(bytes(32)).text}, "two")
    found = problems_of(alpha({"pools": pools}), {**given, **other})
    assert "hold different keys" in found["pools.a.swarms.archive.key"].message


def test_a_pinned_fingerprint_refuses_another_key() -> None:
    there = secret("the-key", {"swarm-key": KEY.text})
    changes = {f"{ARCHIVE}.key": {"secret": "the-key"}, f"{ARCHIVE}.keyFingerprint": KEY.fingerprint.upper()}
    assert plan_of(alpha(changes), given=there)
    found = problems_of(alpha(changes | {f"{ARCHIVE}.keyFingerprint": "0" * 32}), there)
    assert KEY.fingerprint in found[f"{ARCHIVE}.keyFingerprint"].message


def test_a_counted_up_generation_is_another_key_of_the_same_members() -> None:
    first, second = plan_of(alpha()), plan_of(alpha({f"{ARCHIVE}.keyGeneration": 2}))
    assert held(first) != held(second)
    assert first.records[0].node_id == second.records[0].node_id
    assert (first.records[0].key_generation, second.records[0].key_generation) == (1, 2)


def test_a_joiner_takes_the_key_from_its_founder_and_waits_until_it_is_there() -> None:
    world = ipfs.world(alpha=alpha(), beta=beta())
    waiting = world.up("alpha", "beta")
    assert not node(waiting).runs
    assert "alpha: the key of swarm archive" in waiting.waiting_for
    assert node(waiting).service.ports
    assert waiting.records[0].node_id
    world.up("alpha", "beta")
    assert node(world.plans["beta"]).runs
    assert held(world.plans["beta"]) == held(world.plans["alpha"])
    assert world.settled()


def test_a_key_is_in_no_plain_output() -> None:
    world = ipfs.world(alpha=alpha(), beta=beta())
    world.up("alpha", "beta", "alpha", "beta")
    for organisation in ("alpha", "beta"):
        text = json.dumps(world.outputs[organisation])
        assert parsed(held(world.plans[organisation])).secret.hex() not in text
        for private in node(world.plans[organisation]).private_files.values():
            assert private not in text
        assert world.plans[organisation].records[0].fingerprint in text  # type: ignore[operator]


@pytest.mark.parametrize(("share", "recipients"), [(None, ["beta", "gamma"]), (["beta"], ["beta"]), ([], [])])
def test_the_key_is_sealed_to_partners_that_may_have_it(share: list[str] | None, recipients: list[str]) -> None:
    listing = {"stack": "organization/archipelago/cluster-b", "required": False}
    changes: dict[str, Any] = {"partners": {"beta": listing, "gamma": listing}}
    settings = ipfs.settings_of(alpha(changes | ({f"{ARCHIVE}.shareKeyWith": share} if share is not None else {})))
    found = ipfs.IPFS.shared(settings, Keyring(settings.seed, "alpha", "research"), Site("ipfs", ""), {})
    assert list(found.to["swarm/archive"]) == recipients


def test_r38_the_token_of_the_api_has_a_secret_without_any_key() -> None:
    plan = plan_of(alpha())
    identity = node(plan).private_files
    assert dict(node(plan).secrets) == {"public-archive-api-token": {"api-token": identity["api-token"]}}
    assert identity["api-token"] != identity["private-key"]


def test_r38_a_release_without_tokens_has_no_such_secret() -> None:
    assert not node(plan_of(alpha({"network.version": "0.24.0"}))).secrets


def test_r38_the_secret_starts_no_pod_again() -> None:
    """The daemon has the token from its identity's Secret, as before."""
    mounted = json.dumps([each for each in manifests(plan_of(alpha())) if each["kind"] == "StatefulSet"])
    assert "public-archive-ss-identity" in mounted and "public-archive-api-token" not in mounted


def test_r38_a_swarms_key_is_not_stored_under_the_name_of_the_token() -> None:
    found = problems_of(alpha({f"{ARCHIVE}.key": {"secret": "public-archive-api-token"}}))
    assert "the token of public-archive's API" in found[f"{ARCHIVE}.key.secret"].message
