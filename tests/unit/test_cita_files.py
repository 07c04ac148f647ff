"""The files of a node, against what runner_k8s wrote: `cita_files_vectors.json` holds the output of its two releases.

It was run with numbered accounts in the place of random ones; of config.xml the digest of the canonical form is kept.
"""

from __future__ import annotations

import hashlib
from typing import Any
from xml.etree.ElementTree import canonicalize, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from archipelago.chains.cita_cloud import files
from archipelago.chains.cita_cloud.syncthing import Device, config
from tests.unit.vectors import vectors

pytestmark = pytest.mark.unit

VECTORS = vectors("cita_files")
TEST_CHAIN = "0x26b0b83e7281be3b117658b6f2636d0368cad3d74f22243428f5401a4b70897e"
OTHERS = [("test-chain-0", 40000), ("test-chain-2", 40000)]
each_release = pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)


@each_release
def test_the_configuration_of_a_node_is_byte_for_byte_that_of_the_original(vector: dict[str, Any]) -> None:
    addresses = [f"0x{number:040x}" for number in range(0xA0, 0xA4)]
    timestamp = int(vector["genesis.toml"].split()[2])
    assert files.consensus_config(1) == vector["consensus-config.toml"]
    assert files.controller_config(0) == vector["controller-config.toml"]
    assert files.genesis(timestamp) == vector["genesis.toml"]
    assert files.init_sys_config(TEST_CHAIN, addresses[0], 6, addresses[1:]) == vector["init_sys_config.toml"]


def test_the_list_of_peers_is_that_of_release_5_which_release_4_reads_too() -> None:
    """Release 4 looks for port and peers only; release 5 does not start without enable_tls."""
    made = files.network_head(tls=True) + files.network_peers(OTHERS)
    assert made == VECTORS["v5"]["network-config.toml"]
    assert made == "enable_tls = true\n" + VECTORS["seed"]["network-config.toml"]


def test_a_node_alone_has_an_empty_list_of_peers() -> None:
    assert files.network_head(tls=False) + files.network_peers([]) == "enable_tls = false\nport = 40000\npeers = []\n"


@each_release
def test_syncthings_configuration_says_what_the_original_says(vector: dict[str, Any]) -> None:
    devices = [Device(each, f"test-chain-{n}", f"test-chain-{n}", 22000) for n, each in enumerate(vector["devices"])]
    canonical = canonicalize(config("test-chain", devices), strip_text=True)
    assert hashlib.sha256(canonical.encode()).hexdigest() == vector["config.xml"]["canonical sha256"]


@given(host=st.text(), name=st.text(), identity=st.text())
def test_c11_whatever_a_device_is_called_syncthing_reads_the_file(host: str, name: str, identity: str) -> None:
    """A control character in a partner's host stopped syncthing at all nodes at once."""
    root = fromstring(config("x", [Device(identity, name, host, 22000), Device("A", "a", "a\x01b", 22000)]))
    assert len(root.findall("device")) == 2


def test_an_ipv6_address_is_dialled_in_brackets() -> None:
    assert "<address>tcp://[2001:db8::1]:30001</address>" in config("x", [Device("A", "a", "2001:db8::1", 30001)])


@each_release
@pytest.mark.parametrize("stdout", [False, True])
def test_a_log_goes_where_it_is_asked_for(vector: dict[str, Any], stdout: bool) -> None:
    made = YAML(typ="safe", pure=True).load(files.log_config("kms", "info", stdout))
    original = vector["kms-log4rs.yaml"]
    assert made["appenders"] == original["appenders"]
    assert made["root"] == {"level": "info", "appenders": ["stdout" if stdout else "journey-service"]}
    assert made["refresh_rate"] == original["refresh_rate"]
