"""Keys that stand in the cluster: a run that does not know them keeps them, or is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, cast

import httpx2
import pytest
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Secret

from archipelago.chains.registry import CHAINS
from archipelago.identity import peer_id
from archipelago.manifests.common import Manifest, identity_secret
from archipelago.manifests.stack import manifests
from archipelago.problems import Problem
from archipelago.stack.plan import StackPlan
from operate.cluster import Unreachable
from operate.kept_keys import left, overwritten, with_kept_keys
from tests import cita, ipfs
from tests.stacks import GONE, alpha, changed, floats, outputs_of, plan_of
from tests.unit.test_operate_cluster import FakeClient
from tests.world import of_kind

pytestmark = pytest.mark.unit

SILENT: dict[str, Any] = {"alpha": None}


def keys(plan: StackPlan) -> dict[str, str]:
    found: dict[str, str] = of_kind(plan, "Secret")[identity_secret(plan.nodes[0])]["stringData"]
    return found


def meets(there: list[Manifest], plan: StackPlan) -> StackPlan:
    return with_kept_keys(cast(Client, FakeClient(there)), plan)


@pytest.fixture
def joined() -> StackPlan:
    world = ipfs.world(alpha=ipfs.alpha(), beta=ipfs.beta())
    return world.up("beta", "alpha", "beta")


def test_a_member_that_lost_its_outputs_keeps_the_key_of_its_swarm(joined: StackPlan) -> None:
    """The key was sealed to it, and the partner is away: its pod would not start again, on another machine or here."""
    waits = ipfs.plan_of(ipfs.beta({"partners.alpha.required": False}), SILENT)
    assert waits.owner == joined.owner
    assert "swarm.key" not in keys(waits)
    kept = meets(list(manifests(joined)), waits)
    assert keys(kept) == keys(joined)
    assert not kept.nodes[0].runs
    assert kept.waiting_for == waits.waiting_for


def test_its_own_keys_are_those_of_the_plan(joined: StackPlan) -> None:
    there = list(manifests(joined))
    for each in there:
        if each["metadata"]["name"] == identity_secret(joined.nodes[0]):
            each["stringData"] = dict.fromkeys(each["stringData"], "another")
    waits = ipfs.plan_of(ipfs.beta({"partners.alpha.required": False}), SILENT)
    kept = keys(meets(there, waits))
    assert {name: kept[name] for name in keys(waits)} == keys(waits)
    assert kept["swarm.key"] == "another"


def test_another_owners_secret_and_a_node_that_runs_change_nothing(joined: StackPlan) -> None:
    theirs = list(manifests(joined))
    for each in theirs:
        each["metadata"].setdefault("labels", {})["archipelago/owner"] = "gamma.cluster-g.12345678"
    waits = ipfs.plan_of(ipfs.beta({"partners.alpha.required": False}), SILENT)
    assert meets(theirs, waits) == waits
    assert meets([], plan_of(alpha())) == plan_of(alpha())


ACCOUNT, NODEKEY, TESSERA = "22" * 32, "11" * 32, "33" * 32
SECOND = {"generation": 2}
IMPORTED = {"account": ACCOUNT, "nodekey": NODEKEY}
OPEN = {"network.privacy": {"manager": "none"}, "nodes.quorum-node1.exposure.ports.tessera": GONE}


def refused(plan: StackPlan, there: list[Manifest]) -> list[Problem]:
    """Why a run that meets some objects may not write its Secrets over theirs."""
    client = cast(Client, FakeClient(there))
    chain = CHAINS[plan.settings.network.kind]
    return list(overwritten(plan, chain, left(client, plan)))


def goquorum(changes: dict[str, Any] | None = None) -> StackPlan:
    named = {f"nodes.quorum-node1.{key}": value for key, value in (changes or {}).items()}
    return plan_of(alpha({**named}))


def whole(changes: dict[str, Any] | None = None) -> StackPlan:
    """Of all nodes."""
    return plan_of(alpha(changes))


def of_cita(changes: dict[str, Any] | None = None) -> StackPlan:
    return cita.plan_of(cita.local({f"nodes.node0.{key}": value for key, value in (changes or {}).items()}))


def of_ipfs(changes: dict[str, Any] | None = None) -> StackPlan:
    named = {f"pools.public.swarms.archive.{key}": value for key, value in (changes or {}).items()}
    return ipfs.plan_of(changed(ipfs.alpha(), named), {"beta": None})


@pytest.mark.parametrize(
    ("plan", "ran", "now", "words"),
    [
        (goquorum, {"identity": IMPORTED}, {}, "nodeId"),
        (goquorum, {"identity": {"account": ACCOUNT}}, {}, "account"),
        (goquorum, {"identity": SECOND}, {}, "nodeId"),
        (goquorum, {}, {"identity": SECOND}, "nodeId"),
        (goquorum, {"identity": {"tessera": TESSERA}}, {}, "privacyKey"),
        (whole, {}, OPEN, "gives none"),
        (of_cita, {"identity": SECOND}, {}, "address"),
        (of_cita, {"identity": {"networkKey": NODEKEY}}, {}, "another networkKey"),
        (of_ipfs, {"identity": SECOND}, {}, "nodeId"),
        (of_ipfs, {"identity": {"privateKey": peer_id.private_key(bytes(range(32)))}}, {}, "nodeId"),
        (of_ipfs, {"keyGeneration": 2}, {}, "fingerprint"),
    ],
)  # fmt: skip
def test_keys_that_no_outputs_tell_are_not_overwritten(
    plan: Callable[[dict[str, Any]], StackPlan], ran: dict[str, Any], now: dict[str, Any], words: str
) -> None:
    """A stack file of another day, after a lost backend: the Secret may be the last place that has an imported key."""
    before, after = plan(ran), plan(now)
    there = list(manifests(before))
    problems = refused(after, there)
    assert problems
    name = before.nodes[0].name
    assert problems[0].path == after.settings.path_of(name)
    assert words in problems[0].message and identity_secret(before.nodes[0]) in problems[0].message
    assert "delete" not in problems[0].cure
    for node in (*before.nodes, *after.nodes):
        for secret in node.private_files.values():
            assert secret not in str(problems)
    assert refused(before, there) == [], "the right file goes on"


def test_both_ids_are_told_node_by_node() -> None:
    before = plan_of(alpha({"nodes.quorum-node1.identity": SECOND, "nodes.quorum-node3.identity": SECOND}))
    after = plan_of(alpha())
    first, second = refused(after, list(manifests(before)))
    assert (first.path, second.path) == ("nodes.quorum-node1", "nodes.quorum-node3")
    for plan in (before, after):
        assert plan.records[0].node_id[:20] in first.message
        assert plan.records[2].node_id[:20] in second.message


def test_an_earlier_format_of_the_same_keys_is_no_other_key() -> None:
    first = goquorum({"identity": {"keystore": 1}})
    assert first.nodes[0].private_files != goquorum().nodes[0].private_files
    assert refused(goquorum(), list(manifests(first))) == []


def test_a_secret_that_cannot_be_read_is_not_overwritten_either() -> None:
    there = copy.deepcopy(list(manifests(goquorum())))
    (held,) = [each for each in there if each["metadata"]["name"] == "consortium-quorum-node1-identity"]
    held["stringData"]["nodekey"] = "of another program"
    (problem,) = refused(goquorum(), there)
    assert "cannot be read" in problem.message
    assert "another program" not in problem.message


def test_where_outputs_name_a_node_they_say_what_it_had() -> None:
    """A run that stopped before a node's turn leaves its earlier key in the cluster."""
    before = goquorum()
    rotated = plan_of(alpha({"nodes.quorum-node1.identity": SECOND}), last=floats(outputs_of(before)))
    assert refused(rotated, list(manifests(before))) == []


def test_another_owners_keys_and_an_empty_cluster_are_no_hindrance() -> None:
    theirs = copy.deepcopy(list(manifests(goquorum({"identity": SECOND}))))
    for each in theirs:
        each["metadata"].setdefault("labels", {})["archipelago/owner"] = "gamma.cluster-g.12345678"
    assert refused(goquorum(), theirs) == refused(goquorum(), []) == []


def test_a_member_that_waits_keeps_its_key_and_is_not_refused(joined: StackPlan) -> None:
    waits = ipfs.plan_of(ipfs.beta({"partners.alpha.required": False}), SILENT)
    there = list(manifests(joined))
    assert refused(meets(there, waits), there) == []


def test_secrets_that_are_not_shown_are_not_taken_for_absent() -> None:
    class Hiding(FakeClient):
        def get(self, kind: type, name: str, *, namespace: str | None = None) -> Any:
            if kind is Secret:
                status = {"code": 403, "message": "secrets is forbidden"}
                raise ApiError(response=httpx2.Response(403, json=status, request=httpx2.Request("GET", "http://x")))
            return super().get(kind, name, namespace=namespace)

    with pytest.raises(Unreachable, match="does not show the keys and claims of nodes: secrets is forbidden"):
        left(cast(Client, Hiding([])), goquorum())
