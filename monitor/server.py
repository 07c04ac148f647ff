"""What the monitor serves, over TLS: `/metrics` to those who may, `/healthz` to everybody."""

from __future__ import annotations

import logging
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from monitor.access import FORBIDDEN, OK, UNAUTHORIZED, UNAVAILABLE, Access
from monitor.metrics import CONTENT_TYPE

_AT_ONCE = 16  # connections; one more is closed
_SECONDS = 20.0  # that a connection may take from its beginning to its end
_WORDS = {
    UNAUTHORIZED: "a bearer token of this cluster is needed\n",
    FORBIDDEN: "the token's account may not get the nonResourceURL /metrics\n",
    UNAVAILABLE: "the API server does not tell who that is\n",
}
_log = logging.getLogger(__name__)
Page = tuple[int, str, str]


class Pages:
    """What is answered.

    Args:
        access: Who decides about `/metrics`.
        metrics: Its text.
        healthy: Whether the monitor still looks.
    """

    def __init__(self, access: Access, metrics: Callable[[], str], healthy: Callable[[], bool]) -> None:
        self._access, self._metrics, self._healthy = access, metrics, healthy

    def page(self, path: str, authorization: str) -> Page:
        """Status, type and text of an answer."""
        plain = "text/plain; charset=utf-8"
        match path.partition("?")[0]:
            case "/healthz":
                return (OK, plain, "ok\n") if self._healthy() else (500, plain, "it has not looked for too long\n")
            case "/metrics":
                verdict = self._access.verdict(authorization)
                return (OK, CONTENT_TYPE, self._metrics()) if verdict == OK else (verdict, plain, _WORDS[verdict])
            case _:
                return 404, plain, "there are /metrics and /healthz\n"


class Server(ThreadingHTTPServer):
    """A web server that no client can hold up, whatever it does or leaves undone.

    Args:
        address: Where it listens.
        certificate: Directory with `tls.crt` and `tls.key`.
        pages: What is answered.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], certificate: Path, pages: Pages) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._tls.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _handler(pages))

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, where one is free."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and end the connection when its time is over, even in the middle of a handshake."""
        wrapped: socket.socket | None = None
        end: threading.Timer | None = None
        try:
            wrapped = self._tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
            end = threading.Timer(_SECONDS, _cut, [wrapped])
            end.daemon = True
            end.start()
            wrapped.settimeout(_SECONDS)
            self.finish_request(wrapped, client_address)  # the first read shakes hands
        except (OSError, ValueError):  # whoever does not speak TLS, or goes away, is no event
            pass
        except Exception as error:
            _log.warning("a request ended with %s", type(error).__name__)
        finally:
            if end:
                end.cancel()
            (wrapped or request).close()
            self._free.release()

    def server_bind(self) -> None:
        """Listen, on both families where there are two; without the name look-up that the library makes."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "monitor", self.server_address[1]


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):  # it is over
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # its own would also forget its keys under a reader


def _handler(pages: Pages) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "archipelago-monitor", ""

        def do_GET(self) -> None:
            status, kind, words = pages.page(self.path, self.headers.get("Authorization", ""))
            body = words.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if status == UNAUTHORIZED:
                self.send_header("WWW-Authenticate", "Bearer")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Nothing: a scrape each few seconds is no news."""

    return Handler
