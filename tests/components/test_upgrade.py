"""The plan over what 3f51e16 registered, as that program's own tests recorded it: nothing that holds data is replaced.

`stack_of_3f51e16.json` has the resources and outputs of alpha with two nodes, and beta's outputs; seeds are throw-away.
What the engine and a cluster make of it is shown by `make test-soak`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.components.harness import HERE, Run, run
from tests.components.runs import A, B
from tests.stacks import GONE, alpha

pytestmark = pytest.mark.components

BEFORE: dict[str, Any] = json.loads((Path(__file__).parent / "stack_of_3f51e16.json").read_text())
WERE: dict[str, dict[str, Any]] = {each["urn"]: each["inputs"] for each in BEFORE["resources"]}
RETAINED = {each["urn"] for each in BEFORE["resources"] if each["retain"]}
OWNER = "alpha.cluster-a.76f15287"
DEPLOYMENT, STATEFUL_SET = "kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:StatefulSet"


@cache
def after() -> Run:
    """This program's first run of that stack."""
    met = replace(HERE, owners=frozenset({(OWNER, "")}))
    made = run(alpha({"nodes.quorum-node3": GONE}), {A: BEFORE["outputs"], B: BEFORE["partner"]}, met=met, slow=True)
    assert made.exit_code == 0, made.errors
    return made


def now() -> dict[str, dict[str, Any]]:
    return {each.urn: each.inputs for each in after().resources if each.custom}


def test_upgrade_from_3f51e16_every_resource_goes_on_and_only_workloads_change_their_kind() -> None:
    kept = WERE.keys() & now().keys()
    gone = WERE.keys() - kept
    assert {each.replace(DEPLOYMENT, STATEFUL_SET) for each in gone} <= now().keys()
    assert all(DEPLOYMENT in each for each in gone)
    assert {each.aliases for each in after().of("StatefulSet").values()} == {(DEPLOYMENT,)}
    made = now().keys() - {each.replace(DEPLOYMENT, STATEFUL_SET) for each in WERE}
    assert {each.rpartition("::")[2] for each in made} == {"consortium-validators"}
    assert {each.urn for each in after().resources if each.retain_on_delete} >= RETAINED


def test_upgrade_from_3f51e16_changes_nothing_that_would_replace_an_object() -> None:
    """Another name, namespace, class or selector, or another name of the cluster in the provider."""
    for urn, were in WERE.items():
        if (inputs := now().get(urn)) is None:
            continue
        if "pulumi:providers" in urn:
            assert inputs["clusterIdentifier"] == were["clusterIdentifier"] == OWNER
            continue
        for key in ("name", "namespace"):
            assert inputs["metadata"].get(key) == were["metadata"].get(key)
        assert inputs["metadata"]["labels"].items() >= were["metadata"]["labels"].items()
        if inputs["kind"] != "NetworkPolicy":  # it is a list of whom nodes dial
            assert inputs.get("spec") == were.get("spec"), urn


def test_upgrade_from_3f51e16_keeps_keys_lists_and_what_partners_know() -> None:
    for urn, were in WERE.items():
        for key in ("stringData", "data"):
            if were.get(key) and urn in now():
                assert now()[urn][key] == {name: _today(text) for name, text in were[key].items()}, urn
    assert after().outputs["partners"] == BEFORE["outputs"]["partners"]
    proofless = [
        {key: value for key, value in node.items() if key != "proof"} for node in after().outputs["externalNodes"]
    ]
    assert proofless == BEFORE["outputs"]["externalNodes"]
    assert after().outputs["owner"] == OWNER
    assert after().outputs["network"]["genesis"] == BEFORE["outputs"]["network"]["genesis"]


def _today(text: str) -> str:
    """A file without the word that this Tessera does not know."""
    return text.replace('      "enabled": true,\n', "")


def test_upgrade_from_3f51e16_one_node_after_another() -> None:
    first, second = (after().named("StatefulSet", f"consortium-quorum-node{number}") for number in (1, 2))
    assert first.urn in after().waited(second.urn)
    keys = after().named("Secret", "consortium-quorum-node2-identity")
    assert first.urn in after().waited(keys.urn)
