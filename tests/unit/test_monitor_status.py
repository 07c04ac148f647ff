"""The monitor against a cluster and a member on loopback: what it says of both, and that nothing holds it up."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from monitor import peers
from tests.monitored import ADDRESS, BETA, OWN, PEERS, SECOND, STATUS, Watched, peer, profile, watching

pytestmark = pytest.mark.unit


def test_behaviour_04_the_creator_of_a_swarm_reports_no_bootstrap_and_no_peer(watched: Watched) -> None:
    watched.look()
    assert watched.record()["Number of bootstraps"] == 0
    assert watched.record()["Number of connected peers"] == 0


def test_behaviour_06_a_joiner_reports_one_bootstrap_and_one_peer_and_the_creator_one_peer(watched: Watched) -> None:
    watched.member.connected(BETA)
    watched.look()
    creator = watched.record()
    assert (creator["Number of bootstraps"], creator["Number of connected peers"]) == (0, 1)
    watched.member.files["/bootstrap.json"] = {"Peers": [f"/ip4/198.51.100.20/tcp/4001/p2p/{BETA}"]}
    watched.look()
    joiner = watched.record()
    assert (joiner["Number of bootstraps"], joiner["Number of connected peers"]) == (1, 1)


def test_behaviour_08_the_status_names_addresses_to_dial_and_the_nodes_own_peer_id(
    watched: Watched,
) -> None:
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
