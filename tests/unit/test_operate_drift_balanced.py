"""What a cluster chooses for a load balancer is no drift: NodePorts that nobody dials."""

from __future__ import annotations

import pytest

from archipelago.model.endpoint import Endpoint, Exposed
from operate.drift import settled
from tests.stacks import alpha, plan_of
from tests.world import of_kind

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("kind", "pinned"), [(Exposed.LOAD_BALANCER, None), (Exposed.NODE_PORT, 31001)])
def test_only_a_node_port_that_partners_dial_is_wanted_again(kind: Exposed, pinned: int | None) -> None:
    plan = plan_of(alpha({"nodes.quorum-node2.exposure": {"type": str(kind)}}))
    ends = {
        name: Endpoint(host="198.51.100.9", port=number, exposure=str(kind))
        for name, number in (("p2p", pinned or 30303), ("tessera", 31002 if pinned else 9001))
    }
    records = tuple(
        record.model_copy(update={"endpoints": ends if record.name == "quorum-node2" else record.endpoints})
        for record in plan.records
    )
    service = of_kind(settled(plan, records), "Service")["consortium-quorum-node2"]
    ports = {each["name"]: each for each in service["spec"]["ports"]}
    assert ports["p2p"].get("nodePort") == pinned
