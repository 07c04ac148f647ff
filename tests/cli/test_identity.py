"""`archipelago identity`: the public half of a stack that was never deployed, from wherever its seed is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from archipelago.identity.curve25519 import signer
from tests.cli.conftest import Project, sealed
from tests.stacks import alpha, plan_of, seed

pytestmark = pytest.mark.unit


def test_it_prints_what_the_stack_will_export(project: Project) -> None:
    ran = project.seeded("identity", "cluster-a")
    assert ran.code == 0, ran.said
    plan = plan_of(alpha())
    for record in plan.records:
        for value in (record.node_id, record.address, record.account, record.privacy_key):
            assert value in ran.out
    assert f"enode://{plan.records[0].node_id}@203.0.113.10:30303?discport=0&raftport=50401" in ran.out
    assert ran.out.count("enode://") == 1, "only the first node's port is pinned"
    assert ran.out.count("known once the cluster has given it") == 2


def test_the_line_by_which_partners_pin_its_key_is_printed(project: Project) -> None:
    key = signer(plan_of(alpha()).signing_key)
    out = project.seeded("identity", "cluster-a").out
    assert f"pulumi config set --path archipelago:partners.alpha.key {key}" in out


def test_json_holds_the_records(project: Project) -> None:
    found = project.seeded("identity", "cluster-a", "--json").json
    plan = plan_of(alpha())
    assert found["organisation"] == "alpha"
    assert found["key"] == signer(plan.signing_key)
    assert [each["nodeId"] for each in found["nodes"]] == [record.node_id for record in plan.records]
    assert [bool(each["url"]) for each in found["nodes"]] == [True, False, False]


def test_no_private_key_is_printed(project: Project, secrets: tuple[str, ...]) -> None:
    for options in ([], ["--json"]):
        said = project.seeded("identity", "cluster-a", *options).said
        assert not [text for text in secrets if text in said]


def test_the_seed_may_come_through_standard_input(project: Project) -> None:
    ran = project.run("identity", "-s", "cluster-a", "--seed-file", "-", given=seed("alpha") + "\n")
    assert ran.out == project.seeded("identity", "cluster-a").out


def test_a_seed_that_is_too_short_is_refused_and_not_repeated(project: Project) -> None:
    ran = project.run("identity", "-s", "cluster-a", "--seed-file", "-", given="abcd1234")
    assert ran.code == 1
    assert "archipelago:identitySeed: the seed has 8 hex characters, not 64" in ran.err
    assert "abcd1234" not in ran.said


def seal(project: Project, stack: str = "cluster-a", organisation: str = "alpha") -> None:
    salt, values = sealed("its passphrase", seed=seed(organisation))
    project.append(stack, f"  archipelago:identitySeed: {{secure: '{values['seed']}'}}\nencryptionsalt: {salt}\n")


def test_a_passphrase_opens_the_stack_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seal(project)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "its passphrase")
    assert project.run("identity", "-s", "cluster-a").out == project.seeded("identity", "cluster-a").out


def test_so_does_a_passphrase_file(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seal(project)
    (tmp_path / "passphrase").write_text("its passphrase\n")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    assert project.run("identity", "-s", "cluster-a").code == 0


def test_a_wrong_passphrase_is_refused_with_what_to_type(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seal(project)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "another")
    ran = project.run("identity", "-s", "cluster-a")
    assert ran.code == 1
    assert "the passphrase does not open this stack file's secrets" in ran.err
    assert "pulumi config get archipelago:identitySeed -s cluster-a |" in ran.err


def test_a_sealed_seed_that_nothing_opens_is_refused_with_what_to_type(project: Project) -> None:
    seal(project)
    ran = project.run("identity", "-s", "cluster-a")
    assert ran.code == 1
    assert "archipelago:identitySeed: is sealed, and nothing at hand opens it." in ran.err
    assert "Set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE" in ran.err


def test_a_value_that_was_cut_off_is_refused_in_words(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seal(project)
    project.edit("cluster-a", "{secure: 'v1:", "{secure: '")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "its passphrase")
    ran = project.run("identity", "-s", "cluster-a")
    assert ran.code == 1
    assert "a secret in it was cut off" in ran.err


def test_other_secrets_of_the_file_need_more_than_a_seed_file(project: Project) -> None:
    project.edit("cluster-a", "quorum-node2: {}", "quorum-node2: {identity: {nodekey: {secure: v1:AAAA:AAAA}}}")
    ran = project.seeded("identity", "cluster-a")
    assert ran.code == 1
    assert "archipelago:nodes.quorum-node2.identity.nodekey: is sealed" in ran.err


def test_pulumi_is_asked_once_for_every_secret_and_never_told_one(project: Project, pulumi: Path) -> None:
    """Its secrets provider may be a cloud's: then nobody else can open the file."""
    project.append("cluster-a", "  archipelago:identitySeed: {secure: AAAB}\n")
    project.edit("cluster-a", "quorum-node2: {}", "quorum-node2: {identity: {nodekey: {secure: AAAC}}}")
    imported = {"quorum-node2": {"identity": {"nodekey": seed("beta")}}}
    told = {
        "archipelago:identitySeed": {"value": seed("alpha"), "secret": True},
        "archipelago:nodes": {"value": json.dumps(imported), "objectValue": imported, "secret": True},
    }
    (pulumi / "config.json").write_text(json.dumps(told))
    found = project.run("identity", "-s", "cluster-a", "--json").json
    expected = plan_of(alpha({"nodes.quorum-node2.identity.nodekey": seed("beta")}))
    assert [each["nodeId"] for each in found["nodes"]] == [record.node_id for record in expected.records]
    (call,) = (pulumi / "calls").read_text().splitlines()
    assert call.startswith("config --show-secrets --json --stack cluster-a --non-interactive --cwd ")


def test_pulumis_own_words_are_passed_on(project: Project, pulumi: Path) -> None:
    project.append("cluster-a", "  archipelago:identitySeed: {secure: AAAB}\n")
    ran = project.run("identity", "-s", "cluster-a")
    assert ran.code == 1
    assert "no stack named 'cluster-a' found" in ran.err
    assert pulumi


def test_which_stack_is_meant_has_to_be_said_where_there_are_several(project: Project) -> None:
    ran = project.run("identity")
    assert ran.code == 1
    assert "there are cluster-a, cluster-b" in ran.err
    assert "Name one of them: -s cluster-a" in ran.err


def test_the_only_stack_need_not_be_named(project: Project) -> None:
    (project.folder / "Pulumi.cluster-b.yaml").unlink()
    assert project.run("identity", "--seed-file", str(project.seeds["cluster-a"])).code == 0


def test_a_folder_without_stack_files_is_refused(project: Project) -> None:
    for path in project.folder.glob("Pulumi.*.yaml"):
        path.unlink()
    ran = project.run("identity")
    assert ran.code == 1
    assert "there is no stack file" in ran.err
    assert "pulumi stack init" in ran.err


def test_a_seed_file_that_is_not_there_is_a_sentence(project: Project) -> None:
    ran = project.run("identity", "-s", "cluster-a", "--seed-file", "nowhere.seed")
    assert ran.code == 1
    assert "nowhere.seed: No such file or directory." in ran.err


def test_passphrases_of_several_stacks_open_each_its_own(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for organisation, stack in (("alpha", "cluster-a"), ("beta", "cluster-b")):
        salt, values = sealed(f"{organisation}'s passphrase", seed=seed(organisation))
        project.append(stack, f"  archipelago:identitySeed: {{secure: {values['seed']}}}\nencryptionsalt: {salt}\n")
        (tmp_path / organisation).write_text(f"{organisation}'s passphrase\n")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(tmp_path / "alpha"))
    assert project.run("identity", "-s", "cluster-b").code == 1
    monkeypatch.setenv("ARCHIPELAGO_PASSPHRASE_FILES", f"{tmp_path / 'alpha'}{os.pathsep}{tmp_path / 'beta'}")
    for stack in ("cluster-a", "cluster-b"):
        ran = project.run("identity", "-s", stack)
        assert ran.code == 0, ran.said
    monkeypatch.setenv("ARCHIPELAGO_PASSPHRASE_FILES", str(tmp_path / "gone"))
    ran = project.run("identity", "-s", "cluster-b")
    assert (ran.code, "the passphrase cannot be read" in ran.err) == (1, True), ran.said
