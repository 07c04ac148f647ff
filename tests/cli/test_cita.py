"""Every command that knows a stack file, on one of CITA-Cloud."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from archipelago.chains.cita_cloud.chain_file import parsed as chain_file
from archipelago.manifests.stack import manifests
from archipelago.stack.plan import StackPlan
from tests.cita import outside
from tests.cli.conftest import Project, Ran
from tests.cli.test_generated import errors, read_yaml
from tests.cli.test_render import plain
from tests.fake_cita import FakeCita
from tests.stacks import GONE, plan_of
from tests.yaml_1_1 import parsed

pytestmark = pytest.mark.unit

STACK = "cluster-a"
CONFIG = outside({"defaults.kmsPassword": GONE})  # derived: a file that names one seals it


@pytest.fixture
def cita(tmp_path: Path) -> Project:
    """A stack of three nodes, as its stack file and its seed."""
    folder, seed_file = tmp_path / "cita", tmp_path / "seed"
    folder.mkdir()
    seed_file.write_text(f"{CONFIG['identitySeed']}\n")
    written = {f"archipelago:{key}": value for key, value in CONFIG.items() if key != "identitySeed"}
    YAML().dump({"config": written}, folder / f"Pulumi.{STACK}.yaml")
    return Project(folder, {STACK: seed_file})


@pytest.fixture
def plan() -> StackPlan:
    return plan_of(CONFIG)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> FakeCita:
    """That stack, deployed; alpha's cluster answers."""
    made = FakeCita()
    monkeypatch.setattr("cli.running.Kubectl", lambda _cluster, _namespaces: made.clusters["alpha"])
    monkeypatch.setattr("time.sleep", lambda _: None)
    return made


def ok(ran: Ran) -> str:
    assert ran.code == 0, ran.said
    return ran.out


def test_it_is_validated_and_its_users_are_told_what_was_never_run(cita: Project) -> None:
    cita.append(STACK, "  archipelago:identitySeed: {secure: v1:AAAA}\n")
    ran = cita.run("validate", "-s", STACK)
    ok(ran)
    assert "were not run in the tests" in ran.said


def test_an_editor_takes_it_by_the_schema(cita: Project) -> None:
    cita.append(STACK, "  archipelago:identitySeed: {secure: v1:AAAA}\n")
    document = read_yaml((cita.folder / f"Pulumi.{STACK}.yaml").read_text())
    assert errors(document) == []
    document["config"]["archipelago:nodes"]["node0"]["validator"] = True  # a key of another protocol
    assert errors(document)


def test_identity_shows_device_ids_and_addresses(cita: Project, plan: StackPlan) -> None:
    shown = ok(cita.seeded("identity", STACK))
    for record in plan.records:
        assert record.node_id in shown
        assert record.address in shown


def test_the_picture_has_the_chain_and_its_nodes(cita: Project) -> None:
    shown = ok(cita.seeded("picture", STACK))
    assert "CITA-Cloud v5.0.0 · consensus_raft · kms_sm" in shown
    assert all(f"node{index}" in shown for index in range(3))


def test_render_prints_what_the_plan_registers_and_no_key(cita: Project, plan: StackPlan) -> None:
    assert parsed(ok(cita.seeded("render", STACK, "--secrets"))) == plain(list(manifests(plan)))
    redacted = cita.seeded("render", STACK).said
    for node in plan.nodes:
        assert not [text for text in node.private_files.values() if text in redacted]


def test_export_and_nodes_hand_out_the_chain_and_what_partners_paste(cita: Project, plan: StackPlan) -> None:
    made = json.loads(ok(cita.seeded("export", STACK, "--predict")))
    assert chain_file(made["network"]["genesis"]).validators == tuple(each.address for each in plan.records)
    pasted = YAML(typ="safe").load(ok(cita.seeded("nodes", STACK, "--predict", "--external")))
    assert [(each["index"], each["portBase"]) for each in pasted] == [(0, 30000), (1, 30009), (2, 30018)]


def test_status_counts_peers_and_shows_the_release_of_the_controller(cita: Project, network: FakeCita) -> None:
    rows = [line.split() for line in ok(cita.run("status", "-s", STACK)).splitlines()]
    assert rows[1] == ["alpha/node0", "Running", "8/8", "0", "101", "3", "yes", "citacloud/controller:v5.0.0"]
    assert network


@pytest.mark.parametrize(
    ("command", "words", "instead"),
    [
        (["exec", "node0", "1"], "alpha/node0: CITA-Cloud has no console.", "archipelago urls tells where"),
        (["attach", "node0"], "alpha/node0: CITA-Cloud has no console.", "archipelago urls tells where"),
        (["validators", "plan"], "do not vote: the super admin names them.", "Let the super admin"),
        (["validators", "apply"], "do not vote: the super admin names them.", "Let the super admin"),
    ],
)
def test_what_cita_cloud_cannot_do_is_refused_with_what_to_do_instead(
    cita: Project, network: FakeCita, command: list[str], words: str, instead: str
) -> None:
    outputs = ["--outputs", cita.write("outputs.json", network.world.outputs["alpha"])]
    ran = cita.run(*command, "-s", STACK, *(outputs if command[0] == "validators" else []))
    assert ran.code == 1
    said, cure = ran.err.splitlines()
    assert words in said
    assert instead in cure


@pytest.mark.parametrize("service", ["controller", "network", "consensus", "executor", "storage", "kms", ""])
def test_each_service_has_a_log_and_a_shell(cita: Project, kubectl: list[list[str]], service: str) -> None:
    named = [service] if service else []
    cita.run("logs", "node1", *named, "-s", STACK)
    cita.run("connect", "node1", *named, "-s", STACK)
    logs, shell = kubectl
    assert logs[-3:] == ["--container", service or "controller", "--tail=200"]
    assert shell[-4:] == ["-c", service or "controller", "--", "sh"]


@pytest.fixture
def kubectl(monkeypatch: pytest.MonkeyPatch, network: FakeCita) -> list[list[str]]:
    """What would have replaced this process."""
    ran: list[list[str]] = []
    monkeypatch.setattr("cli.consoles_of_nodes._become", lambda _, arguments, _namespace: ran.append(arguments))
    assert network
    return ran
