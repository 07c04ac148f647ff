"""`archipelago validate`: every refusal of a stack file, without a cluster, an engine or a passphrase."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Project, sealed
from tests.stacks import seed
from tests.world import World

pytestmark = pytest.mark.unit

SEALED = "  archipelago:identitySeed: {secure: v1:AAAA:AAAA}\n"


def test_the_examples_are_valid_once_they_have_a_seed_and_it_may_stay_sealed(project: Project) -> None:
    project.append("cluster-a", SEALED)
    project.append("cluster-b", SEALED)
    ran = project.run("validate")
    assert ran.code == 0, ran.said
    assert ran.out.splitlines() == [
        "✓ Pulumi.cluster-a.yaml: alpha founds the goquorum network consortium with 3 nodes",
        "✓ Pulumi.cluster-b.yaml: beta joins alpha in the goquorum network consortium with 2 nodes",
    ]


def test_the_end_of_goquorum_is_said_once_and_changes_no_exit_code(project: Project) -> None:
    project.append("cluster-a", SEALED)
    project.append("cluster-b", SEALED)
    ran = project.run("validate")
    assert ran.err.count("end of life") == 1
    assert ran.code == 0


def test_a_stack_without_a_seed_is_refused_with_the_command_that_sets_one(project: Project) -> None:
    ran = project.run("validate", "-s", "cluster-a")
    assert ran.code == 1
    assert "archipelago:identitySeed: is missing" in ran.out
    assert "openssl rand -hex 32 | pulumi config set --secret archipelago:identitySeed" in ran.out


def test_a_seed_in_plain_text_is_refused_and_not_repeated(project: Project) -> None:
    project.append("cluster-a", f"  archipelago:identitySeed: {seed('alpha')}\n")
    ran = project.run("validate", "-s", "cluster-a")
    assert ran.code == 1
    assert "archipelago:identitySeed: is a secret, and stands there in plain text." in ran.out
    assert seed("alpha") not in ran.said


def test_an_imported_key_in_plain_text_is_refused_with_its_path(project: Project) -> None:
    project.append("cluster-a", SEALED)
    project.edit("cluster-a", "quorum-node2: {}", f"quorum-node2: {{identity: {{nodekey: '{seed('beta')}'}}}}")
    ran = project.run("validate", "-s", "cluster-a")
    assert ran.code == 1
    assert "archipelago:nodes.quorum-node2.identity.nodekey: is a secret" in ran.out
    assert "pulumi config set --secret --path archipelago:nodes.quorum-node2.identity.nodekey" in ran.out
    assert seed("beta") not in ran.said


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("chainId", "chainID", "network.chainID", "Did you mean chainId?"),
        (
            "{p2p: 30303",
            "{p2p: 29999",
            "nodes.quorum-node1.exposure.ports.p2p",
            "outside this cluster's NodePort range",
        ),
        ("quorum-node2: {}", "Quorum_2: {}", "nodes.Quorum_2", "is no DNS label"),
        ("tessera: 30901", "tessera: 30303", "nodes.quorum-node1.exposure.ports.tessera", "is taken by"),
        ("    address:", "    # address:", "cluster.address", "nobody could dial the NodePorts"),
        ('version: "22.7.4"', "version: 22.10", "network.version", "YAML reads 22.10 as 22.1"),
        ("archipelago:partners", "archipelago:partnrs", "partnrs", "Did you mean partners?"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_its_cure(
    project: Project, old: str, new: str, place: str, words: str
) -> None:
    project.append("cluster-a", SEALED)
    project.edit("cluster-a", old, new)
    ran = project.run("validate", "-s", "cluster-a")
    assert ran.code == 1
    assert f"Pulumi.cluster-a.yaml: archipelago:{place}: " in ran.out
    assert words in ran.out
    assert "Traceback" not in ran.said


def test_every_problem_of_every_file_is_reported_at_once(project: Project) -> None:
    project.edit("cluster-a", "chainId", "chainID")
    project.edit("cluster-b", "joins: alpha", "joins: gamma")
    ran = project.run("validate", "--json")
    assert ran.code == 1
    found = {each["stack"]: {problem["path"] for problem in each["problems"]} for each in ran.json}
    assert found["cluster-a"] >= {"identitySeed", "network.chainID"}
    assert found["cluster-b"] >= {"identitySeed"}
    assert [each["valid"] for each in ran.json] == [False, False]


def test_broken_yaml_names_line_and_column(project: Project) -> None:
    (project.folder / "Pulumi.cluster-a.yaml").write_text("config:\n  archipelago:nodes: {a: {}\n  b: 1\n")
    ran = project.run("validate", "-s", "cluster-a")
    assert ran.code == 1
    assert "Pulumi.cluster-a.yaml: line 3, column 3: broken YAML" in ran.out


def test_a_key_that_stands_there_twice_is_refused(project: Project) -> None:
    project.append("cluster-a", "  archipelago:organisation: beta\n")
    ran = project.run("validate", "-s", "cluster-a")
    assert ran.code == 1
    assert "the same key stands here twice (archipelago:organisation)" in ran.out


def test_a_file_that_is_not_there_is_refused(project: Project) -> None:
    ran = project.run("validate", "-s", "cluster-z")
    assert ran.code == 1
    assert "there is no such file" in ran.out
    assert "pulumi stack init cluster-z" in ran.out


def test_a_path_names_a_stack_file_anywhere(project: Project) -> None:
    ran = project.run("validate", str(project.folder / "Pulumi.cluster-b.yaml"), "--json")
    assert [each["stack"] for each in ran.json] == ["cluster-b"]


def test_what_only_matters_before_the_founding_is_a_warning(project: Project) -> None:
    project.append("cluster-a", SEALED)
    project.edit("cluster-a", "validator: true", "validator: false")
    ran = project.run("validate", "-s", "cluster-a")
    assert ran.code == 0, ran.said
    assert "unless the network is founded already" in ran.err
    assert "no node is a validator" in ran.err


def test_it_stays_a_warning_when_the_seed_allows_a_plan(project: Project) -> None:
    project.edit("cluster-a", "validator: true", "validator: false")
    ran = project.seeded("validate", "cluster-a", "--json")
    assert ran.code == 0, ran.said
    (found,) = ran.json
    assert found["valid"]
    assert [each["path"] for each in found["warnings"]] == ["network.genesis.validators"]


def test_a_pasted_enode_with_a_bad_key_is_found_while_the_seed_is_sealed(project: Project) -> None:
    pasted = f"enode://{'0' * 128}@198.51.100.7:31303?discport=0"
    project.append("cluster-a", f"    delta: {{nodes: [{{Node_UserIdent: n1, Enode_Url: '{pasted}'}}]}}\n{SEALED}")
    ran = project.run("validate", "-s", "cluster-a")
    assert ran.code == 1
    assert "archipelago:partners.delta.nodes[0]: delta/n1: the node id is no point on secp256k1" in ran.out


def by_file(project: Project, outputs: object) -> None:
    project.edit("cluster-b", "{stack: organization/archipelago/cluster-a}", "{file: alpha.json}")
    project.write("alpha.json", outputs)


def test_a_partners_file_is_checked_while_the_seed_is_sealed(project: Project, world: World) -> None:
    by_file(project, world.outputs["alpha"])
    project.append("cluster-b", SEALED)
    assert project.run("validate", "-s", "cluster-b").code == 0
    forged = json.loads(json.dumps(world.outputs["alpha"]))
    forged["network"]["chainId"] = 1001
    project.write("alpha.json", forged)
    ran = project.run("validate", "-s", "cluster-b")
    assert ran.code == 1
    assert "carries no valid signature" in ran.out


def test_a_partners_file_that_is_not_there_is_refused(project: Project) -> None:
    project.edit("cluster-b", "{stack: organization/archipelago/cluster-a}", "{file: alpha.json}")
    project.append("cluster-b", SEALED)
    ran = project.run("validate", "-s", "cluster-b")
    assert ran.code == 1
    assert f"archipelago:partners.alpha.file: there is no file {project.folder / 'alpha.json'}" in ran.out


def test_with_a_seed_a_partners_genesis_is_compared_too(project: Project, world: World) -> None:
    by_file(project, world.outputs["alpha"])
    project.edit("cluster-b", "    joins: alpha", "    chainId: 1001\n    joins: alpha")
    ran = project.seeded("validate", "cluster-b")
    assert ran.code == 1
    assert "archipelago:network.chainId: 1001, but the genesis of consortium is frozen" in ran.out


def test_a_passphrase_opens_the_seed_for_it_and_a_wrong_one_is_no_error(
    project: Project, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_file(project, world.outputs["alpha"])
    project.edit("cluster-b", "    joins: alpha", "    chainId: 1001\n    joins: alpha")
    salt, values = sealed("beta's passphrase", seed=seed("beta"))
    project.append("cluster-b", f"  archipelago:identitySeed: {{secure: '{values['seed']}'}}\nencryptionsalt: {salt}\n")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "alpha's passphrase")
    assert project.run("validate", "-s", "cluster-b").code == 0
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "beta's passphrase")
    ran = project.run("validate", "-s", "cluster-b")
    assert ran.code == 1
    assert "network.chainId" in ran.out


def test_stacks_that_are_named_together_are_planned_as_partners(project: Project) -> None:
    project.edit("cluster-b", "    joins: alpha", "    chainId: 1001\n    joins: alpha")
    seeds = [text for stack in ("cluster-a", "cluster-b") for text in ("--seed-file", str(project.seeds[stack]))]
    ran = project.run("validate", "-s", "cluster-a", "-s", "cluster-b", *seeds, "--json")
    assert ran.code == 1
    assert [[problem["path"] for problem in each["problems"]] for each in ran.json] == [[], ["network.chainId"]]


def test_a_founders_frozen_genesis_is_known_from_a_partners_file(project: Project, world: World) -> None:
    """The recomputed one would differ once the marks have changed, and two sound networks would be refused."""
    project.edit("cluster-a", "{stack: organization/archipelago/cluster-b, required: false}", "{file: beta.json}")
    project.write("beta.json", world.outputs["beta"])
    project.edit("cluster-a", "quorum-node3: {}", "quorum-node3: {}\n    quorum-node4: {}")
    ran = project.seeded("validate", "cluster-a")
    assert ran.code == 0, ran.said


def test_with_the_stacks_own_outputs_a_changed_genesis_is_refused(project: Project, world: World) -> None:
    outputs = project.write("outputs.json", world.outputs["alpha"])
    assert project.seeded("validate", "cluster-a", "--outputs", outputs).code == 0
    project.edit("cluster-a", "chainId: 1000", "chainId: 2000")
    ran = project.seeded("validate", "cluster-a", "--outputs", outputs)
    assert ran.code == 1
    assert "archipelago:network.chainId: 2000, but the genesis of consortium is frozen" in ran.out


def test_outputs_are_one_stacks(project: Project, world: World) -> None:
    ran = project.run("validate", "--outputs", project.write("outputs.json", world.outputs["alpha"]))
    assert ran.code == 1
    assert "Name it with -s" in ran.err


def test_as_many_seeds_as_stacks(project: Project) -> None:
    ran = project.run("validate", "--seed-file", str(project.seeds["cluster-a"]))
    assert ran.code == 1
    assert "2 stacks need as many seed files, not 1" in ran.err
    assert "cluster-a, cluster-b" in ran.err


def test_no_output_of_a_run_with_seeds_holds_a_key(project: Project, secrets: tuple[str, ...]) -> None:
    ran = project.seeded("validate", "cluster-a", "--json")
    assert not [text for text in secrets if text in ran.said]


def test_r02_two_stacks_with_one_seed_and_equal_names_would_have_the_same_keys(project: Project) -> None:
    project.append("cluster-a", SEALED)
    (project.folder / "Pulumi.copy.yaml").write_text((project.folder / "Pulumi.cluster-a.yaml").read_text())
    ran = project.run("validate", "-s", "cluster-a", "-s", "copy")
    assert ran.code == 1
    assert "nodes.quorum-node1: Pulumi.cluster-a.yaml has a node of this name, too" in ran.out
