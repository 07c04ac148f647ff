"""What a running member is asked, and what `verify` makes of a network of swarms."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from archipelago.chains.running import Lack, Unanswered
from archipelago.manifests.common import Manifest
from archipelago.manifests.stack import manifests
from archipelago.model.record import ExternalNode, NetworkRecord
from archipelago.stack.plan import StackPlan
from operate.drift import settled
from operate.findings import Finding, Mark
from operate.kubectl import Failed
from operate.site import Site
from operate.stack import Stack
from operate.verify import Limits, verify
from tests import ipfs
from tests.ipfs_api import Api
from tests.ipfs_pod import Pod
from tests.stacks import STACKS, crossed, outputs_of
from tests.world import World

pytestmark = pytest.mark.unit

KUBO = ipfs.IPFS.running


@dataclass
class Member:
    """A member that runs: with whom it is connected, and with which key it was started."""

    record: ExternalNode
    peers: set[str]
    fingerprint: str


@dataclass
class Cluster:
    """A cluster as `operate` asks it."""

    members: dict[str, Member]
    objects: list[Manifest]
    namespace: str = "ipfs"
    namespaces: tuple[str, ...] = ("ipfs",)
    closed: set[str] = field(default_factory=set)

    def get(self, kinds: Sequence[str], selector: str = "") -> list[Manifest]:
        """Objects, by kind and labels."""
        labels = dict(pair.split("=") for pair in selector.split(",") if pair)
        found = [_pod(each) for each in self.members.values()] if "pods" in kinds else self.objects
        return [each for each in found if labels.items() <= each["metadata"].get("labels", {}).items()]

    def run(self, pod: str, container: str, command: Sequence[str], namespace: str = "") -> str:
        """What a command prints."""
        assert container == "kubo"
        member = self.members[pod.removesuffix("-ss-0")]
        if command[0] == "nc":
            if f"{command[3]}:{command[4]}" in self.closed:
                raise Failed("nc: can't connect to remote host", 1)
            return ""
        peers = [{"Addr": "/ip4/10.0.0.1/tcp/4001", "Peer": each} for each in sorted(member.peers)]
        who = {"ID": member.record.node_id, "Addresses": []}
        mark = f"research {member.record.swarm} {member.record.node_id}"
        return "\n".join([mark, member.fingerprint, json.dumps(who), json.dumps({"Peers": peers or None})]) + "\n"

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Nothing is."""
        raise AssertionError


def _pod(member: Member) -> Manifest:
    status: list[Manifest] = [
        {"name": name, "ready": True, "restartCount": 0, "state": {"running": {}}} for name in ("kubo", "peers")
    ]
    labels = {"archipelago/network": "research", "archipelago/node": member.record.name}
    return {
        "kind": "Pod",
        "metadata": {"name": f"{member.record.name}-ss-0", "namespace": "ipfs", "labels": labels},
        "spec": {"containers": [{"name": name, "image": "ipfs/kubo:v0.42.0"} for name in ("kubo", "peers")]},
        "status": {"phase": "Running", "containerStatuses": status},
    }


class Network:
    """alpha with members of two swarms and beta with one of one, all of a swarm connected."""

    def __init__(self) -> None:
        changes: dict[str, Any] = {"pools.public.swarms.models": {}}
        self.world: World = ipfs.world(alpha=ipfs.alpha(changes), beta=ipfs.beta())
        self.world.up("alpha", "beta", "alpha", "beta")
        self.plans: dict[str, StackPlan] = {each: self.world.plan(each) for each in ("alpha", "beta")}
        records = [
            ExternalNode.model_validate(each)
            for organisation in self.plans
            for each in outputs_of(self.plans[organisation])["externalNodes"]
        ]
        self.records: Mapping[str, ExternalNode] = {str(each): each for each in records}
        self.clusters = {each: self._cluster(each) for each in self.plans}

    def _cluster(self, organisation: str) -> Cluster:
        own = [each for each in self.records.values() if each.organisation == organisation]
        members = {
            each.name: Member(
                each,
                {o.node_id for o in self.records.values() if o.swarm == each.swarm and o is not each},
                each.fingerprint or "",
            )
            for each in own
        }
        plan = settled(self.plans[organisation], tuple(own))
        return Cluster(members, list(manifests(plan)))

    def stacks(self) -> list[Stack]:
        """Both."""
        return [self._stack(each) for each in self.plans]

    def _stack(self, organisation: str) -> Stack:
        plan = self.plans[organisation]
        own = tuple(each for each in self.records.values() if each.organisation == organisation)
        nodes = tuple(sorted(each.name for each in own))
        cluster: Any = self.clusters[organisation]
        site = Site(STACKS[organisation], organisation, "research", nodes, ipfs.IPFS, cluster)
        network = NetworkRecord.model_validate(crossed(self.world.outputs[organisation])["network"])
        return Stack(site, network, own, plan.imports)


def found(network: Network) -> list[Finding]:
    clock = iter(range(10_000))
    limits = Limits(seconds=3, sleep=lambda _: None, clock=lambda: float(next(clock)))
    return [each for each in verify(network.stacks(), limits, lambda _: None) if each.check != "drift"]


def of(findings: Sequence[Finding], check: str, subject: str) -> Finding:
    (one,) = [each for each in findings if (each.check, each.subject) == (check, subject)]
    return one


def test_a_sound_network_of_swarms_has_no_alarm_and_no_blocks() -> None:
    findings = found(Network())
    assert {each.check for each in findings} == {"pods", "key", "genesis", "peers", "permissioned", "reach"}
    assert [each.subject for each in findings if each.check == "genesis"] == ["beta"]  # what both agree on: a name
    assert {each.mark for each in findings} == {Mark.OK, Mark.SKIPPED}
    assert of(findings, "permissioned", "research").mark is Mark.SKIPPED


def test_only_members_of_its_own_swarm_are_missed() -> None:
    network = Network()
    assert "0 of 0 peers" in of(found(network), "peers", "alpha/public-models").seen
    network.clusters["beta"].members["public-archive"].peers.clear()
    findings = found(network)
    lonely = of(findings, "peers", "beta/public-archive")
    assert lonely.mark is Mark.FAILED
    assert "missing: alpha/public-archive" in lonely.seen


def test_a_member_with_another_key_is_named() -> None:
    network = Network()
    network.clusters["beta"].members["public-archive"].fingerprint = "0" * 32
    finding = of(found(network), "key", "beta/public-archive")
    assert finding.mark is Mark.FAILED
    assert "pulumi up -s cluster-b" in finding.cure


def test_a_partners_closed_port_is_named() -> None:
    network = Network()
    end = network.records["beta/public-archive"].endpoints["swarm"]
    network.clusters["alpha"].closed.add(str(end))
    finding = of(found(network), "reach", "beta/public-archive")
    assert finding.mark is Mark.FAILED
    assert f"swarm at {end} does not answer alpha" in finding.seen


def test_a_member_is_asked_at_its_own_port_with_its_token(tmp_path: Path) -> None:
    plan = ipfs.plan_of(ipfs.alpha())
    api = Api(plan.nodes[0].private_files["api-token"])
    pod = Pod(tmp_path, ipfs.plan_of(ipfs.alpha({f"{ipfs.ARCHIVE}.apiPort": api.port})))
    assert pod.run("init").returncode == 0
    api.connected = {ipfs.PEER: "/ip4/192.0.2.9/tcp/4001"}
    environment = pod.environment(pod.container("kubo"))
    done = subprocess.run(pod.here(KUBO.look()), env=environment, capture_output=True, text=True, check=False)
    api.close()
    assert api.calls == ["id", "swarm/peers"], done.stderr
    with pytest.raises(Unanswered, match="something else"):
        KUBO.state(done.stdout)  # this API says no PeerID
    state = KUBO.state(done.stdout.replace("12D3KooWSelf", plan.records[0].node_id))
    assert state.peers == {ipfs.PEER: "/ip4/192.0.2.9/tcp/4001"}
    assert (state.node_id, state.fingerprint) == (plan.records[0].node_id, plan.records[0].fingerprint)


def test_a_line_is_typed_after_the_word_ipfs(tmp_path: Path) -> None:
    pod = Pod(tmp_path, ipfs.plan_of(ipfs.alpha()))
    assert pod.run("init").returncode == 0
    (pod.root / "run/bin/ipfs").write_text('#!/bin/sh\necho "said $*"\n')
    console = KUBO.console
    assert not isinstance(console, Lack)
    command = pod.here(console.evaluate("swarm peers | sed s/said/heard/"))
    done = subprocess.run(command, env={"PATH": str(pod.bin)}, capture_output=True, text=True, check=False)
    assert console.answer(done.stdout) == "heard swarm peers"


@pytest.mark.parametrize("printed", ["", "a\nb\n", "a\nb\n{}\n{}\n", "a\nb\n[]\n[]\n", "a\nb\nno\nno\n"])
def test_anything_else_is_no_answer(printed: str) -> None:
    with pytest.raises(Unanswered):
        KUBO.state(printed)


def test_what_there_is_not_says_why_and_what_to_do_instead() -> None:
    for lack in (KUBO.blocks, KUBO.admission, KUBO.votes, KUBO.trials):
        assert isinstance(lack, Lack)
        assert lack.words.endswith(".")
        assert lack.instead


def test_a_copy_of_a_record_with_another_fingerprint_is_not_the_same_swarm() -> None:
    network = Network()
    stack = network.stacks()[1]
    (theirs,) = [each for each in stack.imports[0].nodes if each.swarm == "archive"]
    other = replace(stack.imports[0], nodes=(theirs.model_copy(update={"fingerprint": "0" * 32}),))
    network.stacks = lambda: [replace(stack, imports=(other,))]  # type: ignore[method-assign]
    finding = of(found(network), "key", "beta/public-archive")
    assert finding.mark is Mark.FAILED
    assert "alpha/public-archive has 00000000" in finding.seen
