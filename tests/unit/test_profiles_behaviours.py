"""What cluster-discovery promised of identities and peers, by the numbers of its list, on plans of three stacks.

What only a cluster tells (that a verb is refused, that a token ends) is in the engine and network layers.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from ruamel.yaml import YAML

from archipelago.manifests.common import OWNER
from archipelago.manifests.stack import manifests
from archipelago.model.endpoint import Endpoint
from archipelago.model.record import ExternalNode
from archipelago.profiles.peers import _told_apart, relayed_members
from archipelago.stack.plan import StackPlan
from tests.identities import CHAINS, KIND, Shown, exported, organisation, plan_of, settings_of, world
from tests.stacks import GONE, alpha, outputs_of
from tests.stacks import plan_of as plan_of_goquorum
from tests.tokens import token_of

pytestmark = pytest.mark.unit

GRANTS = {"alpha": {"identities.alpha-site.grants": {"beta": None, "gamma": {"generation": 3}}}}
PEER, SECRET = "Peer", "Secret"


def settled(changes: dict[str, dict[str, Any]] | None = None) -> Shown:
    made = world(changes)
    made.up("beta", "alpha", "gamma")
    made.settle()
    assert made.settled()
    return made


@cache
def granted() -> Shown:
    """Three stacks in peace; alpha lets both others in."""
    return settled(GRANTS)


def objects(plan: StackPlan) -> dict[tuple[str, str], Any]:
    """A stack's objects by kind and name; the namespace is in them."""
    return {(each["kind"], each["metadata"]["name"]): each for each in manifests(plan)}


def of_kind(plan: StackPlan, kind: str) -> dict[str, Any]:
    return {name: each for (found, name), each in objects(plan).items() if found == kind}


def test_17_members_that_publish_an_identity_are_named_for_the_others_bootstrap_lists() -> None:
    made = granted()
    plan = made.plans["gamma"]
    ids = {record.organisation: record.node_id for each in made.plans.values() for record in each.records}
    assert plan.live_files["published.txt"].splitlines() == sorted(f"archive {ids[each]}" for each in ("alpha", "beta"))
    assert "beta/public-archive" in plan.live_files["peers.json"], "beta is no partner of gamma, and is dialled"
    (policy,) = [each for (kind, _), each in objects(plan).items() if kind == "NetworkPolicy"]
    assert "198.51.100.20/32" in json.dumps(policy["spec"]["egress"])


def test_18_an_identity_makes_a_service_account_of_its_name_in_its_namespace() -> None:
    account = of_kind(granted().plans["beta"], "ServiceAccount")["beta-site"]
    assert account["metadata"]["namespace"] == "jobs"
    assert account["automountServiceAccountToken"] is False


def test_19_the_rights_are_as_written_and_hold_in_its_namespace_only() -> None:
    rules = [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "get"]}]
    plan = settled({"alpha": {"identities.alpha-site.rules": rules}}).plans["alpha"]
    role, binding = (of_kind(plan, kind)["alpha-site"] for kind in ("Role", "RoleBinding"))
    assert role["rules"] == rules
    assert {each["metadata"]["namespace"] for each in (role, binding)} == {"jobs"}
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "alpha-site"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "alpha-site", "namespace": "jobs"}]
    assert not {kind for kind, _ in objects(plan)} & {"ClusterRole", "ClusterRoleBinding"}


def test_20_a_kubeconfig_reaches_the_partner_it_was_granted_to_and_nobody_else() -> None:
    """Not the swarm, as it was there: whoever holds the swarm's key reads what is in it, for ever."""
    made = granted()
    tokens = {"beta": token_of("alpha-site-beta"), "gamma": token_of("alpha-site-gamma-g3")}
    for name, plan in made.plans.items():
        opened = json.dumps([each for each in objects(plan).values() if each["kind"] == SECRET])
        plain = json.dumps([each for each in objects(plan).values() if each["kind"] != SECRET])
        plain += json.dumps(made.outputs[name]) + json.dumps(dict(plan.live_files)) + repr(plan) + str(plan.warnings)
        for partner, token in tokens.items():
            assert (token in opened) == (partner == name)
            assert token not in plain
    assert "kubeconfig" not in "".join(made.plans["alpha"].live_files.values())


def test_21_peers_appear_on_every_other_member_and_not_on_the_publisher() -> None:
    for name, plan in granted().plans.items():
        others = {f"{each}-{each}-site" for each in ("alpha", "beta", "gamma") if each != name}
        assert of_kind(plan, PEER).keys() == others
        assert {each["metadata"]["namespace"] for each in of_kind(plan, PEER).values()} == {"ipfs"}


def test_22_a_peer_carries_name_description_url_and_categories_exactly() -> None:
    text = "Ünïcode, \"quotes\": {yes} 'no' #1"
    changes = {"beta": {"identities.beta-site.name": "Beta's site", "identities.beta-site.description": text}}
    peer = of_kind(settled(changes).plans["gamma"], PEER)["beta-beta-site"]
    assert {key: peer["spec"][key] for key in ("name", "description", "URL", "categories")} == {
        "name": "Beta's site",
        "description": text,
        "URL": "https://198.51.100.20",
        "categories": [{"name": "computing"}, {"name": "EO data"}],
    }


def test_23_a_peer_names_the_secret_whose_key_config_is_a_kubeconfig() -> None:
    found = of_kind(granted().plans["beta"], PEER)["alpha-alpha-site"]["metadata"]
    secret = of_kind(granted().plans["beta"], SECRET)[found["annotations"]["clusterdiscovery/kubeconfig-secret"]]
    assert (secret["metadata"]["namespace"], secret["type"], list(secret["stringData"])) == (
        found["namespace"], "Opaque", ["config"],
    )  # fmt: skip
    config = YAML(typ="safe").load(secret["stringData"]["config"])
    assert config["clusters"][0]["cluster"]["server"] == "https://203.0.113.10:6443"
    assert config["users"][0]["user"] == {"token": token_of("alpha-site-beta")}
    assert "annotations" not in of_kind(granted().plans["beta"], PEER)["gamma-gamma-site"]["metadata"]


def test_24_the_token_is_of_the_account_that_is_named_as_the_identity() -> None:
    """So a refusal reads `User "system:serviceaccount:<namespace>:<identity>"`."""
    secret = of_kind(granted().plans["alpha"], SECRET)["alpha-site-beta"]
    assert secret["type"] == "kubernetes.io/service-account-token"
    assert secret["metadata"]["annotations"] == {"kubernetes.io/service-account.name": "alpha-site"}
    rules = [{"resources": ["pods"], "verbs": ["get"]}]
    own = settled({"alpha": {"identities.alpha-site.grants": {"beta": {"rules": rules}, "gamma": None}}}).plans["alpha"]
    accounts = {
        name: each["metadata"]["annotations"]["kubernetes.io/service-account.name"]
        for name, each in of_kind(own, SECRET).items()
        if each["type"] == "kubernetes.io/service-account-token"
    }
    assert accounts == {"alpha-site-beta": "alpha-site-beta", "alpha-site-gamma": "alpha-site"}
    assert of_kind(own, "Role")["alpha-site-beta"]["rules"][0]["resources"] == ["pods"]


def test_25_the_default_namespace_is_that_of_the_identity() -> None:
    secret = of_kind(granted().plans["gamma"], SECRET)["alpha-alpha-site-kubeconfig"]
    config = YAML(typ="safe").load(secret["stringData"]["config"])
    assert (config["current-context"], config["contexts"][0]["name"]) == ("alpha-alpha-site", "alpha-alpha-site")
    assert config["contexts"][0]["context"]["namespace"] == "jobs"


def test_26_a_changed_identity_changes_its_peers_and_nothing_else_there() -> None:
    made = settled(GRANTS)
    before = {name: objects(plan) for name, plan in made.plans.items()}
    identity = made.configs["beta"]["identities"]["beta-site"]
    identity |= {"description": "another", "categories": ["computing", "EO data", "storage"]}
    made.up("beta", "alpha", "gamma")
    after = objects(made.plans["gamma"])
    changed = {key for key in before["gamma"].keys() | after.keys() if before["gamma"].get(key) != after.get(key)}
    assert changed == {(PEER, "beta-beta-site"), ("ConfigMap", "research-peers")}
    assert after[PEER, "beta-beta-site"]["spec"]["description"] == "another"
    assert after[PEER, "beta-beta-site"]["spec"]["categories"][-1] == {"name": "storage"}
    assert after[PEER, "beta-beta-site"]["spec"]["revision"] == 2
    made.settle()
    assert made.settled()


def test_27_a_deleted_identity_takes_its_account_rights_tokens_peers_and_kubeconfigs_with_it() -> None:
    made = settled(GRANTS)
    before = {name: set(objects(plan)) for name, plan in made.plans.items()}
    made.configs["alpha"]["identities"] = {}
    made.up("alpha")
    assert before["alpha"] - set(objects(made.plans["alpha"])) == {
        *((kind, "alpha-site") for kind in ("ServiceAccount", "Role", "RoleBinding")),
        (SECRET, "alpha-site-beta"),
        (SECRET, "alpha-site-gamma-g3"),
    }
    made.up("beta", "gamma")
    for name in ("beta", "gamma"):
        gone = before[name] - set(objects(made.plans[name]))
        assert gone == {(PEER, "alpha-alpha-site"), (SECRET, "alpha-alpha-site-kubeconfig")}
    made.settle()
    assert made.settled()


def test_27_one_partner_is_shut_out_and_the_other_is_not() -> None:
    made = settled(GRANTS)
    del made.configs["alpha"]["identities"]["alpha-site"]["grants"]["beta"]
    made.up("alpha", "beta", "gamma")
    assert "alpha-site-beta" not in of_kind(made.plans["alpha"], SECRET)
    assert "alpha-site-gamma-g3" in of_kind(made.plans["alpha"], SECRET)
    assert "alpha-alpha-site-kubeconfig" not in of_kind(made.plans["beta"], SECRET)
    assert "annotations" not in of_kind(made.plans["beta"], PEER)["alpha-alpha-site"]["metadata"]
    assert "alpha-alpha-site-kubeconfig" in of_kind(made.plans["gamma"], SECRET)


def test_27_a_new_generation_is_another_token_for_that_partner_alone() -> None:
    made = settled(GRANTS)
    made.configs["alpha"]["identities"]["alpha-site"]["grants"]["beta"] = {"generation": 2}
    made.up("alpha", "beta", "gamma")
    secrets = of_kind(made.plans["alpha"], SECRET)
    assert "alpha-site-beta-g2" in secrets
    assert "alpha-site-beta" not in secrets
    config = of_kind(made.plans["beta"], SECRET)["alpha-alpha-site-kubeconfig"]["stringData"]["config"]
    assert token_of("alpha-site-beta-g2") in config
    assert made.plans["gamma"].exchange.known[0].heard.profile.revision == 1, "nothing that others see has changed"


def test_28_an_identity_may_be_published_in_several_swarms_over_namespaces() -> None:
    pools: dict[str, dict[str, Any]] = {
        "public": {"namespace": "ipfs", "swarms": {"archive": {"swarm": "archive"}}},
        "lab": {"namespace": "laboratory", "swarms": {"models": {"swarm": "models"}}},
    }
    theirs = {
        pool: {**said, "swarms": {swarm: {"swarm": swarm, "key": "partner alpha"} for swarm in said["swarms"]}}
        for pool, said in pools.items()
    }
    both = {"pools": theirs, "identities.beta-site.publishTo": ["ipfs/public/archive", "laboratory/lab/models"]}
    one = {"pools": pools, "identities.alpha-site.publishTo": ["laboratory/lab/models"]}
    made = settled({"alpha": one, "beta": both})
    shown = {
        name: sorted(
            (each.object_name, each.namespace, [at.swarm for at in each.shared]) for each in plan.exchange.peers
        )
        for name, plan in made.plans.items()
    }
    beta, gamma = "beta-beta-site", "gamma-gamma-site"
    assert shown["alpha"] == [
        (beta, "ipfs", ["archive"]), (beta, "laboratory", ["models"]), (gamma, "ipfs", ["archive"]),
    ]  # fmt: skip
    assert shown["gamma"] == [(beta, "ipfs", ["archive"])], "alpha's is in a swarm that gamma is not in"
    assert "beta-site" in made.plans["beta"].live_files["profiles-public-archive.json"]
    assert "beta-site" in made.plans["beta"].live_files["profiles-lab-models.json"]
    assert "alpha-site" not in made.plans["alpha"].live_files["profiles-public-archive.json"]


@pytest.mark.parametrize("order", [("alpha", "beta", "gamma"), ("gamma", "beta", "alpha"), ("beta", "gamma", "alpha")])
def test_any_order_of_runs_converges_and_then_changes_nothing(order: tuple[str, ...]) -> None:
    made = world(GRANTS)
    made.up(*order)
    made.settle(*order)
    assert made.settled()
    assert {name: set(objects(plan)) for name, plan in made.plans.items()} == {
        name: set(objects(plan)) for name, plan in granted().plans.items()
    }


def test_beta_and_gamma_keep_each_others_peers_and_addresses_after_alpha_has_left() -> None:
    made = settled()
    made.destroy("alpha")
    made.settle()
    for name, other in (("beta", "gamma"), ("gamma", "beta")):
        assert of_kind(made.plans[name], PEER).keys() == {f"{other}-{other}-site"}
        assert f"{other}/public-archive" in made.plans[name].live_files["peers.json"]
        assert any("alpha/alpha-site" in each for each in made.plans[name].warnings) is False, "it was told once"
    assert made.settled()


def test_a_grant_to_a_partner_that_is_not_there_waits_and_says_so() -> None:
    made = world(GRANTS)
    plan = made.up("alpha")
    words = "beta: its sealing key, for the kubeconfig of identity alpha-site"
    assert words in made.outputs["alpha"]["waitingFor"]
    assert any(f"Waiting for {words}" in each for each in plan.warnings)
    assert "alpha-site-beta" in of_kind(plan, SECRET), "its token is there already"
    assert made.outputs["alpha"]["profiles"][0]["delivery"]["kubeconfigs"] == {}
    made.up("beta", "gamma", "alpha")
    assert set(made.outputs["alpha"]["profiles"][0]["delivery"]["kubeconfigs"]) == {"beta", "gamma"}
    assert made.outputs["alpha"]["waitingFor"] == []


def test_objects_say_whose_they_are_and_the_kind_of_peers_is_everybodys() -> None:
    plan = granted().plans["beta"]
    for (kind, name), each in objects(plan).items():
        if kind == "CustomResourceDefinition":
            assert OWNER not in each["metadata"]["labels"]
            assert each["metadata"]["annotations"] == {"pulumi.com/patchForce": "true"}
            assert each == objects(granted().plans["gamma"])[kind, name]
        else:
            assert each["metadata"]["labels"][OWNER] == plan.owner


def test_where_no_kind_may_be_defined_peers_are_config_maps() -> None:
    made = settled({**GRANTS, "beta": {"network.peers": "configMap"}})
    plan = made.plans["beta"]
    assert not of_kind(plan, PEER)
    assert not of_kind(plan, "CustomResourceDefinition")
    found = of_kind(plan, "ConfigMap")["alpha-alpha-site"]
    crd = of_kind(granted().plans["beta"], PEER)["alpha-alpha-site"]
    assert json.loads(found["data"]["peer.json"])["spec"] == crd["spec"]
    assert found["metadata"] == crd["metadata"]


def test_without_anybodys_identity_there_is_no_kind_of_peers() -> None:
    plan = plan_of(organisation("alpha"))
    assert not of_kind(plan, "CustomResourceDefinition")
    assert exported(plan)["relayedProfiles"] == []


def test_two_organisations_whose_names_run_together_get_peers_of_their_own() -> None:
    one = granted().plans["beta"].exchange.peers[0]
    pairs = (("a", "b-c"), ("a-b", "c"))
    made = [
        replace(one, object_name="a-b-c", profile=one.profile.model_copy(update={"organisation": o, "identity": i}))
        for o, i in pairs
    ]
    names = {each.object_name for each in _told_apart(made)}
    assert len(names) == 2
    assert all(name.startswith("a-b-c-") for name in names)


def test_a_strangers_member_that_claims_what_is_anothers_is_not_dialled_and_stops_nothing() -> None:
    plan = granted().plans["beta"]
    heard = next(each.heard for each in plan.exchange.known if each.heard.profile.organisation == "gamma")
    (member,) = heard.delivery.members
    (endpoint,) = member["endpoints"].values()

    def dialled(changes: dict[str, Any], known: dict[str, Any]) -> tuple[list[ExternalNode], str]:
        other = replace(heard, delivery=heard.delivery.model_copy(update={"members": ({**member, **changes},)}))
        ours = [plan.records[0].model_copy(update=known)]
        found, doubts = relayed_members([other], ours, [], "research", CHAINS[KIND].parse_node)
        return found, " ".join(doubts)

    assert [str(node) for node in dialled({}, {})[0]] == ["gamma/public-archive"]
    taken = {"endpoints": {"swarm": Endpoint.model_validate(endpoint)}}
    refused = [
        (dialled({}, {"node_id": member["nodeId"]}), "claims what belongs to beta/public-archive"),
        (dialled({}, taken), "claims what belongs to beta/public-archive"),
        (dialled({"fingerprint": "00" * 16}, {}), "holds another key of the swarm archive"),
        (dialled({"nodeId": 3, "name": []}, {}), "has a member that cannot be read"),
        (dialled({"nodeId": plan.records[0].node_id}, {}), ""),
        (dialled({"organisation": "delta"}, {}), ""),
        (dialled({"swarm": "another"}, {}), ""),
    ]
    for (found, told), words in refused:
        assert found == []
        assert words in told


def test_no_output_of_a_protocol_without_profiles_has_any() -> None:
    given = outputs_of(plan_of_goquorum(alpha()))
    assert not {"profiles", "relayedProfiles"} & given.keys()


def test_the_settings_of_the_tests_are_sound() -> None:
    for name in ("alpha", "beta", "gamma"):
        assert settings_of(organisation(name, {"partners.nobody": GONE}))
