"""Which pod stands for a node that has several."""

from __future__ import annotations

import pytest

from operate.site import pods
from tests.fake_network import FakeNetwork

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("younger", ["crashed", "evicted", "going"])
def test_of_two_pods_the_one_that_runs_is_shown(younger: str) -> None:
    """It was the youngest one, which may be the one that crashed."""
    network = FakeNetwork()
    site, node = network.stack("alpha").site, network.node("alpha/quorum-node1")
    sound, other = node.manifest("consortium"), node.manifest("consortium")
    for manifest, name, age in ((sound, "sound", "01"), (other, younger, "02")):
        manifest["metadata"] |= {"name": name, "creationTimestamp": f"2026-01-{age}T00:00:00Z"}
    (status,) = other["status"]["containerStatuses"]
    if younger == "crashed":
        status |= {"ready": False, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    elif younger == "evicted":
        other["status"] = {"phase": "Failed", "reason": "Evicted"}
    else:
        other["metadata"]["deletionTimestamp"] = "2026-01-03T00:00:00Z"
    network.clusters["alpha"].objects += [sound, other]
    network.stop("alpha/quorum-node1")
    assert pods(site)["quorum-node1"].name == "sound"


def test_of_two_pods_that_both_run_the_younger_is_shown() -> None:
    network = FakeNetwork()
    site, node = network.stack("alpha").site, network.node("alpha/quorum-node1")
    for name, age in (("younger", "02"), ("older", "01")):
        manifest = node.manifest("consortium")
        manifest["metadata"] |= {"name": name, "creationTimestamp": f"2026-01-{age}T00:00:00Z"}
        network.clusters["alpha"].objects.append(manifest)
    network.stop("alpha/quorum-node1")
    assert pods(site)["quorum-node1"].name == "younger"
