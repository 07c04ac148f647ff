"""The network of a lab: a bridge on the machine, and for each cluster a network namespace that is a host of it.

Nothing leaves the machine: the bridge has no uplink, and a namespace's default route ends in a pair of its own that
nobody listens on. It is there because the kernel wants a route before it looks at a Service's address.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from lab.cluster import Cluster, bridge
from lab.errors import LabError
from lab.nodes.run import run, within
from lab.state import NAMES

_NUMBERS = range(16, 240)
_NAMESPACES = Path("/run/netns")
_LINKS = Path("/sys/class/net")
_SYSCTLS = ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.route_localnet=1", "net.ipv4.conf.all.rp_filter=0")


def claim(seed: str) -> int:
    """A number for a lab's network that no other lab of this machine has, with its bridge, which claims it.

    Args:
        seed: for example the lab's folder.

    Raises:
        LabError: none is left.
    """
    offset = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4]) % len(_NUMBERS)
    number: int
    for number in (*_NUMBERS[offset:], *_NUMBERS[:offset]):
        if not (_LINKS / bridge(number)).exists():
            with contextlib.suppress(LabError):  # another lab was quicker
                run("ip", "link", "add", bridge(number), "type", "bridge")
                return number
    raise LabError("This machine has no network left for a lab. End one with: archipelago lab down --dir <folder>")


def connect(cluster: Cluster) -> None:
    """Make the cluster's namespace a host of the lab's network. Does nothing where it is there.

    Raises:
        LabError: the kernel refused.
    """
    assert cluster.network is not None  # noqa: S101 - the lab chose one
    gateway, outside = f"10.210.{cluster.network}.1", _outside(cluster)
    link = bridge(cluster.network)
    if not (_LINKS / link).exists():
        run("ip", "link", "add", link, "type", "bridge")
    run("ip", "address", "replace", f"{gateway}/24", "dev", link)
    run("ip", "link", "set", link, "up")
    if not (_NAMESPACES / cluster.namespace).exists():
        run("ip", "netns", "add", cluster.namespace)
    if not (_LINKS / outside).exists():
        run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", cluster.namespace)
        run("ip", "link", "set", outside, "master", link, "up")
        _inside(cluster)
    run("ip", "route", "replace", cluster.load_balancers, "via", cluster.address)


def _inside(cluster: Cluster) -> None:
    inside = within(cluster.namespace)
    for command in (
        f"ip address add {cluster.address}/24 dev eth0",
        "ip link set lo up",
        "ip link set eth0 up",
        "ip link add bh0 type veth peer name bh1",
        "ip link set bh0 up",
        "ip link set bh1 up",
        f"ip route add default dev bh0 src {cluster.address}",
    ):
        run(*inside, *command.split())
    for other in NAMES:
        if other != cluster.name:
            neighbour = Cluster(other, cluster.lab, {}, cluster.network)
            run(*inside, "ip", "route", "add", neighbour.load_balancers, "via", neighbour.address)
    run(*inside, "sysctl", "-qw", *_SYSCTLS)


def cut(cluster: Cluster, *, off: bool) -> None:
    """Take a cluster off the lab's network, or back: to its partners and to its users it is gone.

    Args:
        cluster: the cluster.
        off: whether it is to be cut off.
    """
    run("ip", "link", "set", _outside(cluster), "down" if off else "up")
    if not off:  # the kernel forgot it with the link
        run("ip", "route", "replace", cluster.load_balancers, "via", cluster.address)


def disconnect(cluster: Cluster) -> None:
    """Remove the cluster's namespace, and the bridge when no cluster is left on it; what is missing does not matter."""
    assert cluster.network is not None  # noqa: S101 - as above
    link = bridge(cluster.network)
    with contextlib.suppress(LabError):
        run("ip", "link", "delete", _outside(cluster))
    if (_NAMESPACES / cluster.namespace).exists():
        run("ip", "netns", "delete", cluster.namespace)
    ports = _LINKS / link / "brif"
    if ports.exists() and not any(ports.iterdir()):
        run("ip", "link", "delete", link)


def _outside(cluster: Cluster) -> str:
    """The machine's end of the pair whose other end is the cluster's eth0."""
    return f"arc{cluster.network}{cluster.name}"
