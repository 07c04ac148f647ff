"""How many dependencies a stack has, all of which its state keeps, and that no workload is before a Service."""

from __future__ import annotations

from functools import cache

import pytest

from tests import cita, ipfs
from tests.components.harness import Run, run
from tests.stacks import GONE, Config, alpha, changed

pytestmark = pytest.mark.components

KINDS = ("Deployment", "StatefulSet")


def goquorum(nodes: int) -> Config:
    return alpha({f"nodes.quorum-node{index}": {"validator": False} for index in range(4, nodes + 1)})


def cita_cloud(nodes: int) -> Config:
    config = cita.local({"defaults.kmsPassword": GONE})
    return changed(config, {"nodes": {f"node{index}": {"index": index} for index in range(nodes)}})


def swarms(nodes: int) -> Config:
    """Half of the members in pools of two, each pool in a namespace of its own, and the others in one pool."""
    member: Config = {"archive": {}, "cache": {}}
    pools: Config = {f"pool{index}": {"namespace": f"ipfs-{index}", "swarms": member} for index in range(nodes // 4)}
    home: Config = {f"swarm{index}": {} for index in range(nodes - 2 * len(pools))}
    return changed(ipfs.alpha(), {"pools": {**pools, "home": {"swarms": home}}})


MADE = {"goquorum": goquorum, "cita-cloud": cita_cloud, "ipfs in many namespaces": swarms}


@cache
def first(kind: str, nodes: int) -> Run:
    """A stack's first `up`."""
    return run(MADE[kind](nodes))


def dependencies(given: Run) -> int:
    return sum(len(each.depends_on) for each in given.resources)


@pytest.mark.parametrize("kind", MADE)
def test_c19_twice_the_nodes_have_at_most_twice_the_dependencies(kind: str) -> None:
    """A backend of files writes all of them anew at each step of a run."""
    few, many = (first(kind, nodes) for nodes in (10, 20))
    assert [len(_workloads(each)) for each in (few, many)] == [10, 20]
    assert dependencies(many) <= 2 * dependencies(few)


@pytest.mark.parametrize("kind", MADE)
def test_every_workload_comes_after_every_service(kind: str) -> None:
    given = first(kind, 8)
    services = {each.urn for each in given.of("Service").values() if not each.name.endswith("-monitor")}
    assert len(services) >= 8
    assert len(_workloads(given)) == 8
    for each in _workloads(given):
        assert services <= given.before(each)


def test_a_running_network_has_no_more_dependencies_than_a_new_one() -> None:
    """Its updates come one after another without one: a chain of them costs the square of the nodes."""
    a = "organization/archipelago/cluster-a"
    before = first("goquorum", 20)
    again = run(goquorum(20), {a: before.outputs})
    assert dependencies(again) == dependencies(before)


def test_dependencies_are_no_deeper_in_a_running_network_of_more_nodes() -> None:
    """The SDK follows them recursively: as one chain of all nodes they ended in a RecursionError from some 490 on."""
    a = "organization/archipelago/cluster-a"
    few, many = (run(goquorum(nodes), {a: first("goquorum", nodes).outputs}) for nodes in (10, 20))
    assert _depth(few) == _depth(many)


def _depth(given: Run) -> int:
    """How many resources stand in the longest chain of dependencies."""
    direct = {each.urn: each.depends_on for each in given.resources}

    @cache
    def depth(urn: str) -> int:
        return 1 + max(map(depth, direct.get(urn, ())), default=0)

    return max(map(depth, direct))


def _workloads(given: Run) -> list[str]:
    return [urn for kind in KINDS for urn in (each.urn for each in given.of(kind).values()) if "monitor" not in urn]
