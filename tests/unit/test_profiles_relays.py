"""Profiles on their way between organisations: they arrive whatever the order, and none outlives its organisation."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.profiles import Net, identity, net

pytestmark = pytest.mark.unit

STAR = {"alpha": ["beta", "gamma"], "beta": ["alpha"], "gamma": ["alpha"]}
NAMES = ["alpha", "beta", "gamma", "delta", "epsilon"]
thorough = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def started(edges: Mapping[str, Mapping[str, bool] | Iterable[str]]) -> Net:
    made = net(edges)
    made.up(*edges)
    made.settle()
    return made


def others(made: Net, name: str) -> set[str]:
    return {organisation for organisation, _ in made[name].sees}


@pytest.mark.parametrize("order", list(itertools.permutations(STAR)))
def test_whoever_lists_only_alpha_sees_everybody_in_any_order(order: tuple[str, ...]) -> None:
    made = net(STAR)
    made.up(*order, *order, *order)
    assert {name: others(made, name) for name in STAR} == {name: STAR.keys() - {name} for name in STAR}
    assert made.settle() == 0, "the next run of each changes nothing"


def test_beta_and_gamma_still_see_each_other_after_alpha_has_left() -> None:
    made = started(STAR)
    made.destroy("alpha")
    made.settle()
    assert (others(made, "beta"), others(made, "gamma")) == ({"gamma"}, {"beta"})
    made["beta"].partners = {}  # and when it is no longer listed
    made.settle()
    assert others(made, "beta") == {"gamma"}


def test_alpha_comes_back_and_what_happened_meanwhile_arrives() -> None:
    made = started(STAR)
    made.destroy("alpha")
    made["gamma"].identities = {"cpu": identity("new")}
    made.settle()
    assert set(made["beta"].sees) == {("gamma", "gpu")}
    made.up("alpha", "alpha")
    made.settle()
    assert set(made["beta"].sees) == {("gamma", "cpu"), ("alpha", "gpu")}


def test_without_accept_network_only_ones_own_partners_are_seen() -> None:
    made = net({"alpha": ["beta", "gamma"], "beta": {"alpha": False}, "gamma": ["alpha"]})
    made.up(*STAR)
    made.settle()
    assert (others(made, "beta"), others(made, "gamma")) == ({"alpha"}, {"alpha", "beta"})


def test_what_a_relay_told_goes_once_it_is_no_longer_asked() -> None:
    made = started(STAR)
    made["beta"].partners = {"alpha": False}
    made.settle()
    assert others(made, "beta") == {"alpha"}


def test_an_organisation_that_left_while_its_relay_was_away_can_be_forgotten() -> None:
    made = started(STAR)
    made.destroy("alpha")
    made.destroy("gamma")
    made.settle()
    assert others(made, "beta") == {"gamma"}, "nobody is there who could tell"
    made["beta"].refuse = frozenset({"gamma"})
    made.settle()
    assert others(made, "beta") == set()


def test_two_that_tell_each_other_of_a_third_do_not_keep_it_alive() -> None:
    """Each is told of alpha by beta and by the other."""
    made = started({"alpha": [], "beta": ["alpha"], "gamma": ["beta", "delta"], "delta": ["beta", "gamma"]})
    assert others(made, "gamma") >= {"alpha"}
    made.destroy("alpha")
    made.settle()
    assert not any("alpha" in others(made, name) for name in ("beta", "gamma", "delta"))


def test_what_both_learnt_of_one_relay_stays_after_it_has_left() -> None:
    made = started({"alpha": [], "beta": ["alpha"], "gamma": ["beta", "delta"], "delta": ["beta", "gamma"]})
    made.destroy("beta")
    made.settle()
    assert "alpha" in others(made, "gamma")
    assert "alpha" in others(made, "delta")


def test_counters_go_on_after_a_destroy_because_partners_tell_them_back() -> None:
    made = started(STAR)
    for text in ("second", "third"):
        made["beta"].identities["gpu"] = identity(text)
        made.settle()
    assert made["gamma"].learnt.known["beta", "gpu"].heard.profile.revision == 3
    made["beta"].outputs = {"profiles": [], "relayedProfiles": []}  # its state is lost, its seed is not
    made["beta"].identities["gpu"] = identity("fourth")
    made.up("beta")
    made.settle()
    assert made["gamma"].sees["beta", "gpu"] == "fourth"
    assert made["gamma"].learnt.known["beta", "gpu"].heard.profile.revision == 4


def test_c9_an_older_profile_of_an_organisation_itself_is_not_taken() -> None:
    """An older export of beta's is put back: a withdrawn identity came back, without a word."""
    made = started({"alpha": ["beta"], "beta": []})
    old = copy.deepcopy(made["beta"].outputs)
    made["beta"].identities["gpu"] = identity("second")
    made.settle()
    made.withdraw("beta")
    made.settle()
    assert ("beta", "gpu") not in made["alpha"].sees
    made["beta"].outputs = old
    made.up("alpha")
    assert ("beta", "gpu") not in made["alpha"].sees
    (doubt,) = made["alpha"].learnt.doubts
    assert doubt.startswith("beta gives edition 1 of the profile beta/gpu, but edition 3 is known")
    assert "revision to 4" in doubt
    made["beta"].identities = {"gpu": identity("back again", revision=4)}
    made["beta"].outputs = None
    made.up("beta", "alpha")
    assert made["alpha"].sees["beta", "gpu"] == "back again"


def test_other_words_in_an_edition_that_was_counted_twice_arrive_over_several_relays() -> None:
    """beta lists nobody, so nobody tells it how far it had counted."""
    made = started({"alpha": {"beta": False}, "beta": [], "gamma": ["alpha", "delta"], "delta": ["gamma"]})
    made.destroy("beta")
    made["beta"].identities = {"gpu": identity("back again")}
    made.up("beta")
    made.settle()
    assert {made[name].sees["beta", "gpu"] for name in ("alpha", "gamma", "delta")} == {"back again"}
    assert made.settle() == 0


def test_who_missed_that_a_stack_was_gone_is_told_of_it_as_soon_as_its_relay_hears_both() -> None:
    """gamma knows the third edition, while alpha has only seen the new first one."""
    made = started(STAR)
    for text in ("second", "third"):
        made["beta"].identities["gpu"] = identity(text)
        made.settle()
    made.destroy("beta")
    made.up("alpha")
    made["beta"].identities["gpu"] = identity("back again")
    made.up("beta", "alpha", "gamma")
    assert made["gamma"].sees["beta", "gpu"] == "third", "an earlier edition never replaces a later one"
    assert "set" in made["gamma"].learnt.doubts[0]
    made.up("alpha", "beta", "alpha", "gamma")
    assert made["gamma"].sees["beta", "gpu"] == "back again"
    assert made["gamma"].learnt.known["beta", "gpu"].heard.profile.revision == 4
    made.settle()
    assert "later" not in str(made["alpha"].outputs)


def test_the_revision_counts_changes_and_nothing_else() -> None:
    made = started(STAR)

    def counters() -> tuple[int, int]:
        known = made["gamma"].learnt.known["beta", "gpu"].heard
        return known.profile.revision, known.edition

    revision, edition = counters()
    made.settle()
    assert counters() == (revision, edition)
    made["beta"].identities["gpu"] = identity("another")
    made.settle()
    assert counters() == (revision + 1, edition + 1)
    made["beta"].identities["gpu"] = identity("another", grants={"alpha": {}})
    made.settle()
    assert counters() == (revision + 1, edition + 2), "a kubeconfig is no part of the description"


topologies = st.integers(3, 5).flatmap(
    lambda count: st.fixed_dictionaries(
        {
            name: st.dictionaries(st.sampled_from([each for each in NAMES[:count] if each != name]), st.booleans())
            for name in NAMES[:count]
        }
    )
)


def reachable(made: Net) -> dict[str, set[str]]:
    """Whom each should see: those it lists, and those whom a relay that it asks sees."""
    alive = {name for name, each in made.by_name.items() if each.outputs is not None}
    found = {name: {each for each in made[name].partners if each in alive} for name in alive}
    for _ in NAMES:
        for name in alive:
            for partner, asked in made[name].partners.items():
                if asked and partner in alive:
                    found[name] |= found[partner] - {name}
    return found


@given(edges=topologies, data=st.data())
@thorough
def test_any_order_of_runs_ends_with_everybody_seeing_whom_he_can_reach(
    edges: dict[str, dict[str, bool]], data: st.DataObject
) -> None:
    made = net(edges)
    made.up(*data.draw(st.lists(st.sampled_from(sorted(edges)), max_size=12)))
    for name in data.draw(st.permutations(sorted(edges))):
        made.up(name)
    made.settle(data.draw(st.permutations(sorted(edges))))
    assert {name: others(made, name) for name in edges} == reachable(made)
    assert not any(each.learnt.doubts or each.learnt.refused for each in made.by_name.values())


@given(edges=topologies, data=st.data())
@thorough
def test_updates_and_withdrawals_arrive_wherever_they_were_seen(
    edges: dict[str, dict[str, bool]], data: st.DataObject
) -> None:
    made = net(edges)
    made.up(*edges)
    made.settle()
    written = {name: f"{name} at first" for name in edges}
    for step in range(data.draw(st.integers(1, 5))):
        name = data.draw(st.sampled_from(sorted(edges)))
        if data.draw(st.booleans()):
            made.withdraw(name)
            written.pop(name, None)
        else:
            written[name] = f"{name} at step {step}"
            made[name].identities = {"gpu": identity(written[name])}
        made.up(*data.draw(st.lists(st.sampled_from(sorted(edges)), max_size=6)))
    made.settle(data.draw(st.permutations(sorted(edges))))
    expected = {
        name: {(each, "gpu"): written[each] for each in seen if each in written}
        for name, seen in reachable(made).items()
    }
    assert {name: made[name].sees for name in edges} == expected


@given(edges=topologies, data=st.data())
@thorough
def test_whoever_is_destroyed_vanishes_where_he_was_listed_and_relays_that_left_are_not_missed(
    edges: dict[str, dict[str, bool]], data: st.DataObject
) -> None:
    made = net(edges)
    made.up(*edges)
    made.settle()
    before = {name: others(made, name) for name in edges}
    gone = data.draw(st.sampled_from(sorted(edges)))
    made.destroy(gone)
    made.up(*data.draw(st.lists(st.sampled_from(sorted(edges.keys() - {gone})), max_size=8)))
    made.settle()
    for name in edges.keys() - {gone}:
        assert before[name] - {gone} == others(made, name) - {gone}, "those who are there are still seen"
    path = reachable(made)  # nobody can reach who is gone; a relay that is there tells so
    assert all(gone not in seen for seen in path.values())
    for name in edges.keys() - {gone}:
        assert gone not in others(made, name)


@given(edges=topologies, data=st.data())
@thorough
def test_a_destroyed_stack_that_comes_back_is_seen_again_as_it_is_then(
    edges: dict[str, dict[str, bool]], data: st.DataObject
) -> None:
    made = net(edges)
    made.up(*edges)
    made.settle()
    gone = data.draw(st.sampled_from(sorted(edges)))
    made.destroy(gone)
    made.up(*data.draw(st.lists(st.sampled_from(sorted(edges.keys() - {gone})), max_size=8)))
    made[gone].identities = {"gpu": identity("back again")}
    made.up(gone)
    made.settle(data.draw(st.permutations(sorted(edges))))
    assert {name: others(made, name) for name in edges} == reachable(made)
    for name in edges:
        seen = made[name].sees.get((gone, "gpu"), "back again")
        assert seen == "back again" or any(f"{gone}/gpu" in doubt for doubt in made[name].learnt.doubts)
