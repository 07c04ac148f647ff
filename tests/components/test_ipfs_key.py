"""A swarm's key through the whole program: sealed on the way, one Secret at the end, no secret output."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.components.harness import Run, run
from tests.components.runs import A, B
from tests.ipfs import alpha, beta, plan_of

pytestmark = pytest.mark.components

IDENTITY = "public-archive-ss-identity"


def test_the_key_of_a_swarm_crosses_two_stacks_in_a_b_a_b_and_then_nothing_changes() -> None:
    stacks: dict[str, Any] = {}

    def up(stack: str) -> Run:
        config, name = (alpha(), "cluster-a") if stack == A else (beta(), "cluster-b")
        ran = run(config, stacks, name=name, sealed=("identitySeed",))
        assert (ran.exit_code, ran.secret_outputs) == (0, frozenset())
        stacks[stack] = ran.outputs
        return ran

    up(A)
    waiting = up(B)
    assert waiting.outputs["waitingFor"] == ["alpha: the key of swarm archive"]
    assert waiting.of("StatefulSet") == {}
    up(A)
    joined = up(B)
    assert joined.outputs["waitingFor"] == []
    assert len(joined.of("StatefulSet")) == 1
    key = plan_of(alpha()).nodes[0].private_files["swarm.key"]
    assert joined.named("Secret", IDENTITY).inputs["stringData"]["swarm.key"] == key
    assert key.strip().splitlines()[-1] not in json.dumps(stacks)
    before = dict(stacks)
    up(A)
    up(B)
    assert stacks == before
