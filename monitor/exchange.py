"""One question over HTTP, bounded in seconds and bytes whatever the other side does.

`http.client` bounds each read and not all of them together, so whoever sends a byte a second holds it for hours.
HTTP/1.0 is asked, which no answer comes to in chunks, and every answer ends with its connection.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HEAD = 64 * 1024  # bytes of status and headers
_PIECE = 64 * 1024


class Failed(Exception):  # noqa: N818 - reads as what it is
    """There is no answer, or none that can be used; the text is the reason, without anything that was received."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an answer may cost.

    Args:
        seconds: From the connection to the last byte.
        size: Bytes of its body.
    """

    seconds: float
    size: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body, parsed.

        Raises:
            Failed: It is no JSON, or made to break its reader.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):  # also a number of a million digits, and a million brackets
            raise Failed("the answer is no JSON") from None


@dataclass(frozen=True, slots=True)
class Server:
    """Whom to ask.

    Args:
        host: Name or address.
        port: Number.
        tls: How it proves who it is; None for plain HTTP.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None

    def ask(
        self, method: str, path: str, bounds: Bounds, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Put one question.

        Raises:
            Failed: It does not answer within the bounds, or not in HTTP.
        """
        deadline = time.monotonic() + bounds.seconds
        host = f"[{self.host}]" if ":" in self.host else self.host
        lines = {"Host": f"{host}:{self.port}", "Connection": "close", "Accept": "application/json", **(headers or {})}
        if body:
            lines["Content-Length"] = str(len(body))
        head = "".join([f"{method} {path} HTTP/1.0\r\n", *(f"{k}: {v}\r\n" for k, v in lines.items()), "\r\n"])
        try:
            with self._connected(bounds.seconds) as connection:
                connection.settimeout(_left(deadline))
                connection.sendall(head.encode("latin-1") + body)
                return _received(connection, deadline, bounds.size)
        except UnicodeError:  # also a host name that is none
            raise Failed("the question cannot be written in HTTP") from None
        except OSError as error:  # of sockets, of names, of TLS; a time-out too
            raise Failed(f"no answer: {error.strerror or type(error).__name__}") from None

    def _connected(self, seconds: float) -> socket.socket:
        connection = socket.create_connection((self.host, self.port), timeout=seconds)
        if self.tls is None:
            return connection
        try:
            return self.tls.wrap_socket(connection, server_hostname=self.host)
        except BaseException:
            connection.close()
            raise


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _received(connection: socket.socket, deadline: float, size: int) -> Answer:
    """An answer up to its length, or up to the end of the connection where it tells none."""
    read, wanted, body = bytearray(), None, 0
    while True:
        connection.settimeout(_left(deadline))
        piece = connection.recv(_PIECE)
        read += piece
        if not body:
            body = read.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in read else 0
            wanted = _length(bytes(read[:body])) if body else None
            if not body and (not piece or len(read) > _HEAD):
                raise Failed("the answer is no HTTP")
        if max(wanted or 0, len(read) - body) > size and body:
            raise Failed(f"the answer has more than {size} bytes")
        if body and wanted is not None and len(read) - body >= wanted:
            return Answer(_status(bytes(read[:body])), bytes(read[body : body + wanted]))
        if not piece:
            if wanted is not None:
                raise Failed("the answer is cut off")
            return Answer(_status(bytes(read[:body])), bytes(read[body:]))


def _status(head: bytes) -> int:
    words = head.split(b"\r\n", 1)[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():  # noqa: PLR2004
        raise Failed("the answer is no HTTP")
    return int(words[1][:4])


def _length(head: bytes) -> int | None:
    """What the headers say of the body's length; None where they say nothing."""
    for line in head.lower().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip() == b"transfer-encoding":
            raise Failed("the answer comes in pieces that were not asked for")
        if name.strip() == b"content-length":
            text = value.strip()
            if not text.isdigit() or len(text) > 18:  # noqa: PLR2004 - digits of any real length
                raise Failed("the answer is no HTTP")
            return int(text)
    return None
