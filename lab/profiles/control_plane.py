"""Clusters with a real control plane and simulated nodes: etcd, API server, controller manager, scheduler, kwok.

Everything listens on 127.0.0.1 and runs as the user. Deployments become available and claims bind, but no container
runs and no Service is dialled: that is for another profile.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from lab import kubeconfig, pki
from lab.cluster import Cluster
from lab.ports import LOOPBACK
from lab.profiles import objects
from lab.profiles.profile import Part, Stage
from lab.tools import Toolchain

_STAGES = Path(__file__).with_name("stages.yaml")
_REPOSITORY = Path(__file__).resolve().parents[2]

_CLIENTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "admin": ("lab-admin", ("system:masters",)),
    "kube-controller-manager": ("system:kube-controller-manager", ()),
    "kube-scheduler": ("system:kube-scheduler", ()),
    # These two stand for what is a kubelet, a cloud and a storage driver elsewhere, each with roles of its own.
    "kwok": ("lab-kwok", ("system:masters",)),
    "controllers": ("lab-controllers", ("system:masters",)),
}


class ControlPlane:
    """The profile `control-plane`."""

    name = "control-plane"
    tools: Sequence[str] = ("etcd", "control-plane", "kubectl", "kwok")
    parts: Sequence[str] = (
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kwok",
        "controllers",
    )
    ports: Mapping[str, str] = MappingProxyType({"apiserver": "kube-apiserver", "etcd": "etcd", "etcd-peer": "etcd"})
    # Pulumi replaces every resource of a stack whose API server seems to be another one.
    stable_ports: Sequence[str] = ("apiserver",)
    last: Sequence[Sequence[str]] = (("kube-apiserver",), ("etcd",))

    def prepare(self, cluster: Cluster) -> None:
        """See `Profile.prepare`."""
        hosts = [
            LOOPBACK,
            "localhost",
            cluster.services.replace("0.0/16", "0.1"),
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ]
        pki.create(cluster.pki, cluster.name, hosts, _CLIENTS)
        for client in _CLIENTS:
            reach = kubeconfig.access(cluster.context, cluster.server, cluster.pki, client)
            kubeconfig.write(cluster.kubeconfig(client), [reach])

    def problem(self, cluster: Cluster) -> str | None:
        """See `Profile.problem`."""
        return objects.unready(cluster) or objects.node_unready(cluster)

    def stages(self, cluster: Cluster, toolchain: Toolchain) -> Sequence[Stage]:
        """See `Profile.stages`."""
        return (
            Stage(
                "API server",
                (_etcd(cluster, toolchain), _apiserver(cluster, toolchain)),
                lambda: objects.unready(cluster),
            ),
            Stage(
                "node",
                (
                    _controller_manager(cluster, toolchain),
                    _scheduler(cluster, toolchain),
                    _kwok(cluster, toolchain),
                    _controllers(cluster),
                ),
                _node(cluster),
            ),
        )


def _node(cluster: Cluster) -> Callable[[], str | None]:
    applied = False

    def missing() -> str | None:
        nonlocal applied
        if not applied:
            objects.apply(cluster)
            applied = True
        return objects.node_unready(cluster)

    return missing


def _etcd(cluster: Cluster, toolchain: Toolchain) -> Part:
    clients = f"https://{LOOPBACK}:{cluster.ports['etcd']}"
    peers = f"https://{LOOPBACK}:{cluster.ports['etcd-peer']}"
    certificate = [f"cert-file={cluster.pki / 'etcd.crt'}", f"key-file={cluster.pki / 'etcd.key'}"]
    authority = cluster.pki / "etcd-ca.crt"
    return Part(
        "etcd",
        (
            str(toolchain.path("etcd")),
            f"--name={cluster.context}",
            f"--data-dir={cluster.folder / 'etcd'}",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster={cluster.context}={peers}",
            *(f"--{option}" for option in certificate),
            *(f"--peer-{option}" for option in certificate),
            f"--trusted-ca-file={authority}",
            f"--peer-trusted-ca-file={authority}",
            # Other users of this machine reach the port as well, and every Secret of the cluster is behind it.
            "--client-cert-auth",
            "--peer-client-cert-auth",
            "--log-level=warn",
        ),
    )


def _apiserver(cluster: Cluster, toolchain: Toolchain) -> Part:
    folder = cluster.pki
    return Part(
        "kube-apiserver",
        (
            str(toolchain.path("kube-apiserver")),
            f"--etcd-servers=https://{LOOPBACK}:{cluster.ports['etcd']}",
            f"--etcd-cafile={folder / 'etcd-ca.crt'}",
            f"--etcd-certfile={folder / 'etcd-client.crt'}",
            f"--etcd-keyfile={folder / 'etcd-client.key'}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={cluster.ports['apiserver']}",
            # Endpoints must not be loopback addresses, and nothing looks the API server up through its Service here.
            f"--advertise-address={LOOPBACK}",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={folder / 'apiserver.crt'}",
            f"--tls-private-key-file={folder / 'apiserver.key'}",
            f"--client-ca-file={folder / 'ca.crt'}",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={folder / 'sa.pub'}",
            f"--service-account-signing-key-file={folder / 'sa.key'}",
            f"--service-cluster-ip-range={cluster.services}",
            "--service-node-port-range=30000-32767",
            "--allow-privileged=true",
        ),
    )


def _controller_manager(cluster: Cluster, toolchain: Toolchain) -> Part:
    folder = cluster.pki
    return Part(
        "kube-controller-manager",
        (
            str(toolchain.path("kube-controller-manager")),
            f"--kubeconfig={cluster.kubeconfig('kube-controller-manager')}",
            f"--service-account-private-key-file={folder / 'sa.key'}",
            f"--root-ca-file={folder / 'ca.crt'}",
            f"--cluster-signing-cert-file={folder / 'ca.crt'}",
            f"--cluster-signing-key-file={folder / 'ca.key'}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            # Nobody asks for its metrics: no port to choose, none to keep.
            "--secure-port=0",
            # The default of 20 requests a second makes a network of a hundred nodes wait for its pods.
            "--kube-api-qps=200",
            "--kube-api-burst=400",
        ),
    )


def _scheduler(cluster: Cluster, toolchain: Toolchain) -> Part:
    return Part(
        "kube-scheduler",
        (
            str(toolchain.path("kube-scheduler")),
            f"--kubeconfig={cluster.kubeconfig('kube-scheduler')}",
            "--leader-elect=false",
            "--secure-port=0",
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


def _controllers(cluster: Cluster) -> Part:
    return Part(
        "controllers",
        (
            sys.executable,
            "-P",  # the working directory is the lab's folder, which is no place to import from
            "-m",
            "lab.controllers",
            f"--kubeconfig={cluster.kubeconfig('controllers')}",
            f"--addresses={cluster.load_balancers}",
        ),
        {"PYTHONPATH": str(_REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"},
    )
