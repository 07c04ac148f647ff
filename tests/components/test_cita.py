"""The real `__main__.py` on stacks of CITA-Cloud: identities and Services in the first round, then the chain."""

from __future__ import annotations

import base64
import json
from functools import cache

import pytest

from tests import cita
from tests.components.harness import Run, run
from tests.components.runs import A, B
from tests.stacks import GONE, Config, changed, seed
from tests.world import World

pytestmark = pytest.mark.components

DERIVED = {"defaults.kmsPassword": GONE}  # a stack file that names one seals it


def alpha() -> Config:
    return changed(cita.founder(), DERIVED)


def beta() -> Config:
    return changed(cita.joiner(), DERIVED)


@cache
def rounds() -> tuple[Run, Run, Run, Run]:
    """alpha, beta, alpha, beta."""
    first = run(alpha())
    waiting = run(beta(), {A: first.outputs}, name="cluster-b")
    second = run(alpha(), {A: first.outputs, B: waiting.outputs})
    joined = run(beta(), {A: second.outputs, B: waiting.outputs}, name="cluster-b")
    return first, waiting, second, joined


def kinds(given: Run) -> dict[str, int]:
    """How many Kubernetes objects of each kind."""
    found = [each.kind for each in given.resources if each.type.startswith("kubernetes:")]
    return {kind: found.count(kind) for kind in sorted(set(found))}


def test_the_first_round_makes_identities_and_services_and_waits_for_the_chain() -> None:
    first, waiting, *_ = rounds()
    assert (first.exit_code, first.errors, first.outputs["waitingFor"]) == (0, (), ["beta/node0"])
    assert kinds(first).keys() == {"Namespace", "PersistentVolumeClaim", "Secret", "Service"} | {"NetworkPolicy"}
    assert any("Waiting for beta/node0" in each for each in first.warnings)
    assert waiting.outputs["waitingFor"]
    assert not waiting.of("StatefulSet")
    assert [each["index"] for each in waiting.outputs["externalNodes"]] == [3]


def test_the_second_round_brings_the_chain_to_both() -> None:
    *_, second, joined = rounds()
    assert list(second.of("StatefulSet")) == ["test-chain-0", "test-chain-1", "test-chain-2"]
    assert list(joined.of("StatefulSet")) == ["test-chain-3"]
    for given in (second, joined):
        assert (given.exit_code, given.errors, given.outputs["waitingFor"]) == (0, (), [])
    assert second.outputs["network"]["genesis"] == joined.outputs["network"]["genesis"] != ""
    assert second.outputs["network"]["genesisHash"] == joined.outputs["network"]["genesisHash"]


def test_the_third_round_changes_nothing() -> None:
    *_, second, joined = rounds()
    again = run(alpha(), {A: second.outputs, B: joined.outputs})
    assert again.outputs == second.outputs
    assert {each.urn: each.inputs for each in again.resources} == {each.urn: each.inputs for each in second.resources}


def test_a_pod_comes_after_what_it_mounts_and_after_its_services() -> None:
    """The services look their peers' names up once, when they start."""
    given = rounds()[2]
    for name, each in given.of("StatefulSet").items():
        services = [given.named("Service", service).urn for service in (name, f"all-{name}")]
        mounted = [
            given.named("ConfigMap", name), given.named("ConfigMap", "test-chain-peers"),
            given.named("Secret", f"{name}-identity"), given.named("PersistentVolumeClaim", f"{name}-data"),
        ]  # fmt: skip
        assert {*services, *(resource.urn for resource in mounted)} <= each.depends_on


def test_private_files_are_in_secrets_and_in_nothing_else() -> None:
    world = World(alpha=alpha(), beta=beta())
    world.up("alpha", "beta", "alpha", "beta")
    for organisation, given in (("alpha", rounds()[2]), ("beta", rounds()[3])):
        secrets = given.of("Secret").values()
        assert all(each.secret == {("stringData",)} for each in secrets)
        assert given.secret_outputs == frozenset()
        opened = json.dumps([each.inputs for each in secrets])
        plain = json.dumps([each.inputs for each in given.resources if each.kind != "Secret"])
        plain += json.dumps(given.outputs) + " ".join((*given.errors, *given.warnings))
        assert seed(organisation) not in plain
        for node in world.plans[organisation].nodes:
            for text in node.private_files.values():
                assert json.dumps(text)[1:-1] in opened, "the test looks away"
                assert json.dumps(text)[1:-1] not in plain
                assert base64.b64encode(text.encode()).decode() not in plain


def test_a_balanced_node_with_a_base_of_its_own_is_exported_at_the_ports_that_the_balancer_has() -> None:
    """Partners were told the ports of the container, at which no load balancer listens."""
    balanced = changed(alpha(), {"nodes.node0.exposure": {"type": "LoadBalancer"}, "nodes.node0.portBase": 31000})
    made = run(balanced)
    service = made.named("Service", "all-test-chain-0").inputs["spec"]
    numbers = {each["name"]: each["port"] for each in service["ports"]}
    ends = next(each for each in made.outputs["externalNodes"] if each["name"] == "node0")["endpoints"]
    assert {name: end["port"] for name, end in ends.items()} == numbers
    assert numbers["network"] == 31000
