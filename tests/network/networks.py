"""Networks of several organisations on real nodes, as the tests of this layer use them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from cli.secrets import PASSPHRASE_FILES
from lab.cluster import Cluster
from lab.lab import Lab
from lab.tools import Toolchain
from lab.workspace import Run, Stack
from tests.engine.organisations import Consortium
from tests.network.geth import Geth
from tests.stacks import Config, changed, seed

Answer = TypeVar("Answer")
Measure = Callable[[str, float], None]


def founder(network: str, validators: Iterable[str], changes: Mapping[str, Any] | None = None) -> Config:
    """The configuration of alpha, which founds a network.

    Args:
        network: Its name, and the namespace's.
        validators: What the genesis names; own nodes among them become nodes of the stack.
        changes: By dotted path.
    """
    names = list(validators)
    config = _organisation("alpha", network, [name for name in names if "/" not in name])
    config["network"] |= {"founder": True, "chainId": 1337, "consensus": "qbft"}
    # short times: what is tested is whether blocks come, not how seldom
    config["network"]["genesis"] = {"validators": names, "blockPeriod": 1, "requestTimeout": 2000}
    return changed(config, changes or {})


def joiner(organisation: str, network: str, nodes: Iterable[str], changes: Mapping[str, Any] | None = None) -> Config:
    """The configuration of an organisation that joins alpha's network.

    Args:
        organisation: Who it is.
        network: Name of the network, and the namespace's.
        nodes: Names of its nodes.
        changes: By dotted path.
    """
    config = _organisation(organisation, network, nodes)
    config["network"]["joins"] = "alpha"
    return changed(config, changes or {})


def _organisation(name: str, network: str, nodes: Iterable[str]) -> Config:
    return {
        "identitySeed": seed(f"{name} of {network}"),
        "organisation": name,
        "cluster": {"context": "", "namespace": network, "address": "127.0.0.1"},
        "network": {"kind": "goquorum", "name": network, "version": "22.7.4", "privacy": "none"},
        "defaults": {
            "validator": True,
            "awaitReady": False,  # tests look for blocks themselves; those about `up` itself wait for it
            "storage": {"size": "1Gi"},
            "resources": {"cpu": "20m", "memory": "128Mi", "memoryLimit": "1Gi"},
        },
        "nodes": {node: {} for node in nodes},
        "partners": {},
    }


@dataclass
class Organisation:
    """One organisation's part of a network.

    Args:
        name: Who it is.
        letter: Its cluster.
        namespace: Its namespace.
        network: Name of the network.
        stack: Its stack.
        cluster: Its cluster.
        kubectl: The command that reaches it.
    """

    name: str
    letter: str
    namespace: str
    network: str
    stack: Stack
    cluster: Cluster
    kubectl: tuple[str, ...] = field(repr=False)

    @property
    def nodes(self) -> list[str]:
        """Names of its nodes."""
        return list(self.stack.configuration["archipelago:nodes"])

    def configure(self, path: str, value: Any) -> None:
        """Change its stack file at a dotted path."""
        section, *way, last = path.split(".")
        if not way:

            def change(config: dict[str, Any]) -> None:
                config.setdefault(f"archipelago:{section}", {})[last] = value
        else:

            def change(config: dict[str, Any]) -> None:
                place = config.setdefault(f"archipelago:{section}", {})
                for step in way:
                    place = place.setdefault(step, {})
                place[last] = value

        self.stack.configure(change)

    def run(self, *arguments: str, text: str | None = None, check: bool = True) -> str:
        """What kubectl prints, in the organisation's namespace."""
        command = (*self.kubectl, "-n", self.namespace, *arguments)
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}:\n{done.stderr}")
        return done.stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        """An object, or a list of them."""
        found: dict[str, Any] = json.loads(self.run("get", *arguments, "-o", "json"))
        return found

    def geth(self, node: str) -> Geth:
        """What answers for a node."""
        return Geth(self.cluster, self.namespace, f"{self.network}-{node}")

    def archipelago(self, *arguments: str, text: str | None = None, code: int = 0) -> str:
        """What our own command prints, run in the organisation's project; where it fails, its words too.

        Raises:
            AssertionError: It ended with another exit code than `code`.
        """
        command = (str(Path(sys.executable).with_name("archipelago")), *arguments)
        environment = {**os.environ, **self.stack.environment, "COLUMNS": "200"}
        passphrase = Path(self.stack.environment["PULUMI_CONFIG_PASSPHRASE_FILE"])  # others' lie beside it
        environment[PASSPHRASE_FILES] = os.pathsep.join(str(each) for each in sorted(passphrase.parent.glob("*")))
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, check=False, env=environment, cwd=self.stack.folder
        )
        if done.returncode != code:
            raise AssertionError(f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout if code == 0 else done.stdout + done.stderr

    def workloads(self) -> dict[str, str]:
        """By node, the UID of its workload."""
        found = self.get("statefulsets")["items"]
        return {each["metadata"]["labels"]["archipelago/node"]: each["metadata"]["uid"] for each in found}

    def gone(self, node: str) -> None:
        """Wait until a removed node's pod has ended."""
        self.run("wait", "--for=delete", "pod", "-l", f"archipelago/node={node}", "--timeout=150s")

    def scale(self, node: str, replicas: int) -> None:
        """Stop a node, or start it again."""
        self.run("scale", f"statefulset/{self.network}-{node}", f"--replicas={replicas}")

    def pods(self) -> dict[str, tuple[str, int]]:
        """By node, the pod's UID and how often its containers have been restarted."""
        found = {}
        for pod in self.get("pods")["items"]:
            node = pod["metadata"]["labels"].get("archipelago/node")
            if node and "deletionTimestamp" not in pod["metadata"]:
                restarts = sum(each["restartCount"] for each in pod["status"].get("containerStatuses", []))
                found[node] = (pod["metadata"]["uid"], restarts)
        return found


class Network:
    """A network of several organisations.

    How a node is asked for its height is `height`: of geth, unless a test says otherwise.

    Args:
        consortium: Whose stacks.
        lab: With a cluster for each.
        toolchain: With kubectl.
        name: Of the network and of the namespaces.
    """

    def __init__(self, consortium: Consortium, lab: Lab, toolchain: Toolchain, name: str) -> None:
        self.name = name
        self.organisations: dict[str, Organisation] = {}
        self.consortium, self.lab, self.toolchain = consortium, lab, toolchain
        self.height: Callable[[Network, Organisation, str], int] = geth_height

    def add(self, config: Config, letter: str, *, introduced: bool = True) -> Organisation:
        """An organisation.

        Args:
            config: Of `founder` or `joiner`.
            letter: Its cluster.
            introduced: Whether it is made known to those that are there already and they to it; else it knows whom
                its configuration names.
        """
        name = config["organisation"]
        known = self.organisations if introduced else config["partners"]
        written = {} if introduced else config["partners"]
        config["partners"] = {
            other: {
                **written.get(other, {}),
                "stack": f"organization/archipelago/{other}-{self.name}",
                "required": False,
                "allowInside": True,  # the lab is on loopback
            }
            for other in known
        }
        stack = self.consortium.stack(f"{name}-{self.name}", config, letter)
        cluster = self.lab.cluster(letter)
        where = ("--kubeconfig", str(self.lab.kubeconfig), "--context", cluster.context)
        kubectl = (str(self.toolchain.path("kubectl")), *where)
        made = Organisation(name, letter, config["cluster"]["namespace"], self.name, stack, cluster, kubectl)
        for other in self.organisations.values() if introduced else ():
            partner = {"stack": f"organization/archipelago/{stack.name}", "required": False, "allowInside": True}
            other.configure(f"partners.{name}", partner)
        self.organisations[name] = made
        return made

    def beside(self, name: str) -> Network:
        """An empty network of another name; its namespaces go with those of this one."""
        return Network(self.consortium, self.lab, self.toolchain, name)

    def __getitem__(self, organisation: str) -> Organisation:
        return self.organisations[organisation]

    def up(self, *order: str) -> list[Run]:
        """`pulumi up` of organisations, one after another."""
        return [self.organisations[name].stack.up().expect() for name in order]

    @property
    def nodes(self) -> list[tuple[Organisation, str]]:
        """Every node with its organisation."""
        return [(each, node) for each in self.organisations.values() for node in each.nodes]

    def ask(
        self, question: Callable[[Geth], Answer], nodes: Iterable[tuple[Organisation, str]] | None = None
    ) -> dict[str, Answer]:
        """What all nodes answer, by `organisation/node`."""
        return self._each(lambda organisation, node: question(organisation.geth(node)), nodes)

    def peered(self, peers: int, within: float = 150, nodes: Iterable[tuple[Organisation, str]] | None = None) -> float:
        """Wait until every node has so many peers.

        Returns:
            How many seconds that took.
        """
        asked = list(nodes if nodes is not None else self.nodes)
        began = time.monotonic()
        eventually(
            lambda: self.ask(lambda geth: len(geth.peers()), asked), lambda seen: set(seen.values()) == {peers}, within
        )
        return time.monotonic() - began

    def heights(self, nodes: Iterable[tuple[Organisation, str]] | None = None) -> dict[str, int]:
        """The height of every node."""
        return self._each(lambda organisation, node: self.height(self, organisation, node), nodes)

    def _each(
        self, ask: Callable[[Organisation, str], Answer], nodes: Iterable[tuple[Organisation, str]] | None
    ) -> dict[str, Answer]:
        """The answers of all nodes, asked at once, by `organisation/node`."""
        asked = list(nodes if nodes is not None else self.nodes)
        with ThreadPoolExecutor(max_workers=8) as pool:
            answers = pool.map(lambda each: ask(*each), asked)
            return {f"{each.name}/{node}": answer for (each, node), answer in zip(asked, answers, strict=True)}

    def wait_for_blocks(
        self, more: int = 2, within: float = 150, nodes: Iterable[tuple[Organisation, str]] | None = None
    ) -> float:
        """Wait until every node is some blocks beyond the highest of now.

        Returns:
            How many seconds that took.
        """
        asked = list(nodes if nodes is not None else self.nodes)
        began = time.monotonic()
        try:
            goal = max(eventually(lambda: self.heights(asked), bool, within).values()) + more
            eventually(lambda: self.heights(asked), lambda seen: min(seen.values()) >= goal, within)
        except AssertionError as error:
            told = [each.run("describe", "pods", check=False) for each in self.organisations.values()]
            raise AssertionError("\n".join((str(error), *told))) from None
        return time.monotonic() - began

    def stands_still(self, seconds: float, nodes: Iterable[tuple[Organisation, str]] | None = None) -> None:
        """See that no block comes: the last ones on their way are waited for."""
        asked = list(nodes if nodes is not None else self.nodes)
        time.sleep(3)
        before = self.heights(asked)
        time.sleep(seconds)
        assert max(self.heights(asked).values()) == max(before.values())


def geth_height(_network: Network, organisation: Organisation, node: str) -> int:
    """The height of a GoQuorum node."""
    return organisation.geth(node).height()


def eventually(ask: Callable[[], Answer], good: Callable[[Answer], bool], within: float = 90) -> Answer:
    """Ask until the answer is good.

    Raises:
        AssertionError: It was not in time; with the last answer or refusal.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            answer = ask()
            if good(answer):
                return answer
            last: object = answer
        except (AssertionError, ValueError, KeyError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s; at last: {last}")
        time.sleep(0.5)
