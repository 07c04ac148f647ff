"""Nodes that get another key in their turn: until then the others have to let them in with the one that they have."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import httpx2
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import ConfigMap, Secret

from archipelago.chains.contract import Chain
from archipelago.chains.running import Admission, Lack, Unanswered
from archipelago.manifests.common import NODE, RESTART_ON, Manifest, identity_secret, live_config
from archipelago.manifests.workload import KINDS, waits_for_endpoints
from archipelago.model.address_book import AddressBook
from archipelago.model.plan import NodePlan
from archipelago.model.record import ExternalNode
from archipelago.stack.plan import StackPlan
from operate.cluster import Unreachable, own
from operate.rollouts import Workloads, restarting


def still_listed(
    client: Client, plan: StackPlan, chain: Chain, wanted: Sequence[Manifest], there: Workloads
) -> StackPlan:
    """The plan, with the earlier ids of nodes in the list of peers whose turn may be long in coming.

    The list changes before the first turn. A node that restarts alone is away for its own turn only; but where others
    go first, it would be away through theirs, and for good where the run stops at one of them. So its earlier id stays
    until a later run finds its new key in the cluster.

    Args:
        client: Of the stack's cluster.
        plan: The stack.
        chain: Its protocol.
        wanted: Every object of the stack.
        there: What runs.

    Raises:
        Unreachable: The API server does not answer, or does not show it.
    """
    admission = chain.running.admission
    if isinstance(admission, Lack) or plan.genesis is None or not there:
        return plan
    try:
        before = [
            replaced
            for replaced in _replaced(client, plan, chain, admission)
            if replaced.name in there and _still_runs(client, plan, admission, replaced, wanted, there)
        ]
    except ApiError as error:
        raise Unreachable(f"it does not show the keys of nodes: {error.status.message}") from None
    except httpx2.HTTPError as error:
        raise Unreachable(f"its API server does not answer: {error}") from None
    # where outputs are lost, the key alone shows that a node restarts whose files name an endpoint of the cluster's
    if len({each.name for each in before} | restarting(plan, wanted, there)) <= 1 or not before:
        return plan
    partners = [node for given in plan.imports for node in given.nodes]
    book = [*plan.records, *before, *partners, *plan.exchange.members]
    words = (
        f"{', '.join(sorted({each.name for each in before}))}: the list of peers keeps the earlier id, because other "
        "nodes restart in this run too. Run pulumi up again when it is done, which takes it out."
    )
    files = {**plan.live_files, **_listed(plan, chain, book)}
    return replace(plan, live_files=files, warnings=(*plan.warnings, words))


def _replaced(client: Client, plan: StackPlan, chain: Chain, admission: Admission) -> Iterator[ExternalNode]:
    """Own nodes with ids that stand in the cluster's list and in ours no longer."""
    for namespace in plan.populated:
        live = own(client, ConfigMap, live_config(plan), namespace, plan)
        try:
            known = admission.entries(admission.expected(plan.live_files))
            standing = admission.entries(admission.expected((live or {}).get("data") or plan.live_files))
        except (KeyError, Unanswered):
            continue
        for node_id, where in standing.items():
            for record in plan.records if node_id not in known else ():
                earlier = record.model_copy(update={"node_id": node_id})
                if admission.entries(admission.expected(_listed(plan, chain, [earlier]))).get(node_id) == where:
                    yield earlier


def _listed(plan: StackPlan, chain: Chain, nodes: Iterable[ExternalNode]) -> Mapping[str, str]:
    kin = frozenset(node.name for given in plan.imports if given.sibling for node in given.nodes)
    return chain.live_files(plan.network, AddressBook.of(plan.settings.organisation, nodes, kin), plan.nodes)


def _still_runs(
    client: Client,
    plan: StackPlan,
    admission: Admission,
    earlier: ExternalNode,
    wanted: Sequence[Manifest],
    there: Workloads,
) -> bool:
    """Whether a node still runs with that earlier key; of several earlier ones its Secret has one alone.

    A run may end between the Secret and the pod. Where the cluster has to tell an endpoint, the pod's digest says
    nothing before.
    """
    node: NodePlan = next(each for each in plan.nodes if each.name == earlier.name)
    held = own(client, Secret, identity_secret(node), plan.namespace_of(node), plan) or {}
    files = {key: base64.b64decode(text) for key, text in (held.get("data") or {}).items()}
    if files != {key: text.encode() for key, text in node.private_files.items()}:
        return admission.holder(files) in ("", earlier.node_id)  # a Secret that was deleted tells nothing
    if waits_for_endpoints(node):
        return False
    mine = (each for each in wanted if each["kind"] in KINDS and each["metadata"]["labels"].get(NODE) == node.name)
    return _digest(there[node.name]) not in map(_digest, mine)


def _digest(workload: Manifest) -> str:
    """Of the files that its pod reads at its start, keys among them."""
    return str((workload["spec"]["template"]["metadata"].get("annotations") or {}).get(RESTART_ON))
