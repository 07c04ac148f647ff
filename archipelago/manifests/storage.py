"""Where a node's data is kept: its claim, and where no StorageClass makes its volume, the volume too."""

from __future__ import annotations

from archipelago.manifests import common
from archipelago.manifests.common import Manifest
from archipelago.model.plan import NodePlan
from archipelago.model.volume import Place
from archipelago.stack.plan import StackPlan

_MODES = ["ReadWriteOnce"]
# A class that no StorageClass has: nothing is made for such a claim, and no other claim asks for such a volume.
_LOCAL_CLASS = "archipelago-local"


def claim(plan: StackPlan, node: NodePlan) -> Manifest:
    """A node's volume, an object of its own so that it can grow and outlive the workload."""
    volume = node.volume
    spec: Manifest = {"accessModes": _MODES, "resources": {"requests": {"storage": volume.size}}}
    if volume.place:
        # without a class the cluster's default would make a volume, and this one would never be used
        spec |= {"storageClassName": _class(volume.place), "volumeName": common.volume(plan, node)}
    elif volume.storage_class:
        spec["storageClassName"] = volume.storage_class
    metadata = common.metadata(plan, common.claim(node), node)
    # A class that binds at first use has nothing to bind to before the pod, and one that waits for its pod would
    # make the stack wait for ever while it waits for its genesis.
    metadata["annotations"] = {"pulumi.com/skipAwait": "true"}
    # what waits does not know it again yet, and would take the mark off: then another chain could be founded over it
    if holds := plan.genesis.hash if plan.genesis else plan.claims.get((metadata["namespace"], node.name)):
        metadata["annotations"][common.GENESIS] = holds
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": common.kept(plan, metadata), "spec": spec}


def volume(plan: StackPlan, node: NodePlan, place: Place) -> Manifest:
    """The volume of a directory that is there; it belongs to the cluster, and waits for the node's claim alone.

    Args:
        plan: The stack.
        node: The node.
        place: The directory.
    """
    spec: Manifest = {
        "accessModes": _MODES,
        "capacity": {"storage": node.volume.size},
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": plan.namespace_of(node),
            "name": common.claim(node),
        },
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": _class(place),
    }
    if place.server:
        spec["nfs"] = {"server": place.server, "path": place.path}
    else:
        on = {"key": "kubernetes.io/hostname", "operator": "In", "values": [place.machine]}
        spec["local"] = {"path": place.path}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [on]}]}}
    metadata = {"name": common.volume(plan, node), "labels": common.labels(plan, node)}
    metadata["annotations"] = {"pulumi.com/skipAwait": "true"}  # one that was released is never available again
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": common.kept(plan, metadata), "spec": spec}


def _class(place: Place) -> str:
    return "" if place.server else _LOCAL_CLASS
