"""The few calls of a cluster's API that starting it needs, with nothing but the standard library.

Clusters start in threads, and the decoder under lightkube (msgspec 0.22) crashes the interpreter when two threads meet
a type for the first time at once. Leaving it out also makes `up` start half a second sooner.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from lab.cluster import Cluster

_ANSWER_WITHIN = 5.0


class ApiError(Exception):
    """The API server refused a call.

    Args:
        code: the HTTP status.
        text: what it said.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


def call(cluster: Cluster, path: str, body: Mapping[str, Any] | None = None) -> str:
    """Get something as the cluster's administrator, or create it.

    Args:
        cluster: whose API server.
        path: the URL's path.
        body: an object to create; None means get.

    Returns:
        What the server answered.

    Raises:
        ApiError: the server refused.
        OSError: the server cannot be reached.
    """
    context = ssl.create_default_context(cafile=str(cluster.pki / "ca.crt"))
    context.load_cert_chain(cluster.pki / "admin.crt", cluster.pki / "admin.key")
    # A proxy of the user's environment knows nothing of this machine's loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    request = urllib.request.Request(  # noqa: S310 - the scheme is https
        f"{cluster.server}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
    )
    try:
        with opener.open(request, timeout=_ANSWER_WITHIN) as answer:
            content: bytes = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            raise ApiError(error.code, error.read(1 << 16).decode("utf-8", errors="replace")) from error
    return content.decode("utf-8")


def get(cluster: Cluster, path: str) -> dict[str, Any]:
    """An object of the API; see `call`."""
    found = json.loads(call(cluster, path))
    if not isinstance(found, dict):
        raise TypeError(f"{path} is no object")
    return found
