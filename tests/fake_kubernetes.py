"""An API server on loopback with the few kinds that the monitor asks for; it can be broken piece by piece."""

from __future__ import annotations

import functools
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from lab.pki import Pair, authority, issue
from monitor.kubernetes import Kubernetes

TOKEN = "the monitor's own token"
Object = dict[str, Any]


class FakeKubernetes:
    """What is in a cluster, and who is who there.

    Attributes:
        objects: By path.
        writes: Path and change of each.
        users: Users by token.
        readers: Names of those who may get /metrics.
        broken: Answered in the place of everything else: a status and a body, or `slow`.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.writes: list[tuple[str, Object]] = []
        self.asked: list[tuple[str, Object]] = []
        self.users: dict[str, Object] = {}
        self.readers: set[str] = set()
        self.broken: tuple[int, bytes] | str | None = None
        self.prunes: tuple[str, ...] = ()

    def add(self, path: str, object_: Object) -> Object:
        """Put an object where it is asked for; its metadata follows from its path."""
        parts = path.strip("/").split("/")
        at = parts.index("namespaces")
        metadata = {"namespace": parts[at + 1], "name": parts[-1], **object_.pop("metadata", {})}
        self.objects[path] = {"metadata": metadata, **object_}
        return self.objects[path]

    def answer(self, method: str, target: str, token: str, body: Object) -> tuple[int, Any]:
        """Status and object."""
        if token != TOKEN:
            return 401, {"kind": "Status"}
        url = urlsplit(target)
        path = unquote(url.path)
        self.asked.append((f"{method} {path}", body))
        if method == "POST":
            return 201, {"status": self._review(path, body["spec"])}
        if method == "PATCH":
            return self._patch(path, body)
        if path in self.objects:
            return 200, self.objects[path]
        wanted = parse_qs(url.query).get("labelSelector")
        if wanted is None:
            return 404, {"kind": "Status"}
        return 200, {"items": [each for where, each in self.objects.items() if _in(where, path, each, wanted[0])]}

    def _patch(self, path: str, change: Object) -> tuple[int, Any]:
        where = path.removesuffix("/status")
        if where not in self.objects:
            return 404, {"kind": "Status"}
        self.writes.append((path, change))
        kept = {key: value for key, value in change.items() if (key == "status") == path.endswith("/status")}
        _merge(self.objects[where], json.loads(json.dumps(kept)))
        for key in self.prunes:
            self.objects[where].get("status", {}).pop(key, None)
        return 200, self.objects[where]

    def _review(self, path: str, spec: Object) -> Object:
        if path.endswith("/tokenreviews"):
            user = self.users.get(spec["token"])
            return {"authenticated": True, "user": user} if user else {"authenticated": False}
        right = spec["nonResourceAttributes"] == {"path": "/metrics", "verb": "get"}
        return {"allowed": right and spec["user"] in self.readers}

    @contextmanager
    def serving(self, folder: Path) -> Iterator[Kubernetes]:
        """The monitor's client of it.

        Args:
            folder: Where the account's files are put.
        """
        by, own = _pairs()
        (folder / "ca.crt").write_bytes(by.certificate_pem)
        (folder / "server.crt").write_bytes(own.certificate_pem)
        (folder / "key.pem").write_bytes(own.key_pem)
        (folder / "token").write_text(f"{TOKEN}\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.crt", folder / "key.pem")
        with ThreadingHTTPServer(("127.0.0.1", 0), _handler(self)) as server:
            server.socket = context.wrap_socket(server.socket, server_side=True)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield Kubernetes("localhost", server.server_address[1], folder)
            finally:
                server.shutdown()
                thread.join()


@functools.cache
def _pairs() -> tuple[Pair, Pair]:
    """An authority and the server's own, on P-256 as a cluster's: on P-384 a handshake takes ten times as long."""
    by = authority("kubernetes")
    return by, issue(by, "kube-apiserver", hosts=["localhost"])


def _handler(cluster: FakeKubernetes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            given = json.loads(self.rfile.read(length)) if length else {}
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if cluster.broken == "slow":
                time.sleep(1)
                return
            if isinstance(cluster.broken, tuple):
                status, body = cluster.broken
            else:
                status, found = cluster.answer(self.command, self.path, token, given)
                body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PATCH = do_GET  # noqa: N815 - the library's names

        def log_message(self, *_arguments: object) -> None:
            pass

    return Handler


def _in(where: str, folder: str, object_: Object, selector: str) -> bool:
    labels = object_["metadata"].get("labels", {})
    if where.rpartition("/")[0] != folder:
        return False
    pairs = (each.partition("=") for each in selector.split(","))
    return all(key in labels and (not equals or labels[key] == value) for key, equals, value in pairs)


def _merge(there: Object, change: Object) -> None:
    for key, value in change.items():
        if value is None:
            there.pop(key, None)
        elif isinstance(value, dict) and isinstance(there.get(key), dict):
            _merge(there[key], value)
        else:
            there[key] = value
