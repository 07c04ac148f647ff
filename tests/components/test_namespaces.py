"""A stack in several namespaces: what stands outside the stack's own is registered under `<namespace>/<name>`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from archipelago.chains.registry import CHAINS
from archipelago.manifests.common import full_name
from archipelago.manifests.stack import manifests
from tests.components.harness import Run, run
from tests.pools import KIND, Pooled, config, plan_of

pytestmark = pytest.mark.components

PINS = {
    f"pools.{pool}.members.{name}": {"exposure": {"ports": {"p2p": port}}}
    for pool, name, port in (("public", "archive", 30301), ("public", "cache", 30302), ("private", "archive", 30303))
}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setitem(CHAINS, KIND, Pooled())
    yield run(config(PINS), sealed=("identitySeed",))


def test_every_object_is_registered_as_it_is_rendered_under_a_name_of_its_own(given: Run) -> None:
    assert given.errors == ()
    plan = plan_of(PINS)
    made = {(each.kind, each.name): each.inputs for each in given.resources if each.type.startswith("kubernetes:")}
    assert made == {(each["kind"], full_name(each, "ours")): each for each in manifests(plan)}
    assert ("Deployment", "outside/research-public-archive") in made
    assert ("Deployment", "research-private-archive") in made


def test_every_namespace_outlives_the_stack_and_comes_before_all_that_stands_in_it(given: Run) -> None:
    spaces = given.of("Namespace")
    assert sorted(spaces) == ["ours", "outside"]
    assert all(each.retain_on_delete for each in spaces.values())
    for each in given.resources:
        if each.type.startswith("kubernetes:") and each.kind != "Namespace":
            assert spaces[each.inputs["metadata"]["namespace"]].urn in each.depends_on
