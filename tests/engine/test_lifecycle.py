"""What happens to partners and to what is kept: absent, leaving, mistyped, destroyed, killed."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from lab.workspace import Stack
from tests import labs
from tests.engine.organisations import Consortium
from tests.stacks import ONE_NODE, alpha, beta
from tests.world import uncounted

pytestmark = pytest.mark.engine

KEPT = {"Secret", "PersistentVolumeClaim"}


def founder(consortium: Consortium, space: str, **changes: object) -> Stack:
    return consortium.stack("cluster-a", alpha({"cluster.namespace": space, **ONE_NODE, **changes}), "a")


def test_an_absent_optional_partner_is_a_warning_and_of_the_lab_a_kubeconfig_is_all_that_is_needed(
    consortium: Consortium, space: str
) -> None:
    a = founder(consortium, space)
    bare = {key: value for key, value in a.environment.items() if not key.startswith("ARCHIPELAGO")}
    stack = Stack(a.name, a.folder, bare)
    run = stack.up().expect()
    assert "Partner beta: organization/archipelago/cluster-b is not there yet" in run.text
    assert stack.outputs()["partnersMissing"] == ["beta"]
    assert stack.preview().expect().changes == []


def test_a_typo_in_a_required_partner_is_fatal(consortium: Consortium, space: str) -> None:
    typo = {"partners": {"alpha": {"stack": "organization/archipelago/clutser-a"}}}
    b = consortium.stack("cluster-b", beta({"cluster.namespace": space, **typo}), "b")
    run = b.up()
    assert run.code != 0
    assert "unknown stack" in run.text
    assert "organization/archipelago/clutser-a" in run.text
    assert consortium.seen("b", space) == {}


def test_c6_a_partner_that_is_gone_keeps_its_nodes_until_the_stack_file_says_otherwise(
    consortium: Consortium, space: str
) -> None:
    """The engine gives a destroyed stack's outputs as empty ones, and refreshes a reference to a stack that is gone."""
    a = founder(consortium, space)
    b = consortium.stack("cluster-b", beta({"cluster.namespace": space}), "b")
    for stack in (a, b, a):
        stack.up().expect()
    b.destroy().expect()
    run = a.up().expect()
    assert run.changes == []
    assert "Its 2 nodes that were taken last stay" in run.text
    b.run("stack", "rm", "--yes").expect()
    a.refresh().expect()
    a.configure(lambda config: config["archipelago:partners"]["beta"].update({"minNodes": 2, "forget": True}))
    assert a.up().code != 0
    a.configure(lambda config: config["archipelago:partners"]["beta"].update({"minNodes": 0}))
    forgotten = a.up().expect()
    assert {(op, name) for op, _, name in forgotten.changes} == {("update", "consortium-peers")}
    assert "Partner beta had 2 nodes and has none now" in forgotten.text


@pytest.mark.soak
def test_two_backends_exchange_files_only(consortium: Consortium, space: str, tmp_path: Path) -> None:
    bundles = {name: tmp_path / f"{name}.json" for name in ("alpha", "beta")}
    partners = {"beta": {"file": str(bundles["beta"]), "required": False}}
    a = consortium.stack("cluster-a", alpha({"cluster.namespace": space, "partners": partners}), "a", backend="one")
    joins = {"alpha": {"file": str(bundles["alpha"])}}
    b = consortium.stack("cluster-b", beta({"cluster.namespace": space, "partners": joins}), "b", backend="two")
    a.up().expect()
    assert b.up().code != 0, "a required file that is not there is refused"
    for stack, name, again in ((a, "alpha", b), (b, "beta", a)):
        bundles[name].write_text(json.dumps(stack.outputs()))
        again.up().expect()
    assert a.outputs()["partnersMissing"] == b.outputs()["partnersMissing"] == []
    assert (
        len(json.loads(consortium.objects("a", space)["ConfigMap", "consortium-peers"].data["static-nodes.json"])) == 5
    )
    assert a.preview().expect().changes == []


def test_destroy_keeps_keys_and_claims_and_up_finds_them_again(consortium: Consortium, space: str) -> None:
    a = founder(consortium, space)
    a.up().expect()
    before, outputs = consortium.seen("a", space), a.outputs()
    a.destroy().expect()
    left = consortium.seen("a", space)
    assert {kind for kind, _ in left} == KEPT
    a.up().expect()
    after = consortium.seen("a", space)
    for key, (uid, _) in left.items():
        assert before[key][0] == after[key][0] == uid
    again = a.outputs()
    assert [node["nodeId"] for node in again["externalNodes"]] == [node["nodeId"] for node in outputs["externalNodes"]]
    assert uncounted(again["network"]) == uncounted(outputs["network"])
    # what an earlier run made may be changed by a later one, although the API server remembers who made it
    a.configure(lambda config: config["archipelago:defaults"].update({"storage": {"size": "30Gi"}}))
    a.up().expect()
    grown = consortium.objects("a", space)["PersistentVolumeClaim", "consortium-quorum-node1-data"]
    assert grown.spec.resources.requests["storage"] == "30Gi"


def test_a_founder_that_forgot_its_genesis_does_not_make_another(consortium: Consortium, space: str) -> None:
    a = founder(consortium, space)
    a.up().expect()
    a.destroy().expect()
    left = consortium.seen("a", space)
    a.configure(lambda config: config["archipelago:nodes"].update({"late": {}}))
    run = a.up()
    assert run.code != 0
    assert f"its volume {space}/consortium-quorum-node1-data holds the chain of genesis" in run.text
    assert consortium.seen("a", space) == left


def test_a_second_stack_cannot_claim_the_namespace(consortium: Consortium, space: str) -> None:
    a = founder(consortium, space)
    a.up().expect()
    before = consortium.seen("a", space)
    config = beta({"cluster.namespace": space, "partners.alpha.stack": "organization/archipelago/cluster-a"})
    b = consortium.stack("cluster-b", config, "a")
    run = b.up()
    assert run.code != 0
    assert "archipelago:cluster.namespace" in run.text
    assert f"the namespace {space} belongs to the stack alpha." in run.text
    assert "(cluster-a)" in run.text
    b.configure(lambda config: config["archipelago:cluster"].update({"createNamespace": False}))
    assert "belongs to the stack alpha." in b.up().text
    assert consortium.seen("a", space) == before


def test_killed_cancelled_and_run_again_it_converges(consortium: Consortium, space: str) -> None:
    a = labs.saved_at_each_step(founder(consortium, space))
    process = a.start("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 60
    while not consortium.seen("a", space) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    killed = consortium.seen("a", space)
    assert killed, "it was killed before it had made anything"
    a.run("cancel", "--yes").expect()
    a.up().expect()
    after = consortium.seen("a", space)
    assert {name for kind, name in after if kind == "StatefulSet"} == {"consortium-quorum-node1"}
    for key in killed:
        if key[0] in KEPT:
            assert after[key][0] == killed[key][0]
    assert a.preview().expect().changes == []


def test_another_seed_cannot_turn_nodes_into_others(consortium: Consortium, space: str) -> None:
    a = founder(consortium, space)
    a.up().expect()
    before = consortium.seen("a", space)
    a.set_seed("0123456789abcdef" * 4)
    run = a.up()
    assert run.code != 0
    assert "its key would change from" in run.text
    assert consortium.seen("a", space) == before
