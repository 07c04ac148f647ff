"""`archipelago export` and `archipelago nodes`: what a partner on another backend gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from archipelago.chains.goquorum.enode import from_qubernetes
from archipelago.model.record import Bundle, NetworkRecord, is_signed
from archipelago.stack.bundles import bundle_of
from tests.cli.conftest import Project
from tests.unit.vectors import vectors
from tests.world import World

pytestmark = pytest.mark.unit


def pinned(project: Project) -> None:
    """Every port of alpha written down, so that nothing is left to its cluster."""
    project.edit("cluster-a", "quorum-node2: {}", "quorum-node2: {exposure: {ports: {p2p: 30304, tessera: 30902}}}")
    project.edit("cluster-a", "quorum-node3: {}", "quorum-node3: {exposure: {ports: {p2p: 30305, tessera: 30903}}}")


@pytest.mark.parametrize("source", ["file", "stdin", "pulumi"])
def test_a_deployed_stack_hands_out_its_own_signed_bundle(
    project: Project, world: World, pulumi: Path, source: str
) -> None:
    outputs = json.dumps(world.outputs["alpha"])
    (pulumi / "outputs.json").write_text(outputs)
    match source:
        case "file":
            ran = project.run("export", "--outputs", str(pulumi / "outputs.json"))
        case "stdin":
            ran = project.run("export", "--outputs", "-", given=outputs)
        case _:
            ran = project.run("export", "-s", "cluster-a")
            assert "stack output --json --stack cluster-a --non-interactive" in (pulumi / "calls").read_text()
    assert ran.code == 0, ran.said
    assert ran.json == bundle_of(world.outputs["alpha"])
    assert is_signed(ran.json)


def test_a_bundle_holds_no_key(project: Project, world: World, secrets: tuple[str, ...]) -> None:
    ran = project.run("export", "--outputs", project.write("outputs.json", world.outputs["alpha"]))
    assert not [text for text in secrets if text in ran.said]


def test_a_written_bundle_is_what_the_partner_reads(project: Project, world: World) -> None:
    path = project.write("outputs.json", world.outputs["alpha"])
    ran = project.run("export", "--outputs", path, "--out", str(project.folder / "alpha.json"))
    assert ran.code == 0
    assert "alpha, 3 nodes, signed by ed25519:" in ran.err
    project.edit("cluster-b", "stack: organization/archipelago/cluster-a", "file: alpha.json")
    assert project.seeded("validate", "cluster-b").code == 0


def test_c36_export_writes_over_an_earlier_bundle_and_over_no_other_file(project: Project, world: World) -> None:
    export = ("export", "--outputs", project.write("outputs.json", world.outputs["alpha"]))
    written, other = project.folder / "alpha.json", project.folder / "other.yaml"
    other.write_text("a: 1")
    for _ in range(2):
        assert project.run(*export, "--out", str(written)).code == 0
    refused = project.run(*export, "--out", str(other))
    assert (refused.code, other.read_text()) == (1, "a: 1")
    assert "--force" in refused.err
    assert project.run(*export, "--out", str(other), "--force").code == 0
    assert "externalNodes" in other.read_text()


def test_outputs_that_were_changed_on_the_way_are_refused(project: Project, world: World) -> None:
    changed = json.loads(json.dumps(world.outputs["alpha"]))
    changed["externalNodes"].pop()
    ran = project.run("export", "--outputs", project.write("outputs.json", changed))
    assert ran.code == 1
    assert "do not bear their own signature" in ran.err


@pytest.mark.parametrize(
    ("text", "words"),
    [("{}", "these are no outputs"), ("[]", "it is no JSON object"), ("", "it is no JSON:"), ("{", "it is no JSON:")],
)
def test_what_are_no_outputs_is_refused(project: Project, text: str, words: str) -> None:
    ran = project.run("export", "--outputs", "-", given=text)
    assert ran.code == 1
    assert words in ran.err
    assert "pulumi stack output --json" in ran.err


def test_without_pulumi_the_other_ways_are_named(project: Project) -> None:
    ran = project.run("export", "-s", "cluster-a")
    assert ran.code == 1
    assert "pulumi is not on PATH" in ran.err
    assert "--outputs FILE" in ran.err
    assert "--predict" in ran.err


def test_a_stack_that_never_ran_is_refused(project: Project, pulumi: Path) -> None:
    (pulumi / "outputs.json").write_text("{}")
    ran = project.run("export", "-s", "cluster-a")
    assert ran.code == 1
    assert "this stack has exported nothing yet" in ran.err
    assert "pulumi up -s cluster-a" in ran.err


def test_a_stack_that_does_not_exist_is_refused_in_pulumis_words(project: Project, pulumi: Path) -> None:
    ran = project.run("export", "-s", "organization/archipelago/cluster-z")
    assert ran.code == 1
    assert "no stack named 'organization/archipelago/cluster-z' found" in ran.err
    assert pulumi


def test_with_every_port_pinned_the_prediction_is_a_valid_bundle(project: Project) -> None:
    pinned(project)
    ran = project.seeded("export", "cluster-a", "--predict")
    assert ran.code == 0, ran.said
    assert is_signed(ran.json)
    ports = [each["endpoints"]["p2p"]["port"] for each in ran.json["externalNodes"]]
    assert ports == [30303, 30304, 30305]
    assert ran.json["network"]["genesis"]


def test_a_prediction_names_the_nodes_whose_ports_the_cluster_chooses(project: Project) -> None:
    ran = project.seeded("export", "cluster-a", "--predict")
    assert ran.code == 1
    assert (
        "archipelago:nodes.quorum-node2.exposure.ports: the cluster chooses its NodePorts for p2p, tessera" in ran.err
    )
    assert "quorum-node3" in ran.err
    assert "quorum-node1" not in ran.err


def test_a_prediction_names_the_load_balancers_without_an_address(project: Project) -> None:
    pinned(project)
    project.edit("cluster-a", "ports: {p2p: 30304, tessera: 30902}", "type: LoadBalancer")
    ran = project.seeded("export", "cluster-a", "--predict")
    assert ran.code == 1
    assert "archipelago:nodes.quorum-node2.exposure.host: its load balancer's address is not known yet" in ran.err


def test_a_prediction_without_a_genesis_says_what_it_waits_for(project: Project) -> None:
    pinned(project)
    project.edit("cluster-a", "    founder: true", "    founder: true\n    genesis: {validators: [beta/quorum-node1]}")
    ran = project.seeded("export", "cluster-a", "--predict")
    assert ran.code == 0, ran.said
    assert "waits for beta/quorum-node1" in ran.err
    assert ran.json["network"]["genesis"] == ""


def test_nodes_are_listed_with_their_addresses_whole(project: Project, world: World) -> None:
    outputs = world.outputs["alpha"]
    ran = project.run("nodes", "--outputs", project.write("outputs.json", outputs))
    assert ran.code == 0, ran.said
    heading, *rows = ran.out.splitlines()
    assert heading.split() == ["node", "role", "p2p", "tessera", "validator", "address", "node", "id"]
    for row, record in zip(rows, outputs["externalNodes"], strict=True):
        p2p = record["endpoints"]["p2p"]
        assert row.split()[:3] == [record["name"], "validator", f"{p2p['host']}:{p2p['port']}"]
        assert record["address"] in row


def test_predicted_nodes_say_what_the_cluster_will_choose(project: Project) -> None:
    rows = project.seeded("nodes", "cluster-a", "--predict", "--bare").out.splitlines()
    assert rows[0].split()[:4] == ["quorum-node1", "validator", "203.0.113.10:30303", "203.0.113.10:30901"]
    assert rows[1].split()[:4] == ["quorum-node2", "validator", "allocated", "allocated"]


def test_nodes_as_json_are_the_records(project: Project, world: World) -> None:
    ran = project.run("nodes", "--outputs", project.write("outputs.json", world.outputs["alpha"]), "--json")
    assert ran.json == world.outputs["alpha"]["externalNodes"]


def test_the_qubernetes_spelling_is_byte_for_byte_that_of_a_real_run(project: Project) -> None:
    """What `qctl ls nodes --asexternal --node-ip=1.2.3.4 --bare` printed for three nodes of a cluster."""
    text = vectors("qubernetes")["twoClusters"]["A"]["export"].replace("1.2.3.4", "10.0.0.1")
    entries: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(text)["external_nodes"]
    records = tuple(from_qubernetes(each, "consortium", "alpha") for each in entries)
    network = NetworkRecord(name="consortium", kind="goquorum", organisation="alpha")
    bundle = Bundle(organisation="alpha", network=network, external_nodes=records).signed(bytes(32)).plain()
    keys = ("organisation", "key", "signature")
    outputs = {
        "network": bundle["network"],
        "externalNodes": bundle["externalNodes"],
        "identities": {key: bundle[key] for key in keys},
    }
    path = project.write("outputs.json", outputs)
    ran = project.run("nodes", "--outputs", path, "--external", "--bare", "--node-ip", "1.2.3.4")
    assert ran.out == vectors("qubernetes")["twoClusters"]["A"]["export"]
    assert project.run("nodes", "--outputs", path, "--external", "--bare").out == text


def test_the_heading_leaves_it_valid_yaml(project: Project, world: World) -> None:
    path = project.write("outputs.json", world.outputs["alpha"])
    with_heading = project.run("nodes", "--outputs", path, "--external").out
    bare = project.run("nodes", "--outputs", path, "--external", "--bare").out
    assert with_heading == f"# alpha's 3 nodes of consortium\n{bare}"


def test_what_is_printed_for_partners_is_what_they_may_paste(project: Project, world: World) -> None:
    path = project.write("outputs.json", world.outputs["alpha"])
    lines = project.run("nodes", "--outputs", path, "--external", "--bare").out.splitlines()[1:]
    pasted = "\n".join(f"        {line}" for line in lines)
    genesis = project.folder / "genesis.json"
    genesis.write_text(world.outputs["alpha"]["network"]["genesis"])
    project.edit("cluster-b", "    joins: alpha", "    genesisFile: genesis.json\n    joins: alpha")
    project.edit("cluster-b", "{stack: organization/archipelago/cluster-a}", f"\n      nodes:\n{pasted}")
    ran = project.seeded("render", "cluster-b")
    assert ran.code == 0, ran.said
    assert ran.out.count("kind: StatefulSet") == 2


def test_external_nodes_need_every_port(project: Project) -> None:
    ran = project.seeded("nodes", "cluster-a", "--predict", "--external")
    assert ran.code == 1
    assert "quorum-node2" in ran.err
    assert ran.out == ""
