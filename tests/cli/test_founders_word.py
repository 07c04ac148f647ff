"""What the command line takes of a partner's record where a founder's own outputs are not at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archipelago.stack.plan import StackPlan, plan_stack
from cli.load import written
from cli.stacks import StackFile
from tests.stacks import Config, alpha, beta, bundle, plan_of, refusal_of
from tests.unit.test_stack_accepted import signed_again

pytestmark = pytest.mark.unit

FILE = StackFile("organization/archipelago/cluster-a", Path("/nonexistent/Pulumi.cluster-a.yaml"))


def shown(given: Config, **changes: Any) -> StackPlan:
    """What `archipelago render` of the founder shows."""
    here = written(FILE, alpha(changes), {"beta": given})
    return plan_stack(
        here.settings, here.chain, here.stack, here.received, here.last, here.root, here.source, here.given
    )


def test_c15_a_partners_namespace_is_not_the_founders() -> None:
    """Founders were told that their nodes run in beta-ns, and to move or to destroy."""
    given = bundle(beta({"cluster.namespace": "beta-ns"}), {"alpha": bundle(alpha())})
    plan = shown(given)
    assert plan.namespace == "consortium"
    assert plan.genesis == plan_of(alpha()).genesis


def test_c15_a_bundle_that_is_not_accepted_says_nothing_of_our_genesis() -> None:
    """A genesis with another block 0 that nobody signed was printed as the founder's own."""
    other = alpha({"network.genesis": {"validators": ["quorum-node1"]}})
    given = bundle(beta(), {"alpha": bundle(other)})
    assert written(FILE, alpha(), {"beta": {**given, "signature": "00" * 64}}).last == {}
    assert written(FILE, alpha({"partners.beta.key": "ed25519:" + "5" * 64}), {"beta": given}).last == {}
    assert shown(given, **{"partners.beta.key": given["key"]}).genesis != plan_of(alpha()).genesis, "it is asked"


def test_c15_a_partner_that_founded_another_network_is_not_asked() -> None:
    given = bundle(beta(), {"alpha": bundle(alpha())})
    elsewhere = signed_again(lambda raw: raw["network"].update(founder="beta"), given)
    assert written(FILE, alpha(), {"beta": elsewhere}).last == {}
    assert not refusal_of(alpha(), {"beta": elsewhere})


def _later_rules(raw: Config) -> None:
    text = json.loads(raw["network"]["genesis"])
    text["config"]["berlinBlock"] = 100
    raw["network"]["genesis"] = json.dumps(text)


def test_a_partners_other_rules_of_later_blocks_are_told_and_not_taken_for_ours(tmp_path: Path) -> None:
    """block 0 is the same: what our settings or our file make of it counts."""
    given = bundle(beta(), {"alpha": bundle(alpha())})
    apart = signed_again(_later_rules, given)
    plan = shown(apart)
    assert plan.genesis == plan_of(alpha()).genesis
    assert any("Partner beta and this stack have other rules from block 100 on" in each for each in plan.warnings)
    (tmp_path / "genesis.json").write_text(given["network"]["genesis"])
    here = StackFile(FILE.name, tmp_path / FILE.path.name)
    assert written(here, alpha({"network.genesisFile": "genesis.json"}), {"beta": apart}).last == {}
