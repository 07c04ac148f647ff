"""Rules that no hash covers: a genesis file with other ones for later blocks, and what nodes are told beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archipelago.manifests.common import RESTART_ON
from archipelago.stack.plan import StackPlan
from tests.stacks import GONE, Config, alpha, beta, changed, crossed, floats, outputs_of, plan_of, refusal_of
from tests.unit.test_stack_accepted import signed_again
from tests.unit.test_stack_standing import run, standing
from tests.world import World, difference, of_kind

pytestmark = pytest.mark.unit

FILE = {"network.genesisFile": "genesis.json"}
TRANSITION = {"block": 1200, "blockperiodseconds": 5}


def met() -> World:
    """alpha and beta, who know each other's nodes."""
    world = World(alpha=alpha(), beta=beta())
    world.up("alpha", "beta", "alpha")
    return world


def written(plan: StackPlan, folder: Path, change: Callable[[Config], object], name: str = "genesis.json") -> str:
    """A running genesis with a change of its config, as a file."""
    assert plan.genesis
    document = json.loads(plan.genesis.text)
    change(document["config"])
    text = json.dumps(document)
    (folder / name).write_text(text)
    return text


LATER: dict[str, Callable[[Config], object]] = {
    "a transition": lambda config: config.update(transitions=[TRANSITION]),
    "a fork": lambda config: config.update(berlinBlock=1200),
    "a size of code": lambda config: config["maxCodeSizeConfig"].append({"block": 1200, "size": 64}),
}


@pytest.mark.parametrize("organisation", ["alpha", "beta"])
@pytest.mark.parametrize("change", LATER.values(), ids=LATER.keys())
def test_c25_rules_of_later_blocks_are_taken_from_the_genesis_file_and_told(
    tmp_path: Path, change: Callable[[Config], object], organisation: str
) -> None:
    """It is the only way to change QBFT's period on a running chain, and the file was passed over without a word."""
    world = met()
    before = world.plans[organisation]
    text = written(before, tmp_path, change)
    received = {name: world.outputs[name] for name in world.outputs if name != organisation}
    config = {"alpha": alpha(FILE), "beta": beta(FILE)}[organisation]
    (last, given) = floats(world.outputs[organisation]), {"alpha": None, "beta": None} | _crossed(received)
    after = plan_of(config, given, last, root=tmp_path)
    assert after.genesis
    assert after.genesis.text == text
    assert any("from block 1200 on" in each and "shows the height" in each for each in after.warnings), after.warnings
    restarted = {name for kind, name in difference(before, after) if kind == "StatefulSet"}
    assert len(restarted) == len(after.nodes), "geth reads its rules when it starts"
    again = plan_of(config, given, floats(outputs_of(after)), root=tmp_path)
    assert difference(after, again) == set()
    assert not any("brings other rules" in each for each in again.warnings)


def test_c25_the_partners_that_have_not_followed_yet_are_told_and_kept(tmp_path: Path) -> None:
    world = met()
    before = world.plans["beta"]
    written(world.plans["alpha"], tmp_path, LATER["a transition"])
    after = plan_of(alpha(FILE), _crossed({"beta": world.outputs["beta"]}), floats(world.outputs["alpha"]), tmp_path)
    assert any("Partner beta and this stack have other rules from block 1200" in each for each in after.warnings)
    joiner = plan_of(beta(), _crossed({"alpha": outputs_of(after)}), floats(world.outputs["beta"]))
    assert difference(before, joiner) == set(), "no partner changes the rules of our nodes"
    (warning,) = (each for each in joiner.warnings if "other rules" in each)
    assert "names it in archipelago:network.genesisFile before block 1200" in warning


@pytest.mark.parametrize(
    "entries", [[TRANSITION] * 2, [{**TRANSITION, "blockperiodseconds": 7}, TRANSITION], [{"block": 5}, TRANSITION]]
)
def test_c25_a_partner_with_any_list_of_rules_is_told_and_stops_nothing(entries: list[Config], tmp_path: Path) -> None:
    """Twice the same, or two of one block in another order: geth goes by the last one."""
    world = met()
    written(world.plans["alpha"], tmp_path, LATER["a transition"])
    mine = plan_of(alpha(FILE), last=floats(world.outputs["alpha"]), root=tmp_path)
    text = written(world.plans["beta"], tmp_path, lambda config: config.update(transitions=entries), "theirs.json")
    given = signed_again(lambda raw: raw["network"].update(genesis=text), crossed(world.outputs["beta"]))
    plan = plan_of(alpha(FILE), {"beta": given}, floats(outputs_of(mine)), root=tmp_path)
    assert any("Partner beta and this stack have other rules from block" in each for each in plan.warnings)
    assert len(plan.imports[0].nodes) == 2


WRONG: dict[str, tuple[Callable[[Config], object], str]] = {
    "another epoch": (lambda config: config["ibft"].update(epochlength=5), "other rules from block 0 on"),
    "a transition at block 0": (
        lambda config: config.update(transitions=[{"block": 0, "blockperiodseconds": 5}]), "from block 0 on",
    ),
    "a fork taken out": (lambda config: config.pop("istanbulBlock"), "from block 0 on"),
    "a chain id": (lambda config: config.update(chainId=7), "network.genesisFile"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("organisation", ["alpha", "beta"])
def test_c25_rules_from_block_0_on_are_refused_and_never_passed_over(
    tmp_path: Path, name: str, organisation: str
) -> None:
    world = met()
    change, words = WRONG[name]
    written(world.plans[organisation], tmp_path, change)
    config = {"alpha": alpha(FILE), "beta": beta(FILE)}[organisation]
    found = refusal_of(config, {"alpha": None, "beta": None}, floats(world.outputs[organisation]), root=tmp_path)
    assert "network.genesisFile" in {each.path for each in found}
    assert any(words in f"{each.path} {each.message}" for each in found)


def test_c25_another_spelling_of_the_same_rules_changes_nothing(tmp_path: Path) -> None:
    world = met()
    before = world.plans["alpha"]
    written(before, tmp_path, lambda config: config.update(transitions=[]))
    given = _crossed({"beta": world.outputs["beta"]})
    assert difference(before, plan_of(alpha(FILE), given, floats(world.outputs["alpha"]), tmp_path)) == set()


def test_c25_a_release_that_passes_transitions_over_is_refused(tmp_path: Path) -> None:
    old = {"network.version": "21.10.2"}
    first = plan_of(alpha(old))
    written(first, tmp_path, LATER["a transition"])
    found = refusal_of(alpha({**old, **FILE}), last=floats(outputs_of(first)), root=tmp_path)
    assert {each.path for each in found} == {"network.version"}


QUBERNETES = {"network.version": "21.7.1", "network.consensus": GONE, "network.chainId": GONE}


def qubernetes(folder: Path) -> None:
    """A genesis as Qubernetes writes it: no period, which each node is told by --istanbul.blockperiod."""
    plan = plan_of(alpha({"network.version": "21.7.1"}))
    engine = {"epoch": 30000, "policy": 0, "ceil2Nby3Block": 0}
    written(plan, folder, lambda config: config.update(istanbul=engine))


def period(plan: StackPlan) -> str:
    command = plan.nodes[0].containers[0].command
    return command[command.index("--istanbul.blockperiod") + 1]


def test_s9_a_joiner_has_the_period_that_its_founders_nodes_are_told(tmp_path: Path) -> None:
    """With the default of 3 its blocks would be refused, and it would refuse none of the others: a silent fork."""
    qubernetes(tmp_path)
    founder = plan_of(alpha({**QUBERNETES, **FILE, "network.genesis": {"blockPeriod": 5}}), root=tmp_path)
    exported = outputs_of(founder)
    assert exported["network"]["besideGenesis"] == {"blockPeriod": 5}
    joiner = plan_of(beta({"network.version": "21.7.1"}), _crossed({"alpha": exported}))
    assert (period(founder), period(joiner)) == ("5", "5")
    assert not any("blockPeriod" in each for each in joiner.warnings)


def test_s9_a_founder_that_says_another_period_later_restarts_no_node_of_ours(tmp_path: Path) -> None:
    qubernetes(tmp_path)
    five, two = (
        outputs_of(plan_of(alpha({**QUBERNETES, **FILE, "network.genesis": {"blockPeriod": each}}), root=tmp_path))
        for each in (5, 2)
    )
    old = {"network.version": "21.7.1"}
    first = plan_of(beta(old), _crossed({"alpha": five}))
    later = plan_of(beta(old), _crossed({"alpha": two}), floats(outputs_of(first)))
    assert _restarts(first) == _restarts(later)
    assert any("alpha have the blockPeriod 2, those of this stack 5" in each for each in later.warnings)
    away = plan_of(beta(old), {"alpha": None}, floats(outputs_of(first)))
    assert period(away) == "5"


def test_s9_a_founder_that_says_a_period_at_last_restarts_no_node_of_ours_either(tmp_path: Path) -> None:
    """Ours run with the default then, and were told so."""
    qubernetes(tmp_path)
    told = outputs_of(plan_of(alpha({**QUBERNETES, **FILE, "network.genesis": {"blockPeriod": 60}}), root=tmp_path))
    old = {"network.version": "21.7.1"}
    silent = {**told, "network": {key: value for key, value in told["network"].items() if key != "besideGenesis"}}
    config = beta({**old, "partners.alpha.unsigned": True})
    first = plan_of(config, _crossed({"alpha": silent}))
    later = plan_of(config, _crossed({"alpha": told}), floats(outputs_of(first)))
    assert _restarts(first) == _restarts(later)
    assert any("Set archipelago:network.genesis.blockPeriod" in each for each in later.warnings)


def test_s9_a_joiner_may_write_the_period_and_is_told_where_nothing_says_it(tmp_path: Path) -> None:
    qubernetes(tmp_path)
    pasted = {"partners.alpha": {"nodes": []}, "network.version": "21.7.1", **FILE}
    guessed = plan_of(beta(pasted), root=tmp_path)
    (warning,) = (each for each in guessed.warnings if "blockPeriod" in each)
    assert "Set archipelago:network.genesis.blockPeriod" in warning
    assert "besideGenesis" not in outputs_of(guessed)["network"], "a guess is not handed on"
    assert period(plan_of(beta({**pasted, "network.genesis": {"blockPeriod": 5}}), root=tmp_path)) == "5"


def test_a_joiner_that_lost_its_outputs_waits_for_its_founders_word(tmp_path: Path) -> None:
    """The cluster has the genesis alone: with the default its nodes would restart, and keep it for good."""
    qubernetes(tmp_path)
    told = outputs_of(plan_of(alpha({**QUBERNETES, **FILE, "network.genesis": {"blockPeriod": 5}}), root=tmp_path))
    config = beta({"network.version": "21.7.1"})
    first = plan_of(config, _crossed({"alpha": told}))
    there = standing(first)
    founder_waits = {**told, "network": {**told["network"], "genesis": "", "genesisHash": ""}}
    founder_waits["network"].pop("besideGenesis")
    unsigned = changed(config, {"partners.alpha.unsigned": True})
    waits = None
    for given, file in ((config, None), (config, {}), (unsigned, founder_waits)):
        waits = run(given, {"alpha": file and crossed(file)}, there)
        assert waits.genesis is None
        assert [each.partition(":")[0] for each in waits.waiting_for] == ["alpha"]
        assert not of_kind(waits, "StatefulSet"), "what runs stays as it is"
        assert not any("default" in each for each in waits.warnings)
        assert "besideGenesis" not in outputs_of(waits)["network"]
    assert waits
    back = run(config, _crossed({"alpha": told}), there, floats(outputs_of(waits)))
    assert _restarts(back) == _restarts(first)
    assert outputs_of(back)["network"]["besideGenesis"] == {"blockPeriod": 5}
    written = run(changed(config, {"network.genesis": {"blockPeriod": 5}}), {"alpha": {}}, there)
    assert _restarts(written) == _restarts(first), "a period in the stack file needs no founder"


def test_nor_does_one_wait_whose_founder_never_says_a_period(tmp_path: Path) -> None:
    """Its nodes have run with the default, and were told so."""
    qubernetes(tmp_path)
    pasted = beta({"partners.alpha": {"nodes": []}, "network.version": "21.7.1", **FILE})
    first = plan_of(pasted, root=tmp_path)
    assert _restarts(run(pasted, {}, standing(first), folder=tmp_path)) == _restarts(first)
    whole = plan_of(beta(), _crossed({"alpha": outputs_of(plan_of(alpha()))}))
    assert run(beta(), {"alpha": {}}, standing(whole)).genesis == whole.genesis


def test_s9_a_period_that_the_genesis_has_stays_what_it_is() -> None:
    found = refusal_of(beta({"network.genesis": {"blockPeriod": 5}}), _crossed({"alpha": outputs_of(plan_of(alpha()))}))
    assert [each.path for each in found] == ["network.genesis.blockPeriod"]
    assert "besideGenesis" not in outputs_of(plan_of(alpha()))["network"]


def _restarts(plan: StackPlan) -> list[Any]:
    sets = of_kind(plan, "StatefulSet").values()
    return [each["spec"]["template"]["metadata"]["annotations"][RESTART_ON] for each in sets]


def _crossed(outputs: dict[str, Any]) -> dict[str, Any]:
    return {name: crossed(each) for name, each in outputs.items()}
