"""One node after another: by what runs in the cluster, with keys and files in the node's turn, and never unawaited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.components.harness import Run, run
from tests.fake_network import FakeNetwork
from tests.stacks import Config, alpha, changed

pytestmark = pytest.mark.components

A = "organization/archipelago/cluster-a"
NAMES = ("quorum-node1", "quorum-node2", "quorum-node3")
NEWER = {"network.version": "23.4.0"}
RESTARTED = ("Secret", "ConfigMap", "Deployment", "StatefulSet")


def config(changes: Config | None = None) -> Config:
    return changed(alpha({"partners": {}}), changes or {})


def workload(given: Run, node: str) -> str:
    """The URN of what runs a node."""
    (found,) = [
        each.urn
        for kind in ("Deployment", "StatefulSet")
        for name, each in given.of(kind).items()
        if name == f"consortium-{node}"
    ]
    return found


def order(given: Run) -> dict[str, frozenset[str]]:
    """For each node the nodes whose workload is there before its own is touched."""
    urns = {node: workload(given, node) for node in NAMES}
    return {node: frozenset(other for other in NAMES if urns[other] in given.waited(urns[node])) for node in NAMES}


def test_c7_what_runs_is_updated_one_after_another_though_the_outputs_are_lost() -> None:
    first = run(config(), slow=True)
    assert order(first) == dict.fromkeys(NAMES, frozenset())
    kept = run(config(NEWER), {A: first.outputs}, slow=True)
    assert order(kept) == {NAMES[0]: frozenset(), NAMES[1]: {NAMES[0]}, NAMES[2]: {NAMES[0], NAMES[1]}}
    lost = run(config(NEWER), running=NAMES, slow=True)
    assert order(lost) == order(kept)
    assert [(each.urn, each.depends_on) for each in lost.resources] == [
        (each.urn, each.depends_on) for each in kept.resources
    ]


def test_c7_outputs_name_nobody_to_wait_for_who_does_not_run() -> None:
    """As after a cluster that was lost: all nodes are new, and none waits for the first sync of another."""
    first = run(config())
    for there in ((), NAMES[:1]):
        assert order(run(config(), {A: first.outputs}, running=there, slow=True)) == dict.fromkeys(NAMES, frozenset())


def test_a_preview_restarts_nothing_and_waits_for_no_turn() -> None:
    first = run(config())
    guess = run(config(NEWER), {A: first.outputs}, preview=True, slow=True)
    assert order(guess) == dict.fromkeys(NAMES, frozenset())


def test_c16_keys_and_files_of_a_node_change_in_its_turn() -> None:
    """A run that stops at node 1 leaves node 2 as it was started: a drain would start it with what has just failed."""
    first = run(config())
    given = run(config(NEWER), {A: first.outputs}, slow=True)
    for before, node in ((NAMES[0], NAMES[1]), (NAMES[1], NAMES[2])):
        own = [
            each
            for each in given.resources
            if each.kind in RESTARTED and each.name in (f"consortium-{node}", f"consortium-{node}-identity")
        ]
        assert {each.kind for each in own} >= {"Secret", "ConfigMap"}
        assert all(workload(given, before) in given.waited(each.urn) for each in own)


def test_c16_a_new_node_waits_for_nobody_and_its_volume_and_services_never_do() -> None:
    first = run(config({"nodes.quorum-node4": {}}), slow=True)
    assert not order(first)[NAMES[2]]
    given = run(config({"nodes.quorum-node4": {}}), {A: run(config()).outputs}, slow=True)
    (secret,) = [each for name, each in given.of("Secret").items() if name == "consortium-quorum-node4-identity"]
    urns = {workload(given, node) for node in NAMES}
    assert not urns & given.waited(secret.urn)
    for kind in ("PersistentVolumeClaim", "Service"):
        assert all(not urns & given.waited(each.urn) for each in given.of(kind).values())


def running(given: Run) -> dict[str, Any]:
    """The workloads that a run made, by node."""
    made = [each for kind in ("Deployment", "StatefulSet") for each in given.of(kind).values()]
    return {each.name.removeprefix("consortium-"): each.inputs for each in made}


CARELESS: dict[str, Any] = {"defaults.awaitReady": False}


def test_c8_validators_that_no_run_waits_for_are_not_restarted_together() -> None:
    first = run(config(CARELESS))
    assert first.exit_code == 0
    there = running(first)
    refused = run(config({**CARELESS, **NEWER}), {A: first.outputs}, running=there)
    assert refused.exit_code == 32
    assert "restart quorum-node1, quorum-node2, quorum-node3 at the same time" in refused.errors[0]
    assert not refused.resources
    named = {**CARELESS, **NEWER, "losesValidators": list(NAMES)}
    assert run(config(named), {A: first.outputs}, running=there).exit_code == 0
    assert run(config(NEWER), {A: first.outputs}, running=there).exit_code == 0


def test_c8_a_run_that_restarts_none_of_them_goes_on() -> None:
    first = run(config())
    there = running(first)
    assert run(config(CARELESS), {A: first.outputs}, running=there).exit_code == 0
    some = {"nodes.quorum-node2.awaitReady": False}
    assert run(config({**some, **NEWER}), {A: first.outputs}, running=there).exit_code == 0


def test_c7_a_preview_names_what_it_would_refuse() -> None:
    """A preview that reaches the cluster is told the same as the run."""
    first = run(config(CARELESS))
    guess = run(config({**CARELESS, **NEWER}), {A: first.outputs}, preview=True, running=running(first))
    assert guess.exit_code == 32


def test_c25_later_rules_whose_block_is_there_are_refused_before_anything_is_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = FakeNetwork()
    outputs, cluster = there.world.outputs, there.clusters["alpha"]
    monkeypatch.setattr("components.cluster.Kubectl", lambda *_: cluster)
    document = json.loads(outputs["alpha"]["network"]["genesis"])
    for node in cluster.nodes.values():
        node.given, node.stuck = json.dumps(document), True
    written = changed(there.world.configs["alpha"], {"network.genesisFile": "genesis.json"})
    stacks = {A: outputs["alpha"], "organization/archipelago/cluster-b": outputs["beta"]}
    for block, code in ((100, 32), (101, 0)):
        document["config"]["berlinBlock"] = block
        (tmp_path / "genesis.json").write_text(json.dumps(document))
        given = run(written, stacks, root=tmp_path)
        assert given.exit_code == code, given.errors
        assert bool(given.resources) is (code == 0)
