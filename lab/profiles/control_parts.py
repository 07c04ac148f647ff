"""The processes of a control plane, which are the same in every profile, and the files that they read."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from lab import kubeconfig, pki
from lab.cluster import Cluster
from lab.pki import Client
from lab.ports import LOOPBACK
from lab.profiles.profile import Part
from lab.tools import Toolchain

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
"""Names of the parts that every cluster has."""

LAST = (("kube-apiserver",), ("etcd",))
"""What ends after all others, in this order."""

_REPOSITORY = Path(__file__).resolve().parents[2]

_CLIENTS = {
    "admin": Client("lab-admin", ("system:masters",)),
    "kube-controller-manager": Client("system:kube-controller-manager"),
    "kube-scheduler": Client("system:kube-scheduler"),
    # It stands for a cloud and a storage driver, each with a role of its own elsewhere.
    "controllers": Client("lab-controllers", ("system:masters",)),
}


def credentials(cluster: Cluster, more: Mapping[str, Client]) -> None:
    """Write certificates, where they are missing, and a kubeconfig for each client.

    Args:
        cluster: the cluster.
        more: clients of one profile only, by file name.
    """
    hosts = [
        cluster.host,
        "localhost",
        cluster.services.replace("0.0/16", "0.1"),
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ]
    clients = {**_CLIENTS, **more}
    pki.create(cluster.pki, cluster.name, hosts, clients)
    for client in clients:
        reach = kubeconfig.access(cluster.context, cluster.server, cluster.pki, client)
        kubeconfig.write(cluster.kubeconfig(client), [reach])


def etcd(cluster: Cluster, toolchain: Toolchain) -> Part:
    """The store, reached by the API server only."""
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
            # a lab outlives the end of its processes; that of the machine's power need not be paid for at each write
            "--unsafe-no-fsync",
            "--log-level=warn",
        ),
        namespace=cluster.namespace,
    )


def apiserver(cluster: Cluster, toolchain: Toolchain, *extra: str) -> Part:
    """The API server.

    Args:
        cluster: the cluster.
        toolchain: where the program is.
        extra: arguments of one profile only.
    """
    folder = cluster.pki
    return Part(
        "kube-apiserver",
        (
            str(toolchain.path("kube-apiserver")),
            f"--etcd-servers=https://{LOOPBACK}:{cluster.ports['etcd']}",
            f"--etcd-cafile={folder / 'etcd-ca.crt'}",
            f"--etcd-certfile={folder / 'etcd-client.crt'}",
            f"--etcd-keyfile={folder / 'etcd-client.key'}",
            f"--bind-address={cluster.host}",
            f"--secure-port={cluster.ports['apiserver']}",
            f"--advertise-address={cluster.host}",
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
            *extra,
        ),
        namespace=cluster.namespace,
    )


def controller_manager(cluster: Cluster, toolchain: Toolchain) -> Part:
    """The controller manager."""
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
        namespace=cluster.namespace,
    )


def scheduler(cluster: Cluster, toolchain: Toolchain) -> Part:
    """The scheduler."""
    return Part(
        "kube-scheduler",
        (
            str(toolchain.path("kube-scheduler")),
            f"--kubeconfig={cluster.kubeconfig('kube-scheduler')}",
            "--leader-elect=false",
            "--secure-port=0",
        ),
        namespace=cluster.namespace,
    )


def controllers(cluster: Cluster, *extra: str) -> Part:
    """What stands for a cloud and a storage driver: our own process.

    Args:
        cluster: the cluster.
        extra: arguments of one profile only.
    """
    return Part(
        "controllers",
        (
            sys.executable,
            "-P",  # the working directory is the lab's folder, which is no place to import from
            "-m",
            "lab.controllers",
            f"--kubeconfig={cluster.kubeconfig('controllers')}",
            f"--addresses={cluster.load_balancers}",
            *extra,
        ),
        {"PYTHONPATH": str(_REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"},
        cluster.namespace,
    )
