"""What a user gets wrong ends in the real engine as it does in tests/components: one error, and nothing is touched.

Which mistakes there are is shown there; here stand those that the engine or an API server has a part in.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.organisations import Consortium, own_port
from tests.stacks import ONE_NODE, alpha

pytestmark = pytest.mark.engine

Change = Callable[[dict[str, Any]], None]


FOUNDER: dict[str, tuple[Change, str, str]] = {
    "unknown key deep inside": (
        lambda config: config["archipelago:nodes"].update({"quorum-node2": {"exposure": {"prots": {}}}}),
        "nodes.quorum-node2.exposure.prots",
        "Did you mean ports?",
    ),
    "NodePort without an address": (
        lambda config: config["archipelago:cluster"].pop("address"),
        "cluster.address",
        "The nodes of this cluster have:",
    ),
}


@pytest.mark.parametrize("case", FOUNDER)
def test_a_wrong_stack_file_touches_nothing(consortium: Consortium, space: str, case: str) -> None:
    change, path, cure = FOUNDER[case]
    a = consortium.stack("cluster-a", alpha({"cluster.namespace": "refused"}), "a")
    a.configure(change)
    run = a.up()
    assert run.code != 0
    assert f"Pulumi.cluster-a.yaml: archipelago:{path}: " in run.text
    assert cure in run.text
    assert "Traceback" not in run.text
    assert run.changes == []
    assert len(run.errors) == 1
    assert consortium.seen("a", "refused") == {}


def test_a_seed_that_the_engine_has_not(consortium: Consortium) -> None:
    a = consortium.stack("cluster-a", alpha({"cluster.namespace": "refused"}), "a", seed=False)
    run = a.up()
    assert run.code != 0
    assert "Pulumi.cluster-a.yaml: archipelago:identitySeed: " in run.text
    assert "openssl rand -hex 32 | pulumi config set --secret archipelago:identitySeed" in run.text
    assert run.changes == []


def test_up_without_an_api_server(consortium: Consortium, tmp_path: Path) -> None:
    a = consortium.stack("cluster-a", alpha({"cluster.namespace": "refused"}), "a")
    dead = tmp_path / "kubeconfig"
    cluster = {"name": "lab-a", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "lab-a", "context": {"cluster": "lab-a", "user": "lab-a"}}
    user = {"name": "lab-a", "user": {"token": "none"}}
    dead.write_text(json.dumps({"clusters": [cluster], "contexts": [context], "users": [user]}))
    a.configure(lambda config: config["archipelago:cluster"].update(kubeconfig=str(dead)))
    run = a.up()
    assert run.code != 0
    assert "archipelago:cluster: the cluster cannot be reached" in run.text
    assert len(run.errors) == 1
    preview = a.preview().expect()
    assert "This preview is a guess" in preview.text


def test_a_node_port_that_the_cluster_gave_to_another(consortium: Consortium, space: str) -> None:
    consortium.stack("cluster-a", alpha({"cluster.namespace": f"{space}-1", **ONE_NODE}), "a").up().expect()
    config = alpha({"cluster.namespace": f"{space}-2", "organisation": "delta", "partners": {}, **ONE_NODE})
    run = consortium.stack("cluster-d", config, "a").up()
    assert run.code != 0
    held = f"NodePorts {own_port(30303)}, {own_port(30901)} are held by the Service"
    assert f"archipelago:nodes.quorum-node1: {held}" in run.text
    assert consortium.seen("a", f"{space}-2") == {}


def test_a_seed_in_plain_text(consortium: Consortium) -> None:
    a = consortium.stack("cluster-a", alpha({"cluster.namespace": "refused"}), "a", seed=False)
    a.configure(lambda config: config.update({"archipelago:identitySeed": "0123456789abcdef" * 4}))
    run = a.up()
    assert run.code != 0
    assert "archipelago:identitySeed: is a secret, and stands there in plain text" in run.text
    assert "0123456789abcdef" * 4 not in run.text
    assert run.changes == []
