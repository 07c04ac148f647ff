"""The shells of a member's pod, run for real: whose volume it is, what config the daemon gets, what is told to it."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from archipelago.chains.ipfs.swarm_key import parsed
from archipelago.model.endpoint import Endpoint
from archipelago.stack.plan import StackPlan
from tests import ipfs
from tests.ipfs_pod import Pod

pytestmark = pytest.mark.unit

OTHER = f"/ip4/198.51.100.9/tcp/4001/p2p/{ipfs.PEER}"


@pytest.fixture
def plan() -> StackPlan:
    return ipfs.plan_of(ipfs.alpha())


def pod_of(root: Path, plan: StackPlan) -> Pod:
    pod = Pod(root, plan)
    done = pod.run("init")
    assert done.returncode == 0, done.stderr
    return pod


def config(pod: Pod) -> dict[str, Any]:
    """What the daemon starts with, but the token that each start makes anew."""
    found: dict[str, Any] = json.loads((pod.repository / "config").read_text())
    found["API"]["Authorizations"]["console"].pop("AuthSecret")
    return found


def test_an_empty_volume_gets_a_repository_with_the_identity_that_was_known_before(
    tmp_path: Path, plan: StackPlan
) -> None:
    pod = pod_of(tmp_path, plan)
    identity = config(pod)["Identity"]
    assert identity == {"PeerID": plan.records[0].node_id, "PrivKey": plan.nodes[0].private_files["private-key"]}
    assert pod.said.read_text().splitlines()[0].startswith("init --empty-repo ")
    assert not list(tmp_path.glob("run/config*")) and not list(tmp_path.glob("run/*.sed"))
    assert stat.S_IMODE((pod.repository / "config").stat().st_mode) == 0o600


def test_nothing_secret_is_printed_and_none_is_an_argument(tmp_path: Path, plan: StackPlan) -> None:
    """ipfs-operator's init container traces itself, and the private key is in its log."""
    pod = Pod(tmp_path, plan)
    done = pod.run("init")
    said = done.stdout + done.stderr + pod.said.read_text()
    for name, text in plan.nodes[0].private_files.items():
        assert text not in said, name
        assert not any(text in word for each in plan.nodes[0].containers for word in each.command)


def test_the_swarm_key_is_installed_at_every_start(tmp_path: Path, plan: StackPlan) -> None:
    """The image takes a key from its variables at the first start alone, and then starts on the public network."""
    pod = pod_of(tmp_path, plan)
    (pod.repository / "swarm.key").unlink()
    assert pod.run("init").returncode == 0
    key = pod.repository / "swarm.key"
    assert parsed(key.read_bytes()).fingerprint == plan.records[0].fingerprint
    assert (pod.repository / ".archipelago-fingerprint").read_text() == plan.records[0].fingerprint
    key.chmod(0o600)
    key.write_text("another")
    assert pod.run("kubo").returncode == 0
    assert parsed(key.read_bytes()).fingerprint == plan.records[0].fingerprint
    assert pod.said.read_text().splitlines()[-1] == "daemon --migrate=false --enable-gc"


def test_a_second_start_changes_nothing_and_a_change_of_settings_everything_that_is_set(
    tmp_path: Path, plan: StackPlan
) -> None:
    pod = pod_of(tmp_path, plan)
    before = config(pod)
    (pod.repository / "config").write_text(json.dumps(before | {"Bootstrap": ["auto"]}))
    (pod.repository / "api").write_text("/ip4/127.0.0.1/tcp/9")
    assert pod.run("init").returncode == 0
    assert config(pod) == before
    assert not (pod.repository / "api").exists()
    assert pod.said.read_text().count("init --empty-repo") == 1
    changed = ipfs.plan_of(ipfs.alpha({f"{ipfs.ARCHIVE}.connections": {"low": 7, "high": 9}}))
    pod.take(changed)
    assert pod.run("init").returncode == 0
    assert config(pod)["Swarm"]["ConnMgr"]["LowWater"] == 7


def test_a_crash_in_the_middle_of_the_first_start_is_got_over(tmp_path: Path, plan: StackPlan) -> None:
    pod = Pod(tmp_path, plan)
    assert pod.run("init", FAILS="1").returncode != 0
    assert not pod.repository.exists()
    assert pod.run("init").returncode == 0
    assert not (pod.data / "ipfs.new").exists()


@pytest.mark.parametrize(
    ("organisation", "changes", "whose"),
    [
        ("alpha", {"identitySeed": "5d" + "b3c4f1e2" * 7 + "a1a2a3"}, "the repository of research archive 12D3KooW"),
        ("alpha", {"network.name": "other"}, "the repository of research archive 12D3KooW"),
        ("beta", {}, "the repository of research archive 12D3KooW"),
    ],
)
def test_a_volume_of_another_member_is_refused_and_not_touched(
    tmp_path: Path, plan: StackPlan, organisation: str, changes: dict[str, str], whose: str
) -> None:
    pod = pod_of(tmp_path, plan)
    before = {path: path.read_bytes() for path in pod.repository.rglob("*") if path.is_file()}
    world = ipfs.world(alpha=ipfs.alpha(), beta=ipfs.beta())
    world.up("alpha", "beta", "alpha", "beta")
    other = world.plans["beta"] if organisation == "beta" else ipfs.plan_of(ipfs.alpha(changes))
    pod.take(other)
    done = pod.run("init")
    assert done.returncode == 1
    assert f"This volume holds {whose}" in done.stderr
    assert "Nothing was touched" in done.stderr
    assert before == {path: path.read_bytes() for path in pod.repository.rglob("*") if path.is_file()}


def test_a_repository_of_another_tool_is_taken_over_where_the_peer_id_is_ours(tmp_path: Path, plan: StackPlan) -> None:
    pod = pod_of(tmp_path, plan)
    (pod.repository / ".archipelago").unlink()
    assert pod.run("init").returncode == 0
    (pod.repository / ".archipelago").unlink()
    text = (pod.repository / "config").read_text().replace(plan.records[0].node_id, ipfs.PEER)
    (pod.repository / "config").write_text(text)
    assert "another PeerID" in pod.run("init").stderr


def test_files_that_are_no_repository_are_not_overwritten(tmp_path: Path, plan: StackPlan) -> None:
    pod = Pod(tmp_path, plan)
    pod.repository.mkdir()
    (pod.repository / "photo.jpg").write_text("mine")
    assert "files in ipfs that are no repository" in pod.run("init").stderr
    (pod.repository / "photo.jpg").unlink()
    assert pod.run("init").returncode == 0


def test_a_later_kubo_migrates_the_repository_first_and_an_earlier_one_refuses(tmp_path: Path, plan: StackPlan) -> None:
    pod = pod_of(tmp_path, plan)
    assert pod.run("init", REPO="19").returncode == 0
    assert "repo migrate" in pod.said.read_text()
    assert pod.run("init", REPO="19").returncode == 0
    assert pod.said.read_text().count("repo migrate") == 1
    done = pod.run("init", REPO="17")
    assert done.returncode == 1
    assert "a repository of a later kubo (version 19, and this one reads 17)" in done.stderr


def test_what_the_cluster_gave_is_announced_in_the_form_it_has(tmp_path: Path, plan: StackPlan) -> None:
    pod = Pod(tmp_path, plan)
    for host, port, wanted in (
        ("203.0.113.7", 31001, "/ip4/203.0.113.7/tcp/31001"),
        ("2001:db8::7", 4001, "/ip6/2001:db8::7/tcp/4001"),
        ("lb-1.example.org", 4001, "/dns4/lb-1.example.org/tcp/4001"),
    ):
        pod.take(plan, endpoints={"swarm": Endpoint(host=host, port=port)})
        assert pod.run("init").returncode == 0
        assert config(pod)["Addresses"]["Announce"] == [wanted]


def test_behaviour_04_a_creator_has_no_bootstraps(tmp_path: Path) -> None:
    """Neither alone nor when it knows a joiner: whoever came later dials it."""
    world = ipfs.world(alpha=ipfs.alpha(), beta=ipfs.beta())
    alone = pod_of(tmp_path, world.up("alpha"))
    assert config(alone)["Bootstrap"] == []
    assert config(alone)["Peering"] == {"Peers": []}
    alone.take(world.up("beta", "alpha"))
    assert alone.run("init").returncode == 0
    assert config(alone)["Bootstrap"] == []


def test_behaviour_06_a_joiner_has_one_bootstrap_and_both_list_each_other(tmp_path: Path) -> None:
    world = ipfs.world(alpha=ipfs.alpha(), beta=ipfs.beta())
    world.up("alpha", "beta", "alpha", "beta")
    creator = pod_of(tmp_path / "alpha", world.plans["alpha"])
    joiner = pod_of(tmp_path / "beta", world.plans["beta"])
    ours = world.plans["beta"].records[0]
    (theirs,) = world.plans["beta"].imports[0].nodes
    assert config(joiner)["Bootstrap"] == [ipfs.IPFS.url(theirs)]
    for pod, other in ((joiner, theirs), (creator, ours)):
        assert config(pod)["Peering"] == {"Peers": []}  # the running daemon is told
        assert f" {other.node_id} /" in (pod.root / "peers/archive.members").read_text()


def test_a_literal_bootstrap_is_dialled_first_too(tmp_path: Path) -> None:
    pod = pod_of(tmp_path, ipfs.plan_of(ipfs.alpha({f"{ipfs.ARCHIVE}.bootstrap": [OTHER]})))
    assert config(pod)["Bootstrap"] == [OTHER]


def test_behaviour_17_bootstraps_grow_with_members_that_publish_an_identity(tmp_path: Path) -> None:
    world = ipfs.world(alpha=ipfs.alpha(), beta=ipfs.beta())
    world.up("alpha", "beta", "alpha")
    plan, theirs = world.plans["alpha"], world.plans["beta"].records[0].node_id
    pod = pod_of(tmp_path, plan)
    pod.deliver({**plan.live_files, "published.txt": f"archive {theirs}\nmodels {ipfs.PEER}\n"})
    assert pod.run("init").returncode == 0
    (bootstrap,) = config(pod)["Bootstrap"]
    assert bootstrap.endswith(f"/p2p/{theirs}")
