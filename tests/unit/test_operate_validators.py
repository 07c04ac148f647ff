"""Votes: what is wanted, who votes, what is refused, and what is taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from operate import validators
from operate.site import look
from operate.stack import Stack, names
from operate.validators import Votes
from operate.vote_guards import harm, share
from tests.fake_network import FOUR, FakeNetwork

pytestmark = pytest.mark.unit

ALPHA = ("alpha/quorum-node1", "alpha/quorum-node2")
BETA = ("beta/quorum-node1", "beta/quorum-node2")


@pytest.fixture
def network() -> FakeNetwork:
    return FakeNetwork()


def votes_of(*stacks: Stack, remove: tuple[str, ...] = (), add: tuple[str, ...] = ()) -> Votes:
    seen = look([stack.site for stack in stacks])
    gone, come = (validators.addresses(named, stacks, seen).values() for named in (remove, add))
    return validators.plan(stacks, seen, gone, come)


def cast(
    stack: Stack, votes: Votes, *, force: bool = False, allow_share: bool = False
) -> dict[str, tuple[dict[str, bool], list[str]]]:
    seen = look([stack.site])
    return {str(each): (mine, drop) for each, mine, drop in validators.cast(votes, seen, force, allow_share)}


def test_a_set_as_wanted_needs_no_vote(network: FakeNetwork) -> None:
    votes = votes_of(network.stack("alpha"))
    assert votes.settled
    assert votes.current == votes.wanted == (*ALPHA, *BETA)


def test_a_partners_new_validator_is_voted_in_by_ours_and_waits_for_theirs(network: FakeNetwork) -> None:
    network.validate(*ALPHA, BETA[0])
    stack = network.stack("alpha")
    votes = votes_of(stack, add=(BETA[1],))
    (change,) = votes.changes
    assert (change.name, change.add, change.voters, change.refusal) == (BETA[1], True, ALPHA, "")
    assert (change.needed, change.missing, change.others) == (2, 0, {"beta": 1})
    address = network.records[BETA[1]].address
    assert cast(stack, votes) == {name: ({address: True}, []) for name in ALPHA}


def test_one_organisations_votes_alone_are_not_enough_and_it_says_whose_are_missing(network: FakeNetwork) -> None:
    votes = votes_of(network.stack("alpha"), remove=(BETA[1],))
    (change,) = votes.changes
    assert (change.add, change.needed, change.missing, change.others) == (False, 3, 1, {"beta": 2})


def test_votes_in_blocks_and_votes_that_wait_at_our_nodes_count_once(network: FakeNetwork) -> None:
    network.validate(*ALPHA, BETA[0])
    address = network.records[BETA[1]].address.lower()
    for name in ALPHA:
        node = network.node(name)
        node.pending = {address: True}
        node.votes = [
            {"validator": network.records[each].address, "address": address, "authorize": True}
            for each in (ALPHA[0], BETA[0])
        ]
    (change,) = votes_of(network.stack("alpha")).changes
    assert change.votes == (*ALPHA, BETA[0])
    assert change.voters == ()


def test_a_vote_for_the_other_side_does_not_count(network: FakeNetwork) -> None:
    """One that waits at a node of ours, and one in a block."""
    network.validate(*ALPHA, BETA[0])
    address = network.records[BETA[1]].address.lower()
    against = {"validator": network.records[BETA[0]].address, "address": address, "authorize": False}
    for name in ALPHA:
        network.node(name).votes = [against]
    network.node(ALPHA[0]).pending = {address: False}
    (change,) = votes_of(network.stack("alpha")).changes
    assert (change.add, change.votes, change.voters, change.others) == (True, (), ALPHA, {"beta": 1})


def test_a_validator_of_ours_that_shall_be_a_member_is_voted_out(network: FakeNetwork) -> None:
    """Its settings count as they are written now, whatever was exported last and partners took of it."""
    stack = network.stack("alpha")
    assert stack.plan
    first, second = stack.plan.records
    written = replace(stack.plan, records=(first, second.model_copy(update={"role": "member"})))
    stack = replace(stack, plan=written)
    # beta's stack still has what alpha gave it
    for stacks in ((stack,), (stack, network.stack("beta")), (network.stack("beta"), stack)):
        (change,) = votes_of(*stacks).changes
        assert (change.name, change.add) == (ALPHA[1], False)


def test_a_validator_of_ours_that_the_settings_name_no_more_is_voted_out(network: FakeNetwork) -> None:
    """The plan called the set as wanted, and the run after it stopped the chain."""
    stack = network.stack("alpha")
    assert stack.plan
    stack = replace(stack, plan=replace(stack.plan, records=stack.plan.records[:1]))
    for stacks in ((stack,), (stack, network.stack("beta")), (network.stack("beta"), stack)):
        (change,) = votes_of(*stacks).changes
        assert (change.name, change.add, change.unnamed) == (ALPHA[1], False, False)


def test_a_key_that_is_to_be_replaced_is_not_voted_out_before_its_successor_is_in(network: FakeNetwork) -> None:
    stack = network.stack("alpha")
    assert stack.plan
    first, second = stack.plan.records
    other = second.model_copy(update={"address": "0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c"})
    (change,) = votes_of(replace(stack, plan=replace(stack.plan, records=(first, other)))).changes
    assert (change.address, change.add) == (other.address, True)


def test_fewer_than_four_validators_are_refused_unless_forced(network: FakeNetwork) -> None:
    stack = network.stack("alpha")
    votes = votes_of(stack, remove=(BETA[1],))
    assert "3 would be left" in votes.changes[0].refusal
    assert cast(stack, votes) == {}
    assert cast(stack, votes, force=True) == {}  # alpha would then have two of three
    assert set(cast(stack, votes, force=True, allow_share=True)) == set(ALPHA)


def test_the_last_validator_of_an_organisation_is_not_voted_out(network: FakeNetwork) -> None:
    network.validate(ALPHA[0], *BETA)
    (change,) = [each for each in votes_of(network.stack("alpha"), remove=(ALPHA[0],)).changes if not each.add]
    assert change.refusal


def test_a_validator_that_nobody_is_connected_with_is_not_voted_in(network: FakeNetwork) -> None:
    network.validate(*ALPHA, BETA[0])
    network.stop(BETA[1])
    (change,) = votes_of(network.stack("alpha")).changes
    assert "not connected with any node of ours" in change.refusal


def test_a_node_that_does_not_make_blocks_yet_is_not_voted_in(network: FakeNetwork) -> None:
    network.validate(*BETA, ALPHA[0])
    stack = network.stack("alpha")
    records = tuple(each.model_copy(update={"role": "member"}) for each in stack.records)
    (change,) = votes_of(replace(stack, records=records)).changes
    assert "before pulumi up -s cluster-a" in change.refusal


def test_votes_that_have_passed_or_are_no_longer_wanted_are_taken_back(network: FakeNetwork) -> None:
    """Left at a node, they would vote a validator in again as soon as it is voted out."""
    inside, outside = (network.records[name].address for name in (BETA[0], BETA[1]))
    network.node(ALPHA[0]).pending = {inside.lower(): True, outside.lower(): False}
    stack = network.stack("alpha")
    assert cast(stack, votes_of(stack)) == {ALPHA[0]: ({}, sorted([inside, outside]))}


def test_nodes_that_were_pasted_have_no_role_and_nobody_concludes_from_it(network: FakeNetwork) -> None:
    stack = network.stack("alpha")
    pasted = tuple(
        replace(given, network=None, nodes=tuple(each.model_copy(update={"role": "member"}) for each in given.nodes))
        for given in stack.imports
    )
    assert votes_of(replace(stack, imports=pasted)).settled


def test_a_validator_that_nobody_claims_is_shown_and_goes_only_when_named(network: FakeNetwork) -> None:
    stranger = "0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c"
    for cluster in network.clusters.values():
        for node in cluster.nodes.values():
            node.validators.append(stranger)
    stack = network.stack("alpha")
    votes = votes_of(stack)
    assert (votes.unclaimed, votes.changes) == ((stranger,), ())
    (change,) = votes_of(stack, remove=(stranger,)).changes
    assert (change.address, change.add, change.refusal) == (stranger, False, "")


def test_only_nodes_that_validate_now_vote(network: FakeNetwork) -> None:
    network.validate(ALPHA[0], *BETA)
    stack = network.stack("alpha")
    assert set(cast(stack, votes_of(stack))) == {ALPHA[0]}
    assert len(FOUR) == len(network.records)


def test_s1_a_wish_of_a_partner_is_held_back_until_it_is_named_to_come_or_to_go(network: FakeNetwork) -> None:
    network.validate(*ALPHA, BETA[0])
    stack = network.stack("alpha")
    for votes in (votes_of(stack), votes_of(stack, remove=(BETA[1],))):
        assert all(change.unnamed for change in votes.changes)
        assert cast(stack, votes, force=True, allow_share=True) == {}
    assert not votes_of(stack, add=(BETA[1],)).changes[0].unnamed
    # who has both stacks votes for both
    assert not any(change.unnamed for change in votes_of(*network.stacks()).changes)

    network.validate(*ALPHA, *BETA)
    members = tuple(
        replace(given, nodes=tuple(each.model_copy(update={"role": "member"}) for each in given.nodes))
        for given in stack.imports
    )
    stack = replace(stack, imports=members)
    assert [change.unnamed for change in votes_of(stack).changes] == [True, True]
    assert cast(stack, votes_of(stack), force=True, allow_share=True) == {}


def test_r16_a_validator_of_a_sibling_is_ours_and_not_another_organisations(network: FakeNetwork) -> None:
    stack = network.stack("alpha")
    kin = replace(stack, imports=tuple(replace(given, sibling=True) for given in stack.imports))
    network.validate(*ALPHA, BETA[0])
    assert [change.unnamed for change in votes_of(stack).changes] == [True]
    (change,) = votes_of(kin).changes
    assert (change.name, change.unnamed, change.add) == (BETA[1], False, True)
    # nor is a validator here the last one of an organisation that has others there
    seen = look([stack.site])
    last = network.records[ALPHA[0]].address
    after = {network.records[name].address for name in BETA} | {"0x1", "0x2"}
    assert "last validator of alpha" in harm(last, False, after, [stack], seen)
    assert "last validator of alpha" not in harm(last, False, after, [kin], seen)


def test_r16_verify_wants_a_siblings_nodes_as_peers(network: FakeNetwork) -> None:
    stack = network.stack("alpha")
    moved = tuple(
        replace(given, sibling=True, nodes=tuple(each.model_copy(update={"organisation": "alpha"}) for each in nodes))
        for given in stack.imports
        if (nodes := [each.model_copy(update={"name": f"west-{each.name}"}) for each in given.nodes])
    )
    kin = replace(stack, imports=moved)
    assert set(kin.dialled) == set(stack.dialled)
    assert {node.name for node in kin.book.own} == {node.name for node in stack.book.own}
    mute = tuple(
        replace(given, nodes=tuple(each.model_copy(update={"endpoints": {}}) for each in given.nodes))
        for given in moved
    )
    assert len(replace(kin, imports=mute).dialled) == len(stack.records)  # known nowhere: dialled by none


def test_s1_an_organisation_that_would_get_a_third_or_two_thirds_is_named() -> None:
    called = {str(number): f"{'abc'[number % 3]}/node{number}" for number in range(12)}
    a, b, c = ({key for key, name in called.items() if name.startswith(each)} for each in "abc")
    for before, after, words in (
        ({*[*a][:3], *[*b][:1]}, {*[*a][:3], *[*b][:2]}, "b would have 2 of 5 validators, a third or more"),
        ({*[*a][:2], *[*b][:2]}, {*[*a][:4], *[*b][:2]}, "a would have 4 of 6 validators, two thirds or more"),
        ({*[*a][:2], *[*b][:2]}, {*[*a][:2], *[*b][:1]}, "a would have 2 of 3 validators, two thirds or more"),
        ({*[*a][:2], *[*b][:2]}, {*[*a][:3], *[*b][:2]}, ""),  # each had a third
        ({*a, *b, *[*c][:1]}, {*a, *b, *[*c][:2]}, ""),
    ):
        assert share(before, after, called).startswith(words)
        assert bool(share(before, after, called)) is bool(words)


def test_rb6_a_validator_that_is_not_voted_in_yet_does_not_count_for_one_that_goes(network: FakeNetwork) -> None:
    """The removal may pass first, and would leave three."""
    stranger = "0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c"
    network.validate(*ALPHA, BETA[0])
    for cluster in network.clusters.values():
        for node in cluster.nodes.values():
            node.validators.append(stranger)
    stack = network.stack("alpha")
    votes = votes_of(stack, remove=(stranger,), add=(BETA[1],))
    comes, goes = votes.changes
    assert (comes.add, comes.refusal) == (True, "")
    assert "3 would be left" in goes.refusal
    assert all(stranger not in mine for mine, _ in cast(stack, votes, allow_share=True).values())


@pytest.mark.parametrize("claimant", ["aaa", "zzz"])
def test_s5_who_only_claims_a_node_neither_names_it_nor_has_a_wish_for_it(network: FakeNetwork, claimant: str) -> None:
    """By the order of names, the word without a proof went before the one with it."""
    stack = network.stack("alpha")
    (given,) = stack.imports
    assert all(node.proof for node in given.nodes)
    stolen = (*given.nodes, *stack.records)
    changes = {"organisation": claimant, "role": "member", "proof": None}
    other = replace(given, name=claimant, nodes=tuple(node.model_copy(update=changes) for node in stolen))
    claimed = replace(stack, imports=(given, other))
    for seen in (claimed, replace(stack, imports=(other, given))):
        votes = votes_of(seen)
        assert votes.settled
        assert votes.unproven == ()
        assert votes.current == votes.wanted == (*ALPHA, *BETA)
        assert {*names([seen]).values()} == {*ALPHA, *BETA}
