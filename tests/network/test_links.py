"""A cluster that is cut off, as lab/README.md says how."""

from __future__ import annotations

import subprocess

import pytest

from lab.lab import Lab
from lab.nodes.network import cut
from lab.tools import Toolchain
from tests.network.networks import eventually

# other networks run in this cluster
pytestmark = [pytest.mark.network, pytest.mark.alone]


def test_a_cluster_that_is_cut_off_is_gone_for_its_users_and_comes_back(lab: Lab, toolchain: Toolchain) -> None:
    cluster = lab.cluster("b")
    where = ("--kubeconfig", str(lab.kubeconfig), "--context", cluster.context, "--request-timeout=2s")

    def answers() -> bool:
        command = (str(toolchain.path("kubectl")), *where, "get", "--raw", "/readyz")
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    assert answers()
    cut(cluster, off=True)
    try:
        assert not answers()
    finally:
        cut(cluster, off=False)
    eventually(answers, bool, 30)
