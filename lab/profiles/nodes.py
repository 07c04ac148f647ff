"""Clusters with a real node each: containerd, runc, CNI, kubelet, kube-proxy, cluster DNS, enforced NetworkPolicies.

Each is a host of the lab's own network, in a network namespace of its own. Needs Linux and root.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from lab import processes
from lab.cluster import Cluster
from lab.errors import LabError
from lab.nodes import cgroups, config, images, machine, network, remains
from lab.nodes.more import MORE
from lab.pki import Client
from lab.processes import Process
from lab.profiles import control_parts, node_objects, objects
from lab.profiles.control_parts import CONTROL_PLANE, LAST
from lab.profiles.profile import Part, Stage, following
from lab.say import Say
from lab.tools import Toolchain

_PATIENCE = 3.0
# What is left of a socket's name (107 characters, unix(7)) by the kubelet's longest, in kubelet/pod-resources.
_LONGEST = 107 - len("/kubelet/pod-resources/0123456789")


class Nodes:
    """The profile `nodes`."""

    name = "nodes"
    tools: Sequence[str] = (
        "etcd",
        "control-plane",
        "kubectl",
        "node",
        "containerd",
        "coredns",
        "geth",
        "tessera",
    )
    more: Mapping[str, Sequence[str]] = MappingProxyType({name: (each.program,) for name, each in MORE.items()})
    parts: Sequence[str] = (*CONTROL_PLANE, "containerd", "kubelet", "kube-proxy", "controllers")
    ports: Mapping[str, str] = MappingProxyType({})
    stable_ports: Sequence[str] = ()
    last: Sequence[Sequence[str]] = LAST
    fixed_ports: Mapping[str, int] = MappingProxyType({"apiserver": 6443, "etcd": 2379, "etcd-peer": 2380})
    networked = True

    def obstacle(self) -> str | None:
        """See `Profile.obstacle`."""
        return machine.obstacle()

    def equip(self, say: Say, besides: Sequence[str] = ()) -> None:
        """See `Profile.equip`: Debian packages, and images from their registry."""
        machine.equip(say)
        images.pull(say, besides)

    def prepare(self, cluster: Cluster) -> None:
        """See `Profile.prepare`: also its network and cgroup, which no reboot outlives."""
        if len(str(cluster.folder)) > _LONGEST:
            most = _LONGEST - len(str(cluster.folder)) + len(str(cluster.lab))
            words = f"The folder {cluster.lab} has too long a name for the sockets in it, at most {most} characters."
            raise LabError(f"{words} Give a shorter one with --dir")
        node = Client(f"system:node:{cluster.context}", ("system:nodes",), (cluster.address, cluster.context))
        more = {
            "kubelet": node,
            "kube-proxy": Client("system:kube-proxy"),
            "apiserver-kubelet": Client("kube-apiserver-kubelet-client", ("system:masters",)),
        }
        control_parts.credentials(cluster, more)
        config.write(cluster)
        network.connect(cluster)
        cgroups.make(cluster)

    def problem(self, cluster: Cluster) -> str | None:
        """See `Profile.problem`."""
        return objects.unready(cluster) or node_objects.unready(cluster)

    def stages(self, cluster: Cluster, toolchain: Toolchain) -> Sequence[Stage]:
        """See `Profile.stages`."""
        folder = cluster.pki
        apiserver = control_parts.apiserver(
            cluster,
            toolchain,
            f"--kubelet-client-certificate={folder / 'apiserver-kubelet.crt'}",
            f"--kubelet-client-key={folder / 'apiserver-kubelet.key'}",
            f"--kubelet-certificate-authority={folder / 'ca.crt'}",
            "--kubelet-preferred-address-types=InternalIP",
            "--enable-admission-plugins=NodeRestriction",
        )
        volumes = cluster.folder / "volumes"
        return (
            Stage(
                "API server",
                (control_parts.etcd(cluster, toolchain), apiserver, _containerd(cluster, toolchain)),
                lambda: objects.unready(cluster),
            ),
            Stage("images", (), lambda: images.load(toolchain, config.socket(cluster))),
            Stage(
                "node",
                (
                    control_parts.controller_manager(cluster, toolchain),
                    control_parts.scheduler(cluster, toolchain),
                    _kubelet(cluster, toolchain),
                    _proxy(cluster, toolchain),
                    control_parts.controllers(cluster, "--policies", f"--volumes={volumes}"),
                ),
                following(lambda: node_objects.apply(cluster), lambda: node_objects.unready(cluster)),
            ),
        )

    def quiet(self, cluster: Cluster, running: Mapping[str, Process]) -> None:
        """See `Profile.quiet`: first the kubelet, which would start every container anew."""
        kubelet = running.get(f"{cluster.name}/kubelet")
        if kubelet is not None:
            processes.end([kubelet], _PATIENCE)
        cgroups.end(cluster, _PATIENCE)

    def clear(self, cluster: Cluster) -> None:
        """See `Profile.clear`."""
        remains.clear(cluster)


def _containerd(cluster: Cluster, toolchain: Toolchain) -> Part:
    program = toolchain.path("containerd")
    return Part(
        "containerd",
        (str(program), f"--config={cluster.folder / 'config' / 'containerd.toml'}"),
        # it looks for its shim there, and the CNI plugins for iptables
        {"PATH": f"{program.parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        cluster.namespace,
    )


def _kubelet(cluster: Cluster, toolchain: Toolchain) -> Part:
    return Part(
        "kubelet",
        (
            str(toolchain.path("kubelet")),
            f"--config={cluster.folder / 'config' / 'kubelet.json'}",
            f"--kubeconfig={cluster.kubeconfig('kubelet')}",
            f"--root-dir={cluster.folder / 'kubelet'}",
            f"--cert-dir={cluster.folder / 'kubelet' / 'pki'}",
            f"--hostname-override={cluster.context}",
            f"--node-ip={cluster.address}",
        ),
        namespace=cluster.namespace,
    )


def _proxy(cluster: Cluster, toolchain: Toolchain) -> Part:
    return Part(
        "kube-proxy",
        (str(toolchain.path("kube-proxy")), f"--config={cluster.folder / 'config' / 'kube-proxy.json'}"),
        namespace=cluster.namespace,
    )
