"""Clusters with a real control plane and simulated nodes: etcd, API server, controller manager, scheduler, kwok.

Everything listens on 127.0.0.1 and runs as the user. Deployments become available and claims bind, but no container
runs and no Service is dialled: that is for another profile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from lab.cluster import Cluster
from lab.pki import Client
from lab.processes import Process
from lab.profiles import control_parts, objects
from lab.profiles.control_parts import CONTROL_PLANE, LAST
from lab.profiles.profile import Part, Stage, following
from lab.say import Say
from lab.tools import Toolchain

_STAGES = Path(__file__).with_name("stages.yaml")

_KWOK = {"kwok": Client("lab-kwok", ("system:masters",))}


class ControlPlane:
    """The profile `control-plane`."""

    name = "control-plane"
    tools: Sequence[str] = ("etcd", "control-plane", "kubectl", "kwok")
    more: Mapping[str, Sequence[str]] = MappingProxyType({})
    parts: Sequence[str] = (*CONTROL_PLANE, "kwok", "controllers")
    ports: Mapping[str, str] = MappingProxyType({"apiserver": "kube-apiserver", "etcd": "etcd", "etcd-peer": "etcd"})
    # Pulumi replaces every resource of a stack whose API server seems to be another one.
    stable_ports: Sequence[str] = ("apiserver",)
    last: Sequence[Sequence[str]] = LAST
    fixed_ports: Mapping[str, int] = MappingProxyType({})
    networked = False

    def obstacle(self) -> str | None:
        """See `Profile.obstacle`: it runs wherever the lab does."""
        return None

    def equip(self, say: Say, besides: Sequence[str] = ()) -> None:
        """See `Profile.equip`: the toolchain is all that it needs."""

    def prepare(self, cluster: Cluster) -> None:
        """See `Profile.prepare`."""
        control_parts.credentials(cluster, _KWOK)

    def quiet(self, cluster: Cluster, running: Mapping[str, Process]) -> None:
        """See `Profile.quiet`: no container runs."""

    def clear(self, cluster: Cluster) -> None:
        """See `Profile.clear`: nothing is outside the folder."""

    def problem(self, cluster: Cluster) -> str | None:
        """See `Profile.problem`."""
        return objects.unready(cluster) or objects.node_unready(cluster)

    def stages(self, cluster: Cluster, toolchain: Toolchain) -> Sequence[Stage]:
        """See `Profile.stages`."""
        return (
            Stage(
                "API server",
                (
                    control_parts.etcd(cluster, toolchain),
                    # nothing looks the API server up through its Service, whose endpoint must not be loopback
                    control_parts.apiserver(cluster, toolchain, "--endpoint-reconciler-type=none"),
                ),
                lambda: objects.unready(cluster),
            ),
            Stage(
                "node",
                (
                    control_parts.controller_manager(cluster, toolchain),
                    control_parts.scheduler(cluster, toolchain),
                    _kwok(cluster, toolchain),
                    control_parts.controllers(cluster),
                ),
                following(lambda: objects.apply(cluster), lambda: objects.node_unready(cluster)),
            ),
        )


def _kwok(cluster: Cluster, toolchain: Toolchain) -> Part:
    return Part(
        "kwok",
        (
            str(toolchain.path("kwok")),
            f"--kubeconfig={cluster.kubeconfig('kwok')}",
            f"--config={_STAGES}",
            "--manage-all-nodes=true",
            f"--node-ip={cluster.address}",
            f"--node-name={cluster.context}",
            f"--cidr={cluster.pods}",
            "--node-lease-duration-seconds=40",
            "--server-address=",
        ),
    )
