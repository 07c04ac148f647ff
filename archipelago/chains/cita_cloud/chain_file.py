"""chain.json: the half of the configuration that all nodes of a chain have alike, whoever runs them.

It is what a founder hands to its partners. Every node's genesis.toml and init_sys_config.toml are made of it.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections import Counter
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from archipelago.chains.cita_cloud import files
from archipelago.chains.cita_cloud.accounts import SUITES, Suite
from archipelago.chains.cita_cloud.settings import AccountAddress
from archipelago.identity.sm import sm3

NAME = "chain.json"
_PREVHASH, _TIMESTAMP, _ROOT, _PROPOSER = 0x0A, 0x10, 0x22, 0x2A  # field number and wire type, as protobuf writes them
_HASH = bytes([32]) + bytes(32)  # its length, and 32 zeros


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


class ChainFile(BaseModel):
    """What everybody must agree on.

    Args:
        schema_version: Of this layout.
        kind: `cita-cloud`.
        name: Of the chain.
        images: The founder's set of images.
        network: Implementation of the network service: two different ones do not understand each other.
        consensus: That of consensus.
        executor: That of the executor.
        kms: That of kms, which hashes the blocks.
        timestamp: Of block 0, in milliseconds since 1970.
        chain_id: 0x and 64 hex characters.
        admin: Governs the chain.
        block_interval: Seconds.
        validators: Addresses by index.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    schema_version: int = Field(default=1, alias="schema", ge=1, le=1)
    kind: Literal["cita-cloud"] = "cita-cloud"
    name: str
    images: str
    network: str
    consensus: str
    executor: str
    kms: Literal["kms_sm", "kms_eth"]
    timestamp: Annotated[int, BeforeValidator(_whole)] = Field(ge=1, lt=2**63)
    chain_id: str = Field(pattern="^0x[0-9a-f]{64}$")
    admin: AccountAddress
    block_interval: Annotated[int, BeforeValidator(_whole)] = Field(ge=1)
    validators: tuple[AccountAddress, ...] = Field(min_length=1)

    @property
    def suite(self) -> Suite:
        """The chain's algorithms."""
        return SUITES[self.kms]

    @property
    def twice(self) -> str:
        """A validator that stands there twice; empty where none does."""
        return next((each for each, count in Counter(self.validators).items() if count > 1), "")

    @property
    def text(self) -> str:
        """The file's text."""
        return json.dumps(self.model_dump(by_alias=True, mode="json"), indent=2) + "\n"

    @property
    def hash(self) -> str:
        """The hash of block 0, 0x and 64 hex characters; of all that stands here only timestamp and kms enter it."""
        return "0x" + self.suite.hash(_header(self.timestamp)).hex()

    @property
    def rules(self) -> str:
        """What has to be equal and no hash covers."""
        return json.dumps(self.model_dump(mode="json", exclude={"schema_version", "images"}), sort_keys=True)

    @property
    def fingerprint(self) -> str:
        """Tells this chain from every other one, on the volumes of its nodes."""
        return hashlib.sha256(self.rules.encode()).hexdigest()

    def node_files(self) -> dict[str, str]:
        """The two files that it becomes at a node."""
        system = files.init_sys_config(self.chain_id, self.admin, self.block_interval, self.validators)
        return {"genesis.toml": files.genesis(self.timestamp), "init_sys_config.toml": system}


@functools.cache  # asked for once a node
def parsed(text: str) -> ChainFile:
    """Read a chain.json.

    Raises:
        ValueError: It is none.
    """
    return ChainFile.model_validate_json(text)


def chain_id(name: str, algorithm: str) -> str:
    """The chain id, which is the hash of the chain's name.

    Args:
        name: Of the chain.
        algorithm: sha256, or sm3 as cloud-config has it.
    """
    digest = sm3(name.encode()) if algorithm == "sm3" else hashlib.sha256(name.encode()).digest()
    return "0x" + digest.hex()


def _header(timestamp: int) -> bytes:
    """Block 0's header as protobuf (cita_cloud_proto, blockchain.proto); a height of 0 is left out there."""
    return (
        bytes([_PREVHASH])
        + _HASH
        + bytes([_TIMESTAMP, *_varint(timestamp), _ROOT])
        + _HASH
        + bytes([_PROPOSER])
        + _HASH
    )


def _varint(number: int) -> list[int]:
    groups = [number >> shift & 0x7F for shift in range(0, max(number.bit_length(), 1), 7)]
    return [*(group | 0x80 for group in groups[:-1]), groups[-1]]
