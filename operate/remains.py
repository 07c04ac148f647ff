"""What a node that was taken out of its stack leaves in the cluster: its keys and its volumes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archipelago.manifests.common import OWNER, Manifest
from operate.kubectl import Access, Failed

# In the order in which they can be deleted: a volume goes only after its claim.
_KINDS = {
    "PersistentVolumeClaim": "its chain data",
    "PersistentVolume": "where its data is; the directory itself stays",
    "Secret": "its keys",
}


@dataclass(frozen=True, slots=True)
class Remains:
    """One object that was left.

    Args:
        kind: Its kind.
        name: Its name.
        owner: Whom its label names; empty without one.
        holds: What is gone with it.
        namespace: Where it stands; empty for what belongs to the cluster.
    """

    kind: str
    name: str
    owner: str
    holds: str
    namespace: str = ""


def remains(access: Access, network: str, node: str) -> list[Remains]:
    """What is left of a node, whosever it is.

    Raises:
        Failed: The cluster does not answer.
    """
    selector = f"archipelago/network={network},archipelago/node={node}"
    found = [*access.get(["secret", "persistentvolumeclaim"], selector), *_volumes(access, selector)]
    return sorted(_remains(found), key=lambda each: list(_KINDS).index(each.kind))


def runs(access: Access, network: str, node: str) -> bool:
    """Whether there is still a workload or a pod of the node.

    Raises:
        Failed: The cluster does not answer.
    """
    selector = f"archipelago/network={network},archipelago/node={node}"
    return bool(access.get(["deployment.apps", "statefulset.apps", "pod"], selector))


def _volumes(access: Access, selector: str) -> list[Manifest]:
    """Volumes belong to the cluster: those that wait for a claim of the stack's namespaces."""
    try:
        found = access.get(["persistentvolume"], selector)
    except Failed as refused:
        if "forbidden" not in str(refused).lower():
            raise
        return []  # whoever may not see volumes has made none
    return [each for each in found if each["spec"].get("claimRef", {}).get("namespace") in access.namespaces]


def _remains(found: list[Manifest]) -> Iterator[Remains]:
    for each in found:
        metadata = each["metadata"]
        owner = metadata.get("labels", {}).get(OWNER, "")
        yield Remains(each["kind"], metadata["name"], owner, _KINDS[each["kind"]], metadata.get("namespace", ""))
