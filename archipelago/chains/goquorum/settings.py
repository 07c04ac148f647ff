"""What GoQuorum adds to a stack file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from archipelago.model.endpoint import Exposed
from archipelago.settings.clients import Client
from archipelago.settings.images import Repository
from archipelago.settings.models import NetworkSettings, NodeSettings, Requests
from archipelago.settings.numbers import LARGEST_EXACT, LARGEST_SIGNED, Generation, Within
from archipelago.settings.types import (
    Address,
    BlockHash,
    Cpu,
    CurveKey,
    Memory,
    NodePort,
    PrivateKey,
    Size,
    Strict,
    Version,
    fault,
)

# where GoQuorum 22.7.4 reads them: eth/backend.go, params/config.go, core/genesis.go, consensus/istanbul/qbft/core
_CHAIN_ID = "GoQuorum does not start with chain id 1, and larger ones are rounded on their way between stacks"
_GETH = "geth reads a number of 64 bits, and Pulumi rounds larger ones"
_GAS = "geth refuses a block with another gas limit"
LONGEST_PERIOD = 3600  # seconds between blocks
_LONGEST = 2**63 // 10**9 * 1000  # of a Go duration, in milliseconds
_CLOCK = "geth counts nanoseconds in 63 bits, and the genesis has whole seconds"


def _wei(value: Any) -> Any:
    # The engine reads a YAML number beyond 64 bits as a float: 10^27 would arrive with 13287555072 wei more.
    if isinstance(value, float) or (isinstance(value, int) and value > LARGEST_SIGNED):
        raise fault(f"{value} is no exact number of wei: Pulumi rounds large ones", "Write the balance in quotes.")
    return value


Wei = Annotated[
    int,
    BeforeValidator(_wei),
    Field(ge=0, lt=2**256),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": LARGEST_SIGNED},
                {"type": "string", "pattern": r"^\d+$"},
            ]
        }
    ),
]


class GenesisSettings(Strict):
    """What the first block says. Read once, when the network is founded; frozen ever after."""

    validators: tuple[str, ...] = Field(
        default=(), description="Nodes by name, a partner's as partner/name; default: own nodes with validator: true."
    )
    alloc: dict[Address, Wei] | None = Field(
        default=None,
        description="Balances in wei by address, in quotes; default: 10^27 for the account of each own node.",
    )
    block_period: int | None = Field(
        default=None, ge=1, le=LONGEST_PERIOD, description="Seconds between blocks; default 3."
    )
    epoch: Annotated[int, Within(1, LARGEST_SIGNED, _GETH)] | None = Field(
        default=None, description="Blocks between checkpoints; default 30000."
    )
    request_timeout: Annotated[int, Within(1000, _LONGEST, _CLOCK), Field(multiple_of=1000)] | None = Field(
        default=None, description="Milliseconds before a round is given up; default 10000."
    )
    gas_limit: Annotated[int, Within(5000, LARGEST_SIGNED, _GAS)] | None = Field(
        default=None, description="Of the first block; default 0xE0000000."
    )


class Privacy(Strict):
    """The private-transaction manager beside each node."""

    manager: Literal["tessera", "none"] = Field(default="tessera", description="tessera or none.")
    version: Version = Field(default="22.1.7", description="Release of Tessera.")


def _privacy(value: Any) -> Any:
    return {"manager": value} if isinstance(value, str) else value


class Images(Strict):
    """Where the images come from; the release is the tag, unless a digest pins an image."""

    goquorum: Repository = Field(
        default="quorumengineering/quorum", description="Repository of GoQuorum's image, or with @sha256:… one image."
    )
    tessera: Repository = Field(
        default="quorumengineering/tessera", description="Repository of Tessera's image, or with @sha256:… one image."
    )


class GoQuorumNetwork(NetworkSettings):
    """The `network` section of a GoQuorum stack."""

    kind: Literal["goquorum"] = Field(description="goquorum")
    chain_id: Annotated[int, Within(2, LARGEST_EXACT, _CHAIN_ID)] | None = Field(
        default=None, description="Chain id; the founder chooses it."
    )
    consensus: Literal["istanbul", "qbft"] | None = Field(default=None, description="qbft (default) or istanbul.")
    version: Version = Field(default="22.7.4", description="Release of GoQuorum; a node may override it.")
    genesis: GenesisSettings | None = Field(default=None, description="What the founder chooses for the first block.")
    genesis_hash: BlockHash | None = Field(default=None, description="Pin: another genesis is refused.")
    genesis_file: str | None = Field(
        default=None, description="A genesis.json made elsewhere, a path from the project's folder."
    )
    privacy: Annotated[
        Privacy,
        BeforeValidator(_privacy),
        WithJsonSchema({"anyOf": [{"enum": ["none", "tessera"]}, Privacy.model_json_schema()]}),
    ] = Field(default=Privacy(), description="none, or {manager: tessera, version: …}.")
    images: Images = Images()


class Api(Strict):
    """The ports that clients use; all closed unless opened here."""

    rpc: bool = Field(default=False, description="JSON-RPC over HTTP, port 8545.")
    websocket: bool = Field(default=False, description="JSON-RPC over WebSocket, port 8546.")
    third_party: bool = Field(default=False, description="Tessera's third-party API, port 9080.")
    type: Exposed = Field(default=Exposed.CLUSTER_IP, description="Type of the Service they are on.")
    ports: dict[str, NodePort] = Field(default={}, description="Pinned NodePorts: rpc, ws, third-party.")
    clients: tuple[Client, ...] = Field(
        default=(), description="Who may use it; default: pods of this namespace, or anybody where type opens it."
    )
    namespaces: tuple[Literal["eth", "net", "web3", "txpool", "quorum", "istanbul", "debug", "admin"], ...] = Field(
        default=("eth", "net", "web3"),
        description="RPC namespaces that clients may use; admin, debug and istanbul need ClusterIP and clients.",
    )


class PrivacyRequests(Requests):
    """What Tessera asks of the cluster."""

    cpu: Cpu = Field(default="100m", description="CPU request of Tessera.")
    memory: Memory = Field(default="512Mi", description="Memory request of Tessera.")
    memory_limit: Size = Field(default="2Gi", description="Memory limit of Tessera; its heap is a quarter of it.")


class NodeIdentity(Strict):
    """Which keys a node has: derived from the seed, unless one is given."""

    generation: Generation = Field(default=1, description="Count it up to rotate the node's derived keys.")
    nodekey: CurveKey | None = Field(default=None, description="An existing node key (64 hex), as a secret.")
    account: CurveKey | None = Field(default=None, description="An existing account key (64 hex), as a secret.")
    tessera: PrivateKey | None = Field(
        default=None, description="An existing Tessera key (32 bytes in hex), as a secret."
    )
    keystore: Literal[1, 2] | None = Field(
        default=None,
        description="Format of the account's file; default: the running node's, or 2. Another one restarts the node.",
    )


class GoQuorumNode(NodeSettings):
    """A node of a GoQuorum stack."""

    validator: bool = Field(default=False, description="Whether it shall validate; later changes are voted in.")
    version: Version | None = Field(default=None, description="Its release, instead of network.version.")
    privacy_version: Version | None = Field(
        default=None, description="Its Tessera, instead of network.privacy.version."
    )
    privacy_resources: PrivacyRequests = PrivacyRequests()
    extra_args: tuple[str, ...] = Field(default=(), description="Arguments of geth, after ours.")
    verbosity: int = Field(default=3, ge=0, le=5, description="geth's log level.")
    unlock: bool = Field(
        default=False,
        description="Unlock the node's account, for clients that do not sign themselves; an open api needs clients.",
    )
    api: Api = Api()
    identity: NodeIdentity = NodeIdentity()
