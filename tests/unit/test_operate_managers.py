"""Fields that managers of lost states own are the one manager's, and no others' fields are."""

from __future__ import annotations

from typing import Any

import pytest

from archipelago.manifests.common import managed
from operate.managers import one_manager

pytestmark = pytest.mark.unit


def entry(manager: str, fields: dict[str, Any], operation: str = "Apply", time: str = "2026-01-01") -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        "time": time,
    }


ONE = entry("pulumi-kubernetes-12345678", {"f:data": {"f:a": {}, "f:old": {}}})
TWO = entry("pulumi-kubernetes-abcdef01", {"f:data": {".": {}, "f:a": {}}, "f:type": {}}, time="2026-02-01")
NOW = entry("archipelago", {"f:data": {"f:new": {}}}, time="2026-03-01")
OTHERS = [
    entry("kubectl-edit", {"f:data": {"f:b": {}}}, "Update"),
    entry("kube-controller-manager", {"f:status": {}}, "Update") | {"subresource": "status"},
    entry("somebody", {"f:data": {"f:c": {}}}),
]


def test_rb1_managers_that_were_drawn_become_the_one_with_all_their_fields() -> None:
    *others, ours = one_manager([ONE, OTHERS[0], TWO, *OTHERS[1:], NOW])
    assert others == OTHERS
    assert (ours["manager"], ours["operation"], ours["time"]) == ("archipelago", "Apply", "2026-03-01")
    assert ours["fieldsV1"] == {"f:data": {".": {}, "f:a": {}, "f:old": {}, "f:new": {}}, "f:type": {}}
    assert ONE["fieldsV1"] == {"f:data": {"f:a": {}, "f:old": {}}}, "what was read is left as it is"


@pytest.mark.parametrize("entries", [[], OTHERS, [NOW], [*OTHERS, NOW]])
def test_rb1_where_no_run_of_a_lost_state_has_written_nothing_changes(entries: list[dict[str, Any]]) -> None:
    assert one_manager(entries) is entries


def test_upgrade_from_3f51e16_a_definition_keeps_the_manager_that_its_state_has() -> None:
    """It is updated by PUT, so that the one manager would own nothing of it when the drawn one is given up."""
    told = {
        kind: managed({"kind": kind, "metadata": {"name": "one"}})["metadata"]["annotations"].keys()
        for kind in ("CustomResourceDefinition", "ConfigMap")
    }
    assert told["CustomResourceDefinition"] == {"pulumi.com/patchForce"}
    assert told["ConfigMap"] == {"pulumi.com/patchForce", "pulumi.com/patchFieldManager"}
