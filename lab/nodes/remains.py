"""What a node leaves outside its cluster's folder when its processes have ended, however they ended."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from lab.cluster import Cluster
from lab.errors import LabError
from lab.nodes import cgroups, network
from lab.nodes.run import run

# These places are compiled into the kubelet, containerd and the CNI library.
_LOG_LINKS = Path("/var/log/containers")
_CNI_RESULTS = Path("/var/lib/cni/results")
_SHIM_SOCKETS = Path("/run/containerd/s")
_DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins")
_ESCAPED = re.compile(r"\\([0-7]{3})")


def clear(cluster: Cluster) -> None:
    """Remove mounts, cgroups, namespaces, links and files; what is not there does not matter."""
    cgroups.end(cluster, patience=1)
    _unmount(cluster.folder)
    cgroups.remove(cluster)
    network.disconnect(cluster)
    for link in _LOG_LINKS.glob("*"):
        if link.is_symlink() and str(link.readlink()).startswith(f"{cluster.folder}/"):
            link.unlink(missing_ok=True)
    for result in _CNI_RESULTS.glob("*"):
        if f'"{cluster.folder}/' in result.read_text():  # names the pod's network namespace
            result.unlink(missing_ok=True)
    listening = Path("/proc/net/unix").read_text()
    for socket in (*_SHIM_SOCKETS.glob("*"), *_DEVICE_PLUGINS.glob("*.sock")):
        if f" {socket}\n" not in listening:
            socket.unlink(missing_ok=True)
    for folder in (_LOG_LINKS, _CNI_RESULTS, _SHIM_SOCKETS, _DEVICE_PLUGINS):
        with contextlib.suppress(OSError):  # others use it, or it is not there
            folder.rmdir()


def _unmount(folder: Path) -> None:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    mounts = [_ESCAPED.sub(lambda code: chr(int(code[1], 8)), line.split()[1]) for line in lines]
    for mount in reversed([each for each in mounts if each.startswith(f"{folder}/")]):
        with contextlib.suppress(LabError):  # one below it may have taken it along
            run("umount", "--lazy", mount)
