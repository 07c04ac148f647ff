"""A way into a partner's cluster: sealed for one reader, checked where it ends, and no kubeconfig on its way."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from archipelago.identity.derive import Keyring
from archipelago.identity.sealing import Sealer
from archipelago.model.profile import Heard
from archipelago.profiles.access import Access, certificates, kubeconfig, loopback, opened
from tests.profiles import NETWORK, access, identity, net
from tests.stacks import seed
from tests.tokens import CA

pytestmark = pytest.mark.unit


def granted(to: str = "beta") -> Heard:
    """alpha's identity as beta hears it."""
    made = net({"alpha": ["beta"], "beta": ["alpha"], "gamma": ["alpha", "beta"]})
    made["alpha"].identities = {"gpu": identity("ours", grants={to: {}})}
    made.up("beta", "alpha", "beta")
    return made["beta"].learnt.known["alpha", "gpu"].heard


def sealer(name: str, network: str = NETWORK) -> Sealer:
    return Sealer.of(Keyring(bytes.fromhex(seed(name)), name, network))


def test_the_partner_opens_what_was_granted_to_it_and_nobody_else_does() -> None:
    heard = granted()
    assert opened(heard, sealer("beta")) == access("alpha", "beta")
    assert opened(heard, sealer("gamma")) == ""
    text = json.dumps(heard.raw)
    assert access("alpha", "beta").token not in text
    assert base64.b64encode(access("alpha", "beta").token.encode()).decode() not in text


def test_what_is_sealed_is_the_same_in_every_run() -> None:
    assert granted().raw == granted().raw


def test_a_sealed_way_in_opens_for_no_other_identity_and_under_no_other_key() -> None:
    heard = granted()
    moved = Heard(heard.profile.model_copy(update={"identity": "cpu"}), heard.delivery, heard.raw)
    assert "does not open" in str(opened(moved, sealer("beta")))
    other = Sealer.of(Keyring(bytes.fromhex(seed("beta, another one")), "beta", NETWORK))
    assert "an earlier key of ours" in str(opened(heard, other))


@pytest.mark.parametrize(
    "held",
    [
        {"server": "https://127.0.0.1:6443"},
        {"server": "http://203.0.113.10"},
        {"server": "file:///etc/passwd"},
        {"ca": "bm90aGluZw=="},
        {"ca": base64.b64encode(b"-----BEGIN PRIVATE KEY-----").decode()},
        {"token": "short"},
        {"token": "a b" * 20},
        {"token": 'x"\n    exec: {command: sh}' + "x" * 20},
        {"namespace": "../kube-system"},
        {"exec": {"command": "sh"}},
    ],
)
def test_what_would_run_read_or_reach_something_of_ours_is_no_way_in(held: dict[str, Any]) -> None:
    """A kubeconfig may name programs that kubectl runs; what a partner gives never gets that far."""
    heard = granted()
    plain = access("alpha", "beta").model_dump() | held
    sealed = sealer("alpha").seal("beta", sealer("beta").key, "kubeconfig/gpu", json.dumps(plain).encode())
    delivery = heard.delivery.model_copy(update={"kubeconfigs": {"beta": sealed}})
    reason = opened(Heard(heard.profile, delivery, {}), sealer("beta"))
    assert isinstance(reason, str)
    assert reason.startswith("what it holds is no way in")
    assert str(plain["token"]) not in reason


def test_a_kubeconfig_has_one_cluster_one_token_one_context_and_the_default_namespace() -> None:
    way = access("alpha", "beta")
    assert YAML(typ="safe").load(kubeconfig(way, "alpha-gpu")) == {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "alpha-gpu", "cluster": {"server": way.server, "certificate-authority-data": way.ca}},
        ],
        "users": [{"name": "alpha-gpu", "user": {"token": way.token}}],
        "contexts": [
            {"name": "alpha-gpu", "context": {"cluster": "alpha-gpu", "namespace": "jobs", "user": "alpha-gpu"}},
        ],
        "current-context": "alpha-gpu",
    }


def test_no_token_is_in_a_representation_or_a_message() -> None:
    way = access("alpha", "beta")
    assert way.token not in repr(way)
    with pytest.raises(ValidationError) as refused:
        Access(server=way.server, ca=way.ca, token=f"{way.token} {way.token}", namespace="jobs")
    assert way.token not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:6443", "https://127.5.5.5", "https://[::1]:6443", "https://0.0.0.0:6443",
        "https://localhost:6443", "https://kubernetes.default.svc", "https://kubernetes", "https://169.254.1.1",
        "https://api.svc.cluster.local", "http://203.0.113.10", "203.0.113.10:6443", "https://", "https://me@host", "",
        "https://203.0.113.10:99999", "https://host\n.example",
    ],
)  # fmt: skip
def test_an_address_that_nobody_outside_can_use_is_refused(url: str) -> None:
    assert loopback(url)


@pytest.mark.parametrize("url", ["https://203.0.113.10:6443", "https://10.0.0.1", "https://[2001:db8::1]:6443",
                                 "https://api.alpha.example/k8s/clusters/c-1"])  # fmt: skip
def test_an_address_that_partners_may_use_is_taken(url: str) -> None:
    assert loopback(url) == ""


def test_certificates_come_in_pem_or_its_base64() -> None:
    encoded = base64.b64encode(CA.encode()).decode()
    assert certificates(CA) == certificates(encoded) == certificates(encoded[:20] + "\n" + encoded[20:]) == encoded
    for wrong in ("", "nothing", "-----BEGIN PRIVATE KEY-----"):
        with pytest.raises(ValueError, match="no certificate"):
            certificates(wrong)
