"""extraData, byte for byte as the reference tools of istanbul-tools encode it."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from archipelago.chains.goquorum import extra_data
from tests.unit.vectors import vectors

pytestmark = pytest.mark.unit

QUBERNETES = vectors("qubernetes")
CASES = [(extra_data.ibft, each) for each in QUBERNETES["ibft"]] + [
    (extra_data.qbft, each) for each in QUBERNETES["qbft"]
]
addresses = st.lists(st.binary(min_size=20, max_size=20).map(to_checksum_address), max_size=60)


@pytest.mark.parametrize(("encode", "vector"), CASES, ids=[vector["name"] for _, vector in CASES])
def test_validators_give_the_bytes_of_the_reference_tool_and_come_back(encode: Any, vector: dict[str, Any]) -> None:
    assert encode(vector["validators"]) == vector["extraData"]
    found = [address.lower() for address in extra_data.validators_in(vector["extraData"])]
    assert found == [address.lower() for address in vector["validators"]]


def test_the_genesis_of_a_real_run_of_qubernetes_has_our_bytes() -> None:
    cluster = QUBERNETES["twoClusters"]["A"]
    own = [node["address"] for node in QUBERNETES["nodes"] if node["name"].startswith("A/")]
    assert extra_data.ibft(own) == cluster["extraData"]


@given(addresses)
def test_ibft_round_trips_in_order(validators: list[str]) -> None:
    assert extra_data.validators_in(extra_data.ibft(validators)) == tuple(validators)


@given(addresses)
def test_qbft_round_trips_in_order(validators: list[str]) -> None:
    assert extra_data.validators_in(extra_data.qbft(validators)) == tuple(validators)


@given(addresses)
def test_the_order_of_validators_is_part_of_the_bytes(validators: list[str]) -> None:
    backwards = list(reversed(validators))
    assert (extra_data.qbft(backwards) == extra_data.qbft(validators)) == (backwards == validators)


@given(
    st.text(max_size=20)
    | st.binary(max_size=300).map(bytes.hex)
    | st.binary(max_size=200).map(lambda raw: "0x" + raw.hex())
)
def test_garbage_is_refused_in_words_or_read_as_addresses(text: str) -> None:
    try:
        found = extra_data.validators_in(text)
    except ValueError as error:
        assert str(error) == "extraData is neither IBFT's nor QBFT's"
    else:
        assert all(len(address) == 42 for address in found)
