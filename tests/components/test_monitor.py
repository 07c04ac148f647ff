"""How the monitor of a stack is registered: one to one, after nothing but its own, and nobody waits for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archipelago.chains.goquorum.chain import GoQuorum
from archipelago.manifests import stack as manifests
from archipelago.model.monitor import MonitorPlan, Watched
from archipelago.model.plan import Resources
from tests.components.harness import Run, run
from tests.stacks import alpha, plan_of

pytestmark = pytest.mark.components

MEMBERS = (
    Watched(
        "public-archive", "public", "archive", "ipfs", "12D3KooW1", "public-archive.ipfs.svc.cluster.local", "aa=="
    ),
)
MONITOR = MonitorPlan("docker.io/library/python:3.13-slim", Resources("20m", "64Mi", "128Mi"), MEMBERS, "crd")


@pytest.fixture(scope="module")
def watched() -> Run:
    """alpha's first `up`, as if its protocol had a monitor."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GoQuorum, "monitor", lambda *_: MONITOR)
        return run(alpha())


def names(given: Run) -> set[tuple[str, str]]:
    """What of the monitor was registered: kinds and logical names."""
    return {
        (each.kind, each.name)
        for each in given.resources
        if "monitor" in each.name or each.name.endswith("-swarm-status")
    }


def test_everything_of_it_is_registered_under_the_network_and_goes_with_the_stack(watched: Run) -> None:
    assert watched.exit_code == 0, watched.errors
    wanted = {
        (each["kind"], each["metadata"]["name"], each["metadata"].get("namespace", "consortium"))
        for each in manifests.watching(replace(plan_of(alpha()), monitor=MONITOR))
    }
    assert len(wanted) == 13
    assert names(watched) == {
        (kind, name if namespace == "consortium" else f"{namespace}/{name}") for kind, name, namespace in wanted
    }
    (network,) = watched.of("ChainNetwork").values()
    for kind, name in names(watched):
        made = watched.named(kind, name)
        assert made.parent == network.urn
        assert not made.retain_on_delete


def test_its_pod_comes_after_all_else_of_it_and_before_nothing(watched: Run) -> None:
    pod = watched.named("Deployment", "consortium-monitor")
    before = {watched.named(*each).urn for each in names(watched) - {("Deployment", "consortium-monitor")}}
    assert before <= pod.depends_on
    assert not [each.name for each in watched.resources if pod.urn in each.depends_on]
    nodes = watched.of("StatefulSet")
    assert nodes
    assert not [name for name, each in nodes.items() if before & each.depends_on]


def test_its_key_is_a_secret_of_the_stack(watched: Run) -> None:
    assert "stringData" in watched.named("Secret", "consortium-monitor-tls").additional_secret_outputs


def test_a_stack_that_nobody_watches_registers_none_of_it() -> None:
    assert names(run(alpha())) == set()
