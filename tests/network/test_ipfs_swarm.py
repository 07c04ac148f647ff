"""Private swarms of several organisations: real kubo, on real nodes, across clusters.

The numbers in names are those of the behaviours that cluster-discovery promised.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.network.conftest import Maker
from tests.network.ipfs_networks import IMAGE, Member, connected, joiner, put_secret, secret
from tests.network.ipfs_swarms import KEY, Swarms, two_swarms
from tests.network.networks import Measure, eventually
from tests.network.strangers import strangers

pytestmark = pytest.mark.network

BESIDES = ("ipfs",)
"""What the lab has to have for this module."""


@pytest.fixture(scope="module")
def swarms(make_network: Maker) -> Iterator[Swarms]:
    """alpha in cluster `a`, beta in `b`."""
    with two_swarms(make_network("swarm")) as made:
        yield made


def _service(each: Member, suffix: str = "") -> dict[str, Any]:
    return each.organisation.get("-n", each.namespace, "service", f"{each.name}{suffix}")


def test_behaviour_02_a_named_secret_that_is_missing_is_made_with_a_new_key(swarms: Swarms) -> None:
    assert set(swarms.seen["key"]) == {"swarm-key"}
    content = swarms.seen["key"]["swarm-key"]
    assert re.fullmatch(rb"/key/swarm/psk/1.0.0/\n/base16/\n[0-9a-f]{64}", content), "three lines, no final newline"


def test_behaviours_03_and_05_a_key_that_is_there_is_used_unchanged(swarms: Swarms) -> None:
    for organisation in swarms.network.organisations.values():
        assert secret(organisation, KEY) == swarms.seen["key"]


def test_behaviour_04_a_creator_has_no_bootstraps_and_no_peers(swarms: Swarms) -> None:
    assert swarms.seen["alone"] == (set(), {})


def test_behaviour_06_a_joiner_has_one_bootstrap_and_one_peer_its_creator_one_peer(
    swarms: Swarms, measure: Measure
) -> None:
    alpha, beta = swarms.member("alpha", "archive").peer_id, swarms.member("beta", "archive").peer_id
    assert swarms.seen["first"] == [(set(), {beta}), ({alpha}, {alpha})]
    for step, seconds in swarms.seconds.items():
        measure(step, seconds)


def test_both_swarms_converge_and_further_previews_change_nothing(swarms: Swarms, measure: Measure) -> None:
    assert swarms.seen["waiting"] == ["alpha: the key of swarm models"]
    measure("rounds until nothing changes (a number)", swarms.seen["rounds"])
    for organisation in swarms.network.organisations.values():
        assert organisation.stack.preview().changes == []


def test_behaviour_08_addresses_can_be_dialled_and_peer_ids_are_those_known_before(swarms: Swarms) -> None:
    for swarm in ("archive", "models"):
        for organisation in ("alpha", "beta"):
            each = swarms.member(organisation, swarm)
            assert each.ipfs("id", "--format=<id>") == each.peer_id
            assert each.ipfs("id", "--format=<addrs>").split() == [each.multiaddr], "nothing else is announced"
        beta = swarms.member("beta", swarm)
        assert swarms.seen["before"][beta.name] == beta.peer_id, "as exported while it waited"
        said = swarms.member("alpha", swarm).ipfs("swarm", "connect", beta.multiaddr)
        assert "success" in said


def test_behaviour_09_each_swarm_has_a_stateful_set_named_for_pool_and_swarm(swarms: Swarms) -> None:
    for organisation in swarms.network.organisations.values():
        found = organisation.get("statefulsets")["items"]
        assert sorted(each["metadata"]["name"] for each in found) == ["public-archive-ss", "public-models-ss"]
        assert {each["spec"]["replicas"] for each in found} == {1}


def test_behaviours_10_and_13_a_load_balancers_address_is_announced_with_the_ports_that_were_asked_for(
    swarms: Swarms,
) -> None:
    each = swarms.member("alpha", "models")
    service = _service(each, "-swarm")
    assert service["spec"]["type"] == "LoadBalancer" and "loadBalancerIP" not in service["spec"]
    (ingress,) = service["status"]["loadBalancer"]["ingress"]
    assert each.dialled == (ingress["ip"], 4101)
    headless = _service(each)
    assert headless["spec"]["clusterIP"] == "None"
    assert {port["port"] for port in headless["spec"]["ports"]} == {4101, 5101}
    assert each.ipfs("config", "Addresses.API").endswith("/tcp/5101")
    assert "/tcp/4101" in each.ipfs("config", "Addresses.Swarm")


def test_behaviour_11_the_api_port_is_on_no_external_service(swarms: Swarms) -> None:
    for organisation in swarms.network.organisations.values():
        for service in organisation.get("services")["items"]:
            if service["spec"]["type"] != "ClusterIP":
                assert {port["port"] for port in service["spec"]["ports"]} <= {4001, 4101}


def test_behaviour_15_the_version_is_the_images_tag(swarms: Swarms) -> None:
    each = swarms.member("alpha", "archive")
    found = each.organisation.get("pod", each.pod)
    assert IMAGE.endswith(
        next(c["image"] for c in found["spec"]["containers"] if c["name"] == "kubo").partition("/")[2]
    )
    assert each.ipfs("version", "--number") == "0.42.0"


@pytest.mark.parametrize("swarm", ["archive", "models"])
def test_a_file_that_is_added_in_one_cluster_is_read_in_the_other(swarms: Swarms, measure: Measure, swarm: str) -> None:
    alpha, beta = swarms.member("alpha", swarm), swarms.member("beta", swarm)
    began = time.monotonic()
    assert beta.read(alpha.add(f"from alpha by {swarm}")) == f"from alpha by {swarm}"
    assert alpha.read(beta.add(f"from beta by {swarm}")) == f"from beta by {swarm}"
    measure("a file each way", time.monotonic() - began)


def test_a_file_of_one_swarm_is_not_in_the_other(swarms: Swarms) -> None:
    cid = swarms.member("alpha", "archive").add("for the archive alone")
    with pytest.raises(AssertionError, match=r"deadline|not found|timed out"):
        swarms.member("beta", "models").ipfs("--timeout=5s", "cat", cid)


def test_behaviour_07_without_the_key_or_with_another_nobody_connects(swarms: Swarms) -> None:
    alpha, right = swarms.member("alpha", "archive"), swarms.seen["key"]["swarm-key"]
    other = right[:-1] + (b"0" if right[-1:] != b"0" else b"1")
    before = set(alpha.peers())
    with strangers(swarms.network["beta"], right=right, other=other, none=b"") as found:
        for name in ("other", "none"):
            assert "failure" in found[name].connect(alpha.multiaddr), name
            assert found[name].peers() == ""
        assert set(alpha.peers()) == before
        assert "success" in found["right"].connect(alpha.multiaddr), "the way is open: it is the key that decides"
    eventually(alpha.peers, lambda seen: set(seen) == before, 60)


def test_a_member_whose_key_is_gone_does_not_start_outside_the_private_network(swarms: Swarms) -> None:
    each = swarms.member("beta", "archive")
    name = f"{each.name}-ss-identity"
    whole = secret(each.organisation, name, each.namespace)
    assert whole is not None and "swarm.key" in whole
    before = (each.peer_id, each.uid())
    each.kubectl("patch", "secret", name, "--type=json", "-p", '[{"op": "remove", "path": "/data/swarm.key"}]')
    try:
        each.kubectl("delete", "pod", each.pod, "--wait=false", "--grace-period=5")
        eventually(each.uid, lambda uid: uid not in ("", before[1]))
        time.sleep(15)  # in which it would have started
        ready = "jsonpath={.status.containerStatuses[?(@.name=='kubo')].ready}"
        assert each.kubectl("get", "pod", each.pod, "-o", ready) != "true"
    finally:
        put_secret(each.organisation, name, {"swarm.key": whole["swarm.key"]}, each.namespace)
    each.kubectl("delete", "pod", each.pod, "--wait=false", "--grace-period=1")
    connected(each, swarms.member("alpha", "archive"))
    assert each.ipfs("id", "--format=<id>") == before[0]


def test_behaviour_14_files_and_peer_id_outlive_a_pod(swarms: Swarms) -> None:
    each = swarms.member("alpha", "models")
    claim = each.organisation.get("persistentvolumeclaims", f"{each.name}-ss-data")
    assert claim["spec"]["resources"]["requests"]["storage"] == "1Gi"
    cid = each.add("kept over a restart")
    each.restart()
    assert each.ipfs("id", "--format=<id>") == each.peer_id
    assert each.ipfs("--offline", "cat", cid) == "kept over a restart"
    connected(each, swarms.member("beta", "models"))


def test_a_new_claim_has_the_same_peer_id(swarms: Swarms) -> None:
    each = swarms.member("beta", "models")
    cid = each.add("lost with the claim")
    each.kubectl("scale", f"statefulset/{each.name}-ss", "--replicas=0")
    each.kubectl("delete", "pvc", f"{each.name}-ss-data")
    each.organisation.stack.refresh().expect()
    each.organisation.stack.up().expect()
    connected(each, swarms.member("alpha", "models"))
    assert each.ipfs("id", "--format=<id>") == each.peer_id
    with pytest.raises(AssertionError):
        each.ipfs("--offline", "cat", cid)


def test_every_organisation_has_a_passphrase_of_its_own(swarms: Swarms) -> None:
    files = [each.stack.environment["PULUMI_CONFIG_PASSPHRASE_FILE"] for each in swarms.network.organisations.values()]
    assert len({Path(file).read_text() for file in files}) == len(files)


@pytest.mark.soak
def test_behaviour_16_the_bootstrap_member_leaves_the_others_stay_and_a_newcomer_gets_in(
    swarms: Swarms, measure: Measure
) -> None:
    network = swarms.network
    network.add(joiner("gamma", network.name, {"public": {"models": {}}}), "c")
    network.up("gamma", "alpha", "gamma", "beta")  # the key is sealed to gamma, and gamma takes it
    alpha, beta, gamma = (swarms.member(name, "models") for name in ("alpha", "beta", "gamma"))
    connected(alpha, beta, gamma)
    cid, before = alpha.add("kept over a destroy"), alpha.peer_id
    dialled = alpha.dialled
    network["alpha"].stack.destroy().expect()
    beta.restart()  # it has to find gamma anew
    connected(beta, gamma)
    assert before not in beta.peers()

    changes = {"cluster.namespace": f"{network.name}-delta"}
    pools = {"public": {"models": {"key": {"partner": "beta"}}}}
    network.add(joiner("delta", network.name, pools, changes), "a")
    began = time.monotonic()
    network.up("delta", "beta", "gamma", "delta", "beta", "gamma")
    newcomer = swarms.member("delta", "models")
    connected(newcomer, beta, gamma)
    measure("a newcomer is connected to everybody", time.monotonic() - began)
    assert gamma.read(newcomer.add("from the newcomer")) == "from the newcomer"

    network.up("alpha")
    eventually(lambda: alpha.ipfs("id", "--format=<id>"), lambda seen: seen == before, 90)
    assert alpha.ipfs("--offline", "cat", cid) == "kept over a destroy"
    assert alpha.dialled == dialled
    connected(alpha, beta, gamma)
