"""`archipelago validators`: what is printed, which votes are cast at which node, and the exit code."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.conftest import Deployed
from tests.fake_network import FOUR
from tests.stacks import Config, crossed
from tests.unit.test_stack_accepted import signed_again

pytestmark = pytest.mark.unit

ALPHA = ("alpha/quorum-node1", "alpha/quorum-node2")
PORT = {"host": "203.0.113.10", "port": 30303, "exposure": "NodePort"}
BETA = ("beta/quorum-node1", "beta/quorum-node2")


def test_the_plan_of_a_settled_set_is_exit_code_0(deployed: Deployed) -> None:
    ran = deployed.run("validators", "plan")
    assert ran.code == 0, ran.said
    assert "the set is as the settings want it" in ran.out


def test_a_vote_that_is_needed_is_exit_code_3_and_says_who_casts_it(deployed: Deployed) -> None:
    deployed.network.validate("alpha/quorum-node1", "alpha/quorum-node2", "beta/quorum-node1")
    ran = deployed.run("validators", "plan", only="alpha")
    assert ran.code == 3, ran.said
    assert "+ beta/quorum-node2: 0 of 2 votes" in ran.out
    assert "ours still to vote: alpha/quorum-node1, alpha/quorum-node2" in ran.out
    assert "archipelago validators apply -s cluster-a --add beta/quorum-node2 casts ours" in ran.err


def test_apply_votes_at_our_nodes_only(deployed: Deployed) -> None:
    network = deployed.network
    network.validate("alpha/quorum-node1", "alpha/quorum-node2", "beta/quorum-node1")
    ran = deployed.run("validators", "apply", "--add", "beta/quorum-node2", only="alpha")
    assert ran.code == 0, ran.said
    address = network.records["beta/quorum-node2"].address.lower()
    assert network.node("alpha/quorum-node1").pending == {address: True}
    assert network.node("alpha/quorum-node2").pending == {address: True}
    assert network.node("beta/quorum-node1").pending == {}


def test_a_refused_vote_is_exit_code_1_and_is_not_cast(deployed: Deployed) -> None:
    ran = deployed.run("validators", "apply", "--remove", "beta/quorum-node2", only="alpha")
    assert ran.code == 1
    assert "not voted for without --force: 3 would be left" in ran.out
    assert deployed.network.node("alpha/quorum-node1").pending == {}


def test_the_plan_for_programs(deployed: Deployed) -> None:
    found = deployed.run("validators", "plan", "--json", "--remove", "beta/quorum-node2", only="alpha").json
    assert (found["settled"], found["changes"][0]["name"], found["changes"][0]["missing"]) == (
        False,
        "beta/quorum-node2",
        1,
    )


def test_a_vote_that_passes_in_time_is_taken_back(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left at a node, it would vote the validator in again as soon as it is voted out."""
    network = deployed.network
    network.validate(*ALPHA, BETA[0])
    monkeypatch.setattr("time.sleep", lambda _: network.validate(*ALPHA, *BETA))
    ran = deployed.run("validators", "apply", "--add", BETA[1], "--timeout", "60", only="alpha")
    assert ran.code == 0, ran.said
    assert [network.node(name).pending for name in ALPHA] == [{}, {}]
    assert "took back 1 that passed or is not wanted" in ran.err
    assert "the set is as the settings want it" in ran.out


def test_ours_is_waited_for_and_taken_back_while_a_partners_wish_is_not_named(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wish that is not voted for ended the wait at once, and left the votes that passed at their nodes."""
    network = deployed.network
    network.validate(ALPHA[0], BETA[0])
    monkeypatch.setattr("time.sleep", lambda _: network.validate(*ALPHA, BETA[0]))
    ran = deployed.run("validators", "apply", "--timeout", "60", "--allow-share", only="alpha")
    assert ran.code == 3, ran.said
    assert "took back 1 that passed or is not wanted" in ran.err
    assert [network.node(name).pending for name in ALPHA] == [{}, {}]


@pytest.mark.parametrize(
    ("running", "options", "typed"),
    [
        ((*ALPHA, *BETA), ("--remove", BETA[1]), f" --remove {BETA[1]}"),
        ((ALPHA[0], *BETA), (), f" --add {ALPHA[1]}"),
        ((ALPHA[0], BETA[0]), ("--add", BETA[1]), f" --add {ALPHA[1]}"),
    ],
)
def test_partners_are_told_what_they_have_to_type(
    deployed: Deployed, running: tuple[str, ...], options: tuple[str, ...], typed: str
) -> None:
    """Without the option their command finds the set as it is wanted, and votes for nothing."""
    deployed.network.validate(*running)
    ran = deployed.run("validators", "plan", *options, only="alpha")
    assert f"then beta runs archipelago validators apply{typed} at its side" in " ".join(ran.err.split()), ran.said


def test_a_validator_that_no_stack_claims_is_asked_for_no_vote(deployed: Deployed) -> None:
    network = deployed.network
    stranger = "0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c"
    network.validate(ALPHA[0], BETA[0])
    for name in (*ALPHA, *BETA):
        network.node(name).validators.append(stranger)
    ran = deployed.run("validators", "plan", only="alpha")
    assert f"{stranger} (1)" in ran.out, ran.said
    assert f"{stranger} runs" not in ran.err
    assert "then beta runs" in ran.err


def test_s1_a_partners_new_validator_is_voted_for_only_where_it_is_named(deployed: Deployed) -> None:
    """A partner that exports ten validators must not get ten votes from a runbook."""
    network = deployed.network
    network.validate(*ALPHA, BETA[0])
    for options in ((), ("--force",), ("--allow-share", "--force"), ("--timeout", "60")):
        ran = deployed.run("validators", "apply", *options, only="alpha")
        assert ran.code == 3, ran.said
        assert f"not voted for without --add {BETA[1]}" in ran.out
        assert [network.node(name).pending for name in ALPHA] == [{}, {}]


def test_s1_what_gives_an_organisation_a_third_needs_a_flag(deployed: Deployed) -> None:
    network = deployed.network
    network.validate(*ALPHA)
    for options, code, cast in ((("--force",), 1, 0), (("--allow-share",), 0, 1)):
        ran = deployed.run("validators", "apply", "--add", BETA[0], *options, only="alpha")
        assert "--allow-share: beta would have 1 of 3 validators, a third or more" in ran.out
        assert len(network.node(ALPHA[0]).pending) == cast
        assert ran.code in (code, 3)


def _unsigned(outputs: Config) -> None:
    outputs["identities"]["signature"] = "00" * 64


def _of_alpha(outputs: Config) -> None:
    """Signed by beta, and in the way of a node of alpha's."""

    def change(given: Config) -> None:
        given["externalNodes"][0]["endpoints"]["p2p"] = PORT

    given = signed_again(change, crossed(outputs))
    outputs["externalNodes"] = given["externalNodes"]
    outputs["identities"]["signature"] = given["signature"]


@pytest.mark.parametrize("known", [True, False], ids=["taken before", "never taken"])
@pytest.mark.parametrize("damage", [_unsigned, _of_alpha])
def test_c8_a_partner_whose_export_is_wrong_can_be_voted_out(
    deployed: Deployed, damage: Callable[[Config], None], known: bool
) -> None:
    network = deployed.network
    deployed.project.edit("cluster-a", "quorum-node1: {}", "quorum-node1: {exposure: {ports: {p2p: 30303}}}")
    network.world.outputs["alpha"]["externalNodes"][0]["endpoints"]["p2p"] = PORT
    damage(network.world.outputs["beta"])
    if not known:
        network.world.outputs["alpha"].pop("accepted")
    address = network.records[BETA[1]].address
    ran = deployed.run("validators", "apply", "--force", "--allow-share", "--remove", address, only="alpha")
    assert ran.code == 0, ran.said
    assert network.node(ALPHA[0]).pending == {address.lower(): False}
    assert "warning: cluster-a: " in ran.err
    assert "beta" in ran.err
    assert (BETA[1] in ran.out) == (known or damage is _of_alpha), "a node that is left out keeps its name"
    assert "no known stack claims" not in ran.err or not known


def test_a_wrong_stack_file_casts_no_vote(deployed: Deployed) -> None:
    deployed.project.edit("cluster-a", "    quorum-node2: {}\n", "")
    deployed.project.edit("cluster-a", "    quorum-node1: {}\n", "    quorum-node9: {}\n")
    ran = deployed.run("validators", "apply", "--force", "--remove", BETA[1], only="alpha")
    assert ran.code == 1
    assert "this run would take away quorum-node1" in ran.err


@pytest.mark.parametrize("way", ["--remove", "--add"])
@pytest.mark.parametrize("command", ["plan", "apply"])
@pytest.mark.parametrize(
    "named", ["beta/quorum-node9", "quorum-node1", "0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c", ""]
)
def test_rb5_a_name_that_no_node_has_is_an_error_and_touches_no_vote(
    deployed: Deployed, way: str, command: str, named: str
) -> None:
    """It said that the set is as wanted, and took an open vote back."""
    network = deployed.network
    open_ = {network.records[BETA[0]].address.lower(): False}
    network.node(ALPHA[0]).pending = dict(open_)
    ran = deployed.run("validators", command, way, named, only="alpha")
    assert ran.code == 1
    assert "no known node has this name or address" in ran.err
    assert "alpha/quorum-node1, alpha/quorum-node2, beta/quorum-node1" in ran.err
    assert network.node(ALPHA[0]).pending == open_


def test_rb5_an_address_is_found_in_any_spelling_and_after_its_removal(deployed: Deployed) -> None:
    network = deployed.network
    address = network.records[BETA[1]].address
    for spelled in (address, address.lower(), BETA[1]):
        ran = deployed.run("validators", "plan", "--remove", spelled, only="alpha")
        assert f"- {BETA[1]}" in ran.out, ran.said
    network.validate(*ALPHA, BETA[0])
    assert deployed.run("validators", "plan", "--remove", BETA[1], only="alpha").code == 0


def test_a_node_that_does_not_ask_to_validate_is_not_added(deployed: Deployed) -> None:
    deployed.project.edit("cluster-a", "validator: true", "validator: false")
    deployed.project.append("cluster-a", "  archipelago:losesValidators: [quorum-node1, quorum-node2]\n")
    ran = deployed.run("validators", "plan", "--add", ALPHA[0], only="alpha")
    assert (ran.code, "does not ask to validate" in ran.err) == (1, True), ran.said


def test_rb7_open_votes_are_shown_with_who_cast_them(deployed: Deployed) -> None:
    network = deployed.network
    stranger = "0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c"
    ballot = {"validator": network.records[BETA[0]].address, "address": stranger, "authorize": True}
    for name in FOUR:
        network.node(name if "/" in name else f"alpha/{name}").votes = [ballot]
    network.node(ALPHA[0]).pending = {network.records[BETA[1]].address.lower(): False}
    ran = deployed.run("validators", "plan", only="alpha")
    assert ran.code == 0
    assert f"open: add {stranger}, voted by {BETA[0]}" in ran.out
    assert f"open: remove {BETA[1]}, voted by {ALPHA[0]}" in ran.out
    assert {each["name"] for each in deployed.run("validators", "plan", "--json", only="alpha").json["open"]} == {
        stranger,
        BETA[1],
    }
