"""What a stack file may not say: each refusal names the place, the fault and the cure."""

from __future__ import annotations

from typing import Any

import pytest

from archipelago.problems import Refused
from tests.stacks import GONE, Config, alpha, beta, problems_of, settings_of

pytestmark = pytest.mark.unit

KEY = "ab" * 32
FIRST = "nodes.quorum-node1"

REFUSALS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    # name: changes of alpha's file, path, part of the message, part of the cure
    "no seed": ({"identitySeed": GONE}, "identitySeed", "missing", "openssl rand -hex 32 | pulumi config set --secret"),
    "a seed that is too short": ({"identitySeed": "abcd"}, "identitySeed", "has 4 hex characters", "openssl rand -hex"),
    "a seed that is no hex": ({"identitySeed": "x" * 64}, "identitySeed", "no hexadecimal", "openssl rand -hex"),
    "a seed of one word": ({"identitySeed": "00" * 32}, "identitySeed", "not random", "openssl rand -hex"),
    "an unknown key at the top": ({"organization": "x"}, "organization", "unknown key", "Did you mean organisation?"),
    "an unknown key deep inside": (
        {f"{FIRST}.exposure.port": {}}, f"{FIRST}.exposure.port", "unknown key", "Did you mean ports?",
    ),
    "an unknown key in a section of the chain": (
        {"network.privacy.versoin": "1.0"}, "network.privacy.versoin", "unknown key", "Did you mean version?",
    ),
    "an unknown key in the defaults": (
        {"defaults.storrage": {}}, "defaults.storrage", "unknown key", "Did you mean storage?",
    ),
    "an unknown key of a partner": (
        {"partners.beta.stak": "x"}, "partners.beta.stak", "unknown key", "Did you mean stack?",
    ),
    "a key that is near to nothing": ({"zzz": 1}, "zzz", "unknown key", "Known here: cluster, defaults, identitySeed"),
    "a node name that is no DNS label": ({"nodes.Quorum_1": {}}, "nodes.Quorum_1", "no DNS label", "lower-case"),
    "a node name that is too long": ({f"nodes.{'a' * 41}": {}}, f"nodes.{'a' * 41}", "no DNS label", "at most 40"),
    "a partner name that is no label": ({"partners.B!": {"stack": "s"}}, "partners.B!", "no DNS label", "lower-case"),
    "an organisation that is no label": ({"organisation": "Alpha Corp"}, "organisation", "no DNS label", "lower-case"),
    "names too long together": (
        {"network.name": "n" * 40, f"nodes.{'m' * 20}": {}}, f"nodes.{'m' * 20}", "7 characters too long", "Shorten",
    ),
    "a node port out of range": (
        {f"{FIRST}.exposure.ports.p2p": 29999},
        f"{FIRST}.exposure.ports.p2p", "29999 is outside this cluster's NodePort range 30000-32767", "leave it out",
    ),
    "a node port used twice": (
        {"nodes.quorum-node2.exposure": {"ports": {"p2p": 30303}}},
        "nodes.quorum-node2.exposure.ports.p2p", f"30303 is taken by archipelago:{FIRST}.exposure.ports.p2p", "another",
    ),
    "a node port used twice in one node": (
        {f"{FIRST}.api": {"rpc": True, "type": "NodePort", "ports": {"rpc": 30901}}},
        f"{FIRST}.api.ports.rpc", f"30901 is taken by archipelago:{FIRST}.exposure.ports.tessera", "another",
    ),
    "a node with a name of the network's own": (
        {"nodes.peers": {}}, "nodes.peers", "objects of its own", "another name",
    ),
    "a node port of no port": (
        {f"{FIRST}.exposure.ports": {"rpc": 30500}}, f"{FIRST}.exposure.ports.rpc", "no such port", "p2p, tessera",
    ),
    "a pinned port without a NodePort": (
        {f"{FIRST}.exposure.type": "LoadBalancer"}, f"{FIRST}.exposure.ports", "no pinned NodePorts", "to NodePort",
    ),
    "a NodePort without an address": (
        {"cluster.address": GONE}, "cluster.address", "dial the NodePorts of quorum-node1", "exposure.host",
    ),
    "an address with a scheme": (
        {"cluster.address": "http://a"}, "cluster.address", "IP address or a DNS name, got 'http://a'", "docs",
    ),
    "an exposure of another spelling": (
        {"nodes.quorum-node2.exposure": {"type": "Nodeport"}},
        "nodes.quorum-node2.exposure.type", "'Nodeport' is not one of 'NodePort'", "in this spelling",
    ),
    "a version that is a number": ({"network.version": 22.10}, "network.version", "22.10 as 22.1", 'version: "22.7.4"'),
    "a node's version that is a number": (
        {f"{FIRST}.version": 22}, f"{FIRST}.version", "22 is a number", 'version: "22.7.4"',
    ),
    "Tessera's version that is a number": (
        {"network.privacy.version": 21.1}, "network.privacy.version", "21.1 is a number", 'version: "22.7.4"',
    ),
    "a version that moves": ({"network.version": "latest"}, "network.version", "'latest' is no version", '"22.7.4"'),
    "a release that is too old": ({"network.version": "2.6.0"}, "network.version", "older than 2.7.0", "2.7.0 or"),
    "a Tessera that is too old": (
        {"network.privacy.version": "0.10.5"}, "network.privacy.version", "older than 0.10.6", "0.10.6 or later",
    ),
    "QBFT before it was": (
        {f"{FIRST}.version": "21.4.2", "network.consensus": "qbft"}, f"{FIRST}.version", "has no QBFT", "21.7.0 or",
    ),
    "a consensus of another spelling": (
        {"network.consensus": "raft"}, "network.consensus", "'raft' is not one of 'istanbul' or 'qbft'", "spelling",
    ),
    "a joiner without a listed founder": (
        {"network.founder": GONE, "network.joins": "gamma"},
        "network.joins", "gamma is not among the partners", "archipelago:partners.gamma: {stack:",
    ),
    "founder and joiner in one": ({"network.joins": "beta"}, "network", "both founder and joins", "founder: true in"),
    "neither founder nor joiner": ({"network.founder": False}, "network", "neither founder: true nor", "joins: <"),
    "a joiner that writes a genesis": (
        {"network.founder": GONE, "network.joins": "beta", "network.genesis": {"epoch": 5}},
        "network.genesis", "takes the genesis from its founder", "genesisHash",
    ),
    "an unknown kind of network": ({"network.kind": "goquorm"}, "network.kind", "no kind of network", "mean goquorum?"),
    "no kind of network": ({"network.kind": GONE}, "network.kind", "is missing", "Add network.kind"),
    "no name of the network": ({"network.name": GONE}, "network.name", "is missing", "the same in every stack"),
    "no organisation": ({"organisation": GONE}, "organisation", "is missing", "Who you are"),
    "a chain id out of range": ({"network.chainId": 0}, "network.chainId", "0 is out of range", "in the range"),
    "oneself as a partner": ({"partners.alpha": {"stack": "s"}}, "partners.alpha", "your own organisation", "Remove"),
    "a partner with two sources": (
        {"partners.beta.file": "f"}, "partners.beta", "it gives stack and file", "exactly one of stack",
    ),
    "profiles where there are none": (
        {"partners.beta.accept": "network"}, "partners.beta.accept", "of a goquorum network have no profiles", "Remove",
    ),
    "profiles of somebody": (
        {"partners.beta.accept": "all"}, "partners.beta.accept", "'all' is not one of 'own' or 'network'", "this spell",
    ),
    "a partner without a source": ({"partners.beta": {}}, "partners.beta", "neither stack, file nor", "exactly one"),
    "a pinned key that is none": ({"partners.beta.key": "ed25519:1"}, "partners.beta.key", "64 hex", "Ask the partner"),
    "a pin that is no hash": ({"network.genesisHash": "0x12"}, "network.genesisHash", "no block hash", "64 hex"),
    "an allocation to no address": (
        {"network.genesis": {"alloc": {"0x12": 1}}}, "network.genesis.alloc.0x12", "no account address", "40 hex",
    ),
    "an address with a wrong checksum": (
        {"network.genesis": {"alloc": {"0xED9d02e382b34818e88B88a309c7fe71E65f419d": 1}}},
        "network.genesis.alloc.0xED9d02e382b34818e88B88a309c7fe71E65f419d", "wrong EIP-55 checksum", "copy",
    ),
    "a balance that Pulumi rounds": (
        {"network.genesis": {"alloc": {"0xed9d02e382b34818e88B88a309c7fe71E65f419d": 1e27}}},
        "network.genesis.alloc.0xed9d02e382b34818e88B88a309c7fe71E65f419d", "1e+27 is no exact number of wei", "quotes",
    ),
    "a balance that a file keeps and Pulumi rounds": (
        {"network.genesis": {"alloc": {"0xed9d02e382b34818e88B88a309c7fe71E65f419d": 10**27}}},
        "network.genesis.alloc.0xed9d02e382b34818e88B88a309c7fe71E65f419d", "no exact number of wei", "quotes",
    ),
    "a quantity that is none": (
        {f"{FIRST}.storage": {"size": "20 GB"}}, f"{FIRST}.storage.size", "no Kubernetes quantity", "20Gi",
    ),
    "a third-party API without Tessera": (
        {"network.privacy": "none", f"{FIRST}.exposure": {}, f"{FIRST}.api": {"thirdParty": True}},
        f"{FIRST}.api.thirdParty", "no third-party API without Tessera", "network.privacy to tessera",
    ),
    "the admin API for everybody": (
        {f"{FIRST}.api": {"rpc": True, "type": "LoadBalancer", "namespaces": ["eth", "admin"]}},
        f"{FIRST}.api.namespaces", "anybody who finds the port", "ClusterIP",
    ),
    "an imported key that is none": (
        {f"{FIRST}.identity": {"nodekey": KEY[1:]}}, f"{FIRST}.identity.nodekey", "not 64 hex", "--secret",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_names_the_place_the_fault_and_the_cure(name: str) -> None:
    changes, path, words, cure = REFUSALS[name]
    (problem,) = problems_of(alpha(changes))
    assert problem.path == path
    assert words in problem.message
    assert cure in problem.cure


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_read_as_file_and_place_then_the_cure_on_the_last_line(name: str) -> None:
    changes, path, _, _ = REFUSALS[name]
    with pytest.raises(Refused) as caught:
        settings_of(alpha(changes), "Pulumi.cluster-a.yaml")
    first, *rest = str(caught.value).split("\n")
    assert first.startswith(f"Pulumi.cluster-a.yaml: archipelago:{path}: ")
    assert first.endswith(".")
    assert rest, "no cure"
    assert all(line.startswith("  ") and line.strip() for line in rest)


def test_every_problem_of_a_file_comes_at_once() -> None:
    several = ["a seed that is too short", "an unknown key at the top", "an unknown key of a partner"]
    several += ["a node port out of range", "a node's version that is a number", "a version that moves"]
    several += ["a node name that is no DNS label", "an unknown key in the defaults"]
    together: dict[str, Any] = {}
    for name in several:
        together |= REFUSALS[name][0]
    assert {problem.path for problem in problems_of(alpha(together))} == {REFUSALS[name][1] for name in several}


@pytest.mark.parametrize("seedless", ["no seed", "a seed that is too short", "an unknown key at the top"])
def test_a_refused_field_does_not_hide_what_is_wrong_between_fields(seedless: str) -> None:
    """The first run of everybody has no seed: one run, and all the rest is told too."""
    twice, address = REFUSALS["a node port used twice"], REFUSALS["a NodePort without an address"]
    found = problems_of(alpha({**REFUSALS[seedless][0], **twice[0], **address[0]}))
    assert {problem.path for problem in found} == {REFUSALS[seedless][1], twice[1], address[1]}


def test_a_fault_in_the_defaults_is_told_once_and_where_it_was_written() -> None:
    found = problems_of(alpha({"defaults.storage": {"size": "much"}}))
    assert [problem.path for problem in found] == ["defaults.storage.size"]


SECRET_PLACES = {
    "identitySeed": "identitySeed",
    "a node's key": f"{FIRST}.identity.nodekey",
    "a node's account": f"{FIRST}.identity.account",
    "a node's Tessera key": f"{FIRST}.identity.tessera",
}
WRONG_SECRETS: list[Any] = [
    KEY[2:], KEY + "00", "correct horse battery staple", int(KEY, 16), 1234567890123, 3.14159265358979,
    {"value": KEY}, {"secret": {"deep": KEY}}, [KEY], [int(KEY, 16)],
]  # fmt: skip


@pytest.mark.parametrize("place", SECRET_PLACES)
@pytest.mark.parametrize("wrong", WRONG_SECRETS, ids=lambda value: str(type(value).__name__))
def test_a_refused_secret_is_never_repeated(place: str, wrong: Any) -> None:
    """An unquoted 0x… is a number for YAML: it was printed in decimal once."""
    config = alpha({SECRET_PLACES[place]: wrong, "organization": "a second problem"})
    with pytest.raises(Refused) as caught:
        settings_of(config)
    told = str(caught.value) + repr(caught.value) + repr(caught.value.problems)
    assert SECRET_PLACES[place] in told
    for secret in (KEY, KEY[2:], str(int(KEY, 16)), "1234567890123", "3.14159", "battery"):
        assert secret not in told


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        (["--datadir", "/x"], [0]),
        (["--metrics", "--http.api=admin"], [1]),
        (["-rpc", "--ws", "--nodekeyhex=ab"], [0, 1, 2]),
        (["--metrics", "--cache", "2048", "--http.corsdomain=https://wallet.example"], []),
        (["datadir"], []),
    ],
)
def test_an_argument_that_the_program_decides_is_refused_wherever_it_stands(
    arguments: list[str], refused: list[int]
) -> None:
    found = problems_of(alpha({f"{FIRST}.extraArgs": arguments}))
    assert [problem.path for problem in found] == [f"{FIRST}.extraArgs[{index}]" for index in refused]


@pytest.mark.parametrize(
    ("section", "value"), [("nodes", ["quorum-node1"]), ("nodes", {"a": "b"}), ("partners", {"b": None})]
)
def test_a_section_of_another_shape_is_refused_and_not_printed(section: str, value: Any) -> None:
    (problem,) = problems_of(alpha({section: value}))
    assert problem.path.split(".")[0] == section
    assert "should be" in problem.message


def test_the_two_example_organisations_are_accepted() -> None:
    for config in (alpha(), beta()):
        assert problems_of(config) == ()


@pytest.mark.parametrize("config", [{}, {"network": 5}, {"network": {"kind": 5}}, {"network": {"kind": ["goquorum"]}}])
def test_a_file_of_nonsense_is_refused_and_does_not_crash(config: Config) -> None:
    assert problems_of(config)
