"""What a stack file may say of identities, and what is refused with its place and a cure."""

from __future__ import annotations

from typing import Any

import pytest

from tests.identities import config, problems_of, settings_of
from tests.stacks import GONE

pytestmark = pytest.mark.unit

GPU = "identities.gpu"
OWN_RULES = {"rules": [{"resources": ["pods"], "verbs": ["get"]}]}


def test_the_smallest_identity_has_a_namespace_and_safe_defaults() -> None:
    settings = settings_of(config({"identities": {"gpu": {"namespace": "jobs"}}, "cluster.apiServer": GONE}))
    identity = settings.identities["gpu"]  # type: ignore[attr-defined]
    assert [each.model_dump(by_alias=True) for each in identity.rules] == [
        {
            "apiGroups": ("",),
            "resources": ("pods", "services"),
            "resourceNames": (),
            "verbs": ("get", "list", "watch"),
        }
    ]
    assert (identity.grants, identity.publish_to, identity.create_namespace) == ({}, (), False)


def test_a_grant_may_be_empty() -> None:
    settings = settings_of(config())
    assert settings.identities["gpu"].grants["beta"].generation == 1  # type: ignore[attr-defined]


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "a category twice": ({f"{GPU}.categories": ["a", "b", "a"]}, GPU, "categories has 'a' twice"),
    "a swarm twice": ({f"{GPU}.publishTo": ["ipfs/public/archive"] * 2}, GPU, "publishTo has"),
    "no swarm": ({f"{GPU}.publishTo": ["archive"]}, f"{GPU}.publishTo[0]", "names no swarm"),
    "no member": ({f"{GPU}.publishTo": ["ipfs/public/attic"]}, f"{GPU}.publishTo[0]", "is no member of this stack"),
    "another namespace": (
        {f"{GPU}.publishTo": ["jobs/public/archive"]}, f"{GPU}.publishTo[0]", "is no member of this stack",
    ),
    "no API server": ({"cluster.apiServer": GONE}, "cluster.apiServer", "is missing"),
    "loopback": ({"cluster.apiServer": "https://127.0.0.1:6443"}, "cluster.apiServer", "nobody outside reaches it"),
    "localhost": ({"cluster.apiServer": "https://localhost:6443"}, "cluster.apiServer", "nobody outside finds it"),
    "no https": ({"cluster.apiServer": "http://203.0.113.10"}, "cluster.apiServer", "is no https URL"),
    "no certificate": ({"cluster.apiServerCa": "nothing"}, "cluster.apiServerCa", "is no certificate"),
    "all resources": ({f"{GPU}.rules": [{"resources": ["*"], "verbs": ["get"]}]}, GPU, "rules[0]: '*' grants"),
    "all of a resource": ({f"{GPU}.rules": [{"resources": ["pods/*"], "verbs": ["get"]}]}, GPU, "'pods/*' grants"),
    "all verbs": ({f"{GPU}.rules": [{"resources": ["pods"], "verbs": ["*"]}]}, GPU, "'*' grants"),
    "all groups": (
        {f"{GPU}.rules": [{"apiGroups": ["*"], "resources": ["pods"], "verbs": ["get"]}]}, GPU, "'*' grants",
    ),
    "secrets": ({f"{GPU}.rules": [{"resources": ["secrets"], "verbs": ["get"]}]}, GPU, "credentials of others"),
    "tokens": (
        {f"{GPU}.rules": [{"resources": ["serviceaccounts/token"], "verbs": ["create"]}]}, GPU, "credentials of others",
    ),
    "escalate": ({f"{GPU}.rules": [{"resources": ["roles"], "verbs": ["escalate"]}]}, GPU, "the verb escalate"),
    "bind": ({f"{GPU}.rules": [{"resources": ["roles"], "verbs": ["bind"]}]}, GPU, "the verb bind"),
    "impersonate": ({f"{GPU}.rules": [{"resources": ["users"], "verbs": ["impersonate"]}]}, GPU, "the verb impers"),
    "secrets for one": (
        {f"{GPU}.grants.beta": {"rules": [{"resources": ["secrets"], "verbs": ["get"]}]}},
        GPU,
        "grants.beta.rules[0]: secrets are the credentials",
    ),
    "no verbs": ({f"{GPU}.rules": [{"resources": ["pods"], "verbs": []}]}, f"{GPU}.rules[0].verbs", "at least 1"),
    "no word": (
        {f"{GPU}.rules": [{"resources": ["pods"], "verbs": ["get", "a b"]}]}, f"{GPU}.rules[0].verbs[1]", "no word",
    ),
    "a stranger": ({f"{GPU}.grants.delta": None}, f"{GPU}.grants.delta", "is not among the partners"),
    "a pasted partner": ({"partners.beta": {"nodes": []}}, f"{GPU}.grants.beta", "is pasted: it has no key"),
    "no label": ({"identities": {"GPU": {"namespace": "jobs"}}}, "identities.GPU", "is no DNS label"),
    "no namespace": ({f"{GPU}.namespace": GONE}, f"{GPU}.namespace", "is missing"),
    "a namespace that is none": ({f"{GPU}.namespace": "My Jobs"}, f"{GPU}.namespace", "no name of a Kubernetes"),
    "two lines": ({f"{GPU}.description": "one\ntwo"}, f"{GPU}.description", "not one line"),
    "a novel": ({f"{GPU}.description": "x" * 1001}, f"{GPU}.description", "longer than 1000"),
    "no URL": ({f"{GPU}.url": "203.0.113.10"}, f"{GPU}.url", "no address of a cluster"),
    "generation 0": ({f"{GPU}.grants.beta": {"generation": 0}}, f"{GPU}.grants.beta.generation", "out of range"),
    "an unknown key": ({f"{GPU}.swarms": []}, f"{GPU}.swarms", "unknown key"),
    "a name that ends as ours": (
        {"partners.kubeconfig": {"stack": "a/b/c"}, f"{GPU}.grants.kubeconfig": None},
        GPU,
        "grants.kubeconfig: no partner's name may end so",
    ),
    "one Secret for two": (
        {
            "partners.b": {"stack": "a/b/c"},
            "partners.x-b": {"stack": "a/b/d"},
            "identities.gpu-x": {"namespace": "jobs", "grants": {"b": None}},
            f"{GPU}.grants.x-b": None,
        },
        "identities.gpu-x.grants.b",
        "its Secret would be named gpu-x-b",
    ),
    "a generation like a name": (
        {"partners.beta-g2": {"stack": "a/b/c"}, f"{GPU}.grants": {"beta": {"generation": 2}, "beta-g2": None}},
        f"{GPU}.grants.beta-g2",
        "its Secret would be named gpu-beta-g2",
    ),
    "one account for two": (
        {"identities.gpu-beta": {"namespace": "jobs"}, f"{GPU}.grants.beta": OWN_RULES},
        "identities.gpu-beta",
        "its ServiceAccount would be named gpu-beta",
    ),
    "to refuse a partner": ({"refuse": ["beta"]}, "refuse[0]", "is a partner"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_where_it_stands(name: str) -> None:
    changes, path, words = REFUSED[name]
    found = problems_of(changes)
    assert [problem.path for problem in found] == [path], found
    assert words in found[0].message
    assert found[0].cure


def test_unsafe_takes_the_risk_on() -> None:
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    assert not problems_of({f"{GPU}.rules": rules, f"{GPU}.unsafe": True})


def test_nothing_is_asked_of_the_api_server_where_nobody_is_let_in() -> None:
    assert not problems_of({"cluster.apiServer": GONE, f"{GPU}.grants": {}})


def test_a_pasted_partner_with_a_pinned_key_may_be_granted_something() -> None:
    """Its sealing key comes by a relay, under that key."""
    assert not problems_of({"partners.beta": {"nodes": [], "key": "ed25519:" + "ab" * 32}})
