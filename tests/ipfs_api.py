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
        self.added: list[str] = []
        self.published = ""
        self.documents: dict[str, str] = {}
        api = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                refused = token and self.headers.get("Authorization") != f"Bearer {token}"
                api.refused += bool(api.broken or refused)
                found = None if api.broken or refused else api.answer(self.path, body)
                self.send_response(403 if refused else 500 if found is None else 200)
                self.end_headers()
                if found is not None:
                    text = found if isinstance(found, str) else json.dumps(found, separators=(",", ":")) + "\n"
                    self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """It is gone."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, body: str) -> Any:
        """What a call gives, a text as it is; None for one that fails."""
        split = urlsplit(path)
        name, (argument, *_) = split.path.removeprefix("/api/v0/"), parse_qs(split.query).get("arg", [""])
        self.calls.append(f"{name} {argument}".strip())
        if name in ("add", "name/publish", "name/resolve", "pin/rm", "cat"):
            return self._file(name, argument, body)
        return self._swarm(name, argument)

    def _swarm(self, name: str, argument: str) -> Any:
        """Who it is, and with whom it is or stays connected."""
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

    def _file(self, name: str, argument: str, body: str) -> Any:
        """Files: the name of one is its length, and that of a published one the member's."""
        match name:
            case "add":
                head, _, rest = body.partition("\r\n\r\n")
                assert head.startswith('--archipelago\r\nContent-Disposition: form-data; name="file";')
                text, _, end = rest.rpartition("\r\n--archipelago--")
                assert end == "\r\n"
                self.added.append(text)
                return {"Name": "profile", "Hash": f"bafk{len(text)}", "Size": "9"}
            case "name/publish":
                self.published = argument
                return {"Name": "k51", "Value": argument}
            case "name/resolve":
                who = argument.removeprefix("/ipns/")
                return {"Path": f"/ipfs/{who}/a?b#c+%41"} if who in self.documents else None
            case "cat":
                return self.documents.get(argument.removeprefix("/ipfs/").removesuffix("/a?b#c+%41"))
            case "pin/rm":
                return {"Pins": [argument]}
        return None
