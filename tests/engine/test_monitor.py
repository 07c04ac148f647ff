"""The monitor's rights on a real API server, and that what it writes is no difference to `pulumi up`."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from lightkube import KubeConfig
from lightkube.models.authentication_v1 import TokenRequestSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ConfigMap, ServiceAccountToken
from lightkube.resources.rbac_authorization_v1 import ClusterRoleBinding

from archipelago.chains.registry import CHAINS
from lab.lab import Lab
from monitor import peers
from monitor.access import Access
from monitor.exchange import Failed
from monitor.kubernetes import Kubernetes
from monitor.rounds import Rounds
from monitor.settings import read
from tests.engine.organisations import Consortium, nothing_changes
from tests.stacks import seed

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif("ipfs" not in CHAINS, reason="no protocol of this version has a monitor"),
]


def config(space: str) -> dict[str, Any]:
    """A stack with a member in its own namespace and one in another."""
    return {
        "identitySeed": seed("alpha"),
        "organisation": "alpha",
        "cluster": {"namespace": space, "address": "203.0.113.10"},
        "network": {"kind": "ipfs", "name": "research", "founder": True},
        "pools": {
            "public": {"namespace": space, "swarms": {"archive": {}}},
            "other": {"namespace": f"{space[:40]}-other", "swarms": {"models": {}}},
        },
    }


def account(lab: Lab, consortium: Consortium, space: str, folder: Path) -> Kubernetes:
    """The API server as the monitor's pod asks it, with a token of its account."""
    client = consortium.client("a")
    wish = ServiceAccountToken(metadata=ObjectMeta(), spec=TokenRequestSpec(expirationSeconds=600))
    made = client.create(wish, "research-monitor", namespace=space)
    found = KubeConfig.from_file(lab.kubeconfig).get(context_name="lab-a")
    assert found
    assert made.status
    assert made.status.token
    (folder / "token").write_text(made.status.token)
    (folder / "ca.crt").write_bytes(base64.b64decode(found.cluster.certificate_auth_data or ""))
    url = urlsplit(found.cluster.server)
    return Kubernetes(str(url.hostname), int(url.port or 443), folder)


def test_its_account_may_do_what_it_does_and_nothing_else(
    lab: Lab, consortium: Consortium, space: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = consortium.stack("ipfs-a", config(space), "a")
    stack.up().expect()
    client = consortium.client("a")
    kubernetes = account(lab, consortium, space, tmp_path)
    told = client.get(ConfigMap, "research-monitor", namespace=space).data or {}
    (tmp_path / "settings.json").write_text(told["settings.json"])
    for name in ("PATIENCE", "LONGER"):
        monkeypatch.setattr(peers, name, 0.0)
    rounds = Rounds(read(tmp_path / "settings.json"), kubernetes)
    rounds.round()
    assert "archipelago_monitor_failures_total{" not in rounds.metrics(), rounds.metrics()
    written = client.get(ConfigMap, "research-swarm-status", namespace=space).data or {}
    assert set(written) == {"public-archive", "other-models"}
    for way in (("secrets",), ("pods",), ("configmaps", "research-monitor")):
        with pytest.raises(Failed, match="403"):
            kubernetes.get("api", "v1", "namespaces", space, *way)
    with pytest.raises(Failed, match="403"):
        kubernetes.patch("api", "v1", "namespaces", space, "configmaps", "research-peers", change={"data": {}})
    # it may ask who somebody is, and may not read metrics itself
    token = (tmp_path / "token").read_text()
    assert Access(kubernetes).verdict(f"Bearer {token}") == 403
    assert Access(kubernetes).verdict("Bearer forged") == 401
    assert client.get(ClusterRoleBinding, f"{space}.research-monitor").metadata


def test_what_it_writes_is_no_difference_to_an_up(lab: Lab, consortium: Consortium, space: str, tmp_path: Path) -> None:
    stack = consortium.stack("ipfs-a", config(space), "a")
    stack.up().expect()
    client = consortium.client("a")
    told = client.get(ConfigMap, "research-monitor", namespace=space).data or {}
    (tmp_path / "settings.json").write_text(told["settings.json"])
    Rounds(read(tmp_path / "settings.json"), account(lab, consortium, space, tmp_path)).round()
    written = client.get(ConfigMap, "research-swarm-status", namespace=space).data
    assert written
    assert stack.preview().expect().changes == []
    stack.refresh().expect()
    nothing_changes(stack)  # its preview comes after the refresh
    assert client.get(ConfigMap, "research-swarm-status", namespace=space).data == written
