"""What `pulumi config set --path` writes, where it has one meaning; and numbers whose unit is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from archipelago.problems import Refused
from tests import cita
from tests.stacks import alpha, plan_of, refusal_of
from tests.world import of_kind

pytestmark = pytest.mark.unit


def test_r25_booleans_and_numbers_are_texts_where_kubernetes_has_only_texts() -> None:
    annotations: dict[str, Any] = {"example.org/internal": True, "example.org/weight": 5}
    plan = plan_of(alpha({"defaults.exposure": {"annotations": annotations}, "defaults.resources": {"cpu": 2}}))
    service = of_kind(plan, "Service")["consortium-quorum-node1"]
    told = service["metadata"]["annotations"]
    assert (told["example.org/internal"], told["example.org/weight"]) == ("true", "5")
    (workload, *_) = of_kind(plan, "StatefulSet").values()
    main = next(each for each in workload["spec"]["template"]["spec"]["containers"] if each["name"] == "quorum")
    assert main["resources"]["requests"]["cpu"] == "2"


@pytest.mark.parametrize(("written", "made"), [(0.5, "0.5"), (2, "2"), (1.0, "1.0"), ("250m", "250m")])
def test_r25_a_quantity_may_be_a_number(written: Any, made: str) -> None:
    plan = plan_of(alpha({"defaults.resources": {"cpu": written}}))
    assert plan.nodes[0].containers[0].resources.cpu == made


@pytest.mark.parametrize("written", [True, [1], None, {}])
def test_r25_what_has_no_one_meaning_is_refused(written: Any) -> None:
    (problem,) = refusal_of(alpha({"nodes.quorum-node1.resources": {"cpu": written}}))
    assert problem.path == "nodes.quorum-node1.resources.cpu"


def test_r43_a_time_in_seconds_is_not_taken_for_milliseconds() -> None:
    with pytest.raises(Refused) as refused:
        cita.settings_of(cita.local({"network.genesis.timestamp": 1618560000}))
    (problem,) = refused.value.problems
    assert problem.path == "network.genesis.timestamp"
    assert "counted in milliseconds" in problem.message
