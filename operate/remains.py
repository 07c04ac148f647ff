"""What a node that was taken out of its stack leaves in the cluster: its keys and its volume."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archipelago.manifests.common import OWNER, Manifest
from operate.kubectl import Access

_KINDS = {"Secret": "its keys", "PersistentVolumeClaim": "its chain data"}


@dataclass(frozen=True, slots=True)
class Remains:
    """One object that was left.

    Args:
        kind: Its kind.
        name: Its name.
        owner: Whom its label names; empty without one.
        holds: What is gone with it.
    """

    kind: str
    name: str
    owner: str
    holds: str


def remains(access: Access, network: str, node: str) -> list[Remains]:
    """What is left of a node, whosever it is.

    Raises:
        Failed: The cluster does not answer.
    """
    selector = f"archipelago/network={network},archipelago/node={node}"
    return sorted(_remains(access.get(["secret", "persistentvolumeclaim"], selector)), key=lambda each: each.kind)


def runs(access: Access, network: str, node: str) -> bool:
    """Whether there is still a workload or a pod of the node.

    Raises:
        Failed: The cluster does not answer.
    """
    selector = f"archipelago/network={network},archipelago/node={node}"
    return bool(access.get(["deployment.apps", "pod"], selector))


def _remains(found: list[Manifest]) -> Iterator[Remains]:
    for each in found:
        metadata = each["metadata"]
        owner = metadata.get("labels", {}).get(OWNER, "")
        yield Remains(each["kind"], metadata["name"], owner, _KINDS[each["kind"]])
