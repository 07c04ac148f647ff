"""Objects of cluster-discovery (peerdiscovery.irt-saintexupery.com/v1alpha1) as a stack file that means the same.

Its documentation shows manifests whose indentation is lost, so `network`, `storage` and `IPFSVersion` are taken
wherever they stand: at the pool, at a swarm, or in its definition; and ports in `network` or in what it holds.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from archipelago.chains.ipfs import swarmpool_notes
from archipelago.chains.ipfs.swarm_key import parsed
from archipelago.chains.ipfs.swarmpool_objects import (
    GROUP,
    Definition,
    Identity,
    Network,
    Pool,
    PoolSpec,
    Ports,
    Swarm,
    made,
    metadata,
    one_of_each,
    one_swarm_each,
    read,
)
from archipelago.chains.ipfs.swarmpool_secrets import key_files
from archipelago.chains.takeover import Stored, Takeover
from archipelago.problems import Problem, Refused


class SwarmPools:
    """cluster-discovery's SwarmPools and Identities."""

    def translate(self, objects: Sequence[Mapping[str, Any]], organisation: str, network: str, joins: str) -> Takeover:
        """Make settings of them.

        Args:
            objects: Kubernetes objects; those of other groups are passed over.
            organisation: Whose they are.
            network: What the network is to be called.
            joins: The organisation that founded it; empty where this one does.

        Raises:
            Refused: One of them is malformed, two have one name, or none is there.
        """
        problems: list[Problem] = []
        found = read(objects, problems)
        pools = one_of_each("SwarmPool", [each for each in found if isinstance(each, Pool)], problems)
        identities = one_of_each("Identity", [each for each in found if isinstance(each, Identity)], problems)
        problems += [problem for pool in pools for problem in one_swarm_each(pool)]
        if not pools and not problems:
            words = f"there is no SwarmPool of {GROUP} in it."
            problems.append(Problem("", words, "Name the files, or: kubectl get swarmpools,identities -A -o yaml"))
        makes = frozenset(str(metadata(each).get("name")) for each in made(objects, "Namespace"))
        stored = {each.place: each for each in key_files(objects, pools, joins, makes, problems)}
        if problems:
            raise Refused(problems, "import-swarmpool")
        namespace = pools[0].metadata.namespace
        said: dict[str, Any] = {
            "organisation": organisation,
            "cluster": {"namespace": namespace, "createNamespace": namespace in makes},
            "network": {"kind": "ipfs", "name": network, **({"joins": joins} if joins else {"founder": True})},
            "pools": {each.metadata.name: _pool(each, joins, stored, makes) for each in pools},
        }
        said |= (
            {"identities": {each.metadata.name: _identity(each, makes) for each in identities}} if identities else {}
        )
        notes = swarmpool_notes.notes(objects, pools, joins, stored.values(), identities=bool(identities))
        return Takeover(said, {}, "", "", tuple(notes), tuple(stored.values()))


def _pool(pool: Pool, joins: str, stored: Mapping[tuple[str, str], Stored], makes: Container[str]) -> dict[str, Any]:
    spec, namespace = pool.spec, pool.metadata.namespace
    return {
        "namespace": namespace,
        "createNamespace": namespace in makes,
        "swarms": {
            swarm.name: {**_key(swarm, joins, namespace, stored), **_member(spec, swarm)} for swarm in spec.swarms
        },
    }


def _key(swarm: Swarm, joins: str, namespace: str, stored: Mapping[tuple[str, str], Stored]) -> dict[str, Any]:
    """Where its key comes from; who joins and names no Secret has it from the founder, as settings have it anyway."""
    secret = swarm.definition.secret if swarm.definition else None
    if secret is None:
        return {} if joins else {"key": "generate"}
    held = stored.get((namespace, secret))
    # another key than the one of the documents is never taken for it
    pin = {"keyFingerprint": parsed(held.content).fingerprint} if held and held.content is not None else {}
    return {"key": {"secret": secret}, **pin}


def _member(pool: PoolSpec, swarm: Swarm) -> dict[str, Any]:
    definition = swarm.definition or Definition()
    places = (definition, swarm, pool)  # the nearest one wins
    network = next((each.network for each in places if each.network), None)
    storage = next((each.storage for each in places if each.storage), None)
    version = next((each.version for each in places if each.version), None)
    said: dict[str, Any] = {}
    if definition.bootstrap:
        said["bootstrap"] = list(definition.bootstrap)
    said |= _network(network) if network else {}
    if version:
        said["version"] = version.removeprefix("v")
    if storage and storage.capacity:
        said["storage"] = {"size": storage.capacity}
    return said


def _network(network: Network) -> dict[str, Any]:
    balancer, traefik = network.load_balancer, network.traefik
    said: dict[str, Any] = {}
    if traefik:
        way = {"entryPoint": traefik.entry_point, "service": traefik.service, "namespace": traefik.namespace}
        said["exposure"] = {"traefik": way}
    elif balancer:
        said["exposure"] = {"type": "LoadBalancer", "address": balancer.address, "api": balancer.api}
    holders: tuple[Ports, ...] = tuple(each for each in (network, balancer, traefik) if each)
    for key, numbers in (
        ("swarmPort", [each.swarm_port for each in holders]),
        ("apiPort", [each.api_port for each in holders]),
    ):
        if number := next((each for each in numbers if each is not None), None):
            said[key] = number
    return said


def _identity(identity: Identity, makes: Container[str]) -> dict[str, Any]:
    spec, namespace = identity.spec, identity.metadata.namespace
    said: dict[str, Any] = {"namespace": namespace, **({"createNamespace": True} if namespace in makes else {})}
    said |= {"name": spec.name} if spec.name else {}
    said |= {"description": spec.description} if spec.description else {}
    said |= {"url": spec.url} if spec.url else {}
    said |= {"categories": [each.name for each in spec.categories]} if spec.categories else {}
    said |= {"publishTo": [f"{each.namespace}/{each.pool}/{each.swarm}" for each in spec.swarms]} if spec.swarms else {}
    return said
