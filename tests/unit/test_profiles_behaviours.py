"""What cluster-discovery promised of identities and peers, by the numbers of its list, on plans of three stacks.

What only a cluster tells (that a verb is refused, that a token ends) is in the engine and network layers.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.identities import GRANTS, granted, objects, settled
from tests.tokens import token_of
from tests.world import MANAGED, of_kind

pytestmark = pytest.mark.unit

PEER, SECRET = "Peer", "Secret"


def test_behaviour_17_members_that_publish_an_identity_are_named_for_the_others_bootstrap_lists() -> None:
    made = granted()
    plan = made.plans["gamma"]
    ids = {record.organisation: record.node_id for each in made.plans.values() for record in each.records}
    assert plan.live_files["published.txt"].splitlines() == sorted(f"archive {ids[each]}" for each in ("alpha", "beta"))
    assert "beta/public-archive" in plan.live_files["peers.json"], "beta is no partner of gamma, and is dialled"
    (policy,) = [each for (kind, _), each in objects(plan).items() if kind == "NetworkPolicy"]
    assert "198.51.100.20/32" in json.dumps(policy["spec"]["egress"])


def test_behaviour_18_an_identity_makes_a_service_account_of_its_name_in_its_namespace() -> None:
    account = of_kind(granted().plans["beta"], "ServiceAccount")["beta-site"]
    assert account["metadata"]["namespace"] == "jobs"
    assert account["automountServiceAccountToken"] is False


def test_behaviour_19_the_rights_are_as_written_and_hold_in_its_namespace_only() -> None:
    rules = [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "get"]}]
    plan = settled({"alpha": {"identities.alpha-site.rules": rules}}).plans["alpha"]
    role, binding = (of_kind(plan, kind)["alpha-site"] for kind in ("Role", "RoleBinding"))
    assert role["rules"] == rules
    assert {each["metadata"]["namespace"] for each in (role, binding)} == {"jobs"}
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "alpha-site"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "alpha-site", "namespace": "jobs"}]
    assert not {kind for kind, _ in objects(plan)} & {"ClusterRole", "ClusterRoleBinding"}


def test_behaviour_20_a_kubeconfig_reaches_the_partner_it_was_granted_to_and_nobody_else() -> None:
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


def test_behaviour_21_peers_appear_on_every_other_member_and_not_on_the_publisher() -> None:
    for name, plan in granted().plans.items():
        others = {f"{each}-{each}-site" for each in ("alpha", "beta", "gamma") if each != name}
        assert of_kind(plan, PEER).keys() == others
        assert {each["metadata"]["namespace"] for each in of_kind(plan, PEER).values()} == {"ipfs"}


def test_behaviour_22_a_peer_carries_name_description_url_and_categories_exactly() -> None:
    text = "Ünïcode, \"quotes\": {yes} 'no' #1"
    changes = {"beta": {"identities.beta-site.name": "Beta's site", "identities.beta-site.description": text}}
    peer = of_kind(settled(changes).plans["gamma"], PEER)["beta-beta-site"]
    assert {key: peer["spec"][key] for key in ("name", "description", "URL", "categories")} == {
        "name": "Beta's site",
        "description": text,
        "URL": "https://198.51.100.20",
        "categories": [{"name": "computing"}, {"name": "EO data"}],
    }


def test_behaviour_23_a_peer_names_the_secret_whose_key_config_is_a_kubeconfig() -> None:
    found = of_kind(granted().plans["beta"], PEER)["alpha-alpha-site"]["metadata"]
    secret = of_kind(granted().plans["beta"], SECRET)[found["annotations"]["clusterdiscovery/kubeconfig-secret"]]
    assert (secret["metadata"]["namespace"], secret["type"], list(secret["stringData"])) == (
        found["namespace"], "Opaque", ["config"],
    )  # fmt: skip
    config = YAML(typ="safe").load(secret["stringData"]["config"])
    assert config["clusters"][0]["cluster"]["server"] == "https://203.0.113.10:6443"
    assert config["users"][0]["user"] == {"token": token_of("alpha-site-beta")}
    assert of_kind(granted().plans["beta"], PEER)["gamma-gamma-site"]["metadata"]["annotations"] == MANAGED


def test_behaviour_24_the_token_is_of_the_account_that_is_named_as_the_identity() -> None:
    """So a refusal reads `User "system:serviceaccount:<namespace>:<identity>"`."""
    secret = of_kind(granted().plans["alpha"], SECRET)["alpha-site-beta"]
    assert secret["type"] == "kubernetes.io/service-account-token"
    assert secret["metadata"]["annotations"] == {"kubernetes.io/service-account.name": "alpha-site"} | MANAGED
    rules = [{"resources": ["pods"], "verbs": ["get"]}]
    own = settled({"alpha": {"identities.alpha-site.grants": {"beta": {"rules": rules}, "gamma": None}}}).plans["alpha"]
    accounts = {
        name: each["metadata"]["annotations"]["kubernetes.io/service-account.name"]
        for name, each in of_kind(own, SECRET).items()
        if each["type"] == "kubernetes.io/service-account-token"
    }
    assert accounts == {"alpha-site-beta": "alpha-site-beta", "alpha-site-gamma": "alpha-site"}
    assert of_kind(own, "Role")["alpha-site-beta"]["rules"][0]["resources"] == ["pods"]


def test_behaviour_25_the_default_namespace_is_that_of_the_identity() -> None:
    secret = of_kind(granted().plans["gamma"], SECRET)["alpha-alpha-site-kubeconfig"]
    config = YAML(typ="safe").load(secret["stringData"]["config"])
    assert (config["current-context"], config["contexts"][0]["name"]) == ("alpha-alpha-site", "alpha-alpha-site")
    assert config["contexts"][0]["context"]["namespace"] == "jobs"


def test_behaviour_26_a_changed_identity_changes_its_peers_and_nothing_else_there() -> None:
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


def test_behaviour_27_a_deleted_identity_takes_its_account_rights_tokens_peers_and_kubeconfigs_with_it() -> None:
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


def test_behaviour_27_one_partner_is_shut_out_and_the_other_is_not() -> None:
    made = settled(GRANTS)
    del made.configs["alpha"]["identities"]["alpha-site"]["grants"]["beta"]
    made.up("alpha", "beta", "gamma")
    assert "alpha-site-beta" not in of_kind(made.plans["alpha"], SECRET)
    assert "alpha-site-gamma-g3" in of_kind(made.plans["alpha"], SECRET)
    assert "alpha-alpha-site-kubeconfig" not in of_kind(made.plans["beta"], SECRET)
    assert of_kind(made.plans["beta"], PEER)["alpha-alpha-site"]["metadata"]["annotations"] == MANAGED
    assert "alpha-alpha-site-kubeconfig" in of_kind(made.plans["gamma"], SECRET)


def test_behaviour_27_a_new_generation_is_another_token_for_that_partner_alone() -> None:
    made = settled(GRANTS)
    made.configs["alpha"]["identities"]["alpha-site"]["grants"]["beta"] = {"generation": 2}
    made.up("alpha", "beta", "gamma")
    secrets = of_kind(made.plans["alpha"], SECRET)
    assert "alpha-site-beta-g2" in secrets
    assert "alpha-site-beta" not in secrets
    config = of_kind(made.plans["beta"], SECRET)["alpha-alpha-site-kubeconfig"]["stringData"]["config"]
    assert token_of("alpha-site-beta-g2") in config
    assert made.plans["gamma"].exchange.known[0].heard.profile.revision == 1, "nothing that others see has changed"


def test_behaviour_28_an_identity_may_be_published_in_several_swarms_over_namespaces() -> None:
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
