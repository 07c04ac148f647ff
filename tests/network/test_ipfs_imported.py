"""cluster-discovery's own example of two clusters, imported: its pools and swarms have two names, and one key."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from archipelago.chains.registry import TRANSLATORS
from archipelago.chains.takeover import Takeover
from tests.network.conftest import Maker
from tests.network.ipfs_networks import LAB, connected, converge, member, put_secret, secret
from tests.network.ipfs_peers import peers, states
from tests.network.networks import Measure, Network, eventually
from tests.stacks import Config, changed, seed

pytestmark = pytest.mark.network

BESIDES = ("ipfs",)
GROUP = "peerdiscovery.irt-saintexupery.com/v1alpha1"
GONE = "/ip4/203.0.113.7/tcp/4001/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ"
"""A member of the original, which has ended."""
POOLS = {"alpha": ("cluster1", "cluster1", "cluster1-key"), "beta": ("public-c2-sp", "public-c2-s", "c2-key")}
"""By organisation: its pool, its swarm, and the Secret with the key."""


def _documents(network: str, organisation: str, **swarm: Any) -> list[Mapping[str, Any]]:
    pool, name, _ = POOLS[organisation]
    place = {"namespace": network, "swarmPool": pool, "swarm": name}
    balancer = {"loadBalancer": {"loadBalancerIP": "auto", "exposedAPI": False}}
    specs = {
        "SwarmPool": {"swarms": [{"name": name, "swarmDefinition": swarm, "network": balancer}]},
        "Identity": {"swarms": [place], "name": organisation, "URL": "https://203.0.113.10"},
    }
    names = {"SwarmPool": pool, "Identity": f"{organisation}-identity"}
    made = [
        {"apiVersion": GROUP, "kind": kind, "metadata": {"name": names[kind], "namespace": network}, "spec": spec}
        for kind, spec in specs.items()
    ]
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": network}}, *made]


def _config(network: str, organisation: str, taken: Takeover) -> Config:
    """What the importer has written, on the lab's machines."""
    lab = {"identitySeed": seed(f"{organisation} of {network}"), "defaults": LAB, "partners": {}}
    place = {"cluster.context": "", "cluster.address": "127.0.0.1"}
    return changed(dict(taken.config), {**lab, **place})


@pytest.fixture(scope="module")
def imported(make_network: Maker) -> Iterator[Network]:
    """alpha, which founds, in cluster `a`; beta, which joins with the key in a Secret, in `b`."""
    tool = TRANSLATORS["swarmpool"]
    with make_network("imported") as network:
        documents = _documents(network.name, "alpha", swarmKeySecretRef="cluster1-key")
        founding = tool.translate(documents, "alpha", network.name, "")
        network.add(_config(network.name, "alpha", founding), "a")
        network.up("alpha")
        key = secret(network["alpha"], "cluster1-key")
        assert key is not None

        definition = {"swarmKeySecretRef": "c2-key", "bootstrapNodeAddresses": [GONE]}
        joining = tool.translate(_documents(network.name, "beta", **definition), "beta", network.name, "alpha")
        network.add(_config(network.name, "beta", joining), "b")
        network.up("beta")
        network.waiting = list(network["beta"].stack.outputs()["waitingFor"])  # type: ignore[attr-defined]
        network.made = secret(network["beta"], "c2-key")  # type: ignore[attr-defined]
        put_secret(network["beta"], "c2-key", key)
        began = time.monotonic()
        converge(network, "beta", "alpha")
        network.seconds = time.monotonic() - began  # type: ignore[attr-defined]
        yield network


def _both(network: Network) -> tuple[Any, Any]:
    alpha, beta = (member(network[name], "/".join(POOLS[name][:2])) for name in ("alpha", "beta"))
    return alpha, beta


def test_if2_the_joiner_waited_for_its_secret_and_made_none(imported: Network) -> None:
    assert imported.waiting == [  # type: ignore[attr-defined]
        f"Secret {imported.name}/c2-key: the key of swarm public-c2-s"
    ]
    assert imported.made is None  # type: ignore[attr-defined]


def test_if1_both_clusters_are_one_swarm_and_each_keeps_the_other_as_a_peer(
    imported: Network, measure: Measure
) -> None:
    """The bootstrap address of the documents is that of a node which is gone: each lists the other by its key."""
    alpha, beta = _both(imported)
    connected(alpha, beta)
    measure("two imported clusters converged once the Secret was there", imported.seconds)  # type: ignore[attr-defined]
    for one, other in ((alpha, beta), (beta, alpha)):
        peering = eventually(lambda: one.ipfs("swarm", "peering", "ls"), lambda said: other.peer_id in said)  # noqa: B023 - asked at once
        assert other.peer_id in peering
    cid = alpha.add("over two names of one swarm")
    assert beta.read(cid) == "over two names of one swarm"


def test_if1_each_sees_the_others_identity_as_a_peer_that_is_online(imported: Network) -> None:
    for name, other in (("alpha", "beta"), ("beta", "alpha")):
        peer = f"{other}-{other}-identity"
        assert set(peers(imported[name])) == {peer}
        eventually(lambda: states(imported[name]), lambda seen: seen.get(peer) == ("Online", 0), 240)  # noqa: B023 - asked at once


def test_if1_verify_finds_nothing_wrong_and_previews_are_clean(imported: Network) -> None:
    for organisation in imported.organisations.values():
        organisation.archipelago("verify", "-s", organisation.stack.name)
        assert organisation.stack.preview().changes == []
