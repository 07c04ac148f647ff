"""The stack's cluster: asked before anything is registered, and the provider that changes it."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
from pydantic import ValidationError

from archipelago.chains.contract import Ask, Chain, Given
from archipelago.checks.settings import ADDRESS
from archipelago.manifests.stack import manifests
from archipelago.problems import Problem, Refused
from archipelago.settings.models import Cluster
from archipelago.settings.read import Settings
from archipelago.stack.ownership import Met, another_cluster
from archipelago.stack.plan import StackPlan
from operate import later
from operate.cluster import Unreachable, adopt, connect, foreign, given, met, node_addresses, remembered
from operate.forgotten import forgotten, left_behind
from operate.kept_keys import left, overwritten, with_kept_keys
from operate.kubectl import Kubectl
from operate.lists import left_standing
from operate.peer_names import beside_others
from operate.rollouts import beside, too_long, unawaited, workloads
from operate.rotations import still_listed
from operate.users import others

_ALLOW = "Allow this user to get the namespace kube-system."


def ask_cluster(settings: Settings, asks: Sequence[Ask], last: Mapping[str, Any], source: str) -> tuple[Given, Met]:
    """What a plan has to know of the cluster before it is made, and which cluster it is.

    A preview goes on without a cluster; what nobody answered is missing, and the plan says so.

    Args:
        settings: The stack's.
        asks: What the protocol wants to know.
        last: The stack's own outputs of the last run.
        source: The stack file's name.

    Raises:
        Refused: `up` cannot reach the cluster, or it is another one than before.
    """
    there = Met()
    try:
        with closing(connect(settings.cluster)) as client:
            there = met(client)
            _same_cluster(last, settings.cluster, there, source)
            there = remembered(client, settings, last, there)
            return given(client, asks) if asks else {}, there
    except Unreachable as reason:
        if not pulumi.runtime.is_dry_run():  # an answer that comes later would not say which cluster it is
            raise Refused([_away(reason, settings.cluster)], source) from None
        return {}, there  # `check_cluster` says why


def _same_cluster(last: Mapping[str, Any], cluster: Cluster, there: Met, source: str) -> None:
    """Refuse another cluster than that of the last run; a preview says what would be refused."""
    if there.withheld:
        pulumi.log.warn(f"It is unknown whether this is the cluster of the last run: {there.withheld}. {_ALLOW}")
    if problem := another_cluster(last, cluster, there):
        if not pulumi.runtime.is_dry_run():
            raise Refused([problem], source)
        pulumi.log.warn(f"pulumi up would be refused: {problem.text(source)}")


def check_cluster(plan: StackPlan, chain: Chain, source: str, *, adopts: bool) -> StackPlan:
    """Ask the cluster whether it is there, whether nobody else's objects stand where ours would, and what runs.

    A preview goes on without a cluster, with a warning: pull requests are reviewed where none can be reached.

    Args:
        plan: The stack.
        chain: Its protocol.
        source: The stack file's name.
        adopts: Whether its objects may be managed by runs of another state or of an older program; `up` takes them
            over.

    Returns:
        The plan. What is updated one after another is what runs in the cluster: outputs may be lost.

    Raises:
        Refused: Somebody else's object is in the way, or `up` cannot reach the cluster.
    """
    cluster: Cluster = plan.settings.cluster
    if not cluster.context:
        pulumi.log.info("archipelago:cluster.context is not set: the kubeconfig's current context is used.")
    try:
        with closing(connect(cluster)) as client:
            plan = beside_others(client, with_kept_keys(client, left_standing(client, plan)))
            wanted = list(manifests(plan))
            problems = list(foreign(client, wanted, plan))
            there = workloads(client, plan)
            problems += [*unawaited(plan, wanted, there), *beside(client, plan, wanted, there), *_rules(plan, chain)]
            problems += others(plan, wanted, there)
            standing = left(client, plan)
            new, long = too_long(plan, {*there, *standing})
            problems += [*new, *overwritten(plan, chain, standing)]
            problems += [*forgotten(plan, there), *left_behind(client, plan, there)]
            plan = replace(plan, warnings=(*plan.warnings, *long))
            plan = still_listed(client, plan, chain, wanted, there)
            if adopts and not problems and not pulumi.runtime.is_dry_run():
                adopt(client, wanted, plan)
    except Unreachable as reason:
        problem = _away(reason, cluster)
        if not pulumi.runtime.is_dry_run():
            raise Refused([problem], source) from None
        pulumi.log.warn(f"This preview is a guess: {problem.message} {problem.cure}")
        return plan
    if problems:
        raise Refused(problems, source)
    return replace(plan, one_by_one=frozenset(there))


def _rules(plan: StackPlan, chain: Chain) -> Iterator[Problem]:
    settings = plan.settings
    if plan.rules_before:  # seldom: nodes are asked one by one, through kubectl
        yield from later.problems(plan, chain, Kubectl(settings.cluster, settings.namespaces))


def _away(reason: Unreachable, cluster: Cluster) -> Problem:
    context = f" --context {cluster.context}" if cluster.context else ""
    cure = f"Start it, or correct archipelago:cluster.context; kubectl{context} get nodes tells whether it answers."
    return Problem("cluster", f"the cluster cannot be reached: {reason}.", cure)


def with_addresses(refused: Refused, written: Any, root: Path) -> Refused:
    """The refusal of a stack without an address, completed by the addresses that its cluster's nodes have.

    Args:
        refused: What was found in the settings.
        written: The section `cluster` as it stands there, valid or not.
        root: The project's folder.
    """
    if all(problem.path != ADDRESS for problem in refused.problems):
        return refused
    try:
        with closing(connect(Cluster.model_validate(written or {}).at(root))) as client:
            addresses = node_addresses(client)
    except (Unreachable, ValidationError):
        return refused
    listed = f" The nodes of this cluster have: {', '.join(addresses) or 'none that they tell'}."
    completed = [
        Problem(each.path, each.message, each.cure + listed) if each.path == ADDRESS else each
        for each in refused.problems
    ]
    return Refused(completed, refused.source)


def provider(plan: StackPlan) -> pulumi.ProviderResource:
    """The one provider of a stack, in the release that the environment pins."""
    cluster: Cluster = plan.settings.cluster
    inputs = {
        "context": cluster.context or None,
        "kubeconfig": cluster.kubeconfig or None,
        # A renewed certificate or a moved API server is the same cluster; without this everything would be replaced.
        "clusterIdentifier": plan.owner,
        # A changed ConfigMap or Secret is an update; by default it would be deleted with all that mounts it.
        "enableConfigMapMutable": json.dumps(True),
        "enableSecretMutable": json.dumps(True),
        # The default throttles a large network's preview to a third of its speed.
        "kubeClientSettings": json.dumps({"qps": 1000, "burst": 2000}),
    }
    opts = pulumi.ResourceOptions(version=importlib.metadata.version("pulumi-kubernetes"))
    return pulumi.ProviderResource("kubernetes", "cluster", inputs, opts)
