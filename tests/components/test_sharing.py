"""The whole program where a protocol shares secrets: what crosses the engine is plain, and opens at one place only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import components.cluster
from archipelago.chains.contract import Ask
from archipelago.chains.registry import CHAINS
from tests.components.harness import Run, run
from tests.components.runs import A, B
from tests.sharing import KIND, SHARING, key_of, organisation, plan_of, private_keys
from tests.stacks import Config, changed

pytestmark = pytest.mark.components

SECRET = Ask("Secret", "research", "theirs")


@pytest.fixture(autouse=True)
def sharing() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CHAINS, KIND, SHARING)
        yield


def alpha(changes: dict[str, Any] | None = None) -> Config:
    return organisation("alpha", {"partners": {"beta": {"stack": B, "required": False}}, **(changes or {})})


def beta(changes: dict[str, Any] | None = None) -> Config:
    """beta, for whom alpha's stack is required: it is read by a StackReference."""
    return organisation("beta", {"partners": {"alpha": {"stack": A}}, **(changes or {})})


def a(outputs: dict[str, Any], **more: Any) -> Run:
    return run(alpha(), outputs, name="cluster-a", **more)


def b(outputs: dict[str, Any], **more: Any) -> Run:
    return run(beta(), outputs, name="cluster-b", **more)


def test_a_key_crosses_two_stacks_and_a_third_run_changes_nothing() -> None:
    outputs: dict[str, Any] = {A: a({}).outputs}
    waiting = b(outputs)
    assert waiting.outputs["waitingFor"] == ["alpha: the key of swarm archive"]
    assert (waiting.exit_code, waiting.of("Deployment")) == (0, {})
    assert waiting.of("Service").keys() == {"research-one"}
    outputs[B] = waiting.outputs
    outputs[A] = a(outputs).outputs
    running = b(outputs)
    assert running.outputs["waitingFor"] == []
    assert running.of("Deployment").keys() == {"research-one"}
    outputs[B] = running.outputs
    assert a(outputs).outputs == outputs[A]
    assert b(outputs).outputs == outputs[B]
    key = key_of(plan_of(organisation("alpha")))
    assert running.named("Secret", "research-one-identity").inputs["stringData"]["swarm.key"] == key


def test_no_output_is_secret_and_none_tells_a_secret() -> None:
    """A secret output arrives empty under another passphrase, so what is for a partner must be plain, and sealed."""
    outputs: dict[str, Any] = {A: a({}).outputs}
    outputs[B] = b(outputs).outputs
    given = a(outputs)
    assert given.secret_outputs == frozenset()
    assert given.outputs["sealed"].keys() == {"beta"}
    for secret in (key_of(plan_of(organisation("alpha"))), *private_keys("alpha"), *private_keys("beta")):
        assert secret not in json.dumps(given.outputs)


def test_what_was_received_serves_after_the_partners_stack_is_gone() -> None:
    outputs: dict[str, Any] = {A: a({}).outputs}
    outputs[B] = b(outputs).outputs
    outputs[A] = a(outputs).outputs
    outputs[B] = b(outputs).outputs
    optional = beta({"partners.alpha.required": False})
    alone = run(optional, {B: outputs[B]}, name="cluster-b")
    assert alone.outputs["waitingFor"] == []
    assert alone.of("Deployment").keys() == {"research-one"}


def by_hand(answer: Any, **more: Any) -> Run:
    """alpha, whose key is in a Secret that somebody made."""

    def given(_client: object, asks: Any) -> dict[Ask, Any]:
        assert tuple(asks) == (SECRET,)
        return {SECRET: answer}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(components.cluster, "given", given)
        config = changed(alpha(), {"nodes.one.key": "secret theirs"})
        return run(config, {}, name="cluster-a", **more)


def test_the_cluster_is_asked_before_anything_is_planned() -> None:
    there = by_hand({"metadata": {"name": "theirs"}, "data": {"swarm-key": "YnkgaGFuZA=="}})
    key = there.named("Secret", "research-one-identity").inputs["stringData"]["swarm.key"]
    assert key == b"by hand".hex()
    assert by_hand(None).outputs["waitingFor"] == ["theirs: the key of swarm archive"]


def test_without_a_cluster_a_preview_warns_and_up_refuses() -> None:
    preview = by_hand(None, preview=True, unreachable="it sleeps")
    assert preview.exit_code == 0
    assert [each for each in preview.warnings if "did not tell of the Secret research/theirs" in each]
    assert [each for each in preview.warnings if "This preview is a guess" in each]
    up = by_hand(None, unreachable="it sleeps")
    assert (up.exit_code, up.resources) == (32, ())
    assert "the cluster cannot be reached: it sleeps" in up.errors[0]


def test_a_protocol_that_asks_nothing_does_not_ask() -> None:
    def given(_client: object, asks: Any) -> dict[Ask, Any]:
        assert not asks
        return {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(components.cluster, "given", given)
        assert a({}).exit_code == 0
