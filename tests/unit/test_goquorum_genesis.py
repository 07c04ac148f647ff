"""genesis.json: written as geth takes it, hashed as geth hashes it, read back whoever wrote it."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archipelago.chains.goquorum.chain import GoQuorum
from archipelago.chains.goquorum.genesis import GenesisFile, Rules, build
from archipelago.chains.goquorum.versions import release
from tests.unit.vectors import vectors

pytestmark = pytest.mark.unit

VECTORS = vectors("genesis")
VALIDATORS: list[str] = vectors("qubernetes")["ibft"][0]["validators"]
ALLOC = dict.fromkeys(VECTORS["accounts"], 10**27)
MADE = pytest.mark.parametrize("vector", VECTORS["made"], ids=lambda v: f"{v['consensus']}-{v['release']}")
READ = pytest.mark.parametrize("vector", VECTORS["read"], ids=lambda v: str(v["name"]))


def rules(consensus: str = "qbft", version: str = "22.7.4", **changes: Any) -> Rules:
    given: dict[str, Any] = {
        "chain_id": 1000,
        "consensus": consensus,
        "block_period": 3,
        "epoch": 30_000,
        "request_timeout": 10_000,
        "gas_limit": 0xE0000000,
        "private_transactions": True,
        "release": release(version),
    }
    return Rules(**{**given, **changes})


@MADE
def test_a_genesis_of_each_release_has_the_hash_that_geth_gave_it(vector: dict[str, Any]) -> None:
    made = build(rules(vector["consensus"], vector["release"]), VALIDATORS, ALLOC)
    assert made.hash == vector["hash"]
    assert made.document["config"] == vector["config"]


@READ
def test_a_genesis_of_another_maker_has_the_hash_that_geth_gave_it(vector: dict[str, Any]) -> None:
    """7nodes is Qubernetes' golden one; `contract` has code, storage, a nonce and a header unlike ours."""
    assert GenesisFile(json.dumps(vector["document"])).hash == vector["hash"]


@READ
def test_key_case_and_layout_do_not_enter_the_hash(vector: dict[str, Any]) -> None:
    """Qubernetes writes raft's genesis with other capitals, and geth does not mind."""
    lowered = {key.lower(): value for key, value in reversed(vector["document"].items())}
    assert GenesisFile(json.dumps(lowered, indent=7)).hash == vector["hash"]


@pytest.mark.parametrize(
    "change",
    [
        {"extraData": vectors("qubernetes")["ibft"][1]["extraData"]},
        {"gasLimit": "0xE0000001"},
        {"timestamp": "0x01"},
        {"nonce": "0x1"},
        {"difficulty": "0x2"},
        {"coinbase": "0x" + "00" * 19 + "01"},
        {"mixHash": "0x" + "00" * 32},
        {"parentHash": "0x" + "00" * 31 + "01"},
        {"alloc": {VECTORS["accounts"][0]: {"balance": "1"}}},
        {"gasUsed": "0x1"},
        {"number": "0x1"},
    ],
    ids=lambda change: str(next(iter(change))),
)
def test_every_part_of_the_header_changes_the_hash(change: dict[str, Any]) -> None:
    document = VECTORS["read"][0]["document"]
    assert GenesisFile(json.dumps(document | change)).hash != VECTORS["read"][0]["hash"]


def test_the_state_root_stands_behind_the_recorded_hash() -> None:
    """An account without a balance is another state: the root is over what stands there, not over what is worth it."""
    document = VECTORS["read"][0]["document"]
    more = document["alloc"] | {"0x" + "00" * 19 + "01": {"balance": "0"}}
    assert GenesisFile(json.dumps(document | {"alloc": more})).hash != VECTORS["read"][0]["hash"]


@given(st.permutations(VALIDATORS), st.permutations(VECTORS["accounts"]))
def test_the_order_of_validators_and_accounts_makes_no_other_genesis(
    validators: list[str], accounts: list[str]
) -> None:
    first = build(rules(), VALIDATORS, ALLOC)
    assert build(rules(), validators, dict.fromkeys(accounts, 10**27)).text == first.text


@given(
    consensus=st.sampled_from(["istanbul", "qbft"]),
    version=st.sampled_from(["21.7.0", "21.10.2", "22.1.0", "22.4.1", "22.4.2", "22.7.4"]),
    chain_id=st.integers(2, 2**53 - 1),
    block_period=st.integers(1, 3600),
    epoch=st.integers(1, 10**9),
    timeout=st.integers(1, 600),
    gas_limit=st.integers(5000, 2**63 - 1),
    count=st.integers(1, 7),
)
def test_what_was_built_is_read_back(
    consensus: str, version: str, chain_id: int, block_period: int, epoch: int, timeout: int, gas_limit: int, count: int
) -> None:
    chosen = rules(
        consensus,
        version,
        chain_id=chain_id,
        block_period=block_period,
        epoch=epoch,
        request_timeout=timeout * 1000,
        gas_limit=gas_limit,
    )
    made = build(chosen, VALIDATORS[:count], ALLOC)
    again = GoQuorum().read_genesis(made.text)
    file = GenesisFile(again.text)
    assert (again.hash, again.chain_id, again.file) == (made.hash, chain_id, "genesis.json")
    assert (file.consensus, set(file.validators)) == (consensus, set(VALIDATORS[:count]))
    assert set(file.alloc.values()) == {10**27}
    assert {address.lower() for address in file.alloc} == {address.lower() for address in ALLOC}
    assert file.engine == {"epoch": epoch, "blockPeriod": block_period, "requestTimeout": timeout * 1000}
    assert file.tells_geth_the_times == (release(version) >= (22, 4, 2))


@pytest.mark.parametrize(
    ("version", "consensus", "engine", "absent"),
    [
        ("2.7.0", "istanbul", "istanbul", "testQBFTBlock"),
        ("21.10.2", "qbft", "istanbul", "epochlength"),
        ("22.1.0", "istanbul", "istanbul", "epochlength"),
        ("22.4.1", "qbft", "istanbul", "epochlength"),
        ("22.4.2", "istanbul", "ibft", "epoch"),
        ("22.4.2", "qbft", "qbft", "testQBFTBlock"),
    ],
)
def test_the_engine_block_is_spelled_as_the_release_reads_it(
    version: str, consensus: str, engine: str, absent: str
) -> None:
    config = build(rules(consensus, version), VALIDATORS, ALLOC).document["config"]
    assert {"istanbul", "ibft", "qbft"} & set(config) == {engine}
    assert absent not in config[engine]
    assert config[engine]["ceil2Nby3Block"] == 0


def test_private_state_enhancements_are_on_from_block_0_only_where_tessera_can() -> None:
    assert build(rules(), VALIDATORS, ALLOC).document["config"]["privacyEnhancementsBlock"] == 0
    plain = build(rules(private_transactions=False), VALIDATORS, ALLOC).document["config"]
    assert "privacyEnhancementsBlock" not in plain


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "null",
        "[]",
        "{}",
        '{"config": 1}',
        '{"config": {}}',
        '{"config": {"qbft": {}}}',
        '{"config": {"qbft": {}}, "extraData": "0x"}',
        '{"config": {"clique": {"period": 0}}, "extraData": "0x00"}',
        "[" * 100_000,
    ],
)
def test_what_is_no_genesis_of_this_chain_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"no genesis|neither|Invalid|invalid|Expecting"):
        GoQuorum().read_genesis(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "0x", "0xff", "-0x1", "x", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "balance", "0x1"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@example("nonce", -1)
@example("nonce", 2**70)
@example("difficulty", float("inf"))
@example("config", {"chainId": float("inf"), "istanbul": {}})
@given(st.sampled_from([*VECTORS["read"][1]["document"], "number", "gasUsed", "config"]), json_values)
def test_a_hostile_genesis_is_read_or_refused_but_never_crashes(key: str, value: Any) -> None:
    """It comes from a partner: a traceback would hide which partner, and what to do."""
    text = json.dumps(VECTORS["read"][1]["document"] | {key: value})
    with contextlib.suppress(ValueError):
        GoQuorum().read_genesis(text)
