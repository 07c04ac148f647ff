"""What all agree on by their settings alone, and what a cluster is asked before anything is planned."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest

from archipelago.chains.contract import Ask, Given, Site
from tests.sharing import key_of, organisation, plan_of, refusal, world
from tests.stacks import changed, floats, outputs_of

pytestmark = pytest.mark.unit

ONE = "nodes.one"


def test_a_partner_of_another_founder_is_refused() -> None:
    other = world("alpha", "beta", beta={"network.joins": "gamma"})
    other.up("beta")
    (problem,) = refusal(lambda: other.up("alpha"))
    assert problem.path == "partners.beta"
    assert '"founder": "gamma"' in problem.message
    assert "archipelago:network.joins" in problem.cure


def test_a_stack_that_runs_does_not_change_its_founder() -> None:
    both = world("alpha", "beta")
    both.up("alpha", "beta", "alpha", "beta")
    both.configs["beta"]["network"]["joins"] = "gamma"
    problems = refusal(lambda: both.up("beta"))
    assert any(each.path == "network" and "its settings now say" in each.message for each in problems)


SECRET = Ask("Secret", "research", "theirs")
BY_HAND = {f"{ONE}.key": "secret theirs"}


def given(key: bytes | None, labels: Mapping[str, str] | None = None) -> Given:
    if key is None:
        return {SECRET: None}
    data = {"swarm-key": base64.b64encode(key).decode()}
    return {SECRET: {"metadata": {"name": "theirs", "labels": dict(labels or {})}, "data": data}}


def test_a_secret_of_the_cluster_is_planned_with_as_it_is() -> None:
    config = changed(organisation("alpha"), BY_HAND)
    plan = plan_of(config, given=given(b"by hand"))
    assert key_of(plan) == b"by hand".hex()
    assert plan.waiting_for == ()
    assert plan_of(config, given=given(None)).waiting_for == ("theirs: the key of swarm archive",)
    assert b"by hand".hex() not in repr(plan)


def test_a_key_whose_secret_is_gone_stops_no_running_member() -> None:
    config = changed(organisation("alpha"), BY_HAND)
    last = floats(outputs_of(plan_of(config, given=given(b"by hand"))))
    (problem,) = refusal(lambda: plan_of(config, last=last, given=given(None)))
    assert (problem.path, "which one it has now is not known" in problem.message) == (ONE, True)
    (problem,) = refusal(lambda: plan_of(config, last=last, given=given(b"another")))
    assert "would change from" in problem.message


def test_a_cluster_that_was_not_asked_is_a_warning_and_no_refusal() -> None:
    """Pull requests are previewed where no cluster can be reached."""
    config = changed(organisation("alpha"), BY_HAND)
    last = floats(outputs_of(plan_of(config, given=given(b"by hand"))))
    plan = plan_of(config, last=last, given={})
    assert any("did not tell of the Secret research/theirs" in each for each in plan.warnings)


def test_an_object_is_ours_by_its_label() -> None:
    site = Site(
        "research", "", "alpha.cluster-a.12345678", given(b"k", {"archipelago/owner": "alpha.cluster-a.12345678"})
    )
    assert site.is_ours(SECRET)
    assert site.secret(SECRET) == {"swarm-key": b"k"}
    theirs = Site("research", "", "alpha.cluster-a.12345678", given(b"k", {"archipelago/owner": "beta.b.1"}))
    assert not theirs.is_ours(SECRET)
    for nothing in (given(None), {}):
        site = Site("research", "", "alpha.cluster-a.12345678", nothing)
        assert not site.is_ours(SECRET)
        assert site.secret(SECRET) is None
