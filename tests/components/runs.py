"""Runs of the program that several tests look at, done once."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.components.harness import Run, run
from tests.stacks import alpha, beta

A, B = "organization/archipelago/cluster-a", "organization/archipelago/cluster-b"
BOTH = {"network.genesis": {"validators": ["quorum-node1", "quorum-node2", "quorum-node3", "beta/quorum-node1"]}}


@cache
def first_a() -> Run:
    """alpha's first `up`; beta's stack is not there."""
    return run(alpha())


@cache
def first_b() -> Run:
    """beta's first `up` after it."""
    return run(beta(), {A: first_a().outputs}, name="cluster-b")


@cache
def second_a() -> Run:
    """alpha's second `up`, which meets beta."""
    return run(alpha(), stacks())


@cache
def waiting_a() -> Run:
    """alpha's `up` that founds together with beta, of whom nothing is known."""
    return run(alpha(BOTH))


def stacks(**changes: Any) -> dict[str, Any]:
    """Both stacks' last outputs after A, B."""
    return {A: first_a().outputs, B: first_b().outputs, **changes}
