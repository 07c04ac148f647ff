"""One cluster of a lab, as far as every profile sees it alike: its names, folders and addresses."""

from __future__ import annotations

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
        ports: ports on 127.0.0.1 by what they are for; `apiserver` is one of them.
    """

    name: str
    lab: Path
    ports: dict[str, int]

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
        return f"https://{LOOPBACK}:{self.ports['apiserver']}"

    @property
    def address(self) -> str:
        """Where Services of this cluster are dialled: 127.0.10.1 for `a`, 127.0.20.1 for `b`."""
        return f"127.0.{10 * self.number}.1"

    @property
    def load_balancers(self) -> str:
        """The network that load-balancer addresses come from; distinct from every cluster's own address."""
        return f"127.{10 * self.number}.0.0/16"

    @property
    def services(self) -> str:
        """The network of cluster IPs; each cluster has its own, so that a mix-up shows."""
        return f"10.{95 + self.number}.0.0/16"

    @property
    def pods(self) -> str:
        """The network of pod IPs."""
        return f"10.{239 + self.number}.0.0/16"

    def log(self, part: str) -> Path:
        """The log of one of the cluster's processes."""
        return self.folder / "logs" / f"{part}.log"

    def kubeconfig(self, client: str) -> Path:
        """The kubeconfig of one of the cluster's own clients."""
        return self.folder / "kubeconfigs" / client
