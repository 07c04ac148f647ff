"""What runs of a stack in its cluster, and what a run would do to it: who waits for whom, and who would not."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import httpx2
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.apps_v1 import Deployment, StatefulSet
from lightkube.resources.core_v1 import Pod

from archipelago.manifests.common import RESTART_ON, Manifest, members
from archipelago.manifests.workload import KINDS, waits_for_endpoints, workload
from archipelago.model.endpoint import Endpoint
from archipelago.model.names import LONGEST_STATEFUL, may_be_stateful
from archipelago.model.plan import NodePlan
from archipelago.problems import Problem
from archipelago.stack import continuity
from archipelago.stack.losses import KEY, VALIDATOR
from archipelago.stack.plan import StackPlan
from operate.cluster import Unreachable
from operate.drift import differences

_NODE = "archipelago/node"
_OTHER = {"Deployment": "StatefulSet", "StatefulSet": "Deployment"}
# No API server sets these by itself: where they stand and are no longer wanted, an earlier run wrote them.
_OURS = (
    *("command", "args", "workingDir", "env", "ports"),
    *("readinessProbe", "livenessProbe", "startupProbe"),
    *("shareProcessNamespace", "initContainers", "items", "subPath"),
    *("imagePullSecrets", "priorityClassName", "serviceAccountName", "nodeSelector", "tolerations"),
    *("nodeAffinity", "podAffinity", "podAntiAffinity", "runAsUser", "runAsGroup", "fsGroup", "supplementalGroups"),
)
_SELECTOR = "nodeSelector"  # all of it is ours

Workloads = Mapping[str, Manifest]
"""The workloads of nodes that are in the cluster, whatever their kind, by the node's name."""


def workloads(client: Client, plan: StackPlan) -> Workloads:
    """What runs of the stack's nodes.

    Args:
        client: Of the stack's cluster.
        plan: The stack.

    Raises:
        Unreachable: The API server does not answer.
    """
    found: dict[str, Manifest] = {}
    try:
        for namespace in plan.populated:
            for kind in (Deployment, StatefulSet):
                for each in client.list(kind, namespace=namespace, labels={**members(plan)}):
                    there: Manifest = {"kind": kind.__name__} | each.to_dict()  # type: ignore[attr-defined]  # lightkube's stub knows no method
                    if name := (there["metadata"].get("labels") or {}).get(_NODE):
                        found[name] = there
    except ApiError as error:
        raise Unreachable(f"it refuses to list the workloads: {error.status.message}") from None
    except httpx2.HTTPError as error:
        raise Unreachable(f"its API server does not answer: {error}") from None
    return found


def unawaited(plan: StackPlan, wanted: Sequence[Manifest], there: Workloads) -> Iterator[Problem]:
    """Validators that would restart at once, because no run waits for them.

    Args:
        plan: The stack.
        wanted: Every object of the stack.
        there: What runs.
    """
    number, spare = plan.validators
    careless = {node.name for node in plan.nodes if node.role == VALIDATOR and not node.await_ready}
    allowed = set(plan.settings.loses_validators)
    names = sorted(restarting(plan, wanted, there, careless - allowed))
    # one at a time is away in every rollout, in a network that spares none, too
    if len(names) > max(spare, 1):
        words = (
            f"this run would restart {', '.join(names)} at the same time, for no run waits for a node with awaitReady: "
            f"false. The network has {number} validators and makes no block with more than {spare} of them away."
        )
        cure = (
            "Take awaitReady: false out, which restarts no node; or write "
            f"archipelago:{KEY}: [{', '.join(sorted({*allowed, *names}))}] for this run."
        )
        yield Problem("nodes", words, cure)


def restarting(
    plan: StackPlan, wanted: Sequence[Manifest], there: Workloads, among: Container[str] | None = None
) -> frozenset[str]:
    """Nodes that run and that an update would restart.

    Args:
        plan: The stack.
        wanted: Every object of the stack.
        there: What runs.
        among: Nodes that are looked at; all unless given.
    """
    nodes = {node.name: node for node in plan.nodes if among is None or node.name in among}
    stand = _endpoints_that_stand(plan, nodes)
    return frozenset(
        name
        for each in wanted
        if each["kind"] in KINDS
        and (name := each["metadata"]["labels"].get(_NODE)) in nodes
        and name in there
        and _restarts(plan, nodes[name], each, there[name], stand)
    )


def _endpoints_that_stand(plan: StackPlan, nodes: Mapping[str, NodePlan]) -> dict[str, dict[str, Endpoint]]:
    """What was exported last of endpoints that the cluster told, by node; without those that this run changes."""
    exported = {each.get("name") for each in plan.exported.get("externalNodes") or ()}
    pairs = [(nodes[each.name], each) for each in plan.records if each.name in nodes.keys() & exported]
    told = continuity.addressed(plan.exported, pairs)
    return {
        each.name: {port: end for port, end in each.endpoints.items() if end.exposure == node.service.exposure}
        for (node, _), each in zip(pairs, told, strict=True)
    }


def _restarts(
    plan: StackPlan,
    node: NodePlan,
    wanted: Manifest,
    there: Manifest,
    stand: Mapping[str, Mapping[str, Endpoint]],
) -> bool:
    """Whether a node restarts, one included whose files name an endpoint that only the cluster can tell."""
    if not waits_for_endpoints(node):
        return restarts(wanted, there, files=True)
    if (ends := stand.get(node.name)) is None:  # outputs are lost: of what the digest covers the rules alone are known
        return plan.rules_before is not None or restarts(wanted, there, files=False)
    return restarts(workload(plan, node, {**node.service.endpoints(), **ends}), there, files=True)


def too_long(plan: StackPlan, there: Iterable[str]) -> tuple[list[Problem], list[str]]:
    """Nodes whose names leave no room for a StatefulSet: new ones are refused, those that are there are told.

    Only a StatefulSet has one pod at most. A node that is there keeps its name, which selects its keys and its data.

    Args:
        plan: The stack.
        there: Nodes that run, or of which keys or data stand in the cluster.

    Returns:
        Why new ones are refused, and warnings.
    """
    known = {*there, *(each.get("name") for each in plan.exported.get("externalNodes") or ())}
    known |= {node for _, node in plan.claims}
    problems: list[Problem] = []
    warnings: list[str] = []
    for node in plan.nodes:
        if node.stateful or may_be_stateful(node.object_name):
            continue
        words = f"{node.object_name} must have at most {LONGEST_STATEFUL} characters, got {len(node.object_name)}"
        if node.name in known:
            warnings.append(
                f"{node.name}: as the name of a StatefulSet {words}. It stays a Deployment: where its pod is deleted "
                "or evicted, a second one with its keys may start before the first has ended. Stop it by scaling "
                "it to 0."
            )
        else:
            cure = "Shorten the name of the node, or of a network that was not founded yet."
            problems.append(Problem(plan.settings.path_of(node.name), f"the name of its StatefulSet {words}.", cure))
    return problems, warnings


def beside(client: Client, plan: StackPlan, wanted: Sequence[Manifest], there: Workloads) -> Iterator[Problem]:
    """Nodes whose workload becomes one of another kind, and whose old pod no run would wait for.

    The provider waits until a workload that it deletes has no pod left, but for one with `skipAwait`. And one that the
    state does not know, because it is new or that of an earlier day, is not deleted at all.

    Args:
        client: Of the stack's cluster.
        plan: The stack.
        wanted: Every object of the stack.
        there: What runs.

    Raises:
        Unreachable: The API server does not answer, or does not show the pods.
    """
    known = {each.get("name") for each in plan.exported.get("externalNodes") or []}
    for each in wanted:
        labels = each["metadata"].get("labels") or {}
        node = labels.get(_NODE, "")
        if each["kind"] not in KINDS or node not in there or there[node].get("kind") != _OTHER[each["kind"]]:
            continue
        if node in known and not _ends_unseen(there[node]):
            continue
        namespace, name, kind = each["metadata"]["namespace"], each["metadata"]["name"], _OTHER[each["kind"]]
        chosen = {**members(plan), _NODE: node}
        if not _has_pods(client, namespace, chosen):
            continue
        selector = ",".join(f"{key}={value}" for key, value in chosen.items())
        why = (
            "no run waits for a node with awaitReady: false"
            if node in known
            else f"this stack's outputs do not know the {kind}"
        )
        words = f"its {kind} becomes a {each['kind']}, and a second pod with its keys would start beside it: {why}."
        cure = (
            f"Stop it: kubectl -n {namespace} scale {kind.lower()}/{name} --replicas=0; kubectl -n {namespace} wait "
            f"--for=delete pod -l {selector} --timeout=180s. Then run pulumi up, which starts it."
        )
        yield Problem(plan.settings.path_of(node), words, cure)


def _has_pods(client: Client, namespace: str, labels: Mapping[str, str]) -> bool:
    try:
        return any(client.list(Pod, namespace=namespace, labels={**labels}))
    except ApiError as error:
        raise Unreachable(f"it refuses to list the pods: {error.status.message}") from None
    except httpx2.HTTPError as error:
        raise Unreachable(f"its API server does not answer: {error}") from None


def _ends_unseen(there: Manifest) -> bool:
    return bool((there["metadata"].get("annotations") or {}).get("pulumi.com/skipAwait") == "true")


def restarts(wanted: Manifest, there: Manifest, *, files: bool) -> bool:
    """Whether an update gives a workload another pod: every change of its template does.

    Args:
        wanted: As it would be.
        there: As it runs, completed by the API server's defaults.
        files: Whether the files are known; not those that name an endpoint which only the cluster can tell.
    """
    if wanted["kind"] != there.get("kind", wanted["kind"]):
        return True
    after, before = (_sorted(each["spec"]["template"]) for each in (wanted, there))
    if not files:
        after["metadata"]["annotations"].pop(RESTART_ON)
    return any(differences(after, before)) or _taken_out(after, before)


def _sorted(value: Any) -> Any:
    """A copy with its lists of named entries in one order: the API server keeps that of what it had first."""
    if isinstance(value, Mapping):
        return {key: _sorted(each) for key, each in value.items()}
    if not isinstance(value, list):
        return value
    copied = [_sorted(each) for each in value]
    named = all(isinstance(each, Mapping) and "name" in each for each in copied)
    return sorted(copied, key=lambda each: (each.get("mountPath", ""), each["name"])) if named else copied


def _taken_out(wanted: Any, there: Any) -> bool:
    """Whether something of ours stands there that is no longer wanted; every other difference is known already."""
    if isinstance(wanted, list) and isinstance(there, list):
        return any(_taken_out(*pair) for pair in zip(wanted, there, strict=False))
    if not (isinstance(wanted, Mapping) and isinstance(there, Mapping)):
        return False
    left = any(there.get(key) and not wanted.get(key) for key in _OURS)
    left = left or bool((there.get(_SELECTOR) or {}).keys() - (wanted.get(_SELECTOR) or {}).keys())
    return left or any(_taken_out(value, there.get(key)) for key, value in wanted.items())
