"""Secrets that nobody sealed: Git and CI logs keep them for ever, so they are refused where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from archipelago.settings.secrecy import in_plain_text
from archipelago.settings.types import SEALED
from tests.stacks import alpha, seed, settings_of

pytestmark = pytest.mark.unit

KEY = "ab" * 32
NODE = "nodes.quorum-node1.identity"


def test_every_secret_in_plain_text_is_named_and_none_is_repeated() -> None:
    written = alpha({NODE: {"nodekey": KEY, "tessera": KEY}, "nodes.quorum-node2.identity": {"account": KEY}})
    found = list(in_plain_text(settings_of(written), ()))
    paths = ["identitySeed", f"{NODE}.nodekey", f"{NODE}.tessera", "nodes.quorum-node2.identity.account"]
    assert [problem.path for problem in found] == paths
    told = "".join(problem.text("Pulumi.cluster-a.yaml") for problem in found)
    assert KEY not in told
    assert seed("alpha") not in told
    assert all("pulumi config set --secret" in problem.cure for problem in found)


def test_a_secret_in_the_defaults_is_found_too() -> None:
    found = in_plain_text(settings_of(alpha({"defaults.identity": {"nodekey": KEY}, "nodes": {"a": {}}})), ())
    assert "defaults.identity.nodekey" in [problem.path for problem in found]


def test_what_the_engine_calls_secret_as_a_whole_and_what_is_still_sealed_is_no_fault() -> None:
    written = alpha({NODE: {"nodekey": KEY}})
    assert not list(in_plain_text(settings_of(written), {"identitySeed", "nodes"}))
    assert not list(in_plain_text(settings_of(written), {"identitySeed", f"{NODE}.nodekey"}))
    sealed = alpha({"identitySeed": SEALED, NODE: {"nodekey": SEALED}})
    assert not list(in_plain_text(settings_of(sealed), ()))


def test_the_committed_example_stacks_hold_no_secret() -> None:
    for stack in ("cluster-a", "cluster-b"):
        assert (
            "identitySeed:" not in (Path(__file__).parents[2] / f"Pulumi.{stack}.yaml").read_text().split("config:")[1]
        )
