"""The API server, asked with the token of the pod's ServiceAccount."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from monitor.exchange import Answer, Bounds, Failed, Server

Manifest = dict[str, Any]
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
MANAGER = "archipelago-monitor"
_BOUNDS = Bounds(seconds=5, size=4 * 1024 * 1024)
_NOT_FOUND = 404
_GOOD = range(200, 300)


class Kubernetes:
    """A cluster.

    Args:
        host: Of its API server.
        port: Likewise.
        account: Directory with `token` and `ca.crt`. Both are read anew for each question, for both are renewed.
    """

    def __init__(self, host: str, port: int, account: Path = ACCOUNT) -> None:
        self._host, self._port, self._account = host, port, account

    @classmethod
    def around(cls) -> Kubernetes:
        """The cluster that this pod runs in.

        Raises:
            KeyError: It runs in none.
        """
        return cls(os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"]))

    def get(self, *way: str) -> Manifest | None:
        """One object; None where there is none.

        Args:
            way: The path's parts, as `api`, `v1`, `namespaces`, ….

        Raises:
            Failed: The API server does not answer, or refuses.
        """
        answer = self._ask("GET", _path(way))
        return None if answer.status == _NOT_FOUND else _object(answer)

    def list(self, *way: str, selector: str) -> list[Manifest]:
        """Objects with some labels; none where the API server knows no such kind.

        Raises:
            Failed: The API server does not answer, or refuses.
        """
        answer = self._ask("GET", f"{_path(way)}?{urlencode({'labelSelector': selector})}")
        if answer.status == _NOT_FOUND:
            return []
        items = _object(answer).get("items") or []
        return [each for each in items if isinstance(each, dict)]

    def patch(self, *way: str, change: Manifest) -> Manifest:
        """Change the named fields of an object and no others (RFC 7386); the object as it is then.

        Raises:
            Failed: The API server does not answer, or refuses.
        """
        path = f"{_path(way)}?{urlencode({'fieldManager': MANAGER})}"
        return _object(self._ask("PATCH", path, change, "application/merge-patch+json"))

    def create(self, *way: str, body: Manifest) -> Manifest:
        """What the API server makes of an object: a review's verdict.

        Raises:
            Failed: The API server does not answer, or refuses.
        """
        return _object(self._ask("POST", _path(way), body))

    def _ask(self, method: str, path: str, body: Manifest | None = None, kind: str = "application/json") -> Answer:
        headers: Mapping[str, str] = {"Content-Type": kind} if body else {}
        text = json.dumps(body).encode() if body else b""
        try:
            token = (self._account / "token").read_text(encoding="ascii").strip()
            server = Server(self._host, self._port, _trusting(self._account / "ca.crt"))
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            raise Failed(f"the pod's account cannot be read: {type(error).__name__}") from None
        return server.ask(method, path, _BOUNDS, {"Authorization": f"Bearer {token}", **headers}, text)


def _trusting(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificate))
    # From Python 3.13 on this is set, and refuses the certificates of many a cluster, which name no authority key.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _path(way: tuple[str, ...]) -> str:
    return "".join(f"/{quote(each, safe='')}" for each in way)


def _object(answer: Answer) -> Manifest:
    if answer.status not in _GOOD:
        raise Failed(f"the API server says {answer.status}")
    found = answer.json()
    if not isinstance(found, dict):
        raise Failed("the API server gives no object")
    return found
