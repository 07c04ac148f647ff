"""Identities and peers as the tests of this layer see them: by kubectl, as their users would."""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archipelago.manifests.pods import POD_SECURITY
from archipelago.manifests.workload import CONTAINER_SECURITY
from tests.network.networks import Organisation

PEERS = "peers.peerdiscovery.irt-saintexupery.com"
LINK = "clusterdiscovery/kubeconfig-secret"


def peers(organisation: Organisation) -> dict[str, dict[str, Any]]:
    """The Peers of an organisation by name."""
    return {each["metadata"]["name"]: each for each in organisation.get(PEERS)["items"]}


def states(organisation: Organisation) -> dict[str, tuple[str, int]]:
    """By Peer, what its status says."""
    found = {name: each.get("status", {}) for name, each in peers(organisation).items()}
    return {name: (each.get("Status", ""), each.get("Missing Counter", -1)) for name, each in found.items()}


def linked(organisation: Organisation, peer: str) -> str | None:
    """The kubeconfig that a Peer links to; None where it has none."""
    name = peers(organisation)[peer]["metadata"].get("annotations", {}).get(LINK)
    if name is None:
        return None
    return base64.b64decode(organisation.get("secret", name)["data"]["config"]).decode()


@dataclass(frozen=True)
class User:
    """Somebody with nothing but a kubeconfig.

    Args:
        kubectl: The program.
        kubeconfig: The file.
    """

    kubectl: Path
    kubeconfig: Path

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code, and all that kubectl prints."""
        command = (str(self.kubectl), "--kubeconfig", str(self.kubeconfig), "--request-timeout=10s", *arguments)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


def in_a_pod(organisation: Organisation, name: str, program: str, *, account: str = "default") -> str:
    """What a Python program prints, run in a pod of the organisation's namespace.

    Args:
        organisation: Whose cluster.
        name: Of the pod, which is gone afterwards.
        program: Its text.
        account: The ServiceAccount.
    """
    container = {
        "name": "python",
        "image": "docker.io/library/python:3.13-slim",
        "command": ["python3", "-c", program],
        "securityContext": CONTAINER_SECURITY,
    }
    spec = {
        "restartPolicy": "Never",
        "serviceAccountName": account,
        "securityContext": POD_SECURITY,
        "containers": [container],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    organisation.run("apply", "-f", "-", text=json.dumps(pod))
    try:
        organisation.run(
            "wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s", check=False
        )
        return organisation.run("logs", name)
    finally:
        organisation.run("delete", "pod", name, "--wait=false", "--grace-period=1")
