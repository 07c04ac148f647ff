"""Rendered manifests and URNs of both example stacks, against files: a reviewer sees what a change deploys."""

from __future__ import annotations

import base64
import copy
import difflib
from collections.abc import Iterator
from typing import Any

import pytest

from archipelago.manifests.common import GENESIS, Manifest
from archipelago.manifests.stack import manifests
from tests import cita
from tests.components.engine import texts
from tests.golden.examples import STACKS, files, kept, objects, plans

pytestmark = pytest.mark.golden

PUBLIC = {"cert.pem", "tls.crt"}  # in Secrets, beside their keys
SHORTEST = 32  # characters of a line that tells a key; headers of key files are shorter
UPDATE = "If that is meant, write them anew and read the diff: python -m tests.golden.update"


def test_the_example_stacks_render_as_the_golden_files_show() -> None:
    before, after = kept(), dict(files())
    assert "cluster-a/StatefulSet-consortium-quorum-node1.yaml" in before
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
        assert added - {"PodDisruptionBudget"} == {"ConfigMap", "NetworkPolicy", "StatefulSet"}


def test_what_is_in_a_secret_is_in_no_other_object() -> None:
    """Of every kind of chain: files of several lines are looked for line by line, so that no escape hides them."""
    for folder, plan in plans().items():
        listed = list(manifests(plan))
        others = "\n".join(text for each in listed if each["kind"] != "Secret" for text in texts(each))
        private = {line for each in listed if each["kind"] == "Secret" for line in _lines(each)}
        assert len(private) >= 2 * len(plan.nodes)
        assert not [f"{folder}: {line[:8]}…" for line in private if line in others]


def _lines(secret: Manifest) -> Iterator[str]:
    """The secret content of a Secret, as it is and in base64."""
    for name, text in secret.get("stringData", {}).items():
        if name not in PUBLIC:
            lines = (*text.splitlines(), base64.b64encode(text.encode()).decode())
            yield from (line for line in lines if len(line) >= SHORTEST)
