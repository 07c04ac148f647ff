"""Files that follow from the code are as the code would write them, and the schema agrees with the models."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from archipelago.chains.registry import CHAINS
from archipelago.settings.reference import keys
from archipelago.settings.schema import schema
from cli.commands import PLACES
from cli.generated import PICTURE, REFERENCE, ROOT, generated
from cli.generated import SCHEMA as SCHEMA_FILE
from cli.main import app
from tests.cli.conftest import RUNNER, Project
from tests.stacks import changed, problems_of, seed

pytestmark = pytest.mark.unit

SCHEMA = schema(CHAINS)
VALIDATOR = Draft202012Validator(SCHEMA)
EXAMPLES = ("cluster-a", "cluster-b")
SEED = {"secure": "AAAB"}


def read_yaml(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def errors(document: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(document)]


def example(stack: str, changes: dict[str, Any] | None = None) -> Any:
    """An example stack file with its seed, changed by path below `archipelago:`."""
    document = read_yaml((ROOT / f"Pulumi.{stack}.yaml").read_text())
    document["config"]["archipelago:identitySeed"] = SEED
    return {
        **document,
        "config": changed(document["config"], {f"archipelago:{k}": v for k, v in (changes or {}).items()}),
    }


def settings(document: Any) -> dict[str, Any]:
    """What the program reads of it."""
    config = copy.deepcopy({key.removeprefix("archipelago:"): value for key, value in document["config"].items()})
    return config | {"identitySeed": seed("alpha")}


def test_generated_files_are_up_to_date() -> None:
    made = generated()
    assert set(made) == {SCHEMA_FILE, REFERENCE, PICTURE}
    for path, text in made.items():
        assert (ROOT / path).read_text() == text, f"{path}: write it with python -m cli.generated"


def test_the_command_prints_the_committed_schema(project: Project) -> None:
    assert project  # a clean environment
    assert RUNNER.invoke(app, ["schema"]).stdout == (ROOT / SCHEMA_FILE).read_text()


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("stack", EXAMPLES)
def test_the_examples_are_valid_and_name_the_schema(stack: str) -> None:
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text()
    assert errors(read_yaml(text)) == []
    assert text.startswith("# yaml-language-server: $schema=schema/stack.schema.json\n")


@pytest.mark.parametrize(
    "changes",
    [
        {"nodes": {"quorum-node1": None}},
        {"network.privacy": "none", "nodes": {"quorum-node1": {}}},
        {"nodes.quorum-node2": {"identity": {"nodekey": {"secure": "AAAB"}}}},
        {"partners.gamma": {"file": "gamma.json", "key": f"ed25519:{'00' * 32}", "minNodes": 2}},
    ],
)
def test_what_the_program_takes_the_schema_takes(changes: dict[str, Any]) -> None:
    document = example("cluster-a", changes)
    assert errors(document) == []
    opened = settings(document)
    if isinstance(opened["nodes"].get("quorum-node2"), dict) and "identity" in opened["nodes"]["quorum-node2"]:
        opened["nodes"]["quorum-node2"]["identity"]["nodekey"] = seed("beta")
    assert problems_of(opened) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"organisatoin": "alpha"},
        {"organisation": "Alpha"},
        {"cluster.adress": "203.0.113.10"},
        {"network.kind": "bitcoin"},
        {"network.chainID": 1000},
        {"network.chainId": 0},
        {"network.version": 22.1},
        {"network.version": "v22.7.4"},
        {"network.consensus": "raft"},
        {"network.joins": "beta"},
        {"network.founder": False},
        {"network.genesis": {"blockPeriod": 0}},
        {"network.genesis": {"alloc": {"alice": "1"}}},
        {"defaults.storage.size": "20 GB"},
        {"nodes.Quorum_1": {}},
        {"nodes.quorum-node1.exposure.ports.p2p": 65536},
        {"cluster.nodePorts": "30000"},
        {"network.images.goquorum": "quorumengineering/quorum:22.7.4"},
        {"defaults.resources.memory": "512m"},
        {"nodes.quorum-node1.exposure.type": "Ingress"},
        {"nodes.quorum-node1.validator": "sometimes"},
        {"partners.beta": {}},
        {"partners.beta": {"stack": "o/p/s", "file": "b.json"}},
        {"partners.beta.requird": False},
    ],
    ids=str,
)
def test_what_the_program_refuses_the_schema_refuses(changes: dict[str, Any]) -> None:
    document = example("cluster-a", changes)
    assert errors(document)
    assert problems_of(settings(document))


def test_a_secret_in_plain_text_is_marked_in_the_editor() -> None:
    assert errors(example("cluster-a", {"identitySeed": seed("alpha")}))
    assert errors(example("cluster-a", {"nodes.quorum-node1.identity": {"account": seed("alpha")}}))


def test_other_namespaces_and_pulumis_own_keys_are_none_of_its_business() -> None:
    document = example("cluster-a") | {"encryptionsalt": "v1:…", "secretsprovider": "awskms://…"}
    document["config"]["kubernetes:context"] = "other"
    assert errors(document) == []


def blocks() -> list[Any]:
    """The YAML of the reference's examples."""
    text = (ROOT / REFERENCE).read_text()
    return [read_yaml(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def test_every_whole_example_of_the_reference_is_valid() -> None:
    whole = [block for block in blocks() if isinstance(block, dict) and "config" in block]
    assert len(whole) == 2
    for block in whole:
        assert errors(block) == []
        assert problems_of(settings(block)) == ()


def test_every_part_of_the_reference_says_what_the_program_knows() -> None:
    """Placeholders apart, a fragment that a reader copies into an example is taken."""
    parts = [block for block in blocks() if isinstance(block, dict) and "config" not in block]
    keyed = [part for part in parts if all(key.startswith("archipelago:") for key in part)]
    assert len(keyed) == 8
    for part in keyed:
        document = example("cluster-a")
        document["config"] |= part
        found = [each for each in errors(document) if "genesisHash" not in each]
        assert [each for each in found if "…" not in each] == []


def test_the_reference_names_every_key_of_every_section() -> None:
    text = (ROOT / REFERENCE).read_text()
    for section in ("stack", "cluster", "network goquorum", "nodes goquorum", "partners"):
        found = keys(SCHEMA, section)
        assert found
        assert all(f"| `{each.name}` |" in text and each.meaning for each in found), section


def test_every_command_has_a_section_in_the_manual_and_help_with_an_example() -> None:
    manual = (ROOT / "docs/cli.md").read_text()
    for name in [name for name, place in PLACES.items() if place.attribute != "app"]:
        assert f"## archipelago {name}" in manual
        shown = RUNNER.invoke(app, [name, "--help"])
        assert shown.exit_code == 0
        assert f"archipelago {name}" in shown.stdout.split("Example:")[1]
