"""One key, one cluster: in which cluster the program runs, by which kubeconfig, and as whom the provider knows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
from ruamel.yaml import YAML

from archipelago.chains.registry import CHAINS
from archipelago.manifests.common import GENESIS, Manifest
from archipelago.manifests.stack import manifests
from archipelago.model.balancer import balancer_host
from archipelago.problems import Refused
from archipelago.stack.ownership import Met
from archipelago.stack.plan import StackPlan
from archipelago.stack.standing import Trace
from components import project
from components.cluster import check_cluster
from tests import ipfs
from tests.components.engine import Engine
from tests.components.harness import HERE, run
from tests.components.runs import BOTH, A, first_a, waiting_a
from tests.stacks import alpha, floats, outputs_of, plan_of
from tests.unit.test_operate_cluster import FakeClient
from tests.unit.test_stack_standing import run as met_run

pytestmark = pytest.mark.components

THERE = replace(HERE, uid="0b7e2d4c-0000-4000-8000-00000000000b", context="cluster-b")
KEY, OTHER = "ab" * 32, "cd" * 32


def test_c2_the_first_run_records_its_cluster_and_another_one_is_refused_before_anything_is_registered() -> None:
    assert first_a().outputs["cluster"] == {"uid": HERE.uid, "context": "cluster-a"}
    refused = run(alpha(), {A: first_a().outputs}, met=THERE)
    assert (refused.exit_code, refused.resources) == (32, ())
    (error,) = refused.errors
    for text in (
        "archipelago:cluster.context",
        f"{HERE.uid} (context cluster-a)",
        f"cluster-b leads to the cluster {THERE.uid}",
    ):
        assert text in error


def test_c2_a_preview_of_another_cluster_warns() -> None:
    shown = run(alpha(), {A: first_a().outputs}, met=THERE, preview=True)
    assert shown.exit_code == 0
    assert any("pulumi up would be refused" in each and THERE.uid in each for each in shown.warnings)


def test_c2_the_stack_file_moves_a_stack_and_holds_it_there() -> None:
    moved = run(alpha({"cluster.uid": THERE.uid}), {A: first_a().outputs}, met=THERE)
    assert moved.exit_code == 0
    assert moved.outputs["cluster"] == {"uid": THERE.uid, "context": "cluster-b"}
    back = run(alpha({"cluster.uid": THERE.uid}), {A: moved.outputs})
    assert (back.exit_code, back.resources) == (32, ())


def test_c2_a_cluster_that_shows_no_uid_is_a_warning_and_what_was_recorded_stays() -> None:
    hidden = Met(context="cluster-a", withheld="namespaces is forbidden")
    shown = run(alpha(), {A: first_a().outputs}, met=hidden)
    assert shown.exit_code == 0
    assert any("namespaces is forbidden" in each and "kube-system" in each for each in shown.warnings)
    assert shown.outputs["cluster"] == first_a().outputs["cluster"]


def test_a_run_that_waits_leaves_on_each_claim_of_which_chain_it_is() -> None:
    owner = waiting_a().outputs["owner"]
    claim = Trace(owner, "consortium", "quorum-node1", "0x5eed")
    waits = run(alpha(BOTH), met=replace(HERE, traces=(claim,)))
    claims = waits.of("PersistentVolumeClaim")
    marks = {name: each.inputs["metadata"]["annotations"].get(GENESIS) for name, each in claims.items()}
    assert marks.pop("consortium-quorum-node1-data") == "0x5eed"
    assert set(marks.values()) == {None}
    text = Trace(owner, "consortium", "", first_a().outputs["network"]["genesis"])
    goes_on = run(alpha(BOTH), met=replace(HERE, traces=(claim, text)))
    assert goes_on.outputs["network"]["genesis"] == text.genesis
    assert goes_on.named("ConfigMap", "consortium-genesis").inputs["data"] == {"genesis.json": text.genesis}


def test_c2_a_preview_that_is_shown_no_objects_knows_the_cluster_all_the_same() -> None:
    """Which cluster it is goes before who owns what stands there: the context may lead to another one."""
    hidden = "secrets is forbidden"
    last = {key: value for key, value in first_a().outputs.items() if key != "owner"}
    shown = run(alpha(), {A: last}, met=THERE, preview=True, hidden=hidden)
    assert any("pulumi up would be refused" in each and THERE.uid in each for each in shown.warnings)
    refused = run(alpha(), {A: last}, met=THERE, hidden=hidden)
    (error,) = refused.errors
    assert THERE.uid in error
    fresh = run(alpha(), met=THERE, preview=True, hidden=hidden)
    assert fresh.outputs["cluster"]["uid"] == THERE.uid


def test_c3_the_provider_knows_the_cluster_by_the_same_name_whatever_the_stack_is_called() -> None:
    before = first_a().named("kubernetes", "cluster").inputs
    renamed = run(alpha(), {"organization/archipelago/cluster-a2": first_a().outputs}, name="cluster-a2")
    assert renamed.named("kubernetes", "cluster").inputs == before
    old = {key: value for key, value in floats(first_a().outputs).items() if key not in ("owner", "cluster")}
    owner = "alpha.cluster-a.76f15287"
    met = replace(HERE, owners=frozenset({(owner, "")}))
    for name in ("cluster-a", "cluster-a2"):
        again = run(alpha(), {f"organization/archipelago/{name}": old}, name=name, met=met)
        assert again.named("kubernetes", "cluster").inputs["clusterIdentifier"] == owner


def test_s8_a_relative_kubeconfig_is_one_file_for_the_program_and_the_provider() -> None:
    root = Path("/somewhere/project")
    given = run(alpha({"cluster.kubeconfig": "secrets/kubeconfig"}), root=root)
    assert given.named("kubernetes", "cluster").inputs["kubeconfig"] == "/somewhere/project/secrets/kubeconfig"
    home = run(alpha({"cluster.kubeconfig": "~/kubeconfig"}), root=root)
    assert home.named("kubernetes", "cluster").inputs["kubeconfig"] == str(Path("~/kubeconfig").expanduser())


def test_c29_a_key_in_plain_text_beside_a_sealed_one_is_refused(tmp_path: Path) -> None:
    """The engine tells that something in `nodes` is secret, not what."""
    nodes: dict[str, dict[str, dict[str, object]]] = {
        "quorum-node1": {"identity": {"nodekey": {"secure": "v1:x:y"}}},
        "quorum-node2": {"identity": {"nodekey": OTHER}},
    }
    file = tmp_path / "Pulumi.cluster-a.yaml"
    YAML().dump({"config": {"archipelago:nodes": nodes, "archipelago:identitySeed": {"secure": "v1:x:y"}}}, file)
    keys = {"nodes.quorum-node1.identity": {"nodekey": KEY}, "nodes.quorum-node2.identity": {"nodekey": OTHER}}
    refused = run(alpha(keys), root=tmp_path)
    assert (refused.exit_code, refused.resources) == (32, ())
    (error,) = refused.errors
    assert "archipelago:nodes.quorum-node2.identity.nodekey: is a secret, and stands there in plain text" in error
    assert "quorum-node1" not in error
    assert OTHER not in error
    nodes["quorum-node2"]["identity"]["nodekey"] = {"secure": "v1:x:y"}
    YAML().dump({"config": {"archipelago:nodes": nodes}}, file)
    assert run(alpha(keys), root=tmp_path).exit_code == 0


def test_rb3_the_project_is_where_its_stack_file_is_though_the_language_host_does_not_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `main:` the program runs in another folder, and `validate` looks beside the stack file."""
    program, folder = tmp_path / "program", tmp_path / "project" / "below"
    program.mkdir()
    folder.mkdir(parents=True)
    monkeypatch.chdir(program)
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: None)
    monkeypatch.setenv("PWD", str(folder))
    assert project.folder("Pulumi.alpha.yaml") == program
    (tmp_path / "project" / "Pulumi.alpha.yaml").touch()
    assert project.folder("Pulumi.alpha.yaml") == tmp_path / "project"
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: "/told")
    assert project.folder("Pulumi.alpha.yaml") == Path("/told")


def test_s7_another_order_of_a_load_balancers_addresses_is_no_other_address() -> None:
    """By order alone a node's Tessera would restart, and partners would dial elsewhere."""

    def told(*hosts: str) -> dict[str, object]:
        return {"status": {"loadBalancer": {"ingress": [{"ip": each} for each in hosts]}}}

    assert balancer_host(told("192.0.2.2", "192.0.2.1")) == balancer_host(told("192.0.2.1", "192.0.2.2")) == "192.0.2.1"
    assert balancer_host(told("192.0.2.2", "192.0.2.1"), {"192.0.2.2"}) == "192.0.2.2"
    assert balancer_host(told("192.0.2.3"), {"192.0.2.2"}) == "192.0.2.3"
    assert (
        balancer_host({"status": {"loadBalancer": {"ingress": [{"hostname": "lb.example.org"}]}}}) == "lb.example.org"
    )
    assert balancer_host({"status": None}) == ""


def test_s7_the_address_that_was_exported_last_stays_while_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    config = alpha({"nodes": {"quorum-node1": {"exposure": {"type": "LoadBalancer"}}}})

    def exported(*hosts: str, last: dict[str, Any] | None = None) -> dict[str, Any]:
        ingress = [{"ip": each} for each in hosts]
        monkeypatch.setattr(Engine, "_service", lambda *_: {"status": {"loadBalancer": {"ingress": ingress}}})
        outputs = run(config, {A: last}).outputs
        return {"host": outputs["externalNodes"][0]["endpoints"]["p2p"]["host"], "outputs": outputs}

    first = exported("192.0.2.7")
    assert first["host"] == "192.0.2.7"
    more = exported("192.0.2.1", "192.0.2.7", last=first["outputs"])
    assert more["outputs"] == first["outputs"]
    assert exported("192.0.2.9", "192.0.2.1", last=first["outputs"])["host"] == "192.0.2.1"


class Closing(FakeClient):
    """A cluster in which some objects stand, as the program opens it."""

    config = SimpleNamespace(context_name="cluster-a")

    def close(self) -> None:
        """Nothing is open."""


def checked(plan: StackPlan, there: Iterable[Manifest], monkeypatch: pytest.MonkeyPatch) -> StackPlan:
    """The plan once the cluster was asked."""
    monkeypatch.setattr("components.cluster.connect", lambda _: Closing(list(there)))
    return check_cluster(plan, CHAINS[plan.settings.network.kind], "Pulumi.cluster-a.yaml", adopts=False)


def test_what_stands_in_the_cluster_completes_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that waits keeps its key, and a node that waits for its turn its id in the list."""
    joined = ipfs.world(alpha=ipfs.alpha(), beta=ipfs.beta()).up("beta", "alpha", "beta")
    waits = ipfs.plan_of(ipfs.beta({"partners.alpha.required": False}), {"alpha": None})
    kept = checked(waits, manifests(joined), monkeypatch)
    assert kept.nodes[0].private_files == joined.nodes[0].private_files
    before = plan_of(alpha())
    rotated = {"nodes.quorum-node3.identity": {"generation": 2}, "network.version": "23.4.0"}
    plan = checked(plan_of(alpha(rotated), last=floats(outputs_of(before))), manifests(before), monkeypatch)
    assert before.records[2].node_id in plan.live_files["static-nodes.json"]
    assert plan.one_by_one == {"quorum-node1", "quorum-node2", "quorum-node3"}


def test_a_stack_that_lost_its_outputs_does_not_write_other_keys_over_those_that_stand_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran = plan_of(alpha({"nodes.quorum-node2.identity": {"account": KEY, "nodekey": OTHER}}))
    there = list(manifests(ran))
    lost = met_run(alpha(), {"beta": None}, there)
    assert lost.genesis == ran.genesis
    with pytest.raises(Refused, match=f"{ran.records[1].node_id[:20]}…, and this stack file gives") as refused:
        checked(lost, there, monkeypatch)
    assert [each.path for each in refused.value.problems] == ["nodes.quorum-node2"]
    assert KEY not in str(refused.value) and OTHER not in str(refused.value)
    assert checked(ran, there, monkeypatch).one_by_one == {"quorum-node1", "quorum-node2", "quorum-node3"}


def test_so_the_whole_program_is_refused_before_anything_is_registered() -> None:
    standing = {
        "quorum-node1": plan_of(alpha({"nodes.quorum-node1.identity": {"generation": 2}})).nodes[0].private_files
    }
    for preview in (False, True):
        refused = run(alpha(), left=standing, preview=preview)
        assert (refused.exit_code, refused.resources) == (32, ())
        (error,) = refused.errors
        assert "archipelago:nodes.quorum-node1: the Secret consortium/consortium-quorum-node1-identity" in error
    assert run(alpha(), left={"quorum-node1": plan_of(alpha()).nodes[0].private_files}).exit_code == 0


def test_c5_a_new_node_with_too_long_a_name_is_refused_and_one_that_runs_is_told() -> None:
    config = alpha({"network.name": "n" * 12, f"nodes.{'m' * 40}": {}})
    refused = run(config)
    assert (refused.exit_code, refused.resources) == (32, ())
    assert "must have at most 52 characters, got 53" in refused.errors[0]
    goes_on = run(config, running=["m" * 40])
    assert goes_on.exit_code == 0
    assert any("stays a Deployment" in each for each in goes_on.warnings)
