"""What all nodes of a CITA-Cloud chain need alike, and chain.json does not hold to."""

from __future__ import annotations

from typing import Any

import pytest

from tests import cita
from tests.stacks import changed
from tests.world import World

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("key", "value"), [("enableTls", False), ("blockDelay", 5), ("images", "v4.0.0")], ids=["TLS", "delay", "release"]
)
def test_what_no_chain_file_says_and_partners_have_otherwise_is_told_on_both_sides(key: str, value: Any) -> None:
    kinds = {"controller": "controller", "executor": "executor_evm", "network": "network_p2p"}
    kinds |= {"consensus": "consensus_raft", "kms": "kms_sm", "storage": "storage_rocksdb"}
    named = {role: {"kind": kind, "image": f"registry.example/{kind}:v4.0.0"} for role, kind in kinds.items()}
    services = {"network.services": named} if key == "images" else {}
    for change, count in (({}, 0), ({f"network.{key}": value, **services}, 1)):
        made = World(cita.plan_of, alpha=cita.founder(), beta=changed(cita.joiner(), change))
        made.up(*["alpha", "beta"] * 3)
        for plan in made.plans.values():
            told = [each for each in plan.warnings if "than those of this stack" in each]
            assert len(told) == count, plan.warnings
            assert all(f"have another {key} than" in each and f"archipelago:network.{key}" in each for each in told)
