"""Numbers of a stack file: what the programs that get them do not read is refused, with the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from archipelago.chains.registry import CHAINS
from archipelago.settings.schema import schema
from tests import cita, ipfs
from tests.stacks import alpha, plan_of, problems_of

pytestmark = pytest.mark.unit

FIRST = "nodes.quorum-node1"
GENESIS = "network.genesis"
# path, the largest number below the range, the smallest one above, words of the reason
BOUNDS: list[tuple[str, int, int, str]] = [
    ("network.chainId", 1, 2**53, "does not start with chain id 1"),
    (f"{GENESIS}.epoch", 0, 2**63, "64 bits"),
    (f"{GENESIS}.gasLimit", 4999, 2**63, "gas limit"),
    (f"{GENESIS}.requestTimeout", 0, 2**63 // 10**6 // 1000 * 1000 + 1000, "nanoseconds"),
    (f"{FIRST}.identity.generation", 0, 2**53, "float"),
]


@pytest.mark.parametrize(("path", "below", "above", "reason"), BOUNDS)
def test_c21_a_number_that_geth_does_not_read_is_refused_with_the_reason(
    path: str, below: int, above: int, reason: str
) -> None:
    for number in (below, above, 2**64, 2**70, -1000, float(2**70)):
        (problem,) = problems_of(alpha({path: number}))
        assert problem.path == path
        assert reason in problem.message
        assert str(int(number)) in problem.message


def test_c21_the_bounds_themselves_are_founded() -> None:
    for least in (True, False):
        changes = {
            "network.chainId": 2 if least else 2**53 - 1,
            f"{GENESIS}.epoch": 1 if least else 2**63 - 1,
            f"{GENESIS}.gasLimit": 5000 if least else 2**63 - 1,
            f"{GENESIS}.requestTimeout": 1000 if least else 2**63 // 10**9 * 1000,
        }
        genesis = plan_of(alpha(changes)).genesis
        assert genesis
        assert genesis.chain_id == changes["network.chainId"]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("gasLimit", hex(2**63), "gaslimit"),
        ("timestamp", hex(2**64), "timestamp"),
        ("difficulty", hex(2**256), "difficulty"),
        ("chainId", 1, "chain id is 1"),
        ("epochlength", 2**64, "epoch"),
        ("blockperiodseconds", -1, "blockPeriod"),
    ],
)
def test_c21_a_genesis_file_that_geth_does_not_read_is_refused(key: str, value: Any, words: str) -> None:
    genesis = plan_of(alpha()).genesis
    assert genesis
    document = json.loads(genesis.text)
    config = document["config"]
    place = document if key in document else config if key == "chainId" else config["ibft"]
    place[key] = value
    with pytest.raises(ValueError, match=words):
        CHAINS["goquorum"].read_genesis(json.dumps(document))


@pytest.mark.parametrize(
    ("path", "below", "above"),
    [
        ("network.genesis.timestamp", 0, 2**53),
        ("network.genesis.blockInterval", 0, 3601),
        ("network.blockDelay", -1, 2**32),
        ("nodes.node1.identity.generation", 0, 2**53),
        ("nodes.node1.identity.keyId", 0, 2**63),
        ("nodes.node1.index", -1, 1000),
    ],
)
def test_c21_a_number_that_cita_cloud_does_not_read_is_refused(path: str, below: int, above: int) -> None:
    for number in (below, above, 2**70):
        assert path in cita.problems_of(cita.local({path: number}))


@pytest.mark.parametrize(
    ("key", "below", "above"),
    [
        ("connections.low", 0, 2**31),
        ("connections.high", 1, 2**31),
        ("identity.generation", 0, 2**53),
        ("keyGeneration", 0, 2**53),
        ("swarmPort", 0, 65536),
        ("garbageCollection.watermark", 9, 100),
        ("garbageCollection.storageMax", 9, 96),
    ],
)
def test_c21_a_number_that_kubo_does_not_read_is_refused(key: str, below: int, above: int) -> None:
    path = f"pools.public.swarms.archive.{key}"
    for number in (below, above, 2**70):
        assert path in ipfs.problems_of(ipfs.alpha({path: number}))


def test_c21_every_whole_number_of_every_kind_has_both_bounds_in_the_schema() -> None:
    """A field that is added later is held to it, too."""
    open_ended = {"minNodes", "portBase"}  # no program reads the first; the second is checked with all that it reserves
    found = [*_numbers(schema(CHAINS), "")]
    assert found
    assert {name for name, bounded in found if not bounded} - open_ended == set()


def _numbers(node: Any, name: str) -> Any:
    if isinstance(node, dict):
        if node.get("type") == "integer" and "enum" not in node:
            yield name, {"minimum", "maximum"} <= node.keys()
        for key, value in node.items():
            yield from _numbers(value, name if key in ("anyOf", "oneOf", "allOf") else key)
    elif isinstance(node, list):
        for each in node:
            yield from _numbers(each, name)


def test_c21_true_is_no_number() -> None:
    (problem,) = problems_of(alpha({"network.genesis": {"epoch": True}}))
    assert (problem.path, "got true" in problem.message) == (f"{GENESIS}.epoch", True)


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({f"{FIRST}.storage": {"size": "0"}}, f"{FIRST}.storage.size", "above zero"),
        ({f"{FIRST}.storage": {"size": "8Ei"}}, f"{FIRST}.storage.size", "below 2^63"),
        ({f"{FIRST}.resources": {"memoryLimit": "99999999999P"}}, f"{FIRST}.resources.memoryLimit", "below 2^63"),
        ({f"{FIRST}.resources": {"memory": "5Gi"}}, f"{FIRST}.resources.memory", "at most memoryLimit"),
    ],
)
def test_c21_a_size_that_kubernetes_does_not_take_is_refused(changes: dict[str, Any], path: str, words: str) -> None:
    (problem,) = problems_of(alpha(changes))
    assert (problem.path, words in problem.message) == (path, True)


def test_c21_a_request_in_the_defaults_counts_with_the_limit_of_the_node() -> None:
    changes = {"defaults.resources": {"memory": "8Gi"}}
    limits = {f"nodes.quorum-node{number}.resources": {"memoryLimit": "16Gi"} for number in (1, 2, 3)}
    assert problems_of(alpha({**changes, **limits})) == ()
    assert len(problems_of(alpha(changes))) == 3
