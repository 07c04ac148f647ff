"""What was taken of partners before is held to what is known now: pins, rules of hosts, pasted nodes, founders."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from archipelago.model import endpoint
from archipelago.stack.plan import StackPlan
from tests.stacks import alpha, beta, bundle, changed, crossed, floats, outputs_of, plan_of, refusal_of, seed
from tests.unit.test_stack_accepted import met, signed_again
from tests.world import World, of_kind

pytestmark = pytest.mark.unit

METADATA = "168.63.129.16"
THIRD: dict[str, Any] = {"organisation": "gamma", "identitySeed": seed("gamma"), "cluster.address": "192.0.2.30"}


def listed(plan: StackPlan) -> str:
    """Everybody whom the nodes dial or admit, and where the policy lets them."""
    (policy,) = [each for name, each in of_kind(plan, "NetworkPolicy").items() if name == "consortium-peers"]
    return json.dumps(dict(plan.live_files)) + json.dumps(policy["spec"])


def test_a_host_that_is_not_dialled_any_more_does_not_stay_because_it_was_taken_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = met()

    def moved(raw: Any) -> None:
        raw["externalNodes"][0]["endpoints"]["p2p"].update(host=METADATA, port=80)
        raw["network"].update(edition=raw["network"]["edition"] + 1)

    given = signed_again(moved, copy.deepcopy(crossed(world.outputs["beta"])))
    with monkeypatch.context() as earlier:
        earlier.setattr(endpoint, "_METADATA", ())
        plan = plan_of(world.configs["alpha"], {"beta": given}, floats(world.outputs["alpha"]))
    assert METADATA in listed(plan)
    for received in (given, None):
        after = plan_of(world.configs["alpha"], {"beta": received}, floats(outputs_of(plan)))
        assert METADATA not in listed(after)
        assert "198.51.100.20" in listed(after), "the partner's other node stays"
        assert any("1 more are not dialled any more" in each for each in after.warnings)


def test_a_host_of_the_cluster_does_not_stay_when_it_is_no_longer_allowed() -> None:
    allowed = alpha({"partners.beta.allowInside": True})
    world = World(alpha=allowed, beta=beta({"cluster.address": "169.254.169.254"}))
    world.up("alpha", "beta", "alpha")
    assert "169.254.169.254" in listed(world.plans["alpha"])
    world.configs["alpha"] = alpha()
    assert "169.254.169.254" not in listed(world.up("alpha"))


def test_an_edition_that_another_key_has_counted_keeps_nobody_out() -> None:
    world = met()
    right = world.outputs["beta"]
    wrong = World(alpha=alpha(), beta=beta({"identitySeed": seed("mallory"), "cluster.address": "192.0.2.66"}))
    wrong.outputs["alpha"] = world.outputs["alpha"]
    wrong.up("beta")
    network = {**wrong.outputs["beta"]["network"], "edition": 2**50}
    given = {**crossed(wrong.outputs["beta"]), "network": network}
    took = plan_of(alpha(), {"beta": signed_again(lambda _: None, given, "mallory")}, floats(world.outputs["alpha"]))
    assert took.warnings, "it is unpinned: another key is told"
    last = floats(outputs_of(took))
    for config in (alpha(), alpha({"partners.beta.key": right["identities"]["key"]})):
        plan = plan_of(config, {"beta": crossed(right)}, last)
        assert plan.missing == ()
        assert "198.51.100.20" in listed(plan)
        assert "192.0.2.66" not in listed(plan)


def test_of_a_partner_with_another_pin_nothing_stays_that_another_key_gave() -> None:
    world = met()
    other = alpha({"partners.beta.key": f"ed25519:{'ab' * 32}"})
    plan = plan_of(other, {"beta": None}, floats(world.outputs["alpha"]))
    assert "198.51.100.20" not in listed(plan)


@pytest.mark.parametrize("claimed", [("nodeId", "account", "address"), ("endpoints",)], ids=["its key", "its address"])
def test_a_partner_takes_nothing_that_a_pasted_node_has(claimed: tuple[str, ...]) -> None:
    first = {"alpha": bundle(alpha())}
    pasted = outputs_of(plan_of(beta(THIRD), first))["externalNodes"]
    pasted = [{key: value for key, value in each.items() if key != "proof"} for each in pasted]
    world = World(alpha=alpha({"partners.gamma": {"nodes": pasted}}), beta=beta())
    world.up("alpha", "beta", "alpha")
    more = next(each for each in plan_of(beta({"nodes.more": {}}), first).records if each.name == "more").plain()
    more = {key: value for key, value in more.items() if key != "proof"} | {key: pasted[0][key] for key in claimed}

    def claims(raw: Any) -> None:
        raw["externalNodes"].append(more)
        raw["network"].update(edition=raw["network"]["edition"] + 1)

    given = signed_again(claims, copy.deepcopy(crossed(world.outputs["beta"])))
    last = floats(world.outputs["alpha"])
    for _ in range(2):
        plan = plan_of(world.configs["alpha"], {"beta": given}, last)
        assert {each.name: sorted(each.left_out) for each in plan.imports} == {"beta": ["more"], "gamma": []}
        assert dict(plan.live_files) == dict(world.plans["alpha"].live_files)
        last = floats(outputs_of(plan))


def test_a_founder_makes_no_genesis_while_a_partner_says_that_it_runs_another_one(tmp_path: Path) -> None:
    other = plan_of(alpha({"network.genesis": {"gasLimit": 30_000_000}})).genesis
    assert other is not None
    (tmp_path / "genesis.json").write_text(other.text)
    gamma = {"stack": "organization/archipelago/cluster-c", "required": False}
    founder = alpha(
        {"network.genesis": {"validators": ["quorum-node1", "gamma/quorum-node1"]}, "partners.gamma": gamma}
    )
    waits = plan_of(founder)
    joiner = beta({"network.genesisFile": "genesis.json"})
    taken = plan_of(founder, {"beta": bundle(beta())}, floats(outputs_of(waits)))
    assert taken.genesis is None
    runs = bundle_with(joiner, {"alpha": crossed(outputs_of(taken))}, tmp_path)
    received = {"beta": runs, "gamma": bundle(beta(THIRD))}
    (problem,) = refusal_of(founder, received, floats(outputs_of(taken)))
    assert problem.path == "network"
    assert "beta is on chain 1000" in problem.message
    assert plan_of(changed(founder, {"partners.beta.forget": True}), {**received, "beta": None}).genesis


def bundle_with(config: Any, received: Any, root: Path) -> dict[str, Any]:
    """The bundle of a stack whose files are in a folder."""
    return crossed(outputs_of(plan_of(config, received, {}, root)))


def test_an_address_in_another_spelling_is_the_same_address() -> None:
    world = met()
    first = world.plans["alpha"].records[0].endpoints["p2p"]

    def claims(raw: Any) -> None:
        raw["externalNodes"][0]["endpoints"]["p2p"].update(host=f"::ffff:{first.host}", port=first.port)
        raw["network"].update(edition=raw["network"]["edition"] + 1)

    given = signed_again(claims, copy.deepcopy(crossed(world.outputs["beta"])))
    plan = plan_of(world.configs["alpha"], {"beta": given}, floats(world.outputs["alpha"]))
    (partner,) = plan.imports
    assert list(partner.left_out) == ["quorum-node1"], "our address is ours"
