"""Identities, peers and their states: the three example stacks on three clusters, of which two know only the first.

The numbers in names are those of the behaviours that cluster-discovery promised.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lab.tools import Toolchain
from tests.network.conftest import Maker
from tests.network.ipfs_networks import connected, converge, example, member
from tests.network.ipfs_peers import LINK, PEERS, User, in_a_pod, linked, peers, states
from tests.network.links import cut
from tests.network.networks import Measure, Network, Organisation, eventually

pytestmark = pytest.mark.network

BESIDES = ("ipfs",)
EVERYBODY = {"alpha": "a", "beta": "b", "gamma": "c"}
ARCHIVE = {"alpha": "public/archive", "beta": "public/archive", "gamma": "edge/archive"}
IDENTITIES = {"alpha": "alpha-gpu", "beta": "beta-store", "gamma": "gamma-edge"}
"""By organisation, the name that its identity has among others' peers."""


@pytest.fixture(scope="module")
def met(make_network: Maker) -> Iterator[Network]:
    """The examples, deployed in an order in which the founder comes last."""
    with make_network("peers") as network:
        for organisation, letter in EVERYBODY.items():
            network.add(example(organisation, network.name), letter, introduced=False)
        began = time.monotonic()
        converge(network, "gamma", "beta", "alpha", rounds=5)
        connected(*(member(network[name], path) for name, path in ARCHIVE.items()))
        network.seconds = time.monotonic() - began  # type: ignore[attr-defined]
        yield network


@pytest.fixture
def guest(met: Network, toolchain: Toolchain, tmp_path: Path) -> User:
    """Somebody of beta, with the kubeconfig that its Peer of alpha links to."""
    text = linked(met["beta"], "alpha-gpu")
    assert text is not None
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    return User(toolchain.path("kubectl"), file)


def _jobs(met: Network) -> str:
    """The namespace of alpha's identity."""
    return f"{met.name}-jobs"


def test_the_examples_converge_in_any_order_and_previews_are_clean(met: Network, measure: Measure) -> None:
    measure("three stacks converged and connected, the founder last", met.seconds)  # type: ignore[attr-defined]
    for organisation in met.organisations.values():
        assert organisation.stack.preview().changes == [], organisation.name


def test_behaviour_17_everybody_who_publishes_is_a_bootstrap_of_the_others(met: Network) -> None:
    members = {name: member(met[name], path) for name, path in ARCHIVE.items()}
    for name, each in members.items():
        assert each.bootstraps() == {other.peer_id for other in members.values() if other is not each}, name


def test_behaviour_21_everybody_sees_everybody_else_also_those_whom_he_never_listed(met: Network) -> None:
    for name, organisation in met.organisations.items():
        assert set(peers(organisation)) == {IDENTITIES[other] for other in EVERYBODY if other != name}


def test_behaviour_22_a_peer_says_what_its_publisher_says_of_it(met: Network) -> None:
    spec = peers(met["gamma"])["alpha-gpu"]["spec"]
    written = met["alpha"].stack.configuration["archipelago:identities"]["gpu"]
    assert (spec["name"], spec["description"], spec["URL"]) == (
        written["name"],
        written["description"],
        written["url"],
    )
    assert spec["categories"] == [{"name": each} for each in written["categories"]]
    table = met["gamma"].run("get", PEERS)
    assert table.splitlines()[0].split()[1:5] == ["PEERNAME", "STATUS", "IP", "DESCRIPTION"], table
    assert "GPU cluster of alpha" in table


def test_behaviour_18_an_identity_is_a_service_account_of_its_name(met: Network) -> None:
    assert met["alpha"].run("-n", _jobs(met), "get", "serviceaccount", "gpu", "-o", "name") == "serviceaccount/gpu\n"


def test_behaviours_23_and_25_the_linked_kubeconfig_works_in_the_identitys_namespace(met: Network, guest: User) -> None:
    assert guest.run("get", "pods") == (0, f"No resources found in {_jobs(met)} namespace.\n")
    config = YAML(typ="safe").load(guest.kubeconfig)
    assert [each["cluster"]["server"] for each in config["clusters"]] == [met.lab.cluster("a").server]


def test_behaviours_19_and_24_what_was_granted_works_and_the_rest_is_refused(met: Network, guest: User) -> None:
    code, _ = guest.run("get", "services")
    assert code == 0
    code, told = guest.run("get", "secrets")
    user = f'User "system:serviceaccount:{_jobs(met)}:gpu"'
    assert code != 0 and "secrets is forbidden" in told and user in told
    code, told = guest.run("-n", met.name, "get", "pods")
    assert code != 0 and "forbidden" in told, "in that namespace only"


def test_the_kubeconfig_reaches_the_api_server_from_a_partners_pod(met: Network, guest: User) -> None:
    config = YAML(typ="safe").load(guest.kubeconfig)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    path = f"/api/v1/namespaces/{_jobs(met)}/pods"
    program = f"""
import base64, ssl, urllib.request
context = ssl.create_default_context(cadata=base64.b64decode({cluster["certificate-authority-data"]!r}).decode())
headers = {{"Authorization": "Bearer " + {user["token"]!r}}}
request = urllib.request.Request({cluster["server"] + path!r}, headers=headers)
print(urllib.request.urlopen(request, timeout=20, context=context).status)
"""
    assert in_a_pod(met["beta"], "guest", program).strip() == "200"


def test_behaviour_20_a_kubeconfig_is_with_those_it_was_granted_to_and_nobody_else(met: Network) -> None:
    assert LINK in peers(met["gamma"])["alpha-gpu"]["metadata"]["annotations"]
    assert LINK not in peers(met["gamma"])["beta-store"]["metadata"].get("annotations", {}), "beta granted it to alpha"
    for organisation in met.organisations.values():
        assert "token" not in json.dumps(organisation.stack.outputs().get("profiles", {}))


def test_behaviour_29_who_is_cut_off_becomes_missing_and_online_when_the_link_is_healed(
    met: Network, measure: Measure
) -> None:
    alpha, online = met["alpha"], ("Online", 0)
    eventually(lambda: states(alpha), lambda seen: set(seen.values()) == {online}, 120)
    began = time.monotonic()
    with cut(met, met["gamma"]):
        seen = eventually(lambda: states(alpha), lambda seen: seen["gamma-edge"][0] == "Missing", 180)
        measure("a peer that was cut off is missing", time.monotonic() - began)
        assert seen["beta-store"] == online
        counted = seen["gamma-edge"][1]
        eventually(lambda: states(alpha), lambda seen: seen["gamma-edge"][1] > counted, 90)
        assert "Missing" in alpha.archipelago("peers", code=3)
    began = time.monotonic()
    eventually(lambda: states(alpha), lambda seen: set(seen.values()) == {online}, 240)
    measure("it is online again", time.monotonic() - began)
    assert "Online" in alpha.archipelago("peers")
    assert "archive" in alpha.archipelago("swarm", "status")


def test_behaviour_31_metrics_are_refused_to_who_may_not_get_them(met: Network) -> None:
    alpha = met["alpha"]
    program = f"""
import ssl, urllib.error, urllib.request
context = ssl._create_unverified_context()
token = open("/var/run/secrets/kubernetes.io/serviceaccount/token").read()
for headers in ({{}}, {{"Authorization": "Bearer " + token}}, {{"Authorization": "Bearer nonsense"}}):
    request = urllib.request.Request("https://{met.name}-monitor.{alpha.namespace}.svc:8443/metrics", headers=headers)
    try:
        print(urllib.request.urlopen(request, timeout=20, context=context).status)
    except urllib.error.HTTPError as error:
        print(error.code)
"""
    assert in_a_pod(alpha, "curious", program).split() == ["401", "403", "401"]


@pytest.mark.soak
def test_behaviour_28_an_identity_is_published_in_several_swarms(met: Network) -> None:
    alpha = met["alpha"]
    alpha.configure("identities.gpu.publishTo", [f"{met.name}/public/archive", f"{met.name}/public/models"])
    met.up("alpha", "beta", "gamma")
    assert len(peers(met["beta"])["alpha-gpu"]["spec"]["publishedTo"]) == 2


def test_behaviour_26_an_update_is_due_at_once_and_arrives_with_the_next_up(met: Network, measure: Measure) -> None:
    alpha, beta, gamma = met["alpha"], met["beta"], met["gamma"]
    alpha.configure("identities.gpu.description", "Sixteen nodes for training")
    alpha.configure("identities.gpu.categories", ["computing", "training", "inference"])
    met.up("alpha")
    began = time.monotonic()

    def due(organisation: Organisation) -> Any:
        return peers(organisation)["alpha-gpu"].get("status", {}).get("Due", "")

    assert "up" in eventually(lambda: due(beta), bool, 150)
    measure("a changed profile is seen at the partner's", time.monotonic() - began)
    met.up("beta", "gamma")
    for organisation in (beta, gamma):
        spec = peers(organisation)["alpha-gpu"]["spec"]
        assert spec["description"] == "Sixteen nodes for training"
        assert [each["name"] for each in spec["categories"]] == ["computing", "training", "inference"]


def test_a_revoked_grant_refuses_everything_at_once(met: Network, guest: User) -> None:
    alpha = met["alpha"]
    assert guest.run("get", "pods")[0] == 0
    alpha.stack.configure(lambda config: config["archipelago:identities"]["gpu"]["grants"].pop("beta"))
    met.up("alpha")
    for kind in ("pods", "secrets"):
        code, told = eventually(partial(guest.run, "get", kind), lambda seen: "logged in" in seen[1], 30)
        assert code != 0, told
    assert linked(met["gamma"], "alpha-gpu") is not None, "gamma keeps its own"
    met.up("beta")
    assert linked(met["beta"], "alpha-gpu") is None


@pytest.mark.soak
def test_behaviour_27_a_deleted_identity_is_nobodys_peer_any_more(met: Network) -> None:
    alpha = met["alpha"]
    alpha.stack.configure(lambda config: config["archipelago:identities"].pop("gpu"))
    met.up("alpha", "beta", "gamma")
    for name in ("beta", "gamma"):
        assert "alpha-gpu" not in peers(met[name])
        assert met[name].run("get", "secret", "alpha-gpu-kubeconfig", "--ignore-not-found") == ""
    for kind in ("serviceaccount", "role", "rolebinding"):
        assert "gpu" not in alpha.run("-n", _jobs(met), "get", kind, "-o", "name")


@pytest.mark.soak
def test_who_met_through_somebody_stays_when_that_one_leaves(met: Network) -> None:
    met["alpha"].stack.destroy().expect()
    for name, other in (("beta", "gamma-edge"), ("gamma", "beta-store")):
        met.up(name)
        assert other in peers(met[name])
        met.up(name)
        assert other in peers(met[name]), "nor is it forgotten in the run after"
    connected(member(met["beta"], ARCHIVE["beta"]), member(met["gamma"], ARCHIVE["gamma"]))
