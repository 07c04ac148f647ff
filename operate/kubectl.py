"""A cluster of ours through kubectl: what its users have, with whatever way to log in they have set up for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from archipelago.settings.models import Cluster

Manifest = dict[str, Any]
_TIMEOUT = 60  # seconds for one question; a node that is busy takes some
_POD_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class Failed(Exception):  # noqa: N818 - reads as what it is
    """The cluster or a command in a pod said no.

    Args:
        words: Its own, one line.
        code: The exit code; of the command itself where it was run in a pod.
    """

    def __init__(self, words: str, code: int = 1) -> None:
        self.code = code
        super().__init__(words)


class Access(Protocol):
    """What `operate` needs of a cluster; may be used from several threads."""

    namespace: str  # the stack's own

    @property
    def namespaces(self) -> tuple[str, ...]:
        """All of the stack's, its own first."""
        ...

    def get(self, kinds: Sequence[str], selector: str = "") -> list[Manifest]:
        """Objects of the namespaces."""
        ...

    def uid(self) -> str:
        """UID of the cluster's namespace kube-system, which no other cluster has."""
        ...

    def run(self, pod: str, container: str, command: Sequence[str], namespace: str = "") -> str:
        """What a command in a container prints; the stack's own namespace if none is named."""
        ...

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Delete one object; in the stack's own namespace if none is named."""
        ...


class Kubectl:
    """kubectl, pointed at a stack's cluster and namespaces.

    Args:
        cluster: Where the stack's objects are.
        more: Namespaces of objects beside its own.
    """

    def __init__(self, cluster: Cluster, more: Iterable[str] = ()) -> None:
        self.namespace = cluster.namespace
        self.namespaces = tuple(dict.fromkeys([cluster.namespace, *more]))
        self._cluster = cluster

    def command(self, *arguments: str, namespace: str = "") -> list[str]:
        """A whole command line, for a process that replaces this one or talks to a terminal.

        Args:
            arguments: Of kubectl.
            namespace: The stack's own if none is named.

        Raises:
            Failed: There is no kubectl.
        """
        program = shutil.which("kubectl")
        if program is None:
            raise Failed("kubectl is not on PATH. Install it, or add the lab's folder of tools to PATH")
        found = [program]
        if self._cluster.kubeconfig:
            found += ["--kubeconfig", self._cluster.kubeconfig]
        if self._cluster.context and not _in_a_pod():
            found += ["--context", self._cluster.context]
        return [*found, "--namespace", namespace or self.namespace, *arguments]

    def get(self, kinds: Sequence[str], selector: str = "") -> list[Manifest]:
        """Objects of the namespaces; what is in none is given once.

        Args:
            kinds: As `deployment.apps`.
            selector: Labels that they bear; empty for all.

        Raises:
            Failed: The API server does not answer, or refuses.
        """
        arguments = ["get", ",".join(kinds), "--output", "json", "--request-timeout", "20s", "--ignore-not-found"]
        arguments += ["--selector", selector] if selector else []
        found: dict[tuple[str, ...], Manifest] = {}
        for namespace in self.namespaces:
            printed = self._call(*arguments, namespace=namespace)
            for each in json.loads(printed)["items"] if printed.strip() else ():
                metadata = each["metadata"]
                found[each["kind"], metadata.get("namespace", ""), metadata["name"]] = each
        return list(found.values())

    def uid(self) -> str:
        """UID of the cluster's namespace kube-system.

        Raises:
            Failed: The API server does not answer, or refuses.
        """
        arguments = ("namespace", "kube-system", "--output", "jsonpath={.metadata.uid}", "--request-timeout", "20s")
        return self._call("get", *arguments).strip()

    def run(self, pod: str, container: str, command: Sequence[str], namespace: str = "") -> str:
        """What a command in a container prints.

        Raises:
            Failed: It ended with another exit code than 0, or could not be started.
        """
        return self._call("exec", pod, "--container", container, "--", *command, namespace=namespace)

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Delete one object, and wait until it is gone.

        Raises:
            Failed: The API server refuses.
        """
        self._call("delete", kind, name, "--ignore-not-found", "--timeout", "50s", namespace=namespace)

    def _call(self, *arguments: str, namespace: str = "") -> str:
        command = self.command(*arguments, namespace=namespace)
        try:
            done = subprocess.run(  # noqa: S603 - kubectl, and arguments of our own
                command, capture_output=True, text=True, timeout=_TIMEOUT, check=False, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"kubectl {arguments[0]} did not answer within {_TIMEOUT} s") from None
        if done.returncode:
            raise Failed(_words(done.stderr) or f"kubectl ended with exit code {done.returncode}", done.returncode)
        return done.stdout


def _in_a_pod() -> bool:
    """Whether this runs in a pod without a kubeconfig: kubectl then takes the pod's account, and knows no context."""
    named = os.environ.get("KUBECONFIG") or "~/.kube/config"
    configured = any(Path(each).expanduser().exists() for each in named.split(os.pathsep) if each)
    return "KUBERNETES_SERVICE_HOST" in os.environ and _POD_TOKEN.exists() and not configured


def _words(printed: str) -> str:
    """An error without kubectl's own last line about the exit code."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith(("command terminated with", "Defaulted container"))]
    return " ".join(said or lines).removeprefix("error: ").rstrip(".")
