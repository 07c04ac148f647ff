"""kubo's API as the shells of a pod use it, without a daemon: peering, bootstraps, who it is."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Api:
    """A daemon that remembers what it was told.

    Args:
        token: What it asks for; nothing if empty.
    """

    def __init__(self, token: str = "") -> None:
        self.peering: dict[str, list[str]] = {}
        self.bootstrap: list[str] = []
        self.connected: dict[str, str] = {}
        self.disconnected: list[str] = []
        self.broken = False
        self.refused = 0
        self.calls: list[str] = []
        api = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                refused = token and self.headers.get("Authorization") != f"Bearer {token}"
                api.refused += bool(api.broken or refused)
                found = None if api.broken or refused else api.answer(self.path)
                self.send_response(403 if refused else 500 if found is None else 200)
                self.end_headers()
                if found is not None:
                    self.wfile.write(json.dumps(found, separators=(",", ":")).encode() + b"\n")

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """It is gone."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> Any:
        """What a call gives; None for one that fails."""
        split = urlsplit(path)
        name, (argument, *_) = split.path.removeprefix("/api/v0/"), parse_qs(split.query).get("arg", [""])
        self.calls.append(f"{name} {argument}".strip())
        address, _, who = argument.partition("/p2p/")
        match name:
            case "id" | "version":
                return {"ID": "12D3KooWSelf", "Addresses": []}
            case "swarm/peers":
                return {"Peers": [{"Addr": at, "Peer": peer} for peer, at in self.connected.items()] or None}
            case "swarm/peering/ls":
                return {"Peers": [{"ID": peer, "Addrs": at} for peer, at in self.peering.items()]}
            case "swarm/peering/add":
                self.peering.setdefault(who, []).append(address)
                return {"ID": who, "Status": "success"}
            case "swarm/peering/rm":
                self.peering.pop(argument, None)
                return {"ID": argument, "Status": "success"}
            case "swarm/disconnect":
                self.disconnected.append(who)
                return {"Strings": [f"disconnect {who} success"]}
            case "bootstrap/list":
                return {"Peers": self.bootstrap}
            case "bootstrap/add":
                self.bootstrap.append(argument)
                return {"Peers": [argument]}
            case "bootstrap/rm":
                self.bootstrap.remove(argument)
                return {"Peers": [argument]}
        return None
