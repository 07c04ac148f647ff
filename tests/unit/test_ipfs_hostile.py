"""Whatever others give as hosts, names and addresses: to the shells of a member's pod it is data, and never code."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from archipelago.model.endpoint import Endpoint
from archipelago.stack.plan import StackPlan
from tests import ipfs
from tests.ipfs_api import Api
from tests.ipfs_pod import Pod
from tests.unit.test_ipfs_peers import keeper, until

pytestmark = pytest.mark.unit

CANARY = "canary"
RUNS = ("$(:>canary)", "`:>canary`", ";:>canary;", "|:>canary|", "&:>canary&", "\n:>canary\n", "'\";:>canary;'\"")
ODD = (*"\"'$`;|&\\\n\t-*?[]{}/%#@", "\\n", "\x01", "é")
SED = 'x"|;s|"Authorizations"|"Nothing"|;s|zz|'
TEXT = st.lists(st.sampled_from((*RUNS, *ODD, SED, "a", "example.org")), min_size=1, max_size=5).map("".join)


def shape(value: Any) -> Any:
    """The keys of a document, at every depth."""
    return {key: shape(each) for key, each in value.items()} if isinstance(value, dict) else None


@pytest.fixture(scope="module")
def plan() -> StackPlan:
    """alpha's, when it knows beta, so that beta's member is in its lists."""
    return ipfs.world(alpha=ipfs.alpha(), beta=ipfs.beta()).up("alpha", "beta", "alpha")


@pytest.fixture(scope="module")
def pod(plan: StackPlan) -> Iterator[Pod]:
    """A pod that has started once."""
    with tempfile.TemporaryDirectory() as folder:
        made = Pod(Path(folder), plan)
        assert made.run("init").returncode == 0
        yield made


def lines(plan: StackPlan, host: str, organisation: str = "beta") -> dict[str, str]:
    """The live files with a member at a host, which publishes an identity, as if neither had been checked."""
    (theirs,) = plan.imports[0].nodes
    written = f"{organisation} {theirs.node_id} /dns4/{host}/tcp/4001\n"
    published = f"archive {theirs.node_id}\n{host} {organisation}\n"
    return {**plan.live_files, "archive.members": written, "published.txt": published}


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@example(host="a|b", organisation="beta", announced="a|b")
@example(host=SED, organisation="beta", announced=SED)
@given(host=TEXT, organisation=TEXT, announced=TEXT)
def test_c1_no_text_from_outside_changes_more_of_the_config_than_its_lists(
    pod: Pod, plan: StackPlan, host: str, organisation: str, announced: str
) -> None:
    """A host with sed's own letters took the token from the API, or stopped every member of the swarm."""
    good = json.loads((pod.repository / "config").read_text())
    end = Endpoint.model_construct(host=announced, port=4001, exposure="LoadBalancer")
    pod.take(plan, endpoints={"swarm": end})
    pod.deliver(lines(plan, host, organisation))
    done = pod.run("init")
    assert done.returncode == 0, done.stderr
    config = json.loads((pod.repository / "config").read_text())
    assert shape(config) == shape(good)
    assert config["API"]["Authorizations"]["archipelago"] == good["API"]["Authorizations"]["archipelago"]
    for address in (*config["Bootstrap"], *config["Addresses"]["Announce"]):
        assert address.startswith("/")
        assert not set(address) - set("/-._:") - {c for c in address if c.isascii() and c.isalnum()}
    assert not list(pod.root.rglob(CANARY))


def test_c1_the_api_gets_a_text_from_outside_as_one_argument(pod: Pod, plan: StackPlan) -> None:
    """`&` added parameters to the request, and the shell put names of files in the place of `*`."""
    host = "".join((*RUNS, *ODD)).replace("\n", "").replace(" ", "")
    pod.take(plan)
    pod.deliver(lines(plan, host))
    (theirs,) = plan.imports[0].nodes
    api = Api(pod.node.private_files["api-token"])
    with keeper(pod, api):
        until(lambda: bool(api.peering))
    api.close()
    assert api.peering[theirs.node_id][0] == f"/dns4/{host}/tcp/4001"
    assert not list(pod.root.rglob(CANARY))


def test_c12_a_swarm_that_only_partners_are_in_makes_no_file_of_ours() -> None:
    """Its name would be a key of our ConfigMap that a partner chooses, a thousand of them if it likes."""
    swarms: dict[str, Any] = {"archive": {}, "elsewhere": {}}
    world = ipfs.world(alpha=ipfs.alpha(), beta=ipfs.beta({"pools.public.swarms": swarms}))
    files = world.up("alpha", "beta", "alpha").live_files
    assert {name for name in files if name.endswith(".members")} == {"archive.members"}
    assert "elsewhere" in json.loads(files["peers.json"]), "the picture of the whole network stays"
