"""What a partner hands over: believed where it is signed and consistent, refused in words everywhere else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.identity.curve25519 import sign, signer
from archipelago.model.record import Bundle, canonical, is_signed
from archipelago.problems import Problem
from archipelago.stack.bundles import bundle_of
from archipelago.stack.outputs import bundle as signed_bundle
from tests.stacks import Config, alpha, beta, bundle, crossed, outputs_of, plan_of, records_of, refusal_of
from tests.unit.vectors import vectors

pytestmark = pytest.mark.unit

UNSIGNED = {"partners.alpha.unsigned": True}
KEY = signer(bytes(range(32)))
Change = Callable[[Config], object]


def received(change: Change | None = None) -> Config:
    """alpha's bundle as beta reads it, and somebody has changed it on the way."""
    given = copy.deepcopy(bundle(alpha()))
    if change:
        change(given)
    return given


def refusal(change: Change | None = None, settings: dict[str, Any] | None = None) -> tuple[Problem, ...]:
    return refusal_of(beta(settings or {}), {"alpha": received(change)})


def _node(index: int = 0, **fields: Any) -> Change:
    return lambda given: given["externalNodes"][index].update(fields)


def test_a_signed_bundle_is_accepted_though_every_number_arrives_as_a_float() -> None:
    given = received()
    assert isinstance(given["network"]["chainId"], float)
    plan = plan_of(beta(), {"alpha": given})
    assert [str(node) for node in plan.imports[0].nodes] == [f"alpha/quorum-node{n}" for n in (1, 2, 3)]
    assert plan.imports[0].key == given["key"]
    assert plan.imports[0].nodes[0].endpoints["p2p"].port == 30303
    assert isinstance(plan.imports[0].nodes[0].endpoints["p2p"].port, int)


TAMPERED: dict[str, Change] = {
    "another port": lambda given: given["externalNodes"][0]["endpoints"]["p2p"].update(port=30304.0),
    "another host": lambda given: given["externalNodes"][0]["endpoints"]["p2p"].update(host="203.0.113.66"),
    "a node taken out": lambda given: given["externalNodes"].pop(),
    "another order of nodes": lambda given: given["externalNodes"].reverse(),
    "another role": _node(role="member"),
    "a field added to a node": _node(note="trust me"),
    "a field added to the bundle": lambda given: given.update(note="trust me"),
    "another genesis": lambda given: given["network"].update(genesis="{}"),
    "another chain id": lambda given: given["network"].update(chainId=1001.0),
    "another key": lambda given: given.update(key=KEY),
    "no signature": lambda given: given.update(signature=""),
    "a signature of another length": lambda given: given.update(signature=given["signature"][2:]),
    "a signature that is no text": lambda given: given.update(signature=1.0),
    "a fraction where a number was": lambda given: given["network"].update(chainId=1000.5),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_bundle_that_was_changed_on_the_way_is_refused(name: str) -> None:
    problems = refusal(TAMPERED[name])
    told = [problem for problem in problems if "carries no valid signature" in problem.message]
    assert [problem.path for problem in told] == ["partners.alpha"]
    assert "archipelago:partners.alpha.unsigned: true" in told[0].cure


def test_what_is_unsigned_is_accepted_only_where_the_settings_say_so() -> None:
    def without(given: Config) -> None:
        given.update(key="", signature="")

    assert refusal(without)
    assert not refusal(without, UNSIGNED)
    plan = plan_of(beta(UNSIGNED), {"alpha": received(without)})
    assert (plan.imports[0].key, plan.imports[0].provenance) == ("", "unsigned")


def test_a_pinned_key_is_not_waived_by_accepting_unsigned_input() -> None:
    def without(given: Config) -> None:
        given.update(key="", signature="")

    (problem,) = refusal(without, {**UNSIGNED, "partners.alpha.key": received()["key"]})
    assert "carries no valid signature" in problem.message


def test_the_right_key_may_be_pinned_in_any_case_and_another_is_refused() -> None:
    key = received()["key"]
    assert not refusal(settings={"partners.alpha.key": key})
    assert not refusal(settings={"partners.alpha.key": "ed25519:" + key.removeprefix("ed25519:").upper()})
    (problem,) = refusal(settings={"partners.alpha.key": KEY})
    assert problem.path == "partners.alpha.key"
    assert f"is signed by {key}, not by the key that is pinned" in problem.message


def test_a_whole_bundle_resigned_by_a_stranger_fails_only_at_the_pin() -> None:
    """Why partners pin: a signature proves who signed, not who that is."""
    plan = plan_of(alpha())
    forged = Bundle.model_validate(signed_bundle(plan, records_of(plan)).plain()).signed(bytes(range(32))).plain()
    assert not refusal_of(beta(), {"alpha": forged})
    (problem,) = refusal_of(beta({"partners.alpha.key": received()["key"]}), {"alpha": forged})
    assert problem.path == "partners.alpha.key"


def test_fields_of_a_later_writer_neither_break_the_signature_nor_hide_from_it() -> None:
    plan = plan_of(alpha())
    later = signed_bundle(plan, records_of(plan)).plain()
    later["externalNodes"][0]["zone"] = {"region": "north", "weight": 2}
    later["network"]["transitions"] = [{"block": 10, "fraction": 0.25}]
    later["policy"] = "v2"
    later = resigned(later, plan.signing_key)
    through_a_backend = json.loads(json.dumps(later), parse_int=float)
    assert is_signed(through_a_backend)
    assert not refusal_of(beta(), {"alpha": through_a_backend})
    through_a_backend["externalNodes"][0]["zone"]["weight"] = 3.0
    assert refusal_of(beta(), {"alpha": through_a_backend})


def resigned(raw: Config, private: bytes) -> Config:
    return {**raw, "signature": sign(private, canonical(raw))}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=10,
    )
)
def test_what_is_signed_does_not_depend_on_floats_key_order_or_the_signature(value: Any) -> None:
    first = canonical({"value": value, "a": 1})
    floated = json.loads(json.dumps({"a": 1, "value": value, "signature": "x"}), parse_int=float)
    assert canonical(floated) == first


def test_a_stack_of_another_organisation_is_refused() -> None:
    problems = refusal_of(beta({"partners.gamma": {"stack": "s"}}), {"alpha": received(), "gamma": received()})
    assert {problem.path for problem in problems} == {"partners.gamma"}
    assert any("s is the stack of alpha, not of gamma" in problem.message for problem in problems)


def test_a_node_of_a_third_organisation_is_refused_even_unsigned() -> None:
    problems = refusal(_node(organisation="gamma", proof=None), UNSIGNED)
    assert any(
        "gamma/quorum-node1" in problem.message and "not a node of alpha" in problem.message for problem in problems
    )


def test_nodes_of_another_network_are_refused() -> None:
    other = plan_of(alpha({"network.name": "research"}))
    problems = refusal_of(beta(), {"alpha": crossed(outputs_of(other))})
    assert any("of the network research" in problem.message for problem in problems)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"nodeId": "00" * 64}, "no point on secp256k1"),
        ({"nodeId": "ab"}, "128 hex characters"),
        ({"address": "0x" + "00" * 20}, "not that of its node id"),
        ({"privacyKey": "AAAA"}, "Tessera public key"),
        ({"schema": 2.0}, "schema"),
        ({"name": None}, "name"),
        ({"endpoints": {"p2p": {"host": "a b", "port": 1.0}}}, "DNS name, got 'a b'"),
        ({"endpoints": {"p2p": {"host": "a", "port": 1.5}}}, "port"),
    ],
)
def test_a_malformed_node_is_refused_with_partner_node_and_reason(fields: dict[str, Any], words: str) -> None:
    (problem,) = refusal(_node(1, **fields), UNSIGNED)
    assert problem.path == "partners.alpha"
    assert words in problem.message
    assert problem.message.startswith("alpha/")


@pytest.mark.parametrize("listed", [1.0, "nodes", {"quorum-node1": {}}, [1.0], ["x"], [None], [[]]])
def test_a_list_of_nodes_of_another_shape_is_refused(listed: Any) -> None:
    (problem,) = refusal(lambda given: given.update(externalNodes=listed), UNSIGNED)
    assert "no list of nodes" in problem.message


@pytest.mark.parametrize("network", [1.0, "x", [], {"name": 1.0}, {"schema": 2.0}])
def test_a_network_record_of_another_shape_is_refused(network: Any) -> None:
    problems = refusal(lambda given: given.update(network=network), UNSIGNED)
    assert [problem.path for problem in problems if "its network record" in problem.message] == ["partners.alpha"]


@pytest.mark.parametrize("identities", [None, 1.0, "x", []])
def test_a_stack_of_another_program_has_exported_nothing(identities: Any) -> None:
    assert bundle_of({"identities": identities})["organisation"] == ""
    plan = plan_of(beta(), {"alpha": bundle_of({"identities": identities, "externalNodes": "x"})})
    assert plan.missing == ("alpha",)


def test_a_repeated_key_across_organisations_is_refused_with_both_owners() -> None:
    """One key on two validators: each signs blocks against the other."""
    stolen = plan_of(alpha()).nodes[0].private_files["nodekey"]
    problems = refusal_of(beta({"nodes.quorum-node2.identity": {"nodekey": stolen}}), {"alpha": received()})
    (problem,) = [each for each in problems if "node id" in each.message]
    assert problem.path == "partners.alpha"
    assert "alpha/quorum-node1 and beta/quorum-node2 have the same node id" in problem.message


def test_a_repeated_address_across_organisations_is_refused() -> None:
    same = {"cluster.address": "203.0.113.10", "nodes.quorum-node1.exposure": {"ports": {"p2p": 30303}}}
    (problem,) = refusal_of(beta(same), {"alpha": received()})
    assert problem.path == "partners.alpha"
    assert "alpha/quorum-node1 and beta/quorum-node1 have the same address 203.0.113.10:30303" in problem.message


def test_a_repeated_key_of_ones_own_is_told_at_the_node() -> None:
    key = {"nodekey": "ab" * 32}
    (problem,) = refusal_of(alpha({"nodes.quorum-node1.identity": key, "nodes.quorum-node3.identity": key}))
    assert problem.path == "nodes.quorum-node3"


def test_a_name_that_a_partner_gives_twice_is_refused() -> None:
    """The book is keyed by organisation/name: one of the two would be the validator of a genesis by chance."""
    problems = refusal(_node(1, name="quorum-node1"), UNSIGNED)
    assert [problem.path for problem in problems] == ["partners.alpha"]
    assert "alpha/quorum-node1" in problems[0].message


def test_fewer_nodes_than_wanted_are_refused_and_absence_counts_as_none() -> None:
    assert not refusal(settings={"partners.alpha.minNodes": 3})
    (problem,) = refusal(settings={"partners.alpha.minNodes": 4})
    assert problem.path == "partners.alpha.minNodes"
    (absent,) = refusal_of(beta({"partners.alpha.minNodes": 1}), {"alpha": None})
    assert "it has 0 nodes" in absent.message
    assert (
        "waits for this one in the same way" in absent.cure
        and "partners.alpha.minNodes to 0 for one run" in absent.cure
    )


def test_pasted_qubernetes_nodes_join_the_book_and_their_faults_are_told_by_index() -> None:
    own = [node for node in vectors("qubernetes")["nodes"] if node["name"].startswith("B/")]
    pasted = [
        {
            "Node_UserIdent": f"quorum-node{index}",
            "Enode_Url": f"enode://{node['nodeId']}@2.2.3.4:3186{index}?discport=0&raftport=50401",
            "Tm_Url": f"2.2.3.4:3230{index}",
            "Node_Acct_Addr": node["address"],
        }
        for index, node in enumerate(own)
    ]
    plan = plan_of(alpha({"partners.delta": {"nodes": pasted}}))
    assert [str(node) for node in plan.imports[1].nodes] == ["delta/quorum-node0", "delta/quorum-node1"]
    assert f"enode://{own[0]['nodeId']}@2.2.3.4:31860" in plan.live_files["static-nodes.json"]
    pasted[1]["Tm_Url"] = "http://2.2.3.4:1"
    (problem,) = refusal_of(alpha({"partners.delta": {"nodes": pasted}}))
    assert problem.path == "partners.delta.nodes[1]"
    assert "delta/quorum-node1: Tm_Url is written host:port without http://" in problem.message


@pytest.mark.parametrize("change", [{"name": "other"}, {"kind": "ipfs"}, {"organisation": "zeta"}])
def test_a_record_of_another_network_is_refused_although_no_node_comes_with_it(change: dict[str, Any]) -> None:
    """Nodes say of which network they are; a bundle without any was taken whatever its record said."""

    def other(given: Config) -> None:
        given["network"].update(change)
        given["externalNodes"] = []

    (problem,) = refusal(other, UNSIGNED)
    assert problem.path == "partners.alpha"
    assert "hands over a record of" in problem.message
