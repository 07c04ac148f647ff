"""What organisations tell each other about their nodes: the versioned records, and the signed bundle around them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from archipelago.identity.curve25519 import sign, signer, verify
from archipelago.model.endpoint import Endpoint
from archipelago.model.texts import Coded, Name, NameOrNone, Printed, Title

SCHEMA = 1
LATEST = 2**53 - 1
"""The highest edition: numbers cross stacks as floats."""
MOST_NODES = 2000
"""Nodes of one organisation: each stands twice in the ConfigMap of peers, with up to 200 characters."""
MOST_ENDPOINTS = 16
"""Ports of one node."""
VALIDATOR = "validator"
"""The role of a node that its organisation wants to validate."""
BUNDLE, NODE = "bundle", "node"
"""What a bundle, and a node's claim, say that their signatures are for (decision 0019)."""
MOST_BESIDE = 16
"""Numbers that nodes are told beside their genesis."""
LARGEST_FILE = (1 << 20) - (1 << 13)
"""Bytes of a text in a ConfigMap, which holds 1 MiB with its names and labels."""
MOST_SEALED, LONGEST_SEALED = 1000, 1 << 17
"""Texts that one partner seals for another, and characters of each."""


def _stored(text: str) -> str:
    if (size := len(text.encode())) > LARGEST_FILE:
        raise ValueError(f"a genesis must have at most {LARGEST_FILE} bytes, got {size}")
    return text


class Record(BaseModel):
    """A thing that crosses between stacks: strings and ints only; what a later writer added is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)

    def plain(self) -> dict[str, Any]:
        """The record as it is exported: camel case, empty values left out."""
        return self.model_dump(by_alias=True, mode="json", exclude_defaults=False, exclude_none=True)


class ExternalNode(Record):
    """A node as partners see it.

    Args:
        schema_version: Version of this record's layout, written as `schema`.
        network: Name of the network.
        organisation: Who runs it.
        name: Its name, unique in its organisation.
        node_id: Its public p2p identity; for Ethereum 128 hex characters.
        address: Its validator address where the protocol has one, else empty.
        account: The address of its account, else empty.
        role: `validator` or `member`: what its organisation wants it to be.
        endpoints: By port name, as `p2p`.
        privacy_key: Its private-transaction public key, else empty.
        generation: Counted up by its organisation whenever it gives the node other keys on purpose.
        index: Its place among all nodes of the network, where the protocol numbers them.
        swarm: The part of the network that it is in, where a network has several with a secret key each.
        fingerprint: Of that key, as the protocol's own tool prints it; None while the key is not known.
        key_generation: Which key of the swarm it is: counted up by everybody who shall have another one.
        namespace: Where it stands in its own cluster, if not where its network's other objects do.
        proof: The signature of its own key over `claim`; None where its protocol has none, and from older programs.
    """

    schema_version: int = Field(default=SCHEMA, alias="schema", ge=1, le=SCHEMA)
    network: Name
    organisation: Name
    name: Title
    node_id: Coded
    address: Coded = ""
    account: Coded = ""
    role: Coded = "member"
    endpoints: dict[Name, Endpoint] = Field(default={}, max_length=MOST_ENDPOINTS)
    privacy_key: Coded = ""
    generation: int = Field(default=1, ge=0, le=LATEST)
    index: int | None = Field(default=None, ge=0, le=LATEST)
    swarm: NameOrNone | None = None
    fingerprint: Coded | None = None
    key_generation: int | None = Field(default=None, ge=1, le=LATEST)
    namespace: NameOrNone | None = None
    proof: Coded | None = None

    @property
    def claim(self) -> bytes:
        """What its key signs: whose node it is. Else an organisation could export the nodes of others as its own."""
        said = {"organisation": self.organisation, "network": self.network, "nodeId": self.node_id}
        return canonical({"purpose": NODE, **said})

    def dialled_at(self, *ports: str) -> ExternalNode:
        """This node with the endpoints of these ports alone: any other would open the egress of its partners for it."""
        kept = {name: self.endpoints[name] for name in ports if name in self.endpoints}
        return self.model_copy(update={"endpoints": kept})

    @property
    def key(self) -> tuple[str, str]:
        """Its place in the address book."""
        return (self.organisation, self.name)

    def __str__(self) -> str:
        return f"{self.organisation}/{self.name}"


class NetworkRecord(Record):
    """What a stack knows of the network as a whole.

    Args:
        schema_version: Version of this record's layout, written as `schema`.
        name: Name of the network.
        kind: Protocol, as `goquorum`.
        organisation: Who exports this.
        namespace: Where its objects stand in its own cluster.
        founder: Whose genesis it is.
        chain_id: Chain id, 0 where the protocol has none.
        genesis: The genesis file's text, byte for byte; empty while a validator that it names is unknown.
        genesis_hash: Hash of the genesis block, empty as above.
        edition: Count of the bundle that it is in, higher with each change, so that an older one is known as such.
            It stands here because readers of today check the signature over this record as it is.
        beside_genesis: What its nodes are told beside the genesis that does not say it, as `blockPeriod`; None where
            it says all.
        purpose: What the signature over the bundle that it is in is for: `bundle`; None from older programs. It stands
            here for the same reason as the edition.
    """

    schema_version: int = Field(default=SCHEMA, alias="schema", ge=1, le=SCHEMA)
    name: Name
    kind: Coded
    organisation: Name
    namespace: NameOrNone = ""
    founder: NameOrNone = ""
    chain_id: int = Field(default=0, ge=0)
    genesis: Annotated[str, AfterValidator(_stored)] = ""
    genesis_hash: Coded = ""
    edition: int | None = Field(default=None, ge=0, le=LATEST)
    beside_genesis: dict[Coded, Annotated[int, Field(ge=1, le=LATEST)]] | None = Field(
        default=None, max_length=MOST_BESIDE
    )
    purpose: Coded | None = None


class Bundle(Record):
    """Everything one organisation hands to another, signed.

    Args:
        schema_version: Version of this layout, written as `schema`.
        organisation: Who signs.
        key: Its public signing key, `ed25519:` and 64 hex characters.
        network: The network as it knows it.
        external_nodes: Its nodes.
        sealing_key: What others seal for, `x25519:` and 64 hex characters; None where nothing is ever sealed.
        sealed: What it has for others alone: sealed texts by partner and item.
        profiles: What it shows of itself, each profile under a signature of its own.
        relayed_profiles: What others show of themselves, and by which ways it came.
        sibling_nodes: Nodes of its other stacks in the network, as those gave them; None where it names no such stack.
        signature: Ed25519 over the canonical text of all the above; empty where nobody signed.
    """

    schema_version: int = Field(default=SCHEMA, alias="schema", ge=1, le=SCHEMA)
    organisation: Name
    key: Coded = ""
    network: NetworkRecord | None = None
    external_nodes: tuple[ExternalNode, ...] = Field(default=(), max_length=MOST_NODES)
    sealing_key: Coded | None = None
    sealed: dict[Name, dict[Printed, str]] | None = None
    profiles: tuple[dict[str, Any], ...] | None = None
    relayed_profiles: tuple[dict[str, Any], ...] | None = None
    sibling_nodes: tuple[ExternalNode, ...] | None = Field(default=None, max_length=MOST_NODES)
    signature: Coded = ""

    @model_validator(mode="after")
    def _one_organisation(self) -> Self:
        for node in (*self.external_nodes, *(self.sibling_nodes or ())):
            if node.organisation != self.organisation:
                raise ValueError(f"{self.organisation} hands over the node {node}, which is not its own")
        return self

    def signed(self, private: bytes) -> Bundle:
        """This bundle under the signature of an organisation's Ed25519 private key (32 bytes)."""
        keyed = self.model_copy(update={"key": signer(private), "signature": ""})
        return keyed.model_copy(update={"signature": sign(private, canonical(keyed.plain()))})


def canonical(value: dict[str, Any]) -> bytes:
    """The text that is signed: JSON with sorted keys and no spaces, without the signature itself.

    Numbers cross stacks as floats, so a float that is a whole number is written as one.
    """

    def whole(item: Any) -> Any:
        if isinstance(item, str):  # most are
            return item
        if isinstance(item, float) and item.is_integer():
            return int(item)
        if isinstance(item, dict):
            return {k: whole(v) for k, v in item.items()}
        return [whole(v) for v in item] if isinstance(item, list) else item

    unsigned = {k: v for k, v in whole(value).items() if k != "signature"}
    return json.dumps(unsigned, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def is_signed(raw: dict[str, Any]) -> bool:
    """Whether a bundle, as it was received, carries the signature of the key it names.

    It is checked over what was received, not over what was understood: fields of a later writer do not break it. What
    the same key has signed for another purpose is no bundle, whatever its fields.
    """
    network = raw.get("network")
    if isinstance(network, str):  # a profile's; a bundle has a record there, or nothing
        return False
    if not all(for_purpose(each, BUNDLE) for each in (raw, network) if isinstance(each, dict)):
        return False
    return verify(str(raw.get("key", "")), canonical(raw), str(raw.get("signature", "")))


def for_purpose(said: Mapping[str, Any], purpose: str) -> bool:
    """Whether a signed text says that it was signed for a purpose; one of an older program says nothing."""
    return said.get("purpose") in (None, purpose)
