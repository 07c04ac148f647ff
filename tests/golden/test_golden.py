"""Rendered manifests and URNs of both example stacks, against files: a reviewer sees what a change deploys."""

from __future__ import annotations

import copy
import difflib
from typing import Any

import pytest

from archipelago.manifests.common import GENESIS
from tests import cita
from tests.golden.examples import STACKS, files, kept, objects

pytestmark = pytest.mark.golden

UPDATE = "If that is meant, write them anew and read the diff: python -m tests.golden.update"


def test_the_example_stacks_render_as_the_golden_files_show() -> None:
    before, after = kept(), dict(files())
    assert "cluster-a/Deployment-consortium-quorum-node1.yaml" in before
    told = [f"{path} is no longer rendered" for path in sorted(before.keys() - after.keys())]
    for path, content in sorted(after.items()):
        old = before.get(path)
        if old is None:
            told.append(f"{path} is rendered and not kept")
        elif old != content:
            lines = difflib.unified_diff(
                old.splitlines(), content.splitlines(), f"kept/{path}", f"now/{path}", "", "", 3, ""
            )
            told.append("\n".join(lines))
    if told:
        pytest.fail("\n\n".join([*told, UPDATE]), pytrace=False)


def test_a_golden_file_reads_back_as_the_object_it_shows() -> None:
    for path, found in objects().items():
        kind, _, name = path.partition("/")[2].removesuffix(".yaml").partition("-")
        metadata = found["metadata"]
        assert found["kind"] == kind
        assert name in (metadata["name"], f"{metadata.get('namespace')}.{metadata['name']}")


def test_a_waiting_stack_is_a_settled_one_without_genesis_files_and_workloads() -> None:
    """So that the run that founds only adds; a claim is then told whose blocks it holds."""
    listed = copy.deepcopy(dict(objects()))
    for each in listed.values():
        each["metadata"].get("annotations", {}).pop(GENESIS, None)

    def below(folder: str) -> dict[str, Any]:
        return {path.partition("/")[2]: each for path, each in listed.items() if path.startswith(f"{folder}/")}

    for stack in (*STACKS.values(), *cita.STACKS.values()):
        waiting, settled = below(f"{stack}-waiting"), below(stack)
        assert waiting.items() <= settled.items()
        added = {path.partition("-")[0] for path in settled.keys() - waiting.keys()}
        assert added == {"ConfigMap", "NetworkPolicy", "Deployment"}
