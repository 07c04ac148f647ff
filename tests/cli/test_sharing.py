"""Shared secrets between organisations that have no backend in common: what is sealed travels in the exported file."""

from __future__ import annotations

from typing import Any

import pytest

import cli.running
from archipelago.chains.contract import Ask
from archipelago.chains.registry import CHAINS
from archipelago.model.record import is_signed
from cli.load import written
from cli.running import told_by_cluster
from cli.stacks import StackFile
from operate.cluster import Unreachable
from tests.cli.conftest import Project
from tests.sharing import KIND, SHARING, key_of, organisation, plan_of
from tests.stacks import changed, seed

pytestmark = pytest.mark.unit

PINNED = {"nodes.one.exposure": {"ports": {"swarm": 30401}}}
BY_HAND = {"nodes.one.key": "secret theirs"}


@pytest.fixture
def apart(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """alpha and beta, each of whom knows the other by a file that may not be there yet."""
    monkeypatch.setitem(CHAINS, KIND, SHARING)
    for name, other, stack in (("alpha", "beta", "cluster-a"), ("beta", "alpha", "cluster-b")):
        write(project, stack, organisation(name, {**PINNED, "partners": {other: partner(other)}}))
    return project


def partner(name: str) -> dict[str, Any]:
    return {"file": f"{name}.json", "required": False}


def write(project: Project, stack: str, config: dict[str, Any]) -> None:
    listed = {f"archipelago:{key}": value for key, value in config.items() if key != "identitySeed"}
    project.write(f"Pulumi.{stack}.yaml", {"config": listed})


def test_a_key_travels_in_files_and_validate_checks_them(apart: Project) -> None:
    a, b = (str(apart.folder / f"{name}.json") for name in ("alpha", "beta"))
    first = apart.seeded("export", "cluster-b", "--predict", "--out", b)
    assert (first.code, "the stack waits for alpha: the key of swarm archive" in first.said) == (0, True)
    assert "without a genesis" not in first.said
    assert apart.seeded("export", "cluster-a", "--predict", "--out", a).code == 0
    given = apart.seeded("export", "cluster-a", "--predict").json
    assert is_signed(given)
    assert given["sealed"].keys() == {"beta"}
    assert given["sealingKey"].startswith("x25519:")
    assert apart.seeded("validate", "cluster-b").code == 0
    rendered = apart.seeded("render", "cluster-b")
    assert "kind: Deployment" in rendered.out
    assert key_of(plan_of(organisation("alpha"))) not in rendered.said + str(given)
    given["sealed"]["beta"]["swarm/archive"] += "A"
    apart.write("alpha.json", given)
    refused = apart.seeded("validate", "cluster-b")
    assert (refused.code, "carries no valid signature" in refused.said) == (1, True)


def test_a_network_that_nobody_founds_is_drawn_without_a_genesis(apart: Project) -> None:
    drawn = apart.seeded("picture", "cluster-b")
    assert (drawn.code, "genesis" in drawn.out) == (0, False)
    assert "waits for alpha: the key of swarm archive" in drawn.out


def test_a_node_that_waits_is_named_and_the_others_are_rendered(apart: Project) -> None:
    nodes = {"nodes.mine": {"key": "generate", "swarm": "mine", "exposure": {"ports": {"swarm": 30402}}}}
    write(apart, "cluster-b", organisation("beta", {**PINNED, **nodes, "partners": {"alpha": partner("alpha")}}))
    ran = apart.seeded("render", "cluster-b")
    assert "no workload of one: the stack waits for alpha: the key of swarm archive" in ran.err
    assert "name: research-mine\n" in ran.out.partition("kind: Deployment")[2]


def test_commands_that_need_no_cluster_say_what_they_did_not_ask(apart: Project) -> None:
    config = organisation("alpha", {**PINNED, **BY_HAND, "partners": {}})
    write(apart, "cluster-a", config)
    ran = apart.seeded("render", "cluster-a")
    assert "no cluster was asked for Secret research/theirs" in ran.err


@pytest.mark.parametrize("there", [True, False])
def test_commands_about_what_runs_ask_the_cluster_and_go_on_without_one(
    apart: Project, monkeypatch: pytest.MonkeyPatch, there: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    class Client:
        def close(self) -> None: ...

    def connect(_cluster: object) -> Client:
        if there:
            return Client()
        raise Unreachable("it sleeps")

    monkeypatch.setattr(cli.running, "connect", connect)
    answer = {"data": {"swarm-key": "YnkgaGFuZA=="}}
    monkeypatch.setattr(cli.running, "given", lambda _client, asks: dict.fromkeys(asks, answer))
    config = changed(organisation("alpha"), BY_HAND) | {"identitySeed": seed("alpha"), "partners": {}}
    write(apart, "cluster-a", config)
    file = StackFile("cluster-a", apart.folder / "Pulumi.cluster-a.yaml")
    plan = written(file, config, ask=told_by_cluster).plan()
    assert [node.runs for node in plan.nodes] == [there]
    assert plan.unasked == (() if there else (Ask("Secret", "research", "theirs"),))
    assert ("does not tell of Secret research/theirs: it sleeps" in capsys.readouterr().err) is not there
