"""One process with a node's keys, and no more than one validator that is evicted; what ends is reaped."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.network.conftest import Maker
from tests.network.networks import Measure, Network, Organisation, eventually, founder

pytestmark = pytest.mark.network

NODES = ("node1", "node2", "node3")
GRACE = 15  # seconds that a process which does not end is given


@pytest.fixture(scope="module")
def running(make_network: Maker) -> Iterator[Network]:
    """One organisation with three validators, that makes blocks."""
    with make_network("workloads") as network:
        network.add(founder(network.name, NODES), "a")
        network.up("alpha")
        network.wait_for_blocks()
        yield network


def test_c5_a_pod_is_gone_before_its_successor_starts(running: Network, measure: Measure) -> None:
    """A Deployment starts the successor of a deleted pod at once, although the old one may run until it is killed."""
    alpha = running["alpha"]
    before = alpha.pods()["node1"][0]
    _in(alpha, "node1", "kill -STOP $(pidof geth)")  # it takes no signal any more, as a process that hangs
    began = time.monotonic()
    alpha.run("delete", "pod", "-l", "archipelago/node=node1", f"--grace-period={GRACE}", "--wait=false")
    while (found := _uids(alpha, "node1")) <= {before} and time.monotonic() - began < 2 * GRACE:
        time.sleep(0.2)
    assert found.isdisjoint({before}), "two pods have its keys"
    assert time.monotonic() - began >= GRACE - 1
    running.wait_for_blocks()
    measure("blocks after a process that did not end", time.monotonic() - began)


def test_c18_one_validator_is_evicted_and_the_next_one_when_it_is_back(running: Network) -> None:
    alpha = running["alpha"]
    eventually(lambda: alpha.get("pdb")["items"][0]["status"].get("disruptionsAllowed"), lambda seen: seen == 1)
    assert "429" not in _evicted(alpha, "node1")
    assert "disruption budget" in _evicted(alpha, "node2")
    eventually(lambda: alpha.get("pdb")["items"][0]["status"]["disruptionsAllowed"], lambda seen: seen == 1, 150)
    running.wait_for_blocks()


def test_what_questions_leave_behind_is_reaped(running: Network) -> None:
    """geth as process 1 reaped nothing: probes that ran out of time left 21 defunct processes in twelve minutes."""
    alpha = running["alpha"]
    # each is left by its parent as the console of a probe is that is killed, and ends a moment later
    _in(alpha, "node2", "i=0; while [ $i -lt 200 ]; do (sleep 1 &); i=$((i + 1)); done")
    count = "cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z ' || :"
    eventually(lambda: int(_in(alpha, "node2", count)), lambda seen: seen == 0, 30)
    assert alpha.pods()["node2"][1] == 0


def test_readiness_starts_no_process(running: Network) -> None:
    (container,) = [
        each for each in running["alpha"].get("pods")["items"][0]["spec"]["containers"] if each["name"] == "quorum"
    ]
    assert "exec" not in container["readinessProbe"]


def _in(organisation: Organisation, node: str, script: str) -> str:
    where = f"statefulset/{organisation.network}-{node}"
    return organisation.run("exec", where, "-c", "quorum", "--", "sh", "-c", script)


def _uids(organisation: Organisation, node: str) -> set[str]:
    """Of all pods of a node, those that are ending among them."""
    found = organisation.get("pods", "-l", f"archipelago/node={node}")["items"]
    return {each["metadata"]["uid"] for each in found}


def _evicted(organisation: Organisation, node: str) -> str:
    """What the API server says to an eviction, as a drain asks for it."""
    pod = f"{organisation.network}-{node}-0"
    text = json.dumps({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}})
    url = f"/api/v1/namespaces/{organisation.namespace}/pods/{pod}/eviction"
    command = (*organisation.kubectl, "create", "--raw", url, "-f", "-")
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
