"""`archipelago verify` and `release`, from stack files and outputs to what is printed."""

from __future__ import annotations

import pytest

from archipelago.stack.bundles import bundle_of
from tests.cli.conftest import Deployed, sealed
from tests.stacks import seed

pytestmark = pytest.mark.unit


def test_a_sound_network_passes(deployed: Deployed) -> None:
    ran = deployed.run("verify", "--timeout", "0")
    assert ran.code == 0, ran.said
    assert "✗" not in ran.out
    assert ran.out.splitlines()[-1].startswith("✓ ")


def test_a_bundle_that_is_given_stands_in_for_the_file_that_a_partner_sent_before(deployed: Deployed) -> None:
    given = bundle_of(deployed.network.world.outputs["alpha"])
    deployed.project.write("sent.json", {**given, "externalNodes": []})
    deployed.project.edit("cluster-b", "stack: organization/archipelago/cluster-a", "file: sent.json")
    ran = deployed.run("verify", "--timeout", "0", only="beta")
    assert ran.code == 0, ran.said


def test_a_stopped_node_fails_and_is_named_with_a_cure(deployed: Deployed) -> None:
    deployed.network.stop("beta/quorum-node2")
    ran = deployed.run("verify", "--timeout", "0")
    assert ran.code == 1
    (line,) = [line for line in ran.out.splitlines() if line.startswith("✗ pods")]
    assert "beta/quorum-node2" in line
    assert "pulumi up --refresh -s cluster-b" in ran.out


def test_a_partner_that_nobody_has_is_refused(deployed: Deployed) -> None:
    path = deployed.project.write("x.json", deployed.network.world.outputs["beta"])
    ran = deployed.run("verify", "--partner", f"bta={path}", only="alpha")
    assert (ran.code, ran.err) == (1, "--partner: there is no partner bta.\n  Known here: beta.\n")


def test_findings_for_programs(deployed: Deployed) -> None:
    ran = deployed.run("verify", "--timeout", "0", "--json", only="alpha")
    assert ran.code == 0, ran.said
    assert {each["mark"] for each in ran.json} == {"ok"}
    assert set(ran.json[0]) == {"check", "subject", "mark", "seen", "cure"}


def test_a_private_transaction_that_was_skipped_is_not_counted_as_passed(deployed: Deployed) -> None:
    ran = deployed.run("verify", "--timeout", "5", "--transact")
    assert ran.code == 0, ran.said
    assert "private transaction" in ran.out
    assert "1 skipped" in ran.out.splitlines()[-1]


def test_nothing_private_is_printed(deployed: Deployed, secrets: tuple[str, ...]) -> None:
    for cluster in deployed.network.clusters.values():
        for each in cluster.objects:
            if each["kind"] == "Secret":
                each["data"]["nodekey"] = "AAAA"
    ran = deployed.run("verify", "--timeout", "0")
    assert "data.nodekey" in ran.out
    assert not [text for text in secrets if text in ran.said]


def left_over(deployed: Deployed, node: str) -> None:
    cluster = deployed.network.clusters["alpha"]
    for each in [each for each in cluster.objects if each["kind"] in ("Secret", "PersistentVolumeClaim")][:2]:
        name = each["metadata"]["name"].replace("quorum-node1", node)
        labels = {**each["metadata"]["labels"], "archipelago/node": node}
        cluster.objects.append({**each, "metadata": {**each["metadata"], "name": name, "labels": labels}})


def test_release_asks_and_deletes_keys_and_volume(deployed: Deployed) -> None:
    left_over(deployed, "quorum-node9")
    ran = deployed.run("release", "quorum-node9", only="alpha", given="quorum-node9\n")
    assert ran.code == 0, ran.said
    assert "gone for ever" in ran.err
    assert deployed.network.clusters["alpha"].deleted == [
        ("persistentvolumeclaim", "consortium-quorum-node9-data"),
        ("secret", "consortium-quorum-node9-identity"),
    ]


@pytest.mark.parametrize("known", [True, False], ids=["taken before", "never taken"])
def test_release_goes_on_where_a_partners_export_is_wrong(deployed: Deployed, known: bool) -> None:
    left_over(deployed, "quorum-node9")
    outputs = deployed.network.world.outputs
    outputs["beta"]["identities"]["signature"] = "00" * 64
    if not known:
        outputs["alpha"].pop("accepted")
    ran = deployed.run("release", "quorum-node9", "--yes", only="alpha")
    assert ran.code == 0, ran.said
    assert "carries no valid signature" in ran.err
    assert len(deployed.network.clusters["alpha"].deleted) == 2


def test_release_deletes_nothing_without_the_name(deployed: Deployed) -> None:
    left_over(deployed, "quorum-node9")
    ran = deployed.run("release", "quorum-node9", only="alpha", given="yes\n")
    assert (ran.code, deployed.network.clusters["alpha"].deleted) == (1, [])


def test_release_leaves_a_node_of_the_stack_alone(deployed: Deployed) -> None:
    ran = deployed.run("release", "quorum-node1", "--yes", only="alpha")
    assert ran.code == 1
    assert "it stands in the stack file" in ran.err


def test_release_leaves_a_node_alone_that_is_still_exported(deployed: Deployed) -> None:
    deployed.project.edit("cluster-a", "    quorum-node2: {}\n", "")
    ran = deployed.run("release", "quorum-node2", "--yes", only="alpha")
    assert ran.code == 1
    assert "the stack still exports it" in ran.err
    assert deployed.network.clusters["alpha"].deleted == []


def test_release_leaves_others_objects_alone(deployed: Deployed) -> None:
    left_over(deployed, "quorum-node9")
    deployed.network.clusters["alpha"].objects[-1]["metadata"]["labels"]["archipelago/owner"] = (
        "beta.cluster-b.12345678"
    )
    ran = deployed.run("release", "quorum-node9", "--yes", only="alpha")
    assert ran.code == 1
    assert "belongs to beta.cluster-b.12345678" in ran.err
    assert deployed.network.clusters["alpha"].deleted == []


def test_a_wrong_passphrase_is_said_once_and_fails(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """`its secrets stay closed` stood twice in one sentence, and a verify that had compared nothing passed."""
    salt, values = sealed("its passphrase", seed=seed("alpha"))
    project = deployed.project
    project.append("cluster-a", f"  archipelago:identitySeed: {{secure: '{values['seed']}'}}\nencryptionsalt: {salt}\n")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "another one")
    outputs = project.write("alpha.json", deployed.network.world.outputs["alpha"])
    path = project.write("beta.json", deployed.network.world.outputs["beta"])
    given = ("-s", "cluster-a", "--outputs", outputs, "--partner", f"beta={path}")
    ran = project.run("release", "quorum-node9", *given)
    assert ran.code == 1
    assert ran.err.count("stay closed") == 1, ran.err
    ran = project.run("verify", "--timeout", "0", *given)
    assert ran.code == 1, ran.said
    (line,) = (line for line in ran.out.splitlines() if line.startswith("✗ drift"))
    assert line.count("stay closed") == 1
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "its passphrase")
    assert project.run("verify", "--timeout", "0", *given).code == 0


@pytest.mark.parametrize("command", [("verify", "--timeout", "0"), ("validators", "plan")])
def test_c2_another_cluster_is_refused_in_the_words_of_up_and_not_refreshed(
    deployed: Deployed, command: tuple[str, ...]
) -> None:
    """Its objects are missing there, and what makes them again would run every key a second time."""
    outputs = deployed.network.world.outputs
    outputs["alpha"] = {**outputs["alpha"], "cluster": {"uid": "uid-a", "context": "lab-a"}}
    deployed.network.clusters["alpha"].named = "uid-a"
    assert deployed.run(*command).code == 0
    deployed.network.clusters["alpha"].named = "uid-b"
    ran = deployed.run(*command)
    assert ran.code == 1
    assert "archipelago:cluster.context: this stack runs in the cluster uid-a (context lab-a)" in ran.err
    assert "uid-b" in ran.err
    assert "--refresh" not in ran.said
    deployed.network.clusters["alpha"].named = ""
    told = deployed.run(*command)
    assert told.code == 0
    assert "does not tell which one it is: namespaces is forbidden" in told.err
