"""What a cluster of the profile `control-plane` holds from the start, and how one sees that it works."""

from __future__ import annotations

import datetime
import ssl
import urllib.error
import urllib.request

from lightkube import ApiError, Client, KubeConfig
from lightkube.models.core_v1 import NodeSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease
from lightkube.resources.core_v1 import Node, ServiceAccount
from lightkube.resources.storage_v1 import StorageClass

from lab.cluster import Cluster

STORAGE_CLASS = "standard"
PROVISIONER = "archipelago.local/lab"
"""The name by which the lab's own controller knows the claims that are its to serve."""

_ANSWER_WITHIN = 5.0
_LEASE = datetime.timedelta(seconds=40)


def client(cluster: Cluster, user: str = "admin") -> Client:
    """A client of a cluster that ignores proxies of the environment: the server is on this machine.

    Args:
        cluster: the cluster.
        user: one of the clients that the profile has made a kubeconfig for.
    """
    config = KubeConfig.from_file(cluster.kubeconfig(user)).get()
    return Client(config=config, trust_env=False, field_manager="archipelago-lab")


def unready(cluster: Cluster) -> str | None:
    """None if the API server calls itself ready, else what it lacks."""
    context = ssl.create_default_context(cafile=str(cluster.pki / "ca.crt"))
    context.load_cert_chain(cluster.pki / "admin.crt", cluster.pki / "admin.key")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(f"{cluster.server}/readyz", timeout=_ANSWER_WITHIN):
            return None
    except urllib.error.HTTPError as error:
        with error:
            lines = error.read(4096).decode("utf-8", errors="replace").splitlines()
        failing = ", ".join(line.split()[0].removeprefix("[-]") for line in lines if line.startswith("[-]"))
        return f"the API server is not ready ({failing or error.code})"
    except OSError as error:
        return f"the API server does not answer ({getattr(error, 'reason', error)})"


def apply(cluster: Cluster) -> None:
    """Create the simulated node and the default StorageClass, where they are missing."""
    name = cluster.context
    node = Node(
        metadata=ObjectMeta(
            name=name,
            annotations={"kwok.x-k8s.io/node": "fake"},
            labels={"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "node-role.kubernetes.io/worker": ""},
        ),
        spec=NodeSpec(),
    )
    storage = StorageClass(
        metadata=ObjectMeta(name=STORAGE_CLASS, annotations={"storageclass.kubernetes.io/is-default-class": "true"}),
        provisioner=PROVISIONER,
        reclaimPolicy="Delete",
        volumeBindingMode="Immediate",
        allowVolumeExpansion=True,
    )
    api = client(cluster)
    for thing in (node, storage):
        try:
            api.create(thing)
        except ApiError as error:
            if error.status.reason != "AlreadyExists":
                raise


def node_unready(cluster: Cluster) -> str | None:
    """None if the node is ready, its lease fresh and the controller manager at work, else what is missing."""
    api = client(cluster)
    node = api.get(Node, cluster.context)
    conditions = (node.status.conditions or []) if node.status else []
    if not any(condition.type == "Ready" and condition.status == "True" for condition in conditions):
        return f"node {cluster.context} is not ready (kwok makes it so)"
    try:
        lease = api.get(Lease, cluster.context, namespace="kube-node-lease")
    except ApiError:
        return f"node {cluster.context} has no lease (kwok keeps it)"
    renewed = lease.spec.renewTime if lease.spec else None
    if renewed is None or datetime.datetime.now(datetime.UTC) - renewed > _LEASE:
        return f"the lease of node {cluster.context} is old (kwok keeps it)"
    try:
        api.get(ServiceAccount, "default", namespace="default")
    except ApiError:
        return "the controller manager has made no service account yet"
    return None
