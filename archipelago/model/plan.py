"""What Kubernetes has to run, in no protocol's words: the hinge between `chains` and `manifests`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from archipelago.model.endpoint import Endpoint, Exposed, Port
from archipelago.model.pod import PodOptions
from archipelago.model.volume import Volume


class Source(StrEnum):
    """What a container can mount."""

    DATA = "data"  # the node's claim: chain data, survives everything
    RUN = "run"  # memory, shared by the containers of one pod, gone with it
    TMP = "tmp"  # scratch space of one pod
    CONFIG = "config"  # public files of this node; a change restarts it
    IDENTITY = "identity"  # private files of this node
    SHARED = "genesis"  # public files that all nodes of the network share and that never change
    LIVE = "peers"  # public files that change under a running node and restart nobody


@dataclass(frozen=True, slots=True)
class Mount:
    """One source in a container's file system.

    Args:
        source: What is mounted.
        path: Absolute directory in the container.
        files: Names of the files that this container may see; empty for all.
        writable: Whether the container may write there.
        sub_path: Directory of the source that is mounted; empty for all of it.
    """

    source: Source
    path: str
    files: tuple[str, ...] = ()
    writable: bool = False
    sub_path: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """How Kubernetes asks a container how it is.

    Args:
        command: Run in the container, exit code 0 is yes; empty to open `port` instead. Each question starts a process
            and costs tens of milliseconds of CPU, and one that runs out of time leaves its own processes behind.
        port: Name of a port that has to accept a connection.
        path: What is asked of that port over HTTP, a status below 400 is yes; empty for a connection alone.
        period: Seconds between two questions.
        failures: How many times no, one after the other, is a no.
        timeout: Seconds to wait for an answer.
    """

    command: tuple[str, ...] = ()
    port: str = ""
    path: str = ""
    period: int = 10
    failures: int = 3
    timeout: int = 5


@dataclass(frozen=True, slots=True)
class Resources:
    """What a container is given, in Kubernetes quantities.

    There is no limit of CPU: a validator that is throttled misses its turn, and idle CPU is there to be used.
    """

    cpu: str
    memory: str
    memory_limit: str


@dataclass(frozen=True, slots=True)
class Container:
    """One process of a node.

    Args:
        name: DNS label, unique in the node.
        image: Full image reference with a tag, never `latest`.
        command: What is run; empty for what the image runs by itself.
        mounts: What it sees.
        resources: What it is given.
        args: Given to the command.
        directory: Where it is run; empty for the image's own.
        ports: Names of the node's ports that it listens on.
        env: Environment variables, never a secret.
        secret_env: Environment variables whose values are private files, by the file's name.
        readiness: When it takes traffic; may mean "not syncing", never "has peers".
        liveness: When it is restarted; looks at the process only.
        startup: How long it may take to open its database.
    """

    name: str
    image: str
    command: tuple[str, ...]
    mounts: tuple[Mount, ...]
    resources: Resources
    args: tuple[str, ...] = ()
    directory: str = ""
    ports: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: Mapping[str, str] = field(default_factory=dict)
    readiness: Probe | None = None
    liveness: Probe | None = None
    startup: Probe | None = None


@dataclass(frozen=True, slots=True)
class Clients:
    """Who may use a node's client ports.

    Args:
        namespace: Namespace of pods; None for that of the nodes.
        pods: Labels that they carry; empty for all pods there.
        cidr: A range of addresses, instead of pods.
    """

    namespace: str | None = None
    pods: Mapping[str, str] = field(default_factory=dict)
    cidr: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A way to a Service through a proxy that the cluster has, which gives it a TCP port of its own.

    Args:
        entry_point: The proxy's name for that port; nothing else can be reached there.
        port: Number at which the proxy's address is dialled.
        api_version: Of the object that tells the proxy.
    """

    entry_point: str
    port: int
    api_version: str = "traefik.io/v1alpha1"


@dataclass(frozen=True, slots=True)
class Service:
    """How a set of ports leaves the pod.

    Args:
        name: Name of the Kubernetes Service.
        type: Kubernetes Service type.
        ports: What it carries.
        host: What partners dial; empty where only the cluster knows.
        reserved: NodePorts that belong to it, whether they are open or not; None for those alone that it has.
        published: What is dialled in a port's place, by its name; any other port is dialled at its own number.
        node_ports: Pinned NodePorts by port name; the cluster chooses the others.
        annotations: The user's own, as cloud load balancers want them.
        clients: Who may use it; empty where nobody said it. Of no meaning to ports that partners reach.
        address: What a load balancer is asked to be; empty for any.
        headless: Whether its name stands for the pod itself, ready or not, and no port is translated.
        route: A proxy's way to its only port, which is dialled at `host`, the proxy's address; None without a proxy.
        balancing: What its spec says of traffic from outside, as Kubernetes has it.
    """

    name: str
    type: Exposed
    ports: tuple[Port, ...]
    host: str = ""
    node_ports: Mapping[str, int] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    clients: tuple[Clients, ...] = ()
    published: Mapping[str, int] = field(default_factory=dict)
    reserved: range | None = None
    address: str = ""
    headless: bool = False
    route: Route | None = None
    balancing: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exposure(self) -> str:
        """How its ports leave the cluster, as an endpoint tells it."""
        return "Route" if self.route else str(self.type)

    def dialled(self, port: Port) -> int:
        """The Service's own number for a port."""
        return self.published.get(port.name, port.number)

    def endpoints(self) -> dict[str, Endpoint]:
        """The endpoints that are known before the cluster is asked."""
        if self.route:
            numbers = dict.fromkeys((port.name for port in self.ports), self.route.port)
        elif self.type is Exposed.NODE_PORT:
            numbers = dict(self.node_ports)
        else:
            numbers = {port.name: self.dialled(port) for port in self.ports}
        if not self.host:
            return {}
        return {
            port.name: Endpoint(host=self.host, port=numbers[port.name], exposure=self.exposure)
            for port in self.ports
            if port.name in numbers
        }

    @property
    def settled(self) -> bool:
        """Whether nothing has to be asked of the cluster."""
        return len(self.endpoints()) == len(self.ports)

    @property
    def asks(self) -> bool:
        """Whether partners dial what its load balancer is asked to be: the cloud may give it another address."""
        return bool(self.address) and self.host in ("", self.address)

    @property
    def awaited(self) -> bool:
        """Whether the cluster has to tell an address of it; a load balancer whose host is said may never tell one."""
        return self.type is Exposed.LOAD_BALANCER and (not self.host or self.asks)


@dataclass(frozen=True, slots=True)
class NodePlan:
    """What Kubernetes has to run for one node, in no protocol's words.

    Args:
        name: The node's name.
        object_name: The stem of all its objects' names, as `<network>-<node>`.
        role: What its organisation wants it to be, as `validator`.
        init: Run one after the other before the containers.
        containers: Run together.
        service: What partners reach.
        api: What clients reach; None while closed.
        more_services: Other ways to the same node.
        closed_ports: What containers listen on, and probes ask, without any Service.
        dials: Numbers of ports of others that the node needs, beside those of its peers.
        volume: Its claim.
        public_files: By file name; may hold endpoint markers.
        private_files: By file name; never printed.
        labels: On the pod and its workload, for tools of the protocol that look for them.
        share_processes: Whether containers see each other's processes.
        min_ready: For how many seconds it has to be ready before it counts as there.
        await_ready: Whether a rollout waits until it is there.
        runs: False while the network's genesis, or what `waits_for` names, is not known: all but a workload is made.
        waits_for: Without what this node alone does not run, as `alpha: the key of swarm archive`.
        namespace: Where its objects stand; empty for the stack's own namespace.
        stateful: Whether its pod keeps its name, for what finds it by that; else it has another one each time.
        secrets: Secrets beside its identity, values by key and name; never printed, and kept like the identity.
        architecture: Of the machines that its images run on, as `amd64`; empty where they run on any.
        pod: What the stack file says of its pod.
    """

    name: str
    object_name: str
    role: str
    init: tuple[Container, ...]
    containers: tuple[Container, ...]
    service: Service
    api: Service | None
    volume: Volume
    public_files: Mapping[str, str]
    private_files: Mapping[str, str] = field(repr=False)
    more_services: tuple[Service, ...] = ()
    closed_ports: tuple[Port, ...] = ()
    dials: tuple[int, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    share_processes: bool = False
    min_ready: int = 0
    await_ready: bool = True
    runs: bool = True
    waits_for: str = ""
    namespace: str = ""
    stateful: bool = False
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    architecture: str = ""
    pod: PodOptions = field(default_factory=PodOptions)

    @property
    def services(self) -> tuple[Service, ...]:
        """Every way to the node, that of partners first."""
        return (self.service, *((self.api,) if self.api else ()), *self.more_services)

    @property
    def private_digest(self) -> str:
        """A digest that changes with the private files and tells nothing of them (they hold 256-bit keys)."""
        text = json.dumps(dict(self.private_files), sort_keys=True)
        return hashlib.sha256(b"private files\0" + text.encode()).hexdigest()[:16]
