"""What has to be known or done besides, once SwarmPools have become a stack file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from archipelago.chains.ipfs.swarm_key import SECRET_KEYS
from archipelago.chains.ipfs.swarmpool_objects import GROUP, PEER, Pool, Swarm
from archipelago.chains.takeover import Stored
from archipelago.foreign_text import quoted


def notes(
    objects: Sequence[Mapping[str, Any]],
    pools: Sequence[Pool],
    joins: str,
    stored: Iterable[Stored],
    *,
    identities: bool,
) -> Iterator[str]:
    """A sentence or two for each.

    Args:
        objects: The documents.
        pools: Those in them.
        joins: The organisation that founded the network; empty where this one does.
        stored: Secrets that have to be made.
        identities: Whether the documents have any.
    """
    yield from (each for pool in pools for swarm in pool.spec.swarms for each in _of_key(pool, swarm, joins))
    names = " or ".join(SECRET_KEYS)
    yield f"Secrets stay where they are: a member reads its key from {names} in the Secret that key names."
    for each in stored:
        if each.content is None:
            yield (
                f"Secret {each.namespace}/{each.name} is not among the documents: where it is not in the cluster, its "
                "member waits for it. Get the key file of those who have it."
            )
    yield (
        "A swarm is its key: members whose keys have one fingerprint are in one swarm, "
        "whatever each organisation calls it."
    )
    yield "Members get PeerIDs of their own: tell partners the ones that archipelago identity shows."
    yield "cluster-discovery's controller and its StatefulSets have to be gone before pulumi up: names are the same."
    if not joins:
        yield from _to_list(objects)
    if identities:
        yield (
            "cluster-discovery gave the kubeconfig of every identity to everybody in the swarm; here a partner has one "
            "where archipelago:identities.<name>.grants.<partner> says so, and archipelago:cluster.apiServer is set."
        )


def _of_key(pool: Pool, swarm: Swarm, joins: str) -> Iterator[str]:
    full, definition = f"{pool.metadata.name}/{swarm.name}", swarm.definition
    if joins and (definition is None or definition.secret is None):
        yield (
            f"{full} names no Secret with a key; here {joins} seals it, under the name that the swarm has there: "
            "name it alike."
        )
    elif definition is None:
        yield (
            f"{full} was in the network whose key comes with cluster-discovery's chart, the same for everybody "
            "who installs it; here it gets a key of its own. To stay in there, put that key into a Secret."
        )
    elif definition.secret is None:
        yield f"{full} names no Secret with a key; here it gets one that is derived from your seed."
    elif definition.bootstrap and not joins:
        yield f"{full} dials members of others first. If one of them founded the network, add --joins <name>."


def _to_list(objects: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Whom the founder has to list: there is no controller that finds them."""
    peers = [
        each for each in objects if each.get("kind") == PEER and str(each.get("apiVersion", "")).startswith(f"{GROUP}/")
    ]
    specs = [each["spec"] for each in peers if isinstance(each.get("spec"), Mapping)]
    told = sorted(
        {quoted(spec.get("name") or spec.get("URL")) for spec in specs if spec.get("name") or spec.get("URL")}
    )
    whose = f"It has met {', '.join(told)}. " if told else ""
    yield (
        f"{whose}Every organisation that joins has to be listed here, or its members are not dialled: "
        "archipelago:partners.<organisation>: {stack: organization/archipelago/<its stack>, required: false}"
    )
