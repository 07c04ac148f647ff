"""A partner's node that was pasted, as people write it; and a chain that grows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archipelago.settings import yaml_reader
from archipelago.settings.stack_file import from_file
from tests.cita import CITA, local, outside, plan_of
from tests.stacks import changed, outputs_of
from tests.world import difference

pytestmark = pytest.mark.unit

ADDRESS = "0xbdfa0bbd30e5219d7778c461e49b600fdfb703bb"
DEVICE = "NVSFY4A-Z22XP3J-WHA5GPL-AGFCVVA-IWECW3E-GE34T2O-3MUXT63-LTE6YQP"
PASTED: dict[str, Any] = {
    "name": "node2",
    "index": 2,
    "address": ADDRESS,
    "deviceId": DEVICE,
    "host": "198.51.100.7",
    "portBase": 30000,
}


def test_cf5_an_unquoted_address_of_a_pasted_partner_is_that_address(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.a.yaml"
    listed = ", ".join(f"{key}: {value}" for key, value in PASTED.items())
    path.write_text(f"config:\n  archipelago:partners:\n    beta:\n      nodes:\n        - {{{listed}}}\n")
    partners = from_file(path)["partners"]
    plan = plan_of(local({"partners": partners, "nodes": {"node0": {"index": 0}, "node1": {"index": 1}}}))
    assert [node.address for given in plan.imports for node in given.nodes] == [ADDRESS]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (ADDRESS, ADDRESS),
        (ADDRESS.upper().replace("X", "x"), ADDRESS.upper().replace("X", "x")),
        ("0x" + "00" * 8 + "ff" * 32, "0x" + "00" * 8 + "ff" * 32),
        ("0xffffffffffffffff", 2**64 - 1),
        ("0x1ffffffffffffffff", "0x1ffffffffffffffff"),
        ("0x2a", 42),
        ("30303", 30303),
        ("123456789012345678901234567890", 123456789012345678901234567890),
    ],
)
def test_cf5_numbers_of_more_than_64_bits_stay_as_they_are_written(written: str, read: Any) -> None:
    """The engine's reader keeps an unquoted key or hash as text, too."""
    assert yaml_reader.load(f"value: {written}") == {"value": read}


def test_cf5_an_address_that_begins_with_zeros_and_was_read_as_a_number_is_padded() -> None:
    node = CITA.parse_node({**PASTED, "address": 0x2A}, "test-chain", "beta")
    assert node.address == "0x" + "2a".zfill(40)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("address", 0, "address must be a text, got '0'"),
        ("address", True, "address must be a text"),
        ("name", 2, "name must be a text, got '2'"),
        ("host", None, "host must be a text"),
        ("index", "two", "index must be a whole number, got 'two'"),
        ("portBase", 1.5, "portBase must be a whole number, got '1.5'"),
        ("portBase", True, "portBase must be a whole number"),
    ],
)
def test_cf5_a_value_of_another_kind_is_said_in_plain_words(key: str, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CITA.parse_node({**PASTED, key: value}, "test-chain", "beta")


def test_r44_two_nodes_at_once_with_a_gap_change_no_pod_that_runs() -> None:
    before = plan_of(outside())
    config = changed(outside(), {"nodes.reader4": {"index": 4}, "nodes.reader7": {"index": 7}})
    after = plan_of(config, last=outputs_of(before))
    kinds = {(kind, name) for kind, name in difference(before, after) if kind in ("StatefulSet", "Deployment")}
    assert {name.rpartition("/")[2] for _, name in kinds} == {"test-chain-4", "test-chain-7"}
    assert after.genesis == before.genesis
    peers = after.live_files["test-chain-7.toml"]
    assert [f"test-chain-{index}" in peers for index in (0, 1, 2, 4, 7)] == [True, True, True, True, False]


def test_r44_a_reader_that_comes_into_the_gap_leaves_those_before_it_as_they_are() -> None:
    first = plan_of(outside())
    config = changed(outside(), {"nodes.reader7": {"index": 7}})
    second = plan_of(config, last=outputs_of(first))
    third = plan_of(changed(config, {"nodes.reader5": {"index": 5}}), last=outputs_of(second))
    kinds = {(kind, name) for kind, name in difference(second, third) if kind in ("StatefulSet", "Secret")}
    assert {name.rpartition("/")[2] for _, name in kinds} == {"test-chain-5", "test-chain-5-identity"}
