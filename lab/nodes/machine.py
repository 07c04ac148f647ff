"""What a machine must have before a node can run on it, and how a Debian machine gets it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from lab.files import cache_folder, exclusive
from lab.nodes.run import run

PACKAGES = {
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "runc": "runc",
    "nft": "nftables",
    "iptables": "iptables",  # the CNI plugins' masquerading
    "conntrack": "conntrack",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "busybox": "busybox-static",  # the shell of the images
    "gcc": "gcc",  # geth's scripting engine is C
    "/usr/include/stdlib.h": "libc6-dev",
}
"""Programs and files, and the Debian packages that bring them."""

_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
_ENOUGH = 1024
"""Of inotify's instances: a node takes some twenty, each pod more, and Linux gives a user 128 by default."""


def obstacle() -> str | None:
    """Why no node can run on this machine, as a sentence; None if one can."""
    if not sys.platform.startswith("linux"):
        return "Real nodes need Linux."
    if os.geteuid() != 0:
        return "Real nodes need root (network namespaces, mounts, cgroups). Run it as root."
    missing = _missing()
    if missing and shutil.which("apt-get") is None:
        return f"Real nodes need {', '.join(missing)}, and this machine has no apt-get. Install them."
    return None


def equip(say: Callable[[str], None]) -> None:
    """Install what is missing, and let the kernel give what several nodes on one machine need.

    Raises:
        LabError: apt-get failed.
    """
    if int(_INSTANCES.read_text()) < _ENOUGH:
        say(f"sysctl fs.inotify.max_user_instances={_ENOUGH}, until the next boot: a kubelet ends where none is left")
        run("sysctl", "-qw", f"fs.inotify.max_user_instances={_ENOUGH}")
    if not _missing():
        return
    with exclusive(cache_folder() / "lab" / "locks" / "machine"):  # apt-get refuses to run twice at once
        missing = _missing()
        if missing:
            say(f"installing Debian packages: {' '.join(missing)}")
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            run("apt-get", "update", "-qq", environment=environment)
            run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing, environment=environment)


def _missing() -> list[str]:
    needed = (package for wanted, package in PACKAGES.items() if not _there(wanted))
    return list(dict.fromkeys(needed))


def _there(wanted: str) -> bool:
    return Path(wanted).exists() if wanted.startswith("/") else shutil.which(wanted) is not None
