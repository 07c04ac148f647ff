"""Kubeconfig files: one client's, and all clusters' in one."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from lightkube import KubeConfig

from lab import kubeconfig
from lab.kubeconfig import Access

pytestmark = pytest.mark.unit


def reach(context: str, port: int = 6443) -> Access:
    return Access(context, f"https://127.0.0.1:{port}", b"authority", context.encode() + b" certificate", b"key")


def test_every_cluster_has_a_context_of_its_own() -> None:
    merged = kubeconfig.merged([reach("lab-a", 1), reach("lab-b", 2)])
    assert [context["name"] for context in merged["contexts"]] == ["lab-a", "lab-b"]
    assert merged["current-context"] == "lab-a"
    users = {user["name"]: user["user"]["client-certificate-data"] for user in merged["users"]}
    assert base64.b64decode(users["lab-b"]) == b"lab-b certificate"


def test_two_clusters_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        kubeconfig.merged([reach("lab-a"), reach("lab-a")])


def test_another_program_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    kubeconfig.write(file, [reach("lab-a", 1), reach("lab-b", 2)])
    read = KubeConfig.from_file(file)
    chosen = read.get(context_name="lab-b")
    assert chosen is not None
    assert chosen.cluster.server == "https://127.0.0.1:2"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_right_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    kubeconfig.write(file, [reach("lab-a")])
    before = file.stat().st_ino
    kubeconfig.write(file, [reach("lab-a")])
    assert file.stat().st_ino == before
    kubeconfig.write(file, [reach("lab-a", 7)])
    assert ":7" in file.read_text()
