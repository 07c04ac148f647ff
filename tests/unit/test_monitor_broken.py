"""The monitor against what is away, slow or made to break it: a round ends, and what was known stays."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from monitor import peers
from monitor.exchange import Bounds
from monitor.peer_id import base58
from tests.monitored import ADDRESS, BETA, BETA_36, LIVE, PEERS, Watched, peer, profile

pytestmark = pytest.mark.unit


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
