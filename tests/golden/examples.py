"""What golden files show: this repository's example stacks, wired with each other, and runner_k8s's local chain."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from archipelago.manifests.common import Manifest, full_name
from archipelago.manifests.stack import manifests
from archipelago.stack.plan import StackPlan
from cli import yaml_text
from tests import cita, ipfs
from tests.components.harness import run
from tests.stacks import GONE, Config, changed, committed
from tests.world import World
from tests.yaml_1_1 import parsed

REPOSITORY = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent
STACKS = {"alpha": "cluster-a", "beta": "cluster-b"}
BOTH = {"network.genesis": {"validators": ["quorum-node1", "quorum-node2", "quorum-node3", "beta/quorum-node1"]}}


def configs() -> dict[str, Config]:
    """The committed stack files, each with a throw-away seed."""
    return {
        organisation: committed(REPOSITORY / f"Pulumi.{stack}.yaml", organisation)
        for organisation, stack in STACKS.items()
    }


@cache
def plans() -> Mapping[str, StackPlan]:
    """What is rendered, by the folder it is kept in: both stacks in the end, and while they wait for each other."""
    settled = World(**configs())
    settled.up("alpha", "beta", "alpha")
    written = configs()
    waiting = World(alpha=changed(written["alpha"], BOTH), beta=written["beta"])
    waiting.up("alpha", "beta")
    chain = cita.examples()
    chain.up(*cita.STACKS)
    first = dict(chain.plans)
    chain.up(*cita.STACKS)
    swarms = ipfs.examples()
    swarms.up("alpha", "beta")
    without_key = swarms.plans["beta"]
    for _ in range(3):  # keys, then profiles that say where they are, then relays of those
        swarms.up(*ipfs.STACKS)
    assert swarms.settled()
    return {
        **{f"{stack}-waiting": first[organisation] for organisation, stack in cita.STACKS.items()},
        **{stack: chain.plans[organisation] for organisation, stack in cita.STACKS.items()},
        **{stack: swarms.plans[organisation] for organisation, stack in ipfs.STACKS.items()},
        "ipfs-b-waiting": without_key,
        "cluster-a": settled.plans["alpha"],
        "cluster-b": settled.plans["beta"],
        "cluster-a-waiting": waiting.plans["alpha"],
        "cluster-b-waiting": waiting.plans["beta"],
        "cita-cloud": cita.plan_of(cita.local()),
        "cita-cloud-extended": cita.plan_of(cita.local(cita.EXTENDED | {"nodes.node1": GONE, "nodes.node2": GONE})),
        "cita-cloud-outside": cita.plan_of(cita.outside({"nodes.node1": GONE, "nodes.node2": GONE})),
    }


def folders() -> list[str]:
    """The keys of `plans`, without planning: golden tests hold that there is a folder for each, and no other."""
    return sorted({path.parent.name for path in GOLDEN.glob("*/*.yaml")})


def files() -> Iterator[tuple[str, str]]:
    """Path below this folder and content of every golden file."""
    for folder, plan in plans().items():
        for each in manifests(plan):
            name = full_name(each, plan.namespace).replace("/", ".")
            yield f"{folder}/{each['kind']}-{name}.yaml", yaml_text.document(digested(each))
    for stack, listed in urns().items():
        yield f"urns/{stack}.txt", "".join(f"{urn}\n" for urn in listed)


def digested(manifest: Manifest) -> Manifest:
    """A Secret, and a program, with digests for values: whether it changed is seen, what it is is not, or elsewhere."""
    secret = manifest["kind"] == "Secret"
    where = "stringData" if secret else "data"
    values = {
        name: f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        for name, text in manifest.get(where, {}).items()
        if secret or name.endswith(".py")
    }
    return {**manifest, where: {**manifest[where], **values}} if values else manifest


@cache
def urns() -> Mapping[str, tuple[str, ...]]:
    """What the program registers under which URN: type chains and logical names are an API."""
    written = configs()
    a, b = "organization/archipelago/cluster-a", "organization/archipelago/cluster-b"
    first = run(written["alpha"])
    joined = run(written["beta"], {a: first.outputs}, name="cluster-b")
    second = run(written["alpha"], {a: first.outputs, b: joined.outputs})
    return {
        stack: tuple(each.urn for each in given.resources)
        for stack, given in (("cluster-a", second), ("cluster-b", joined))
    }


@cache  # 200 files
def kept() -> dict[str, str]:
    """Path and content of the golden files as they are kept."""
    found = (path for pattern in ("*/*.yaml", "*/*.txt") for path in GOLDEN.glob(pattern))
    return {str(path.relative_to(GOLDEN)): path.read_text() for path in found}


@cache
def objects() -> Mapping[str, Mapping[str, Any]]:
    """Path and object of the golden files; they must not be changed."""
    return {path: parsed(text)[0] for path, text in kept().items() if path.endswith(".yaml")}
