"""Where the nodes of one stack run, and what its pods do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar

from archipelago.chains.contract import Chain
from archipelago.chains.running import Command, State, Unanswered
from operate.kubectl import Access, Failed, Manifest
from operate.unmade import reasons

_CRASHED = "CrashLoopBackOff"
_AT_ONCE = 16  # kubectl processes
In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class Site:
    """One stack's nodes in their cluster, as far as its settings tell.

    Args:
        stack: Name of the stack.
        organisation: Whose it is.
        network: Name of the network.
        nodes: Names of its nodes, sorted.
        chain: The protocol.
        access: Its cluster.
        elsewhere: Namespaces of nodes that do not stand in the stack's own, by node.
    """

    stack: str
    organisation: str
    network: str
    nodes: tuple[str, ...]
    chain: Chain
    access: Access
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def full(self, node: str) -> str:
        """A node's name among several organisations."""
        return f"{self.organisation}/{node}"

    def namespace_of(self, node: str) -> str:
        """Where a node's objects stand."""
        return self.elsewhere.get(node) or self.access.namespace


@dataclass(frozen=True, slots=True)
class Pod:
    """The pod of a node.

    Args:
        name: Its name.
        phase: Kubernetes' word, or why a container waits or ended, as CrashLoopBackOff, with its last words.
        ready: Containers that are ready.
        restarts: Of all containers together.
        images: By container.
        running: Names of the containers in which a command can be run.
        namespace: Where it is.
    """

    name: str
    phase: str
    ready: int
    restarts: int
    images: Mapping[str, str] = field(default_factory=dict)
    running: frozenset[str] = frozenset()
    namespace: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether all its containers are."""
        return bool(self.images) and self.ready == len(self.images)


@dataclass(frozen=True, slots=True)
class Seen:
    """A node of ours, looked at.

    Args:
        site: Its stack.
        node: Its name.
        pod: None where there is none.
        state: What it said; None where it did not answer.
        trouble: Why it did not.
        unmade: Why it has no pod, in Kubernetes' words; empty where it has one, or nothing tells.
    """

    site: Site
    node: str
    pod: Pod | None
    state: State | None = None
    trouble: str = ""
    unmade: str = ""

    def __str__(self) -> str:
        return self.site.full(self.node)

    def ask(self, command: Command) -> str:
        """What a command in the container where questions are asked prints.

        Raises:
            Failed: It is not running, or the command failed.
        """
        container = self.site.chain.running.container
        if self.pod is None or container not in self.pod.running:
            raise Failed(self.trouble or f"{self} is not running")
        return self.site.access.run(self.pod.name, container, command, self.pod.namespace)


def pods(site: Site) -> dict[str, Pod]:
    """The pod of each node that has one; of several the one that runs and is ready, else the youngest.

    Raises:
        Failed: The cluster does not answer.
    """
    listed = site.access.get(["pods"], f"archipelago/network={site.network}")
    found: dict[str, Pod] = {}
    for each in sorted(listed, key=_rank):
        node = each["metadata"].get("labels", {}).get("archipelago/node", "")
        if node in site.nodes:
            found[node] = _pod(each)
    return found


def _rank(manifest: Manifest) -> tuple[bool, bool, bool, str]:
    """How much a pod tells of its node: one that stays before one on its way out or ended, then a ready one."""
    metadata, pod = manifest["metadata"], _pod(manifest)
    ended = manifest.get("status", {}).get("phase") in ("Failed", "Succeeded")
    return "deletionTimestamp" not in metadata, not ended, pod.is_ready, str(metadata.get("creationTimestamp", ""))


def look(sites: Iterable[Site], heights: Mapping[str, int | None] | None = None) -> list[Seen]:
    """Look at every node of some stacks, all at once.

    Args:
        sites: The stacks.
        heights: The block whose hash each network's nodes shall tell, by the network's name.

    Raises:
        Failed: A cluster does not answer.
    """
    listed = list(sites)
    wanted = heights or {}
    there = at_once(pods, listed)
    nodes = [(site, node, found.get(node)) for site, found in zip(listed, there, strict=True) for node in site.nodes]
    seen = at_once(lambda each: _seen(*each, wanted.get(each[0].network)), nodes)
    return [*_with_reasons(seen)]


def _with_reasons(seen: Sequence[Seen]) -> Iterator[Seen]:
    """What was seen, with the cluster's own word on each node that has no pod."""
    missing: dict[str, set[str]] = defaultdict(set)
    for each in seen:
        if each.pod is None:
            missing[each.site.stack].add(each.node)
    sites = {each.site.stack: each.site for each in seen}
    told = {stack: reasons(sites[stack], nodes) for stack, nodes in missing.items()}
    for each in seen:
        reason = told.get(each.site.stack, {}).get(each.node) if each.pod is None else ""
        yield replace(each, trouble=f"{each.trouble}: {reason}", unmade=reason) if reason else each


def at_once(work: Callable[[In], Out], items: Sequence[In]) -> list[Out]:
    """Do the same with several things side by side; the results in their order."""
    if not items:
        return []
    with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(items))) as pool:
        return list(pool.map(work, items))


def _seen(site: Site, node: str, pod: Pod | None, height: int | None) -> Seen:
    running = site.chain.running
    if pod is None:
        return Seen(site, node, None, trouble="it has no pod")
    if not {running.container, running.main} <= pod.running:
        return Seen(site, node, pod, trouble=f"its pod is not running ({pod.phase})")
    try:
        printed = site.access.run(pod.name, running.container, running.look(height), pod.namespace)
        return Seen(site, node, pod, running.state(printed))
    except (Failed, Unanswered) as error:
        return Seen(site, node, pod, trouble=f"it does not answer: {error}")


def _pod(manifest: Manifest) -> Pod:
    status = manifest.get("status", {})
    statuses = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    spec = manifest["spec"]
    main = [*spec["containers"], *(each for each in spec.get("initContainers", []) if _stays(each))]
    names = {each["name"] for each in main}
    return Pod(
        name=manifest["metadata"]["name"],
        phase=_phase(manifest, statuses),
        ready=sum(bool(each.get("ready")) for each in statuses if each["name"] in names),
        restarts=sum(int(each.get("restartCount", 0)) for each in statuses),
        images={each["name"]: each["image"] for each in main},
        running=frozenset(each["name"] for each in statuses if "running" in each.get("state", {})),
        namespace=manifest["metadata"].get("namespace", ""),
    )


def _stays(container: Manifest) -> bool:
    """Whether an init container is a sidecar, which runs as long as the pod."""
    return container.get("restartPolicy") == "Always"


def _phase(manifest: Manifest, statuses: Iterable[Manifest]) -> str:
    if "deletionTimestamp" in manifest["metadata"]:
        return "Terminating"
    status = manifest.get("status", {})
    return next(_reasons(statuses), f"{status.get('phase', 'Unknown')}{_unplaced(status)}")


def _unplaced(status: Manifest) -> str:
    """What the scheduler says of a pod for which it finds no machine."""
    for each in status.get("conditions") or ():
        if (each.get("type"), each.get("status")) == ("PodScheduled", "False") and each.get("message"):
            return f": {each['message']}"
    return ""


def _reasons(statuses: Iterable[Manifest]) -> Iterator[str]:
    """Why containers wait, or ended badly: what `kubectl get pods` shows as the status, and their last words."""
    for each in statuses:
        state, before = each.get("state", {}), each.get("lastState", {}).get("terminated", {})
        ended = state.get("terminated", {})
        if reason := state.get("waiting", {}).get("reason"):
            if reason not in ("PodInitializing", "ContainerCreating"):
                # Kubernetes' own words tell why there is no image or no Secret, and of a crash that it waits
                words = _last_words(before) or ("" if reason == _CRASHED else _last_words(state["waiting"]))
                yield f"{each['name']}: {reason}{words}"
        elif ended and ended.get("exitCode", 0):
            code = ended["exitCode"]
            yield f"{each['name']}: {ended.get('reason', 'Error')}, exit code {code}{_last_words(ended)}"


def _last_words(ended: Manifest) -> str:
    said = [line.strip() for line in str(ended.get("message", "")).splitlines() if line.strip()]
    return f" ({said[-1]})" if said else ""
