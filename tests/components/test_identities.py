"""The real `__main__.py` on stacks with identities: what is registered, what is sealed, and what nobody ever sees."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

import components.program
from archipelago.manifests.stack import manifests
from tests.components.engine import Engine, Registered
from tests.components.harness import Run, run
from tests.components.runs import A, B
from tests.identities import CHAINS, organisation, plan_of
from tests.stacks import STACKS, Config, crossed, floats
from tests.tokens import token_of

pytestmark = pytest.mark.components

C = "organization/archipelago/cluster-c"
GRANTS = {"identities.alpha-site.grants": {"beta": None, "gamma": {"generation": 2}}}
TOKENS = (token_of("alpha-site-beta"), token_of("alpha-site-gamma-g2"))


@pytest.fixture(autouse=True)
def _protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components.program, "CHAINS", CHAINS)


def up(config: Config, stacks: dict[str, Any], **how: Any) -> Run:
    return run(config, stacks, name=STACKS[config["organisation"]], **how)


@cache
def rounds() -> dict[str, Run]:
    """alpha, beta, gamma, alpha, beta, gamma: the last run of each."""
    outputs: dict[str, Any] = {}
    found = {}
    for _ in range(3):
        for name, stack in (("alpha", A), ("beta", B), ("gamma", C)):
            found[name] = up(organisation(name, GRANTS if name == "alpha" else None), dict(outputs))
            assert (found[name].exit_code, found[name].errors) == (0, ()), found[name].errors
            outputs[stack] = found[name].outputs
    return found


def last_outputs() -> dict[str, Any]:
    return {stack: rounds()[name].outputs for name, stack in (("alpha", A), ("beta", B), ("gamma", C))}


def texts(given: Run) -> Iterator[tuple[Registered, str]]:
    for each in given.resources:
        yield each, json.dumps(each.inputs)


def test_one_account_with_rights_and_a_token_for_each_partner() -> None:
    given = rounds()["alpha"]
    assert set(given.of("ServiceAccount")) == set(given.of("Role")) == set(given.of("RoleBinding")) == {
        "jobs/alpha-site"
    }  # fmt: skip
    tokens = {name: each for name, each in given.of("Secret").items() if "site" in name}
    assert set(tokens) == {"jobs/alpha-site-beta", "jobs/alpha-site-gamma-g2"}
    account = given.named("ServiceAccount", "jobs/alpha-site")
    for each in tokens.values():
        assert account.urn in each.depends_on, "Kubernetes deletes it where the account is not there"
        assert "data" in each.additional_secret_outputs
        assert each.parent == account.parent


def test_the_sealed_kubeconfig_is_a_plain_output_and_opens_at_the_partner() -> None:
    made = rounds()
    assert made["alpha"].secret_outputs == frozenset()
    (profile,) = made["alpha"].outputs["profiles"]
    assert set(profile["delivery"]["kubeconfigs"]) == {"beta", "gamma"}
    for name, token in zip(("beta", "gamma"), TOKENS, strict=True):
        secret = made[name].named("Secret", "ipfs/alpha-alpha-site-kubeconfig")
        assert token in secret.inputs["stringData"]["config"]
        assert ("stringData",) in secret.secret


def test_no_token_is_in_an_output_a_message_or_an_object_but_secrets() -> None:
    for given in rounds().values():
        plain = [text for each, text in texts(given) if each.kind != "Secret"]
        plain += [json.dumps(given.outputs), *given.warnings, *given.errors]
        for token in TOKENS:
            for spelled in (token, base64.b64encode(token.encode()).decode()):
                assert not any(spelled in text for text in plain)
        for each, text in texts(given):
            if any(token in text for token in TOKENS):
                assert each.secret, "it is encrypted in the state"


def test_destroy_revokes_and_leaves_the_kind_to_others() -> None:
    for given in rounds().values():
        for each in given.resources:
            if each.kind in ("ServiceAccount", "Role", "RoleBinding", "Peer"):
                assert not each.retain_on_delete
            if each.kind == "Secret":
                assert each.retain_on_delete == ("-identity" in each.name)
            if each.kind == "CustomResourceDefinition":
                assert each.retain_on_delete


def test_peers_come_after_their_kind_and_stand_where_the_swarm_has_a_member() -> None:
    given = rounds()["beta"]
    assert set(given.of("Peer")) == {"ipfs/alpha-alpha-site", "ipfs/gamma-gamma-site"}
    kind = given.named("CustomResourceDefinition", "peers.peerdiscovery.irt-saintexupery.com")
    for each in given.of("Peer").values():
        assert kind.urn in each.depends_on
        assert each.type == "kubernetes:peerdiscovery.irt-saintexupery.com/v1alpha1:Peer"


@pytest.mark.parametrize("name", ["alpha", "beta", "gamma"])
@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
def test_what_is_registered_is_what_is_rendered(name: str, preview: bool) -> None:
    config, before = organisation(name, GRANTS if name == "alpha" else None), last_outputs()
    given = up(config, before, preview=preview)
    received = {each: crossed(rounds()[each].outputs) for each in ("alpha", "beta", "gamma") if each != name}
    plan = plan_of(config, received, floats(rounds()[name].outputs))
    ours = ("ServiceAccount", "Role", "RoleBinding", "Secret", "Peer", "CustomResourceDefinition", "Namespace")

    def listed(found: Any) -> dict[Any, Any]:
        kinds = (each for each in found if each["kind"] in ours)
        return {(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]): each for each in kinds}

    registered = listed(each.inputs for each in given.resources if each.type.startswith("kubernetes:"))
    assert registered == listed(manifests(plan))


def test_another_run_of_each_changes_nothing() -> None:
    for name in ("alpha", "beta", "gamma"):
        again = up(organisation(name, GRANTS if name == "alpha" else None), last_outputs())
        assert again.outputs == rounds()[name].outputs
        assert {each.urn: each.inputs for each in again.resources} == {
            each.urn: each.inputs for each in rounds()[name].resources
        }


def test_in_a_first_preview_the_kubeconfigs_are_unknown_and_everything_else_is_shown() -> None:
    given = up(organisation("alpha", GRANTS), {B: rounds()["beta"].outputs}, preview=True)
    assert (given.exit_code, given.errors) == (0, ())
    assert given.outputs["profiles"] == "<unknown>"
    assert given.outputs["relayedProfiles"]
    assert given.outputs["waitingFor"] == ["gamma: its sealing key, for the kubeconfig of identity alpha-site"]


def test_a_secret_without_a_token_stops_the_run_and_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "tokens", False)
    # whichever of the two is answered first
    with pytest.raises(Exception, match=r"Secret jobs/alpha-site-(beta|gamma-g2): the cluster gave it no token"):
        up(organisation("alpha", GRANTS), {B: rounds()["beta"].outputs})


def test_without_identities_there_is_no_component_of_them() -> None:
    given = up(organisation("alpha", {"identities": {}}), {})
    assert not [each for each in given.resources if each.kind in ("Identity", "Peers", "ServiceAccount", "Peer")]
    assert given.outputs["profiles"] == given.outputs["relayedProfiles"] == []
