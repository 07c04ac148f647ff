"""The monitor against a cluster and a member on loopback: what it says of both, and that nothing holds it up."""

from __future__ import annotations

import json
import re
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor import peers
from monitor.exchange import Bounds
from monitor.peer_id import base58
from tests.monitored import ADDRESS, BETA, BETA_36, LIVE, OWN, PEERS, SECOND, STATUS, Watched, peer, profile, watching

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("shallow_python")]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with watching(tmp_path) as found:
        yield found


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is away is missing at once, and each look counts."""
    monkeypatch.setattr(peers, "PATIENCE", 0.0)
    monkeypatch.setattr(peers, "LONGER", 0.0)
    monkeypatch.setattr(peers, "CHECK", 1e-6)


def test_behaviour_4_the_creator_of_a_swarm_reports_no_bootstrap_and_no_peer(watched: Watched) -> None:
    watched.look()
    assert watched.record()["Number of bootstraps"] == 0
    assert watched.record()["Number of connected peers"] == 0


def test_behaviour_6_a_joiner_reports_one_bootstrap_and_one_peer_and_the_creator_one_peer(watched: Watched) -> None:
    watched.member.connected(BETA)
    watched.look()
    creator = watched.record()
    assert (creator["Number of bootstraps"], creator["Number of connected peers"]) == (0, 1)
    watched.member.files["/bootstrap.json"] = {"Peers": [f"/ip4/198.51.100.20/tcp/4001/p2p/{BETA}"]}
    watched.look()
    joiner = watched.record()
    assert (joiner["Number of bootstraps"], joiner["Number of connected peers"]) == (1, 1)


def test_behaviour_8_the_status_names_addresses_that_can_be_dialled_and_the_nodes_own_peer_id(watched: Watched) -> None:
    watched.look()
    found = watched.record()
    assert found["Addresses"] == [ADDRESS]
    assert found["Addresses"][0].endswith(f"/p2p/{found['Peer Id']}")
    assert (found["Peer Id"], found["Name"], found["hash"]) == (OWN, "archive", "aGFzaA==")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["lastUpdate"])


def test_behaviour_29_a_peer_is_online_with_counter_0_while_it_is_connected(watched: Watched) -> None:
    watched.cluster.add(f"{PEERS}/beta-gpu", peer())
    watched.member.connected(BETA)
    watched.look()
    assert (watched.peer()["Status"], watched.peer()["Missing Counter"]) == ("Online", 0)
    assert watched.condition("Reachable")["status"] == "True"


@pytest.mark.usefixtures("impatient")
def test_behaviour_29_its_counter_rises_and_its_status_changes_while_it_is_away(watched: Watched) -> None:
    watched.cluster.add(f"{PEERS}/beta-gpu", peer())
    watched.member.connected(BETA)
    watched.look()
    watched.member.connected()
    watched.look()
    first = watched.peer()["Missing Counter"]
    watched.look()
    assert watched.peer()["Status"] == "Missing"
    assert watched.peer()["Missing Counter"] > first >= 1
    watched.member.connected(BETA)
    watched.look()
    assert (watched.peer()["Status"], watched.peer()["Missing Counter"]) == ("Online", 0)


@pytest.mark.usefixtures("impatient")
def test_behaviour_29_removal_is_no_matter_of_the_monitors(watched: Watched) -> None:
    """It has no right to it: `up` takes away what was withdrawn."""
    watched.cluster.add(f"{PEERS}/beta-gpu", peer())
    for _ in range(5):
        watched.look()
    assert watched.peer()["Status"] == "Missing"
    assert not [asked for asked, _ in watched.cluster.asked if asked.startswith("DELETE")]


def test_a_short_absence_is_none(watched: Watched) -> None:
    watched.cluster.add(f"{PEERS}/beta-gpu", peer())
    watched.member.connected(BETA)
    watched.look()
    watched.member.connected()
    watched.look()
    assert watched.peer()["Status"] == "Online"
    assert watched.condition("Reachable")["status"] == "False"


@pytest.mark.usefixtures("impatient")
def test_a_monitor_that_was_started_anew_goes_on_counting(watched: Watched) -> None:
    watched.cluster.add(f"{PEERS}/beta-gpu", peer() | {"status": {"Status": "Missing", "Missing Counter": 41}})
    watched.look()
    assert watched.peer()["Missing Counter"] > 41


@pytest.mark.usefixtures("impatient")
def test_a_count_ends_somewhere_so_that_writes_do_too(watched: Watched) -> None:
    status = {"Status": "Missing", "Missing Counter": peers.MOST}
    watched.cluster.add(f"{PEERS}/beta-gpu", peer() | {"status": status})
    watched.look()
    watched.look()
    before = len(watched.cluster.writes)
    watched.look()
    assert watched.peer()["Missing Counter"] == peers.MOST
    assert len(watched.cluster.writes) == before


def test_a_changed_profile_is_shown_with_the_up_that_is_due(watched: Watched) -> None:
    watched.cluster.add(f"{PEERS}/beta-gpu", peer())
    watched.member.connected(BETA)
    watched.member.files[f"/profiles/{BETA}.json"] = {"gpu": profile(revision=2, description="more of it")}
    watched.look()
    assert watched.condition("UpToDate")["reason"] == "ProfileChanged"
    assert "revision 2, here is 1: pulumi up -s ipfs-a" in watched.condition("UpToDate")["message"]
    assert (watched.peer()["Profile"], watched.peer()["Due"]) == ("Out of sync", "pulumi up -s ipfs-a")
    watched.cluster.objects[f"{PEERS}/beta-gpu"]["spec"]["revision"] = 2  # up ran
    watched.look()
    assert watched.condition("UpToDate")["reason"] == "Current"
    assert watched.peer()["Profile"] == "Synchronized"
    assert "Due" not in watched.peer()


def test_other_words_in_the_same_revision_are_a_change_too(watched: Watched) -> None:
    watched.cluster.add(f"{PEERS}/beta-gpu", peer(digest="0" * 64))
    watched.member.connected(BETA)
    watched.member.files[f"/profiles/{BETA}.json"] = {"gpu": profile()}
    watched.look()
    assert watched.condition("UpToDate")["reason"] == "ProfileChanged"


@pytest.mark.parametrize(
    "left",
    [
        {"other": profile("other")},
        {"profiles": {}, "taken": {}},
        {"gpu": profile(revision=2, withdrawn=True)},
    ],
    ids=["another", "nothing", "said"],
)
def test_a_withdrawn_profile_is_shown_with_the_up_that_removes_it(watched: Watched, left: object) -> None:
    watched.cluster.add(f"{PEERS}/beta-gpu", peer())
    watched.member.connected(BETA)
    watched.member.files[f"/profiles/{BETA}.json"] = left
    watched.look()
    assert watched.condition("UpToDate")["reason"] == "ProfileWithdrawn"
    assert watched.peer()["Due"] == "pulumi up -s ipfs-a"


def test_a_profile_that_was_just_taken_over_is_not_withdrawn_because_an_old_document_lacks_it(watched: Watched) -> None:
    made = watched.cluster.add(f"{PEERS}/beta-gpu", peer())
    made["metadata"]["creationTimestamp"] = peers.stamp()
    watched.member.files[f"/profiles/{BETA}.json"] = {}
    watched.member.connected(BETA)
    watched.look()
    assert watched.condition("UpToDate")["reason"] == "NotSeen"


def test_a_profile_of_another_organisation_under_a_members_name_counts_for_nothing(watched: Watched) -> None:
    watched.cluster.add(f"{PEERS}/beta-gpu", peer())
    watched.member.connected(BETA)
    watched.member.files[f"/profiles/{BETA}.json"] = {"gpu": profile(revision=9, organisation="gamma")}
    watched.look()
    assert watched.condition("UpToDate")["reason"] == "ProfileWithdrawn"


def test_nothing_is_written_where_nothing_changed(watched: Watched) -> None:
    watched.cluster.add(f"{PEERS}/beta-gpu", peer())
    watched.member.connected(BETA, SECOND)
    watched.member.files[f"/profiles/{BETA}.json"] = {"gpu": profile()}
    watched.look()
    before = list(watched.cluster.writes)
    for _ in range(3):
        watched.look()
    assert watched.cluster.writes == before


def test_a_cluster_whose_peers_have_no_such_fields_is_told_once(watched: Watched) -> None:
    """The kind is shared by all stacks of a cluster, and another release may have defined it."""
    watched.cluster.prunes = ("conditions", "Profile")
    watched.cluster.add(f"{PEERS}/beta-gpu", peer())
    watched.member.connected(BETA)
    watched.look()
    before = len(watched.cluster.writes)
    for _ in range(3):
        watched.look()
    assert len(watched.cluster.writes) == before
    watched.member.files[f"/profiles/{BETA}.json"] = {"gpu": profile(revision=2)}
    watched.look()
    assert watched.peer()["Due"] == "pulumi up -s ipfs-a"


def test_a_record_of_a_member_that_was_taken_out_goes(watched: Watched) -> None:
    watched.cluster.objects[STATUS]["data"] = {"public-old": "{}"}
    watched.look()
    assert set(watched.cluster.objects[STATUS]["data"]) == {"public-archive"}


def test_where_peers_are_config_maps_their_status_is_kept_beside_that_of_the_members(tmp_path: Path) -> None:
    with watching(tmp_path, peers="configMap") as watched:
        spec = peer()
        data = {"peer.json": json.dumps({"metadata": {"annotations": {}}, "spec": spec.pop("spec")})}
        way = "/api/v1/namespaces/ipfs/configmaps/beta-gpu"
        watched.cluster.add(way, {**spec, "data": data})
        watched.member.connected(BETA)
        watched.look()
        told = json.loads(watched.cluster.objects[STATUS]["data"]["peers.json"])
        assert told["ipfs/beta-gpu"]["Status"] == "Online"
        before = len(watched.cluster.writes)
        watched.look()
        assert len(watched.cluster.writes) == before
        assert watched.cluster.objects[way]["data"] == data


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, b"no JSON at all"),
        (200, {}, b"[" * 100_000),
        (200, {}, b"9" * 100_000),
        (200, {}, b"[1, 2, 3]"),
        (200, {}, b"\xff\xfe\x00"),
        (200, {}, b"x" * 2_000_000),
        (200, {"Content-Length": "99999999999999"}, b"{}"),
        (500, {}, b"{}"),
        (302, {"Location": "http://127.0.0.1:1/"}, b""),
    ],
    ids=["text", "deep", "number", "list", "bytes", "huge", "length", "error", "redirect"],
)
def test_a_member_that_answers_with_anything_else_is_counted_and_no_more(watched: Watched, answer: object) -> None:
    watched.look()
    watched.member.broken = answer  # type: ignore[assignment]
    watched.look()
    assert watched.rounds.watched[0].failures >= 1
    assert watched.rounds.healthy()
    watched.member.broken = None
    watched.look()
    assert watched.record()["Answers"] is True


@pytest.mark.parametrize(
    "document",
    [
        None,
        7,
        [],
        ["gpu"],
        {"gpu": None},
        {"gpu": {"organisation": 1, "identity": [], "revision": "x"}},
        {"gpu": profile(revision=-1)},
        {"gpu": profile(revision=10**400)},
        {"gpu": profile() | {"publishedTo": "everywhere"}},
        {"gpu": profile("gpu\n# TYPE forged gauge")},
        {"profiles": {}, "taken": {"alpha/jobs": "many"}},
        {str(number): {} for number in range(5000)},
    ],
    ids=repr,
)
def test_a_publisher_of_anything_else_is_taken_for_one_of_nothing(watched: Watched, document: object) -> None:
    watched.cluster.add(f"{PEERS}/beta-gpu", peer())
    watched.member.connected(BETA)
    watched.member.files[f"/profiles/{BETA}.json"] = document
    watched.look()
    assert watched.peer()["Status"] == "Online"
    assert "forged" not in watched.rounds.metrics()


@pytest.mark.parametrize("answer", [(500, b"{}"), (200, b"no JSON"), (200, b"[]"), (200, b"{}"), (403, b"")], ids=repr)
def test_an_api_server_that_fails_is_counted_and_no_more(watched: Watched, answer: tuple[int, bytes]) -> None:
    watched.cluster.add(f"{PEERS}/beta-gpu", peer())
    watched.member.connected(BETA)
    watched.look()
    written = len(watched.cluster.writes)
    watched.cluster.broken = answer
    watched.look()
    assert watched.rounds.healthy()
    assert len(watched.cluster.writes) == written
    assert (answer == (200, b"{}")) or "archipelago_monitor_failures_total{" in watched.rounds.metrics()
    watched.cluster.broken = None
    watched.look()
    assert watched.peer()["Status"] == "Online"


def test_an_api_server_that_hangs_holds_up_a_round_once_for_each_thing_that_is_read(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("gpu", "data", "jobs", "more"):
        watched.cluster.add(f"{PEERS}/beta-{name}", peer(name))
    watched.look()
    watched.member.connected(BETA)  # there is much to write
    watched.rounds.watched[0].look()
    monkeypatch.setattr("monitor.kubernetes._BOUNDS", Bounds(seconds=0.2, size=1000))
    watched.cluster.broken = "slow"
    began = time.monotonic()
    watched.rounds.round()
    assert time.monotonic() - began < 2
    watched.cluster.broken = None
    monkeypatch.undo()
    watched.look()
    assert watched.peer("beta-more")["Status"] == "Online"


def test_a_live_file_that_cannot_be_read_changes_nothing_of_what_is_known(watched: Watched) -> None:
    watched.look()
    before = watched.rounds.metrics()
    del watched.cluster.objects[LIVE]
    watched.look()
    assert (
        before.partition("archipelago_member_up")[0] == watched.rounds.metrics().partition("archipelago_member_up")[0]
    )


def test_a_member_that_tells_history_does_not_answer(watched: Watched) -> None:
    watched.look()
    watched.member.files["/time"] = 1_600_000_000
    watched.rounds.watched[0].look()
    assert watched.rounds.watched[0].trouble == "what it tells is old"


def test_a_member_that_is_away_keeps_its_addresses_and_loses_its_peers(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.member.connected(BETA)
    watched.look()
    monkeypatch.setattr("monitor.rounds._FRESH", 0.0)
    watched.look()
    found = watched.record()
    assert (found["Answers"], found["Number of connected peers"], found["Addresses"]) == (False, 0, [ADDRESS])


def test_while_our_own_members_are_away_nothing_is_taken_back(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was seen on real nodes: a count that fell, and a run that was due no more."""
    monkeypatch.setattr(peers, "PATIENCE", 0.0)
    watched.cluster.add(f"{PEERS}/beta-gpu", peer())
    watched.member.files[f"/profiles/{BETA}.json"] = {"gpu": profile(revision=2)}
    watched.look()
    assert (watched.peer()["Status"], watched.peer()["Missing Counter"]) == ("Missing", 1)
    monkeypatch.setattr("monitor.rounds._FRESH", 0.0)
    watched.rounds.round()
    assert (watched.peer()["Status"], watched.peer()["Missing Counter"]) == ("Missing", 1)
    assert watched.condition("Reachable")["reason"] == "OwnMembersAway"
    assert watched.condition("UpToDate")["reason"] == "ProfileChanged"
    assert watched.peer()["Due"] == "pulumi up -s ipfs-a"


def test_its_memory_stays_flat(watched: Watched) -> None:
    watched.cluster.add(f"{PEERS}/beta-gpu", peer())
    watched.member.connected(BETA)
    watched.member.files[f"/profiles/{BETA}.json"] = {"gpu": profile()}
    for _ in range(5):
        watched.look()
    watched.cluster.asked.clear()
    tracemalloc.start()
    try:
        watched.look()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(10):
            watched.cluster.objects.pop(f"{PEERS}/passing-{number - 1}", None)
            watched.cluster.add(f"{PEERS}/passing-{number}", peer(f"passing-{number}"))
            watched.look()
            watched.cluster.asked.clear()
            watched.cluster.writes.clear()
        assert tracemalloc.get_traced_memory()[0] - before < 200_000
    finally:
        tracemalloc.stop()


def test_a_label_s_peer_id_is_read_as_nodes_spell_it() -> None:
    assert base58(BETA_36) == BETA
    assert [base58(each) for each in ("", "k", "k0", "z" * 62, "K51", BETA, "k" + "z" * 200)] == [""] * 7
