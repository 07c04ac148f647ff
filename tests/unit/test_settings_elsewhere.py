"""Configuration that stands in another place than people look: the provider's keys, and the project's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from archipelago.problems import Refused
from archipelago.settings.stack_file import from_file, provider_keys
from tests.components.harness import run
from tests.stacks import alpha

pytestmark = pytest.mark.unit

STACK = "config:\n  archipelago:organisation: alpha\n"


def written(folder: Path, stack: str, project: str = "") -> Path:
    path = folder / "Pulumi.cluster-a.yaml"
    path.write_text(stack)
    if project:
        (folder / "Pulumi.yaml").write_text(project)
    return path


@pytest.mark.parametrize("name", ["context", "kubeconfig", "namespace"])
def test_r10_a_key_of_the_provider_is_refused_with_the_line_to_write(name: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        from_file(written(tmp_path, f"{STACK}  kubernetes:{name}: prod\n"))
    (problem,) = refused.value.problems
    assert problem.path == f"kubernetes:{name}"
    assert f"Write it as archipelago:cluster.{name}" in problem.cure
    assert f"Pulumi.cluster-a.yaml: kubernetes:{name}: " in str(refused.value)


def test_r10_other_programs_keys_are_theirs() -> None:
    assert not list(provider_keys(["aws:region", "kubernetes:renderYamlToDirectory", "archipelago:cluster"]))


def test_r24_the_projects_file_gives_what_all_stacks_share(tmp_path: Path) -> None:
    project = (
        "name: archipelago\nruntime: python\nconfig:\n  archipelago:organisation: everybody\n"
        "  archipelago:defaults: {value: {validator: true}}\n  nodes: {type: object, default: {one: {}}}\n"
        "  typed: {type: string}\n  aws:region: eu-1\n"
    )
    found = from_file(written(tmp_path, STACK, project))
    assert found == {"organisation": "alpha", "defaults": {"validator": True}, "nodes": {"one": {}}}


def test_r24_a_project_without_configuration_gives_nothing(tmp_path: Path) -> None:
    assert from_file(written(tmp_path, STACK, "name: archipelago\nruntime: python\n")) == {"organisation": "alpha"}


def test_r10_up_refuses_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.program.get_config_env", lambda: {"kubernetes:context": "prod"})
    given = run(alpha())
    assert given.exit_code == 32
    assert "kubernetes:context" in given.errors[0]
    assert not given.resources
