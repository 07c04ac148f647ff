"""Organisations with real stacks on real API servers, as engine tests use them."""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lightkube import Client, KubeConfig
from lightkube.core.exceptions import ApiError
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment, StatefulSet
from lightkube.resources.core_v1 import ConfigMap, Namespace, PersistentVolumeClaim, Secret, Service
from lightkube.resources.networking_v1 import NetworkPolicy
from ruamel.yaml import YAML

from lab.lab import Lab
from lab.tools import Toolchain
from lab.workspace import Stack, Workspace
from tests import labs
from tests.stacks import Config
from tests.stacks import seed as throw_away

PROGRAM = Path(__file__).parents[2]

KINDS = (ConfigMap, Deployment, NetworkPolicy, PersistentVolumeClaim, Secret, Service, StatefulSet)
_PINNED = {30303: 30040, 30901: 30041}
"""The pinned ports, and what stands for them in the first worker: in the band that no cluster allocates by itself."""
Seen = dict[tuple[str, str], tuple[str, str]]


class Consortium:
    """Stacks of one test, each in a project folder of its own; their namespaces go when the test ends.

    Args:
        lab: With the clusters `a` and `b`.
        toolchain: The tools.
        folder: A folder of the test's own.
    """

    def __init__(self, lab: Lab, toolchain: Toolchain, folder: Path) -> None:
        self._lab, self._toolchain, self._folder = lab, toolchain, folder
        self._namespaces: set[tuple[str, str]] = set()
        self._clients: dict[str, Client] = {}

    def stack(
        self,
        name: str,
        config: Config,
        cluster: str,
        backend: str = "shared",
        *,
        seed: bool = True,
        await_ready: bool = False,
        program: Path = PROGRAM,
        namespaces: Iterable[str] = (),
    ) -> Stack:
        """A stack of one organisation.

        Args:
            name: Of the stack.
            config: As `tests.stacks` makes it; context and address are set to the cluster's.
            cluster: `a` or `b`.
            backend: Stacks that share one can read each other's outputs.
            seed: Whether its seed is set: that of the configuration, or in the place of a test's usual one the
                namespace's own.
            await_ready: Whether `up` waits until a node has been ready for long, 15 s for most kinds. Only tests of
                that have to.
            program: The folder of the program.
            namespaces: That it has beside its own.
        """
        config = copy.deepcopy(config)
        secret = config.pop("identitySeed")
        if secret == throw_away(config["organisation"]):  # other tests run in the same clusters, and a key runs once
            secret = throw_away(f"{config['organisation']} of {config.get('cluster', {}).get('namespace')}")
        if not await_ready:
            config.setdefault("defaults", {}).setdefault("awaitReady", False)
        config["cluster"] = {**config["cluster"], "context": f"lab-{cluster}"}
        if "address" in config["cluster"]:
            config["cluster"]["address"] = self._lab.cluster(cluster).address
        for partner in (*config.get("partners", {}).values(), *config.get("siblings", {}).values()):
            partner["allowInside"] = True  # the lab is on loopback
        if "apiServer" in config["cluster"]:
            config["cluster"]["apiServer"] = self._lab.cluster(cluster).server
        if "nodes" in config:
            config["nodes"] = _with_own_ports(config["nodes"])
        organisation = config["organisation"]
        text = io.StringIO()
        YAML().dump({"config": {f"archipelago:{key}": value for key, value in config.items()}}, text)
        place = f"{labs.worker()}-{self._folder.name}-{backend}"  # two workers' folders can have one name
        environment = self._lab.stack_environment(organisation, self._toolchain, place)
        workspace = Workspace(self._folder / organisation, program)
        stack = workspace.stack(name, text.getvalue(), environment)
        if seed:
            stack.set_seed(secret)
        self._namespaces |= {(cluster, each) for each in {*_namespaces(config), *namespaces}}
        return stack

    def client(self, cluster: str) -> Client:
        """A client of a cluster's API server."""
        if cluster not in self._clients:
            config = KubeConfig.from_file(self._lab.kubeconfig).get(context_name=f"lab-{cluster}")
            self._clients[cluster] = Client(config=config)
        return self._clients[cluster]

    def uid(self, cluster: str) -> str:
        """By what a cluster is known."""
        metadata = self.client(cluster).get(Namespace, "kube-system").metadata
        return (metadata and metadata.uid) or ""

    def seen(self, cluster: str, namespace: str) -> Seen:
        """Every object of the namespace that we make, by kind and name, with its UID and its version."""
        return {
            (kind, data.name or ""): (data.uid or "", _version(each))
            for kind, data, each in self._all(cluster, namespace)
        }

    def objects(self, cluster: str, namespace: str) -> dict[tuple[str, str], Any]:
        """Every object of the namespace that we make, by kind and name."""
        return {(kind, data.name or ""): each for kind, data, each in self._all(cluster, namespace)}

    def _all(self, cluster: str, namespace: str) -> Iterator[tuple[str, ObjectMeta, Any]]:
        client = self.client(cluster)
        for kind in KINDS:
            for each in client.list(kind, namespace=namespace):
                metadata: ObjectMeta = each.metadata  # type: ignore[attr-defined]  # lightkube's stub knows no field
                if metadata.name != "kube-root-ca.crt":
                    yield kind.__name__, metadata, each

    def end(self) -> None:
        """Delete the test's namespaces, so that their pinned NodePorts are free again."""
        for cluster, namespace in self._namespaces:
            client = self.client(cluster)
            try:
                for service in client.list(Service, namespace=namespace):  # at once; the namespace takes its time
                    if service.metadata and service.metadata.name:
                        client.delete(Service, service.metadata.name, namespace=namespace)
                client.delete(Namespace, namespace)
            except ApiError as error:
                if error.status.code != 404:
                    raise
        for client in self._clients.values():
            client.close()


def nothing_changes(stack: Stack) -> None:
    """Preview and run a stack, and see that neither changes anything."""
    text = stack.run("up", "--yes", "--expect-no-changes").expect().text
    assert [set(each.split()[1:]) for each in re.findall(r"Resources:\n(.*)\n", text)] == [{"unchanged"}] * 2, text


def own_port(port: int) -> int:
    """What stands in this worker for a NodePort that `tests.stacks` pins: others pin theirs in the same cluster."""
    return _PINNED[port] + len(_PINNED) * labs.worker()


def _with_own_ports(nodes: Any) -> Any:
    if isinstance(nodes, dict):
        return {key: _with_own_ports(value) for key, value in nodes.items()}
    return own_port(nodes) if isinstance(nodes, int) and nodes in _PINNED else nodes


def _namespaces(config: Config) -> set[str]:
    """All that a configuration names: its own, its pools' and its identities'."""
    parts = [config["cluster"], *config.get("pools", {}).values(), *config.get("identities", {}).values()]
    return {each["namespace"] for each in parts if each.get("namespace")}


def _version(each: Any) -> str:
    """What changes when somebody changes the object; a Deployment's status moves by itself, its generation does not."""
    metadata = each.metadata
    return (
        str(metadata.generation)
        if isinstance(each, (Deployment, PersistentVolumeClaim, StatefulSet))
        else str(metadata.resourceVersion)
    )
