"""cluster-discovery's own example of two clusters, whose pools have names of their own: one swarm, by its key."""

from __future__ import annotations

import base64
import shlex
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from archipelago.chains.ipfs.swarm_key import SwarmKey
from archipelago.settings.stack_file import from_file
from archipelago.stack.plan import StackPlan
from cli.main import app
from tests import ipfs
from tests.cli.conftest import RUNNER, Project
from tests.stacks import Config, seed
from tests.world import World

pytestmark = pytest.mark.unit

GROUP = "peerdiscovery.irt-saintexupery.com/v1alpha1"
KEY = SwarmKey(bytes.fromhex("0849c7ce" * 8))
OLD = "/ip4/203.0.113.7/tcp/4001/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ"
CREATOR = f"""
apiVersion: {GROUP}
kind: SwarmPool
metadata: {{name: cluster1, namespace: default}}
spec:
  swarms:
    - name: cluster1
      swarmDefinition: {{swarmKeySecretRef: cluster1-key}}
      network: {{loadBalancer: {{loadBalancerIP: auto, exposedAPI: false}}, swarmPort: 4001, apiPort: 5001}}
      storage: {{capacity: 1Gi}}
---
apiVersion: {GROUP}
kind: Peer
metadata: {{name: qmz9jtr}}
spec: {{name: cluster2, URL: "https://198.51.100.20"}}
"""
JOINER = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: public-c2}}
---
apiVersion: v1
kind: Secret
metadata: {{name: c2-key, namespace: public-c2}}
type: Opaque
data: {{swarm-key: {base64.b64encode(KEY.text.encode()).decode()}}}
---
apiVersion: {GROUP}
kind: SwarmPool
metadata: {{name: public-c2-sp, namespace: public-c2}}
spec:
  swarms:
    - name: public-c2-s
      swarmDefinition: {{swarmKeySecretRef: c2-key, bootstrapNodeAddresses: [{OLD}]}}
      network: {{loadBalancer: {{loadBalancerIP: auto, exposedAPI: false}}, swarmPort: 4001, apiPort: 5001}}
      storage: {{capacity: 1Gi}}
"""
SECRET = ipfs.secret("cluster1-key", {"swarm-key": KEY.text}, "default")
TOKEN = "cluster1-cluster1-api-token"
SECRETS = SECRET | ipfs.secret("c2-key", {"swarm-key": KEY.text}, "public-c2")


@pytest.fixture(autouse=True)
def _terminal(project: Project) -> None:
    assert project


def run(folder: Path, text: str, organisation: str, *options: str) -> Any:
    (folder / "given.yaml").write_text(text)
    words = ["import-swarmpool", str(folder / "given.yaml"), "--organisation", organisation, "--out", str(folder)]
    return RUNNER.invoke(app, [*words, *options])


def imported(folder: Path, text: str, organisation: str, *options: str) -> Config:
    result = run(folder, text, organisation, *options)
    assert result.exit_code == 0, result.output
    return from_file(folder / f"Pulumi.{organisation}.yaml") | {"identitySeed": seed(organisation)}


def lines(result: Any) -> list[str]:
    return str(result.stdout).splitlines()


def test_if1_the_two_imported_clusters_end_in_one_swarm(tmp_path: Path) -> None:
    first = imported(tmp_path, CREATOR, "alpha")
    first["partners"] = {"beta": {"stack": "organization/archipelago/cluster-b", "required": False}}
    second = imported(tmp_path, JOINER, "beta", "--joins", "alpha")

    def planned(config: Config, received: Any, last: Any) -> StackPlan:
        return ipfs.plan_of(config, received, last, given=SECRETS)

    world = World(planned, alpha=first, beta=second)
    world.up("alpha", "beta", "alpha", "beta")
    assert world.settled()
    everybody = {record.node_id for plan in world.plans.values() for record in plan.records}
    assert len(everybody) == 2
    for organisation, name in (("alpha", "cluster1"), ("beta", "public-c2-s")):
        plan = world.plans[organisation]
        assert plan.nodes[0].runs
        listed = {line.split()[1] for line in plan.live_files[f"{name}.members"].splitlines()}
        assert listed == everybody, organisation


def test_if2_the_secret_of_the_documents_is_kept_for_the_command_that_makes_it(tmp_path: Path) -> None:
    result = run(tmp_path, JOINER, "beta", "--joins", "alpha")
    made = tmp_path / "secrets-beta" / "public-c2.c2-key"
    assert made.read_bytes() == KEY.text.encode()
    assert made.stat().st_mode & 0o777 == 0o600
    (command,) = [line for line in lines(result) if "create secret" in line]
    assert command == (
        "kubectl -n public-c2 create secret generic c2-key "
        f"--from-file=swarm-key={shlex.quote(str(tmp_path / 'secrets-beta' / 'public-c2.c2-key'))}"
    )
    assert KEY.secret.hex() not in result.output
    written = (tmp_path / "Pulumi.beta.yaml").read_text()
    assert KEY.secret.hex() not in written
    assert f'keyFingerprint: "{KEY.fingerprint}"' in written, "no other key is ever taken for it"


def test_if2_nothing_is_made_under_the_name_before_the_secret_is_there(tmp_path: Path) -> None:
    for organisation, options in (("beta", ("--joins", "alpha")), ("gamma", ())):
        config = imported(tmp_path, JOINER, organisation, *options)
        plan = ipfs.plan_of(config, {"alpha": None}, given=dict.fromkeys(SECRETS))
        assert not plan.nodes[0].runs
        assert set(plan.nodes[0].secrets) == {"public-c2-sp-public-c2-s-api-token"}


def test_if2_a_secret_that_is_not_among_the_documents_is_said_with_its_command(tmp_path: Path) -> None:
    text = "---".join(part for part in JOINER.split("---") if "kind: Secret" not in part)
    result = run(tmp_path, text, "beta", "--joins", "alpha")
    assert any(
        "kubectl -n public-c2 create secret generic c2-key --from-file=swarm-key=" in each for each in lines(result)
    )
    assert "Secret public-c2/c2-key is not among the documents" in result.stderr
    assert not (tmp_path / "secrets-beta").exists()
    there = text + "---" + JOINER.split("---")[1].replace("name: c2-key,", "name: c2-key, uid: 1-2-3,")
    assert "create secret" not in run(tmp_path, there, "gamma", "--joins", "alpha").stdout


def test_if2_a_founder_without_the_secret_makes_it_as_before(tmp_path: Path) -> None:
    result = run(tmp_path, CREATOR, "alpha")
    assert "create secret" not in result.stdout
    config = from_file(tmp_path / "Pulumi.alpha.yaml") | {"identitySeed": seed("alpha")}
    assert set(ipfs.plan_of(config, given=dict.fromkeys(SECRET)).nodes[0].secrets) == {"cluster1-key", TOKEN}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{swarm-key: bm90IGEga2V5}", "holds no key of a swarm"),
        ("{swarm-key: '%%%'}", "holds no key of a swarm"),
        ("{other: bm90IGEga2V5}", "has no swarm-key"),
    ],
)
def test_if2_a_secret_without_a_key_is_refused(tmp_path: Path, data: str, words: str) -> None:
    before = JOINER.split("\ndata: ")[1].split("\n", maxsplit=1)[0]
    result = run(tmp_path, JOINER.replace(before, data), "beta", "--joins", "alpha")
    assert result.exit_code == 1
    assert words in result.output
    assert not list(tmp_path.glob("Pulumi.beta*"))


def test_if3_two_pools_of_one_name_in_two_namespaces_are_refused_with_both(tmp_path: Path) -> None:
    text = CREATOR + "---" + CREATOR.split("---", maxsplit=1)[0].replace("namespace: default", "namespace: lab")
    result = run(tmp_path, text, "alpha")
    assert result.exit_code == 1
    assert "SwarmPool default/cluster1 and lab/cluster1 have one name" in result.output
    assert not list(tmp_path.glob("Pulumi.alpha*"))


def test_if3_one_pool_that_stands_there_twice_is_one(tmp_path: Path) -> None:
    assert set(imported(tmp_path, CREATOR + "---" + CREATOR, "alpha")["pools"]) == {"cluster1"}
    result = run(tmp_path, CREATOR + "---" + CREATOR.replace("4001", "4005"), "beta")
    assert "SwarmPool default/cluster1 is there twice, and not the same" in result.output


def test_if3_identities_swarms_and_secrets_of_one_name_are_told_apart_as_pools_are(tmp_path: Path) -> None:
    def identity(namespace: str) -> str:
        return (
            f"\n---\napiVersion: {GROUP}\nkind: Identity\nmetadata: {{name: gpu, namespace: {namespace}}}\nspec: {{}}\n"
        )

    assert (
        "Identity a/gpu and b/gpu have one name" in run(tmp_path, CREATOR + identity("a") + identity("b"), "a").output
    )
    swarms = YAML(typ="safe", pure=True).load(CREATOR.split("---", maxsplit=1)[0])
    swarms["spec"]["swarms"] *= 2
    text = tmp_path / "twice.yaml"
    YAML(typ="safe", pure=True).dump(swarms, text)
    assert "more than one swarm of the name cluster1" in run(tmp_path, text.read_text(), "b").output
    other = JOINER.split("---")[1].replace("\ndata: {swarm-key: ", "\ndata: {swarm-key: bm90IGEga2V5, x: ")
    found = run(tmp_path, JOINER + "---" + other, "c", "--joins", "alpha")
    assert "Secret public-c2/c2-key is there twice, and not the same" in found.output


def test_if4_the_founder_is_told_whom_it_must_list(tmp_path: Path) -> None:
    founding = run(tmp_path, CREATOR, "alpha").stderr
    assert "It has met cluster2. Every organisation that joins has to be listed here" in founding
    joining = run(tmp_path, JOINER, "beta", "--joins", "alpha").stderr
    assert "alpha has to list beta" in joining
    assert "archipelago:partners.beta: {stack: organization/archipelago/beta, required: false}" in joining
    assert "add --joins <name>" in run(tmp_path, JOINER, "gamma").stderr, "others' addresses, and no word who founded"


def test_if4_the_namespace_is_made_where_the_documents_make_it(tmp_path: Path) -> None:
    made = imported(tmp_path, JOINER, "beta", "--joins", "alpha")
    assert (made["cluster"]["createNamespace"], made["pools"]["public-c2-sp"]["createNamespace"]) == (True, True)
    there = JOINER.replace("{name: public-c2}", "{name: public-c2, uid: 1-2-3}")
    for organisation, text in (("gamma", there), ("delta", CREATOR)):
        config = imported(tmp_path, text, organisation, *(("--joins", "alpha") if text is there else ()))
        assert config["cluster"]["createNamespace"] is False


def test_if4_a_secret_of_a_namespace_that_is_made_comes_after_the_first_up(tmp_path: Path) -> None:
    said = [line.split()[:2] for line in lines(run(tmp_path, JOINER, "beta", "--joins", "alpha"))]
    assert said[-3:] == [["pulumi", "up"], ["kubectl", "-n"], ["pulumi", "up"]]


def test_if2_a_joiner_that_names_no_secret_has_its_key_from_the_founder(tmp_path: Path) -> None:
    text = JOINER.replace("swarmKeySecretRef: c2-key, ", "")
    result = run(tmp_path, text, "beta", "--joins", "alpha")
    assert "alpha seals it, under the name that the swarm has there" in result.stderr
    member = from_file(tmp_path / "Pulumi.beta.yaml")["pools"]["public-c2-sp"]["swarms"]["public-c2-s"]
    assert "key" not in member
    plan = ipfs.plan_of(from_file(tmp_path / "Pulumi.beta.yaml") | {"identitySeed": seed("beta")}, {"alpha": None})
    assert plan.waiting_for == ("alpha: the key of swarm public-c2-s",)
