"""What IPFS adds to a stack file: pools of swarm members, and what is said of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from archipelago.chains.ipfs.fields import (
    AUTO,
    BalancerAddress,
    BootstrapAddress,
    EntryPoint,
    Fingerprint,
    NodeKey,
    Port,
    Release,
    SecretName,
    source,
)
from archipelago.model.endpoint import Exposed
from archipelago.settings.clients import Client
from archipelago.settings.exposure import Exposure
from archipelago.settings.images import Image, Repository
from archipelago.settings.models import NetworkSettings, NodeSettings, Requests, StackSettings, Storage
from archipelago.settings.numbers import Generation, Within
from archipelago.settings.pods import PodSettings
from archipelago.settings.profiles import Identities, place_of, with_identities
from archipelago.settings.types import Cpu, Label, Location, Memory, NamespaceName, Size, Strict, Unwritten, fault

_CONNECTIONS = 2**31 - 1
_KUBO = "kubo counts with twice of it"


class KeySource(Strict):
    """Where the key of a swarm comes from."""

    generate: Literal[True] | None = Field(default=None, description="true: derived from this stack's seed.")
    secret: SecretName | None = Field(
        default=None,
        description="A Secret in the pool's namespace. Absent, a founder makes it; who joins waits for it.",
    )
    partner: Label | None = Field(default=None, description="A partner that seals its key for us.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in ("generate", "secret", "partner") if getattr(self, name)]
        if len(given) != 1:
            words = " and ".join(given) if given else "no source"
            raise fault(f"it names {words}", "Write generate, {secret: <name>} or {partner: <name>}.")
        return self

    def __str__(self) -> str:
        return "generate" if self.generate else f"secret {self.secret}" if self.secret else f"partner {self.partner}"


Key = Annotated[
    KeySource,
    BeforeValidator(source),
    WithJsonSchema({"anyOf": [{"enum": ["generate"]}, KeySource.model_json_schema()]}),
]


class Traefik(Strict):
    """A Traefik that is there: a TCP entry point of it is this member's alone."""

    entry_point: EntryPoint = Field(description="Its TCP entry point, as ipfs.")
    service: Label = Field(default="traefik", description="Its Service, whose external address is announced.")
    namespace: NamespaceName = Field(default="traefik", description="Namespace of that Service.")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="Port of that Service; default: the one named as the entry point."
    )
    api_version: Literal["traefik.io/v1alpha1", "traefik.containo.us/v1alpha1"] = Field(
        default="traefik.io/v1alpha1", description="Of IngressRouteTCP; Traefik before 2.10 has traefik.containo.us."
    )


class SwarmExposure(Exposure):
    """How partners reach a member's swarm port, and whether its API leaves the cluster too."""

    address: BalancerAddress = Field(
        default=AUTO, description="Of the load balancer: auto, or the IP address to ask the cloud for."
    )
    api: bool = Field(default=False, description="true: the API, which may do everything to the node, is exposed too.")
    clients: tuple[Client, ...] = Field(
        default=(), description="Who may use API and gateway; default: pods of its namespace, or anybody where api is."
    )
    traefik: Traefik | None = Field(default=None, description="Instead of a Service of its own that is seen outside.")

    @model_validator(mode="before")
    @classmethod
    def _routed(cls, given: Any) -> Any:
        """A route of Traefik leads to a Service inside the cluster."""
        if isinstance(given, dict) and given.get("traefik") is not None and "type" not in given:
            return {**given, "type": Exposed.CLUSTER_IP.value}
        return given


class MemberRequests(Requests):
    """What the daemon asks of the cluster."""

    cpu: Cpu = Field(default="100m", description="CPU request.")
    memory: Memory = Field(default="256Mi", description="Memory request.")
    memory_limit: Size = Field(default="2Gi", description="Memory limit; kubo is told to stay below it.")


class Connections(Strict):
    """How many connections a member keeps; those to members in the address book are never closed."""

    low: Annotated[int, Within(1, _CONNECTIONS, _KUBO)] = Field(default=32, description="It closes down to so many.")
    high: Annotated[int, Within(2, _CONNECTIONS, _KUBO)] = Field(
        default=96, description="When there are more than so many."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise fault(f"low {self.low} is not below high {self.high}", "Leave some room between the two.")
        return self


class GarbageCollection(Strict):
    """What happens when the volume fills."""

    enabled: bool = Field(default=True, description="Unpinned blocks are dropped; false: nothing is.")
    watermark: int = Field(default=90, ge=10, le=99, description="Percent of storageMax at which it begins.")
    storage_max: int = Field(default=80, ge=10, le=95, description="Percent of storage.size that blocks may take.")


class MemberIdentity(Strict):
    """Which key a member has: derived from the seed, unless one is given."""

    generation: Generation = Field(default=1, description="Count it up to give the member another PeerID.")
    private_key: NodeKey | None = Field(
        default=None, description="An existing Identity.PrivKey (Ed25519), as a secret."
    )


class Member(NodeSettings):
    """A member of a swarm: one kubo node."""

    key: Key | None = Field(default=None, description="generate, {secret: …} or {partner: …}; default: by the network.")
    key_generation: Generation = Field(
        default=1, description="Counted up by all that change to another key of the swarm."
    )
    key_fingerprint: Fingerprint | None = Field(default=None, description="Pin: another key of the swarm is refused.")
    share_key_with: tuple[Label, ...] | None = Field(
        default=None, description="Partners that get the key sealed; default: all that this stack lists."
    )
    bootstrap: tuple[BootstrapAddress, ...] = Field(
        default=(), description="More members to dial first, as multiaddrs; partners' are dialled without being here."
    )
    exposure: SwarmExposure = SwarmExposure()
    swarm_port: Annotated[int, Within(1, 65535, "it is a port")] = Field(
        default=4001,
        description="Of the swarm: container, headless Service, load balancer; below 1024 of the load balancer alone.",
    )
    api_port: Port = Field(default=5001, description="Of the API: container, headless Service, load balancer.")
    gateway: bool = Field(default=False, description="true: its HTTP gateway serves pods of the cluster.")
    gateway_port: Port = Field(default=8080, description="Of the gateway.")
    version: Release | None = Field(default=None, description="Release of kubo, instead of network.version.")
    resources: MemberRequests = MemberRequests()
    storage: Storage = Storage()
    connections: Connections = Connections()
    garbage_collection: GarbageCollection = GarbageCollection()
    log_level: Literal["error", "warn", "info", "debug"] = Field(default="error", description="Of kubo.")
    identity: MemberIdentity = MemberIdentity()


class Pool(Strict):
    """Members that stand in one namespace."""

    namespace: NamespaceName | None = Field(default=None, description="Of its members; default: cluster.namespace.")
    create_namespace: bool = Field(default=True, description="false: the namespace is there and is not ours.")
    swarms: dict[Label, Member] = Field(default={}, description="Its members, by the swarm that each is in.")


class KuboImages(Strict):
    """Where the images come from; the release is the tag, unless a digest pins an image."""

    kubo: Repository = Field(default="docker.io/ipfs/kubo", description="Since 0.14; with @sha256:… one image.")
    go_ipfs: Repository = Field(default="docker.io/ipfs/go-ipfs", description="Before 0.14; with @sha256:… one image.")


class MonitorRequests(Requests):
    """What the monitor asks of the cluster."""

    cpu: Cpu = Field(default="20m", description="CPU request.")
    memory: Memory = Field(default="64Mi", description="Memory request.")
    memory_limit: Size = Field(default="128Mi", description="Memory limit.")


class Monitor(PodSettings):
    """The pod that tells who is reachable: Peer objects' status, and metrics."""

    enabled: bool = Field(default=True, description="false: no status of Peers and no metrics.")
    image: Image = Field(default="docker.io/library/python:3.13-slim", description="With Python 3.11 or later.")
    resources: MonitorRequests = MonitorRequests()


class IpfsNetwork(NetworkSettings):
    """The `network` section of an IPFS stack."""

    kind: Literal["ipfs"] = Field(description="ipfs")
    version: Release = Field(default="0.42.0", description="Release of kubo; a member may override it.")
    images: KuboImages = KuboImages()
    peers: Literal["crd", "configMap"] = Field(
        default="crd", description="What a partner's identity becomes: a Peer object, or a ConfigMap."
    )
    monitor: Monitor = Monitor()


class IpfsStack(StackSettings[IpfsNetwork, Member]):
    """A stack file of IPFS."""

    pools: dict[Label, Pool] = Field(default={}, description="Your swarm members, in pools by name.")
    identities: Identities = Field(default={}, description="What you show of your cluster, and whom you let in.")
    refuse: tuple[Label, ...] = Field(
        default=(), description="Organisations whose relayed profiles are not taken, nor kept any longer."
    )
    nodes: Unwritten[dict[Label, Member]] = Field(default={})

    def members(self) -> Iterator[tuple[str, str]]:
        """Pool and swarm of each member, in the order in which they are written."""
        return ((pool, swarm) for pool, said in self.pools.items() for swarm in said.swarms)

    def place(self, node: str) -> tuple[str, str]:
        """Pool and swarm of a member.

        Raises:
            KeyError: There is no such member.
        """
        found = {f"{pool}-{swarm}": (pool, swarm) for pool, swarm in self.members()}
        return found[node]

    def namespace_of(self, node: str) -> str:
        """Where a member's objects stand."""
        pool, _ = self.place(node)
        return self.pools[pool].namespace or self.cluster.namespace

    @property
    def namespaces(self) -> dict[str, bool]:
        """The stack's own, which has what its members share, those of pools and identities; and which of them it makes.

        Pools may stand in one namespace: it is made unless one of them says that it is there.
        """
        found = super().namespaces
        for pool in self.pools.values():
            name = pool.namespace or self.cluster.namespace
            found[name] = found.get(name, True) and pool.create_namespace
        return with_identities(found, self.identities)

    def path_of_namespace(self, namespace: str) -> str:
        """The first pool that names it, else an identity, where it is not the stack's own."""
        if namespace == self.cluster.namespace:
            return "cluster.namespace"
        named = (f"pools.{name}.namespace" for name, pool in self.pools.items() if pool.namespace == namespace)
        return next(named, "") or place_of(namespace, self.identities) or "cluster.namespace"

    def gathered(self) -> dict[str, Member]:
        """The members by the names of their pool and their swarm."""
        return {f"{pool}-{swarm}": self.pools[pool].swarms[swarm] for pool, swarm in self.members()}

    @classmethod
    def written_nodes(cls, config: Mapping[str, Any]) -> Iterator[Location]:
        """`pools.<pool>.swarms.<swarm>`."""
        pools = config.get("pools")
        for pool, said in (pools if isinstance(pools, dict) else {}).items():
            swarms = said.get("swarms") if isinstance(said, dict) else None
            yield from (("pools", pool, "swarms", swarm) for swarm in (swarms if isinstance(swarms, dict) else ()))

    def path_of(self, node: str) -> str:
        """`pools.<pool>.swarms.<swarm>`; of a member that was taken out, where it would be."""
        try:
            pool, swarm = self.place(node)
        except KeyError:
            pool = max((each for each in self.pools if node.startswith(f"{each}-")), key=len, default="<pool>")
            swarm = node.removeprefix(f"{pool}-")
        return f"pools.{pool}.swarms.{swarm}"
