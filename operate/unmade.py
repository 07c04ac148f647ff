"""Why a node has no pod, in the words of the controller that should have made it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Protocol

from operate.kubectl import Access, Failed, Manifest

_WORKLOADS = ("deployment.apps", "statefulset.apps")
_NODE = "archipelago/node"
_REFUSED = "FailedCreate"  # a quota, a limit range, a policy of the cluster: the API server's answer is its message
# before the API server's own words: `create Pod a-0 in StatefulSet a failed error: pods "a-0" is forbidden: …`
_PREFACES = ("failed error: ", "Error creating: ")


class Place(Protocol):
    """What is asked: a stack's network in its cluster."""

    @property
    def network(self) -> str:
        """Name of the network."""
        ...

    @property
    def access(self) -> Access:
        """Its cluster."""
        ...


def reasons(site: Place, nodes: Container[str]) -> dict[str, str]:
    """Why nodes have no pod, by node; without those of which the cluster does not tell.

    Args:
        site: The stack.
        nodes: Those without a pod.
    """
    try:
        workloads = site.access.get(_WORKLOADS, f"archipelago/network={site.network}")
        events = site.access.get(["events"])
    except Failed:  # to look at nodes takes fewer rights than this
        return {}
    found = {}
    for each in workloads:
        node = str((each["metadata"].get("labels") or {}).get(_NODE, ""))
        if node in nodes and (reason := _reason(each, events)):
            found[node] = reason
    return found


def _reason(workload: Manifest, events: Iterable[Manifest]) -> str:
    kind, name = str(workload["kind"]), str(workload["metadata"]["name"])
    if workload["spec"].get("replicas", 1) == 0:
        return f"{kind} {name} has 0 replicas"
    told = sorted((_when(each), _words(str(each.get("message", "")))) for each in events if _is_of(each, workload))
    if told:
        return told[-1][1]
    return next(_conditions(workload), "")


def _is_of(event: Manifest, workload: Manifest) -> bool:
    """Whether a controller says of a workload, or of a Deployment's ReplicaSet, that it gets no pod."""
    about, name = event.get("involvedObject") or {}, str(workload["metadata"]["name"])
    if event.get("reason") != _REFUSED or about.get("namespace") != workload["metadata"].get("namespace"):
        return False
    if about.get("kind") == "ReplicaSet":
        return bool(workload["kind"] == "Deployment" and str(about.get("name", "")).rpartition("-")[0] == name)
    return (about.get("kind"), about.get("name")) == (workload["kind"], name)


def _when(event: Manifest) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp") or "")


def _conditions(workload: Manifest) -> Iterator[str]:
    """What a Deployment keeps of it; a StatefulSet keeps nothing."""
    for each in workload.get("status", {}).get("conditions") or ():
        if each.get("type") == "ReplicaFailure" and each.get("status") == "True":
            yield _words(str(each.get("message", "")))


def _words(message: str) -> str:
    for preface in _PREFACES:
        _, found, rest = message.partition(preface)
        if found:
            return rest.strip()
    return message.strip()
