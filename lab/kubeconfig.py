"""Kubeconfig files with everything embedded: one for each client of a cluster, and one for people with all clusters.

Format: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from lab.files import write_whole


@dataclass(frozen=True)
class Access:
    """How one user reaches one API server.

    Args:
        context: the context's name; cluster and user are named alike.
        server: the API server's URL.
        authority: the authority's certificate, PEM.
        certificate: the user's certificate, PEM.
        key: the user's private key, PEM.
    """

    context: str
    server: str
    authority: bytes
    certificate: bytes
    key: bytes


def access(context: str, server: str, pki: Path, client: str) -> Access:
    """Read how a client reaches an API server from a folder that `lab.pki.create` made.

    Args:
        context: the context's name.
        server: the API server's URL.
        pki: the folder.
        client: the client's file name.
    """
    files = (pki / "ca.crt", pki / f"{client}.crt", pki / f"{client}.key")
    return Access(context, server, *(file.read_bytes() for file in files))


def merged(accesses: Sequence[Access]) -> dict[str, Any]:
    """One kubeconfig with a context for each access; the first is current.

    Raises:
        ValueError: two accesses have one context name.
    """
    names = [access.context for access in accesses]
    if len(set(names)) != len(names):
        raise ValueError(f"contexts are named twice: {names}")
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": names[0] if names else "",
        "clusters": [
            {
                "name": access.context,
                "cluster": {"server": access.server, "certificate-authority-data": _text(access.authority)},
            }
            for access in accesses
        ],
        "users": [
            {
                "name": access.context,
                "user": {"client-certificate-data": _text(access.certificate), "client-key-data": _text(access.key)},
            }
            for access in accesses
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in names],
    }


def write(file: Path, accesses: Sequence[Access]) -> None:
    """Write a kubeconfig that only its owner may read; a file with the same content is left alone."""
    stream = io.StringIO()
    yaml = YAML()
    yaml.width = 1 << 20  # a certificate stays on its line
    yaml.dump(merged(accesses), stream)
    if not file.exists() or file.read_text() != stream.getvalue():
        write_whole(file, stream.getvalue(), mode=0o600)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
