"""The Secrets that SwarmPools name: which of them come with the documents, and which have to come another way."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from archipelago.chains.ipfs.swarm_key import SECRET_KEYS, parsed
from archipelago.chains.ipfs.swarmpool_objects import Pool, made, metadata
from archipelago.chains.takeover import Stored
from archipelago.problems import Problem

_DEFAULT = "default"


def key_files(
    objects: Sequence[Mapping[str, Any]],
    pools: Sequence[Pool],
    joins: str,
    makes: Container[str],
    problems: list[Problem],
) -> Iterator[Stored]:
    """Secrets that have to be made before members have their key: a member that joins waits for its own.

    Args:
        objects: The documents. A Secret that the cluster showed is there already.
        pools: Those in them.
        joins: The organisation that founded the network; empty where this one does.
        makes: Namespaces that the stack makes.
        problems: Gets what is wrong with the Secrets.
    """
    given: dict[tuple[str, str], Mapping[str, Any]] = {}
    there = {_place(each) for each in objects if each.get("kind") == "Secret"}
    for each in made(objects, "Secret"):
        if (other := given.setdefault(_place(each), each)) is not each and _data(other) != _data(each):
            words = f"Secret {'/'.join(_place(each))} is there twice, and not the same."
            problems.append(Problem("", words, "Leave out the one that is not meant."))
    wanted: dict[tuple[str, str], bool] = {}  # and whether others have its key already
    for pool in pools:
        for swarm in pool.spec.swarms:
            if swarm.definition and swarm.definition.secret:
                place = (pool.metadata.namespace, swarm.definition.secret)
                wanted[place] = wanted.get(place, False) or bool(joins or swarm.definition.bootstrap)
    for (namespace, name), others in wanted.items():
        content = _key(given.get((namespace, name)), f"{namespace}/{name}", problems)
        if content is not None or (others and (namespace, name) not in there):
            yield Stored(namespace, name, SECRET_KEYS[0], content, made_after=namespace in makes)


def _key(secret: Mapping[str, Any] | None, place: str, problems: list[Problem]) -> bytes | None:
    if secret is None or not _data(secret):  # one that is shown without its content says nothing
        return None
    cure = f"Give it the key file under {SECRET_KEYS[0]}: /key/swarm/psk/1.0.0/, /base16/, and 64 hex characters."
    data = _data(secret)
    found = next((data[key] for key in SECRET_KEYS if key in data), None)
    if found is None:
        problems.append(Problem("", f"Secret {place} has no {' and no '.join(SECRET_KEYS)}.", cure))
        return None
    try:
        parsed(found)
    except ValueError as error:
        problems.append(Problem("", f"Secret {place} holds no key of a swarm: {error}.", cure))
        return None
    return found


def _place(secret: Mapping[str, Any]) -> tuple[str, str]:
    said = metadata(secret)
    return str(said.get("namespace") or _DEFAULT), str(said.get("name"))


def _data(secret: Mapping[str, Any]) -> dict[str, bytes]:
    """What a Secret holds, as the API server reads it; what is not base64 is passed over, as no key."""
    found: dict[str, bytes] = {}
    data, plain = secret.get("data"), secret.get("stringData")
    for key, text in (data if isinstance(data, Mapping) else {}).items():
        try:
            found[str(key)] = base64.b64decode("".join(str(text).split()), validate=True)
        except (binascii.Error, ValueError):
            found[str(key)] = b""
    return found | {str(key): str(text).encode() for key, text in (plain if isinstance(plain, Mapping) else {}).items()}
