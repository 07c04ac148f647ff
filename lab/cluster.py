"""One cluster of a lab, as far as every profile sees it alike: its names, folders and addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.ports import LOOPBACK
from lab.state import NAMES


@dataclass(frozen=True)
class Cluster:
    """A cluster.

    Args:
        name: one letter.
        lab: the lab's folder.
        ports: the ports that its parts listen on by what they are for; `apiserver` is one of them.
        network: number of the lab's own network, where its clusters are hosts of it; None where all is on loopback.
    """

    name: str
    lab: Path
    ports: Mapping[str, int]
    network: int | None = None

    @property
    def number(self) -> int:
        """1 for `a`, 2 for `b`, and so on."""
        return NAMES.index(self.name) + 1

    @property
    def context(self) -> str:
        """The cluster's context in the lab's kubeconfig."""
        return f"lab-{self.name}"

    @property
    def folder(self) -> Path:
        """What belongs to this cluster alone."""
        return self.lab / "clusters" / self.name

    @property
    def pki(self) -> Path:
        """The cluster's certificates."""
        return self.folder / "pki"

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://{self.host}:{self.ports['apiserver']}"

    @property
    def host(self) -> str:
        """The address that its API server listens on."""
        return LOOPBACK if self.network is None else self.address

    @property
    def address(self) -> str:
        """Where Services of this cluster are dialled: 127.0.10.1 for `a`, 127.0.20.1 for `b`; or its node."""
        if self.network is None:
            return f"127.0.{10 * self.number}.1"
        return f"10.210.{self.network}.{10 + self.number}"

    @property
    def load_balancers(self) -> str:
        """The network that load-balancer addresses come from; distinct from every cluster's own address."""
        if self.network is None:
            return f"127.{10 * self.number}.0.0/16"
        return f"10.{210 + self.number}.{self.network}.0/24"

    @property
    def services(self) -> str:
        """The network of cluster IPs; each cluster has its own, so that a mix-up shows."""
        return f"10.{95 + self.number}.0.0/16"

    @property
    def pods(self) -> str:
        """The network of pod IPs."""
        return f"10.{239 + self.number}.0.0/16"

    @property
    def namespace(self) -> str:
        """The network namespace of its node, and its root cgroup; empty on loopback."""
        return "" if self.network is None else f"{bridge(self.network)}-{self.name}"

    def log(self, part: str) -> Path:
        """The log of one of the cluster's processes."""
        return self.folder / "logs" / f"{part}.log"

    def kubeconfig(self, client: str) -> Path:
        """The kubeconfig of one of the cluster's own clients."""
        return self.folder / "kubeconfigs" / client


def bridge(network: int) -> str:
    """The bridge between a lab's clusters, by the number of the lab's network."""
    return f"arc{network}"
