"""A lab that was taken down has never been there, however it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import processes
from lab.lab import Lab
from lab.nodes.network import cut
from lab.tools import Toolchain
from tests.network.networks import Measure, eventually

pytestmark = [pytest.mark.network, pytest.mark.alone]

_FOLDERS = ("/var/log/containers", "/var/lib/cni", "/run/containerd", "/var/lib/kubelet", "/run/netns")
_POD = """
apiVersion: v1
kind: Pod
metadata: {name: busy}
spec:
  containers:
    - {name: busy, image: "lab.local/shell:1", command: [sleep, "3600"], volumeMounts: [{name: kept, mountPath: /kept}]}
  volumes: [{name: kept, persistentVolumeClaim: {claimName: kept}}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: kept}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
"""


def traces(mine: Path) -> dict[str, set[str]]:
    """All that a lab in a folder could leave on this machine; what other labs of the moment have is left out."""
    found = {
        "processes": {f"{pid} {name}" for pid, name in _processes() if str(mine) in name},
        "mounts": {line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()},
        "links": {link.name for link in Path("/sys/class/net").iterdir()},
        "routes": set(Path("/proc/net/route").read_text().splitlines()),
        "cgroups": {str(folder) for folder in Path("/sys/fs/cgroup").glob("*/arc*")},
    }
    for folder in _FOLDERS:
        found[folder] = {str(each) for each in Path(folder).rglob("*")}
    return found


def _processes() -> Iterator[tuple[str, str]]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_text() + (entry / "environ").read_text(errors="replace")
        except OSError:
            continue
        yield entry.name, words


@pytest.mark.parametrize(
    "killed",
    [
        pytest.param(False, id="in order"),
        pytest.param(True, id="after kill -9 of everything", marks=pytest.mark.soak),
    ],
)
def test_nothing_is_left(
    toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory, measure: Measure, *, killed: bool
) -> None:
    lab = Lab(tmp_path_factory.mktemp("left") / "lab")
    before = traces(lab.folder)
    try:
        lab.up(toolchain, clusters=1, profile="nodes", owner=os.getpid())
        kubectl = (str(toolchain.path("kubectl")), "--kubeconfig", str(lab.kubeconfig))
        _run(*kubectl, "apply", "-f", "-", text=_POD)
        eventually(lambda: _run(*kubectl, "get", "pod", "busy", "-o", "jsonpath={.status.phase}"), "Running".__eq__)
        during = traces(lab.folder)
        for kind in ("processes", "mounts", "links", "cgroups", "/run/netns"):
            assert during[kind] - before[kind], f"the lab has no {kind}, so this test could not see them left"
        if not killed:
            _cut_off_and_back(lab, *kubectl)
        if killed:
            for process in processes.marked(lab.folder):
                os.kill(process.pid, signal.SIGKILL)
    finally:
        began = time.monotonic()
        lab.down(purge=True)
    measure(f"down {'after kill -9' if killed else 'in order'}", time.monotonic() - began)
    after = traces(lab.folder)
    assert {kind: after[kind] - before[kind] for kind in after if after[kind] - before[kind]} == {}
    assert not lab.folder.exists()


def _cut_off_and_back(lab: Lab, *kubectl: str) -> None:
    """As lab/README.md says how; here, because nothing else runs in this cluster."""

    def answers() -> bool:
        command = (*kubectl, "--request-timeout=2s", "get", "--raw", "/readyz")
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    cut(lab.cluster("a"), off=True)
    try:
        assert not answers(), "a cluster that is cut off answers its users"
    finally:
        cut(lab.cluster("a"), off=False)
    eventually(answers, bool, 30)


def _run(*command: str, text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
