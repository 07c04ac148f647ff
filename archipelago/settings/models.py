"""The stack file's sections that every kind of network shares. A chain adds keys to `network` and to a node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, SecretStr, model_validator

from archipelago.identity.derive import seed_from_text
from archipelago.model.endpoint import Host
from archipelago.model.plan import Resources
from archipelago.model.volume import Place
from archipelago.problems import Problem
from archipelago.settings.exposure import Exposure
from archipelago.settings.numbers import Within
from archipelago.settings.partner import Partner, Sibling
from archipelago.settings.pods import NodePod
from archipelago.settings.sources import Sources
from archipelago.settings.types import (
    DEFAULT_NODE_PORTS,
    SEALED,
    Cpu,
    Directory,
    Label,
    Location,
    Machine,
    Memory,
    NamespaceName,
    NodePorts,
    NoneOrName,
    ObjectName,
    Size,
    Strict,
    fault,
    quantity,
)

SET_SEED = (
    "Set one that you keep a copy of:  openssl rand -hex 32 | pulumi config set --secret archipelago:identitySeed"
)


def _seed(value: SecretStr) -> SecretStr:
    if value.get_secret_value() != SEALED:
        try:
            seed_from_text(value.get_secret_value())
        except ValueError as error:
            raise fault(f"the seed {error}", SET_SEED) from None
    return value


class Cluster(Strict):
    """Where this organisation's nodes run."""

    context: str = Field(default="", description="Context of the kubeconfig; empty for its current one.")
    kubeconfig: str = Field(
        default="", description="Path of the kubeconfig, from the project's folder; empty for the ambient one."
    )
    uid: str = Field(
        default="", description="UID of its namespace kube-system: in any other cluster the run is refused."
    )
    namespace: NamespaceName = Field(default="archipelago", description="Namespace of all objects.")
    create_namespace: bool = Field(default=True, description="false: the namespace is there and is not ours.")
    pod_security: Literal["restricted", "baseline", "privileged"] = Field(
        default="restricted",
        description="Which pods are let into the namespaces that the stack makes for its nodes: a level of Kubernetes.",
    )
    openshift: bool = Field(
        default=False,
        description="true: pods get their ids from the namespace, and look names up at port 5353, too.",
    )
    evictable_validators: Annotated[int, Within(0, 1000, "no more validators are known to run")] | None = Field(
        default=None,
        description="How many validators a drain may take at a time; default: 1, or 0 of a chain that bears no loss.",
    )
    address: Host | None = Field(default=None, description="What partners dial for NodePorts: a node's IP or name.")
    node_ports: NodePorts = Field(
        default=DEFAULT_NODE_PORTS, description="Range of its NodePorts, where it has another."
    )
    network_policies: bool = Field(default=True, description="false: the cluster's own policies say who may connect.")
    api_server: str = Field(default="", description="Public URL of the API server, where partners get a kubeconfig.")
    api_server_ca: str = Field(default="", description="What signs its certificate, in PEM; default: the cluster's CA.")

    @property
    def node_port_range(self) -> range:
        """The numbers that a NodePort may have here."""
        first, _, last = self.node_ports.partition("-")
        return range(int(first), int(last) + 1)

    def at(self, root: Path) -> Self:
        """The same, with the kubeconfig at one place for every process, wherever that runs.

        Args:
            root: The project's folder, where a relative path starts.
        """
        if not self.kubeconfig:
            return self
        return self.model_copy(update={"kubeconfig": str(root.absolute() / Path(self.kubeconfig).expanduser())})


class LocalDirectory(Strict):
    """A directory of one machine of the cluster: the same path on another machine is another disk."""

    host: Machine | None = Field(default=None, description="Its machine, as the label kubernetes.io/hostname says.")
    path: Directory | None = Field(default=None, description="Absolute; it is there, and belongs to one node.")


class NfsDirectory(Strict):
    """A directory of an NFS server."""

    server: Host | None = Field(default=None, description="Host name or address of the NFS server.")
    path: Directory | None = Field(default=None, description="As exported; it is there, and belongs to one node.")


class Storage(Strict):
    """A node's volume: made by a StorageClass, or a directory or claim that is there."""

    size: Size = Field(
        default="20Gi", description="Grown in place when raised, never shrunk; of a directory it never changes."
    )
    storage_class: NoneOrName = Field(default="", description="StorageClass; empty for the cluster's default.")
    local: LocalDirectory | None = Field(default=None, description="A directory of one machine of the cluster.")
    nfs: NfsDirectory | None = Field(default=None, description="A directory of an NFS server.")
    claim: ObjectName | None = Field(
        default=None, description="A claim that is there and that several nodes share, each in its own folder."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = {"storageClass": self.storage_class, "local": self.local, "nfs": self.nfs, "claim": self.claim}
        given = [kind for kind, value in kinds.items() if value]
        if len(given) > 1:
            cure = 'Choose one; what archipelago:defaults says is taken back by storageClass: "" or null.'
            raise fault(f"it names {' and '.join(given)}", cure)
        return self

    @property
    def place(self) -> Place | None:
        """The directory that is there; None where a StorageClass makes one, a claim has it, or a part is missing."""
        if self.local and self.local.path and self.local.host:
            return Place(self.local.path, machine=self.local.host)
        if self.nfs and self.nfs.path and self.nfs.server:
            return Place(self.nfs.path, server=self.nfs.server)
        return None


class Requests(Strict):
    """What a node's main container asks of the cluster."""

    cpu: Cpu = Field(default="250m", description="CPU request.")
    memory: Memory = Field(default="1Gi", description="Memory request.")
    memory_limit: Size = Field(default="4Gi", description="Memory limit.")

    @property
    def given(self) -> Resources:
        """The same, for a plan."""
        return Resources(self.cpu, self.memory, self.memory_limit)

    def problems(self, path: str) -> Iterator[Problem]:
        """What Kubernetes refuses; `defaults` may say a part of it, so that only a whole node is asked.

        Args:
            path: Where it stands in the stack file.
        """
        if quantity(self.memory) > quantity(self.memory_limit):
            words = f"must be at most memoryLimit, which is {self.memory_limit}, got {self.memory}."
            yield Problem(f"{path}.memory", words, "Lower it, or raise memoryLimit.")


class NodeParts(Strict):
    """What a node is made of: its ways in, its volume, its main container."""

    exposure: Exposure = Exposure()
    storage: Storage = Storage()
    resources: Requests = Requests()
    await_ready: bool = Field(
        default=True,
        description="false: no run waits until this node is in sync, nor do the nodes after it in a rollout.",
    )


class NodeSettings(NodePod, NodeParts):
    """What every kind of node may say."""


class NetworkSettings(Strict):
    """What every kind of network says."""

    kind: str = Field(description="Protocol of the network, as goquorum.")
    name: Label = Field(description="Name of the network, the same in every stack.")
    founder: bool = Field(default=False, description="true in the one stack that makes the genesis.")
    joins: Label | None = Field(default=None, description="Name of the partner that founded the network.")

    @model_validator(mode="after")
    def _founder_or_joiner(self) -> Self:
        if self.founder == (self.joins is not None):
            words = "both founder and joins" if self.founder else "neither founder: true nor joins"
            cure = (
                "Write founder: true in the one stack that makes the genesis, joins: <its organisation> in the others."
            )
            raise fault(f"it says {words}", cure)
        return self


Network = TypeVar("Network", bound=NetworkSettings)
Node = TypeVar("Node", bound=NodeSettings)


class StackSettings(Strict, Sources, Generic[Network, Node]):
    """A whole stack file, validated.

    A kind whose nodes stand in a section of its own subclasses it: it declares the section, makes `nodes` `Unwritten`,
    and says in `gathered`, `written_nodes` and `path_of` where its nodes are.
    """

    identity_seed: Annotated[SecretStr, AfterValidator(_seed)] = Field(description=SET_SEED)
    organisation: Label = Field(description="Who you are: a DNS label, the same in every stack of yours.")
    cluster: Cluster = Cluster()
    network: Network
    defaults: Node | None = Field(default=None, description="What every node says unless it says otherwise itself.")
    nodes: dict[Label, Node] = Field(default={}, description="Your nodes by name.")
    partners: dict[Label, Partner] = Field(default={}, description="Other organisations by name.")
    siblings: dict[Label, Sibling] = Field(
        default={}, description="Other stacks of your own organisation in this network, by short name."
    )
    loses_validators: tuple[Label, ...] = Field(
        default=(), description="Validators of yours that this run may take away although no block is made then."
    )

    @model_validator(mode="after")
    def _gather(self) -> Self:
        if (found := self.gathered()) is not None:
            self.__dict__["nodes"] = found  # the model is frozen for everybody but its own validation
        return self

    @property
    def seed(self) -> bytes:
        """The seed's 32 bytes."""
        return seed_from_text(self.identity_seed.get_secret_value())

    def gathered(self) -> dict[str, Node] | None:
        """The nodes by name, from other sections; None where `nodes` itself says them."""
        return None

    @classmethod
    def written_nodes(cls, config: Mapping[str, Any]) -> Iterator[Location]:
        """Where nodes stand in a configuration, valid or not; `defaults` complete what stands there.

        Args:
            config: As `read` takes it. All on the way to a location is a mapping.
        """
        nodes = config.get("nodes")
        yield from (("nodes", name) for name in (nodes if isinstance(nodes, dict) else ()))

    def path_of(self, node: str) -> str:
        """Where a node stands in the stack file, for messages; of one that was taken out, where it would."""
        return f"nodes.{node}"

    def namespace_of(self, node: str) -> str:  # noqa: ARG002 - of a kind with several namespaces
        """Where a node's objects stand."""
        return self.cluster.namespace

    @property
    def namespaces(self) -> dict[str, bool]:
        """Every namespace of the stack's objects, its own first, and whether the stack makes it."""
        return {self.cluster.namespace: self.cluster.create_namespace}

    def path_of_namespace(self, namespace: str) -> str:  # noqa: ARG002 - of a kind with several
        """Where a namespace is named in the stack file; its section also says `createNamespace`."""
        return "cluster.namespace"
