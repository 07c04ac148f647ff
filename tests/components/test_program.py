"""The whole program, run after run: what two organisations export, learn of each other and are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from archipelago.manifests import limits
from archipelago.manifests.stack import manifests
from archipelago.model.record import ExternalNode
from archipelago.problems import Problem
from archipelago.stack.bundles import bundle_of
from archipelago.stack.outputs import outputs
from tests.components.engine import UNKNOWN, Ports, allocated_port, balancer_address
from tests.components.harness import HERE, REPOSITORY, Run, run
from tests.components.runs import BOTH, A, B, first_a, first_b, second_a, stacks, waiting_a
from tests.stacks import GONE, Config, alpha, beta, crossed, floats, plan_of, refusal_of

pytestmark = pytest.mark.components

FIRST = "nodes.quorum-node1"
LIVE = {("ConfigMap", "consortium-peers"), ("NetworkPolicy", "consortium-peers")}


def changed(before: Run, after: Run) -> set[tuple[str, str]]:
    """Kind and name of every resource that was added, removed or has other inputs."""
    old, new = ({(each.kind, each.name): each.inputs for each in given.resources} for given in (before, after))
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}


def enodes(given: Run) -> int:
    text: str = given.named("ConfigMap", "consortium-peers").inputs["data"]["permissioned-nodes.json"]
    return text.count("enode://")


def test_a_founder_whose_partner_has_no_stack_yet_founds_and_says_whom_it_misses() -> None:
    """A StackReference to a stack that is not there fails beyond any try: the optional partner must not be one."""
    given = first_a()
    assert given.exit_code == 0
    assert given.outputs["partnersMissing"] == ["beta"]
    assert given.outputs["waitingFor"] == []
    assert given.read == (B, A)
    assert [warning for warning in given.warnings if "Partner beta" in warning]
    assert not given.of("StackReference")
    assert len(given.of("StatefulSet")) == enodes(given) == 3


def test_a_b_a_meets_and_the_fourth_run_changes_nothing() -> None:
    assert [enodes(each) for each in (first_a(), first_b(), second_a())] == [3, 5, 5]
    for config, name, before in ((alpha(), "cluster-a", second_a()), (beta(), "cluster-b", first_b())):
        again = run(config, stacks(**{A: second_a().outputs}), name=name)
        assert changed(before, again) == set()
        assert again.outputs == before.outputs
        assert again.warnings == ()


def test_a_partner_that_appears_changes_the_list_of_peers_and_their_policy_alone() -> None:
    assert changed(first_a(), second_a()) == LIVE
    assert second_a().outputs["partnersMissing"] == []
    assert second_a().outputs["partners"]["beta"]["nodes"] == 2


def test_a_partners_new_node_changes_the_list_of_peers_and_their_policy_alone() -> None:
    more = run(beta({"nodes.quorum-node3": {}}), {A: second_a().outputs, B: first_b().outputs}, name="cluster-b")
    after = run(alpha(), {A: second_a().outputs, B: more.outputs})
    assert changed(second_a(), after) == LIVE
    assert enodes(after) == 6


def test_a_required_partner_is_a_visible_reference() -> None:
    assert first_b().read == (A, B), "a reference that fails would end the run, so it is read before"
    assert first_b().references == (A,)


def test_what_is_exported_is_what_the_pure_core_makes_of_the_same_endpoints() -> None:
    """`render`, the next run and the partner all read it: one schema, one writer."""
    plan = plan_of(alpha())
    exported = first_a().outputs
    records = [ExternalNode.model_validate(each) for each in exported["externalNodes"]]
    assert [record.model_copy(update={"endpoints": {}}) for record in records] == [
        record.model_copy(update={"endpoints": {}}) for record in plan.records
    ]
    assert exported == outputs(replace(plan, cluster={"uid": HERE.uid, "context": HERE.context}), records)


def test_what_is_exported_parses_back_signature_and_floats_included() -> None:
    assert not refusal_of(beta(), {"alpha": crossed(first_a().outputs)})
    assert not refusal_of(alpha(), {"beta": crossed(first_b().outputs)}, last=floats(first_a().outputs))
    assert bundle_of(first_a().outputs)["key"] == first_a().outputs["identities"]["key"]


def test_allocated_node_ports_reach_the_outputs_of_the_same_up() -> None:
    second = first_a().outputs["externalNodes"][1]
    service = "consortium-quorum-node2"
    assert second["endpoints"] == {
        port: {"host": "203.0.113.10", "port": allocated_port(service, port), "exposure": "NodePort"}
        for port in ("p2p", "tessera")
    }
    config = first_a().named("ConfigMap", service).inputs["data"]["tessera.json"]
    assert f"http://203.0.113.10:{allocated_port(service, 'tessera')}" in config


def test_a_node_port_that_the_cluster_gave_is_exported_beside_a_pinned_one() -> None:
    service = "consortium-quorum-node2"
    given = run(alpha({"nodes.quorum-node2.exposure": {"ports": {"p2p": 30399}}}))
    told = {port: end["port"] for port, end in given.outputs["externalNodes"][1]["endpoints"].items()}
    assert told == {"p2p": 30399, "tessera": allocated_port(service, "tessera")}


@pytest.mark.parametrize("ports", [Ports.FAKE, Ports.NONE])
def test_a_port_that_a_preview_cannot_know_is_unknown_and_never_a_made_up_number(ports: Ports) -> None:
    """The API server's dry run answers 32769, a new namespace nothing at all: both went into records once."""
    given = run(alpha(), preview=True, ports=ports)
    assert given.exit_code == 0
    assert given.outputs["externalNodes"] == UNKNOWN
    assert given.outputs["identities"] == UNKNOWN
    assert given.outputs["network"] == first_a().outputs["network"]
    assert given.named("ConfigMap", "consortium-quorum-node2").inputs["data"] == UNKNOWN
    template = given.named("StatefulSet", "consortium-quorum-node2").inputs["spec"]["template"]
    assert template["metadata"]["annotations"] == UNKNOWN
    assert (
        template["spec"] == first_a().named("StatefulSet", "consortium-quorum-node2").inputs["spec"]["template"]["spec"]
    )
    pinned = given.named("ConfigMap", "consortium-quorum-node1").inputs["data"]
    assert "http://203.0.113.10:30901" in pinned["tessera.json"]
    assert "32769" not in repr(given.outputs) + repr([each.inputs for each in given.resources])


def test_a_preview_of_services_that_are_there_knows_their_ports() -> None:
    given = run(alpha(), preview=True, ports=Ports.ALLOCATED)
    assert given.outputs == first_a().outputs
    assert changed(first_a(), given) == set()


def test_r34_a_port_that_a_dry_run_makes_up_is_none_in_a_wider_range_either() -> None:
    """The API server makes up 32769 and what follows, whatever its range is."""
    wide = alpha({"cluster.nodePorts": "20000-40000"})
    assert run(wide, preview=True, ports=Ports.FAKE).outputs["externalNodes"] == UNKNOWN
    assert run(wide).outputs["externalNodes"] == first_a().outputs["externalNodes"]


def test_pinned_ports_are_known_in_the_first_preview() -> None:
    pins = {f"nodes.quorum-node{n}.exposure": {"ports": {"p2p": 30300 + n, "tessera": 30900 + n}} for n in (1, 2, 3)}
    given = run(alpha(pins), preview=True, ports=Ports.FAKE)
    assert [each["endpoints"]["p2p"]["port"] for each in given.outputs["externalNodes"]] == [30301, 30302, 30303]
    assert UNKNOWN not in repr([each.inputs for each in given.resources])


def test_a_balancers_address_is_unknown_in_a_preview_and_exported_by_up() -> None:
    config = alpha({FIRST: GONE, "defaults.exposure": {"type": "LoadBalancer"}, "cluster.address": GONE})
    assert run(config, preview=True).outputs["externalNodes"] == UNKNOWN
    given = run(config)
    assert given.outputs["externalNodes"][0]["endpoints"]["p2p"] == {
        "host": balancer_address("consortium-quorum-node2"), "port": 30303, "exposure": "LoadBalancer",
    }  # fmt: skip


def test_an_up_to_whom_the_cluster_gave_no_port_fails_instead_of_exporting_none() -> None:
    with pytest.raises(Exception, match="gave port p2p no address"):
        run(alpha(), ports=Ports.NONE)


def test_a_stack_that_waits_makes_all_but_the_workloads_and_exports_who_it_is() -> None:
    given = waiting_a()
    assert given.exit_code == 0
    assert {each.kind for each in given.resources if each.custom} == {
        "kubernetes", "Namespace", "Secret", "PersistentVolumeClaim", "Service",
    }  # fmt: skip
    assert given.outputs["waitingFor"] == ["beta/quorum-node1"]
    assert [each["nodeId"] for each in given.outputs["externalNodes"]] == [
        each["nodeId"] for each in first_a().outputs["externalNodes"]
    ]


def test_both_organisations_validators_found_in_a_b_a_b() -> None:
    b = run(beta(), {A: waiting_a().outputs}, name="cluster-b")
    assert b.outputs["waitingFor"] == ["alpha: its genesis"]
    a = run(alpha(BOTH), {A: waiting_a().outputs, B: b.outputs})
    b2 = run(beta(), {A: a.outputs, B: b.outputs}, name="cluster-b")
    assert a.outputs["waitingFor"] == b2.outputs["waitingFor"] == []
    assert a.outputs["network"]["genesis"] == b2.outputs["network"]["genesis"] != ""
    assert run(alpha(BOTH), {A: a.outputs, B: b2.outputs}).outputs == a.outputs


_NODE2 = "nodes.quorum-node2"
_BAD_KEY = {"Node_UserIdent": "n", "Enode_Url": f"enode://{'0' * 128}@198.51.100.7:30303"}
_SEED = ("archipelago:identitySeed: ", "openssl rand -hex 32 | pulumi config set --secret archipelago:identitySeed")
_LAST: dict[str, Any] = {A: {}}  # own outputs of the run before are there
REFUSED: dict[str, tuple[Config, dict[str, Any], tuple[str, ...]]] = {
    "no seed": (alpha({"identitySeed": GONE}), {}, ("archipelago:identitySeed: is missing",)),
    "a short seed": (alpha({"identitySeed": "abcdef"}), {}, _SEED),
    "a seed of zeros": (alpha({"identitySeed": "0" * 64}), {}, _SEED),
    "an unknown key": (
        alpha({f"{FIRST}.exposure.port": 1}), {}, (f"archipelago:{FIRST}.exposure.port: ", "Did you mean ports?"),
    ),
    "an unknown key at the top": (alpha({"nodez": {}}), {}, ("archipelago:nodez: ", "Did you mean nodes?")),
    "a name that is no DNS label": (
        alpha({"nodes.Quorum_4": {}}), {}, ("archipelago:nodes.Quorum_4: ", "Use lower-case letters"),
    ),
    "a NodePort out of range": (
        alpha({f"{_NODE2}.exposure": {"ports": {"p2p": 29999}}}), {},
        (f"archipelago:{_NODE2}.exposure.ports.p2p: ", "Choose a port in the range"),
    ),
    "a NodePort used twice": (
        alpha({f"{_NODE2}.exposure": {"ports": {"p2p": 30303}}}), {},
        (f"archipelago:{_NODE2}.exposure.ports.p2p: ", "choose another"),
    ),
    "a version that is a number": (
        alpha({"network.version": 22.7}), {}, ("archipelago:network.version: ", "the whole version in quotes"),
    ),
    "a joiner without a listed founder": (
        alpha({"network": {"kind": "goquorum", "name": "consortium", "joins": "gamma"}}), {},
        ("archipelago:network.joins: ", "Add it, as in archipelago:partners.gamma"),
    ),
    "an enode with a bad key": (
        alpha({"partners.gamma": {"nodes": [_BAD_KEY]}}), {},
        ("archipelago:partners.gamma.nodes[0]: ", "Ask gamma for it again"),
    ),
    "a frozen genesis": (
        alpha({"network.chainId": 1001}), _LAST,
        (
            "archipelago:network.chainId: 1001, but the genesis of consortium is frozen",
            "Set archipelago:network.chainId to 1000",
        ),
    ),
    "a tampered partner": (
        alpha(), {B: {"externalNodes": []}}, ("archipelago:partners.beta: ", "carries no valid signature"),
    ),
    "a missing file": (
        alpha({"partners.beta": {"file": "nowhere.json"}}), {},
        ("archipelago:partners.beta.file: ", f"there is no file {REPOSITORY / 'nowhere.json'}"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
def test_a_refusal_is_one_error_and_exit_code_32_with_nothing_registered(name: str, preview: bool) -> None:
    """Code 32 tells the engine that all is said; another one adds a traceback. Half a network is worse than none."""
    config, changes, words = REFUSED[name]
    given = stacks()
    assert_refused(run(config, {key: {**given[key], **changes[key]} for key in changes}, preview=preview), *words)


def assert_refused(refused: Run, place: str, *words: str, stack: str = "cluster-a") -> None:
    """One error, which begins with its file and its place and has its cure, and nothing else."""
    assert refused.exit_code == 32
    (error,) = refused.errors
    assert error.startswith(f"Pulumi.{stack}.yaml: {place}")
    for each in words:
        assert each in error
    assert refused.resources == ()
    assert refused.outputs == {}


def test_a_partner_of_another_chain_is_refused() -> None:
    elsewhere = {"organisation": "beta", "cluster.address": "198.51.100.20", "partners": {}}
    foreign = run(alpha({**elsewhere, "network.chainId": 2000}), name="cluster-b")
    refused = run(alpha(), stacks(**{B: foreign.outputs}))
    assert_refused(refused, "archipelago:partners.beta: beta is on chain 2000")


def test_a_genesis_that_is_not_the_pinned_one_is_refused() -> None:
    refused = run(beta({"network.genesisHash": f"0x{'9e' * 32}"}), {A: first_a().outputs}, name="cluster-b")
    assert_refused(refused, "archipelago:network.genesisHash: 0x9e", stack="cluster-b")


def test_a_repeated_identity_is_refused() -> None:
    stolen = first_a().outputs["externalNodes"][0]["nodeId"]
    pasted = [{"Node_UserIdent": "copy", "Enode_Url": f"enode://{stolen}@198.51.100.7:30399?discport=0"}]
    refused = run(alpha({"partners.gamma": {"nodes": pasted}}), stacks())
    assert_refused(refused, "archipelago:partners.gamma: alpha/quorum-node1 and gamma/copy have the same node id")


@pytest.mark.parametrize(("sealed", "path"), [((), "identitySeed"), (("identitySeed",), f"{FIRST}.identity.nodekey")])
def test_a_secret_in_plain_text_is_refused_by_the_program_too(sealed: tuple[str, ...], path: str) -> None:
    """Not everybody runs `validate`."""
    refused = run(alpha({f"{FIRST}.identity": {"nodekey": "ab" * 32}}), sealed=sealed)
    assert (refused.exit_code, refused.resources) == (32, ())
    assert f"archipelago:{path}: is a secret, and stands there in plain text" in refused.errors[0]
    assert "abab" not in refused.errors[0]


def test_several_problems_are_one_message() -> None:
    refused = run(alpha({"organization": "x", "network.version": 22.10}))
    (error,) = refused.errors
    assert "archipelago:organization: unknown key" in error
    assert "archipelago:network.version: 22.1 is a number" in error


def test_an_object_of_somebody_else_is_refused_before_anything_is_registered() -> None:
    """The provider adopts what it finds, and changes it."""
    problem = Problem("cluster.namespace", "Secret consortium/x belongs to the stack gamma.c.", "Choose another one.")
    for preview in (True, False):
        refused = run(alpha(), foreign=[problem], preview=preview)
        assert refused.exit_code == 32
        assert refused.errors == (problem.text("Pulumi.cluster-a.yaml"),)
        assert refused.resources == ()


def test_the_cluster_is_asked_for_every_object_that_will_be_made() -> None:
    asked: list[Any] = []
    run(alpha(), asked=asked)
    assert asked == list(manifests(plan_of(alpha())))


def test_an_unreachable_cluster_stops_an_up_and_only_warns_a_preview() -> None:
    """Pull requests are previewed where no cluster can be reached."""
    refused = run(alpha(), unreachable="connection refused")
    assert (refused.exit_code, refused.resources) == (32, ())
    assert "the cluster cannot be reached: connection refused" in refused.errors[0]
    preview = run(alpha(), unreachable="connection refused", preview=True)
    assert preview.exit_code == 0
    assert any("This preview is a guess" in warning for warning in preview.warnings)
    assert len(preview.of("StatefulSet")) == 3


def test_the_program_finds_partners_files_from_the_projects_folder() -> None:
    assert (REPOSITORY / "Pulumi.yaml").exists()
    missing = run(alpha({"partners.beta": {"file": "partners/nowhere.json", "required": False}}))
    assert missing.outputs["partnersMissing"] == ["beta"]


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
def test_an_object_that_kubernetes_would_not_take_is_refused_before_anything_is_registered(
    preview: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the run would end half way, at each run, with whatever comes after it not rolled out."""
    monkeypatch.setattr(limits, "LARGEST", 1000)
    refused = run(alpha(), preview=preview)
    assert (refused.exit_code, refused.resources, refused.outputs) == (32, (), {})
    assert "ConfigMap consortium-peers must have at most 1,000 bytes, got " in refused.errors[0]
