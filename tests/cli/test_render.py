"""`archipelago render`: the objects that `up` registers, as YAML that a cluster understands, without secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from archipelago.manifests.stack import manifests
from archipelago.stack.bundles import bundle_of
from cli.yaml_text import document, redacted
from tests.cli.conftest import Project
from tests.stacks import alpha, beta, changed, plan_of
from tests.world import World
from tests.yaml_1_1 import parsed

pytestmark = pytest.mark.unit


def parsed_by_another(text: str) -> list[dict[str, Any]]:
    """The same by another reader."""
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 1)
    return list(reader.load_all(text))


def plain(objects: object) -> Any:
    return json.loads(json.dumps(objects))


def test_with_secrets_it_is_object_by_object_what_the_plan_registers(project: Project) -> None:
    ran = project.seeded("render", "cluster-a", "--secrets")
    assert ran.code == 0, ran.said
    assert parsed(ran.out) == plain(list(manifests(plan_of(alpha()))))


def test_without_secrets_it_holds_no_key_and_is_otherwise_the_same(project: Project, secrets: tuple[str, ...]) -> None:
    ran = project.seeded("render", "cluster-a")
    assert not [text for text in secrets if text in ran.said]
    listed = zip(parsed(ran.out), plain(list(manifests(plan_of(alpha())))), strict=True)
    for shown, whole in listed:
        if whole["kind"] == "Secret":
            assert shown.pop("stringData").keys() == whole.pop("stringData").keys()
        assert shown == whole


def test_a_redacted_secret_is_one_that_no_cluster_accepts(project: Project) -> None:
    """Applied by mistake, a redacted text would overwrite the only copy of a key in the cluster."""
    shown = [each for each in parsed(project.seeded("render", "cluster-a").out) if each["kind"] == "Secret"]
    assert len(shown) == 3
    for each in shown:
        assert not [value for value in each["stringData"].values() if isinstance(value, str)]


def test_a_partner_that_is_not_given_is_planned_as_not_there(project: Project) -> None:
    ran = project.seeded("render", "cluster-b")
    assert ran.code == 0
    assert "nothing is known of alpha" in ran.err
    assert "the stack waits for alpha" in ran.err
    assert {each["kind"] for each in parsed(ran.out)} == {"Namespace", "Secret", "PersistentVolumeClaim", "Service"}


@pytest.mark.parametrize("form", ["outputs", "bundle"])
def test_a_given_partner_completes_the_plan(project: Project, world: World, form: str) -> None:
    path = project.write("alpha.json", world.outputs["alpha"])
    if form == "bundle":
        bundle = project.run("export", "--outputs", path)
        path = project.write("bundle.json", bundle.json)
    ran = project.seeded("render", "cluster-b", "--secrets", "--partner", f"alpha={path}")
    assert ran.code == 0, ran.said
    received = {"alpha": bundle_of(world.outputs["alpha"])}
    assert parsed(ran.out) == plain(list(manifests(plan_of(beta(), received))))


def test_a_partner_that_is_given_stands_in_for_the_file_that_it_sent_before(project: Project, world: World) -> None:
    given = bundle_of(world.outputs["alpha"])
    project.write("sent.json", {**given, "externalNodes": []})
    project.edit("cluster-b", "stack: organization/archipelago/cluster-a", "file: sent.json")
    assert "carries no valid signature" in project.seeded("render", "cluster-b").err
    ran = project.seeded("render", "cluster-b", "--partner", f"alpha={project.write('now.json', given)}")
    assert ran.code == 0, ran.said


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("alpha", "names no partner and file"),
        ("alhpa=FILE", "Did you mean alpha?"),
        ("alpha=nowhere.json", "it is no JSON"),
    ],
)
def test_a_partner_that_is_given_wrong_is_refused(project: Project, world: World, argument: str, words: str) -> None:
    path = project.write("alpha.json", world.outputs["alpha"])
    ran = project.seeded("render", "cluster-b", "--partner", argument.replace("FILE", path))
    assert ran.code == 1
    assert words in ran.err


def test_a_forged_bundle_is_refused(project: Project, world: World) -> None:
    forged = plain(world.outputs["alpha"])
    forged["externalNodes"][0]["endpoints"]["p2p"]["host"] = "198.51.100.66"
    ran = project.seeded("render", "cluster-b", "--partner", f"alpha={project.write('alpha.json', forged)}")
    assert ran.code == 1
    assert "carries no valid signature" in ran.err


def test_a_frozen_genesis_comes_from_the_stacks_own_outputs(project: Project, world: World) -> None:
    """Computed again after a fourth validator was marked, it would be another chain's."""
    project.edit("cluster-a", "quorum-node3: {}", "quorum-node3: {}\n    quorum-node4: {}")
    path = project.write("outputs.json", world.outputs["alpha"])
    with_outputs = parsed(project.seeded("render", "cluster-a", "--outputs", path).out)
    without = parsed(project.seeded("render", "cluster-a").out)

    def genesis(objects: list[dict[str, Any]]) -> str:
        return next(str(each["data"]["genesis.json"]) for each in objects if "genesis.json" in each.get("data", {}))

    assert genesis(with_outputs) == world.outputs["alpha"]["network"]["genesis"]
    assert genesis(without) != genesis(with_outputs)


def test_a_folder_gets_one_file_an_object_in_the_order_of_kubectl(project: Project, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = project.seeded("render", "cluster-a", "--out", str(out), "--secrets")
    assert ran.code == 0, ran.said
    assert ran.out == ""
    files = sorted(out.iterdir())
    objects = [parsed(path.read_text())[0] for path in files]
    expected = plain(list(manifests(plan_of(alpha()))))
    assert sorted(objects, key=json.dumps) == sorted(expected, key=json.dumps)
    kinds = list(dict.fromkeys(each["kind"] for each in objects))
    before = ["Namespace", "ConfigMap", "Secret", "PersistentVolumeClaim", "Service", "NetworkPolicy"]
    assert kinds == [*before, "PodDisruptionBudget", "StatefulSet"]


def test_in_a_folder_kubectl_does_not_see_a_redacted_secret(project: Project, tmp_path: Path) -> None:
    project.seeded("render", "cluster-a", "--out", str(tmp_path / "out"))
    seen = [path for path in (tmp_path / "out").iterdir() if path.suffix in (".yaml", ".yml", ".json")]
    assert seen
    assert not [path for path in seen if "secret" in path.name]


def test_files_of_a_chain_are_those_that_its_containers_mount(project: Project, tmp_path: Path, world: World) -> None:
    project.edit("cluster-a", "stack: organization/archipelago/cluster-b, required: false", "file: beta.json")
    project.write("beta.json", world.outputs["beta"])
    ran = project.seeded("render", "cluster-a", "--out", str(tmp_path), "--files")
    assert ran.code == 0, ran.said
    node = tmp_path / "files" / "quorum-node1"
    assert sorted(path.name for path in node.iterdir()) == [
        "genesis.json", "permissioned-nodes.json", "static-nodes.json", "tessera-peers.json", "tessera.json", "tm.pub",
    ]  # fmt: skip
    assert (node / "genesis.json").read_text() == world.outputs["alpha"]["network"]["genesis"]
    assert len(json.loads((node / "permissioned-nodes.json").read_text())) == 5
    assert "http://203.0.113.10:30901" in (node / "tessera.json").read_text()


def test_keys_are_written_for_their_owner_alone(project: Project, tmp_path: Path) -> None:
    project.seeded("render", "cluster-a", "--out", str(tmp_path / "out"), "--files", "--secrets")
    (nodekey,) = (tmp_path / "out/files/quorum-node1").glob("nodekey")
    assert nodekey.read_text() == plan_of(alpha()).nodes[0].private_files["nodekey"]
    private = [nodekey, *(tmp_path / "out").glob("*-secret-*")]
    assert len(private) == 4
    assert {oct(path.stat().st_mode & 0o777) for path in private} == {"0o600"}


def test_a_file_that_was_readable_before_is_not_any_more(project: Project, tmp_path: Path) -> None:
    old = tmp_path / "2-secret-consortium-quorum-node1-identity.yaml"
    old.touch(mode=0o644)
    project.seeded("render", "cluster-a", "--out", str(tmp_path), "--secrets")
    assert old.stat().st_mode & 0o777 == 0o600


def test_what_an_earlier_run_left_behind_is_named(project: Project, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    project.seeded("render", "cluster-a", "--out", str(tmp_path / "out"), "--secrets")
    ran = project.seeded("render", "cluster-a", "--out", str(tmp_path / "out"))
    assert "2-secret-consortium-quorum-node1-identity.yaml" in ran.err


def test_files_need_a_folder(project: Project) -> None:
    ran = project.seeded("render", "cluster-a", "--files")
    assert ran.code == 1
    assert "--out FOLDER" in ran.err


def test_a_folder_that_cannot_be_written_is_a_sentence(project: Project, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = project.seeded("render", "cluster-a", "--out", str(tmp_path / "file"))
    assert ran.code == 1
    assert f"{tmp_path / 'file'}: " in ran.err


def test_what_the_cluster_will_choose_is_named(project: Project) -> None:
    ran = project.seeded("render", "cluster-a")
    assert "@endpoint:…@ stands for what the cluster gives at the first up: quorum-node2, quorum-node3" in ran.err


texts = st.text() | st.sampled_from(
    ["yes", "off", "22.10", "1e3", "0x10", "010", "1:30", "null", "~", "=", "", "- a", "a: b"]
)


@given(st.dictionaries(texts, texts | st.integers() | st.booleans() | st.lists(texts)))
def test_every_text_is_read_back_as_the_text_it_was(data: dict[str, Any]) -> None:
    """kubectl reads YAML 1.1, where a plain `on` is true and `1:30` is 90."""
    manifest = {"kind": "ConfigMap", "data": changed(data, {})}
    assert parsed(document(manifest)) == [manifest]
    assert parsed_by_another(document(manifest)) == [manifest]


def test_only_secrets_are_redacted() -> None:
    manifest = {"kind": "ConfigMap", "data": {"genesis.json": "{}"}}
    assert redacted(manifest) is manifest
