"""`archipelago verify`, `validators` and `release`, from stack files and outputs to what is printed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from archipelago.stack.partners import bundle_of
from tests.cli.conftest import Project, Ran
from tests.fake_network import FakeNetwork
from tests.stacks import STACKS

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class Deployed:
    """The example stacks with two nodes each, deployed on clusters that answer."""

    project: Project
    network: FakeNetwork

    def run(self, *command: str, only: str = "", given: str | None = None) -> Ran:
        """Run a command about both stacks, or about one with the other's bundle."""
        named = [organisation for organisation in self.network.clusters if organisation in (only, only or organisation)]
        arguments = list(command)
        for organisation in named:
            outputs = self.project.write(f"{organisation}.json", self.network.world.outputs[organisation])
            stack = STACKS[organisation]
            arguments += ["-s", stack, "--outputs", outputs, "--seed-file", str(self.project.seeds[stack])]
        if only:
            (other,) = set(self.network.clusters) - {only}
            path = self.project.write(f"{other}.json", self.network.world.outputs[other])
            arguments += ["--partner", f"{other}={path}"]
        return self.project.run(*arguments, given=given)


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch, project: Project) -> Deployed:
    made = FakeNetwork(privacy=True)
    clusters = {STACKS[organisation]: cluster for organisation, cluster in made.clusters.items()}
    monkeypatch.setattr("cli.running.Kubectl", lambda cluster, _namespaces: clusters[cluster.context])
    monkeypatch.setattr("time.sleep", lambda _: None)
    project.edit(
        "cluster-a", "    quorum-node1: {exposure: {ports: {p2p: 30303, tessera: 30901}}}\n", "    quorum-node1: {}\n"
    )
    project.edit("cluster-a", "    quorum-node3: {}\n", "")
    project.edit("cluster-b", "  archipelago:nodes:", "  archipelago:defaults: {validator: true}\n  archipelago:nodes:")
    return Deployed(project, made)


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


def test_the_plan_of_a_settled_set_is_exit_code_0(deployed: Deployed) -> None:
    ran = deployed.run("validators", "plan")
    assert ran.code == 0, ran.said
    assert "the set is as the settings want it" in ran.out


def test_a_vote_that_is_needed_is_exit_code_3_and_says_who_casts_it(deployed: Deployed) -> None:
    deployed.network.validate("alpha/quorum-node1", "alpha/quorum-node2", "beta/quorum-node1")
    ran = deployed.run("validators", "plan", only="alpha")
    assert ran.code == 3, ran.said
    assert "+ beta/quorum-node2: 0 of 2 votes" in ran.out
    assert "ours still to vote: alpha/quorum-node1, alpha/quorum-node2" in ran.out
    assert "archipelago validators apply -s cluster-a casts ours" in ran.err


def test_apply_votes_at_our_nodes_only(deployed: Deployed) -> None:
    network = deployed.network
    network.validate("alpha/quorum-node1", "alpha/quorum-node2", "beta/quorum-node1")
    ran = deployed.run("validators", "apply", only="alpha")
    assert ran.code == 0, ran.said
    address = network.records["beta/quorum-node2"].address.lower()
    assert network.node("alpha/quorum-node1").pending == {address: True}
    assert network.node("alpha/quorum-node2").pending == {address: True}
    assert network.node("beta/quorum-node1").pending == {}


def test_a_refused_vote_is_exit_code_1_and_is_not_cast(deployed: Deployed) -> None:
    ran = deployed.run("validators", "apply", "--remove", "beta/quorum-node2", only="alpha")
    assert ran.code == 1
    assert "not voted for without --force: 3 would be left" in ran.out
    assert deployed.network.node("alpha/quorum-node1").pending == {}


def test_the_plan_for_programs(deployed: Deployed) -> None:
    found = deployed.run("validators", "plan", "--json", "--remove", "beta/quorum-node2", only="alpha").json
    assert (found["settled"], found["changes"][0]["name"], found["changes"][0]["missing"]) == (
        False,
        "beta/quorum-node2",
        1,
    )


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
