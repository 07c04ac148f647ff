"""Names of Peers in a cluster: others choose them, and an object of another owner that has one of them keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import httpx2
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.operators import not_equal

from archipelago.manifests.common import OWNER, Manifest, Place
from archipelago.manifests.grants import IDENTITY
from archipelago.manifests.peers import ORGANISATION
from archipelago.manifests.stack import known
from archipelago.profiles import limits
from archipelago.stack.plan import StackPlan
from operate.cluster import Unreachable
from operate.conflicts import kinds


def beside_others(client: Client, plan: StackPlan) -> StackPlan:
    """The plan, in which no Peer has the name of an object that is not this stack's.

    Else a stranger that shows a profile could stop each run of this stack, with a name that is taken in its namespace.

    Args:
        client: Of the stack's cluster.
        plan: The stack.

    Raises:
        Unreachable: The API server does not answer, or does not show it.
    """
    wanted = list(known(plan))
    if not wanted:
        return plan
    try:
        occupied = frozenset(_occupied(client, wanted, plan))
    except ApiError as error:
        raise Unreachable(f"it refuses to list the objects beside Peers: {error.status.message}") from None
    except httpx2.HTTPError as error:
        raise Unreachable(f"its API server does not answer: {error}") from None
    if not occupied:
        return plan
    named = replace(plan, exchange=replace(plan.exchange, occupied=occupied))
    if not (left := sorted(_shown(wanted) - _shown(list(known(named))))):
        return named
    words = f"{limits.named(left, 'profile')} without a Peer: objects of others have the names that it would have."
    return replace(named, warnings=(*named.warnings, words))


def _occupied(client: Client, wanted: Sequence[Manifest], plan: StackPlan) -> Iterator[Place]:
    """Others' objects of the kinds that Peers are made of, in the namespaces where Peers stand."""
    made = {each["kind"] for each in wanted}
    for namespace in sorted({each["metadata"]["namespace"] for each in wanted}):
        there = [each for each in wanted if each["metadata"]["namespace"] == namespace]
        for kind in kinds(client, there, namespace):
            if kind.__name__ in made:
                for found in client.list(kind, namespace=namespace, labels={OWNER: not_equal(plan.owner)}):
                    yield kind.__name__, namespace, str(found.metadata.name)  # type: ignore[attr-defined]  # as in conflicts


def _shown(made: Sequence[Manifest]) -> set[str]:
    """Profiles that have objects, by namespace."""
    labels = ((each["metadata"]["namespace"], each["metadata"]["labels"]) for each in made)
    return {f"{each[ORGANISATION]}/{each[IDENTITY]} in {namespace}" for namespace, each in labels}
