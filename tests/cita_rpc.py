"""A call of a CITA-Cloud controller, which speaks gRPC, in a few bytes (RFC 9113, RFC 7541)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator

_TIMEOUT = 3.0
_DATA, _HEADERS, _SETTINGS = 0, 1, 4
_END_STREAM, _END_HEADERS = 1, 4


def call(host: str, port: int, method: str, message: bytes = b"") -> bytes:
    """The answer of a controller, asked as a container without any client of gRPC can: all bytes at once.

    Args:
        host: Where it can be reached.
        port: There.
        method: Of `controller.RPCService`.
        message: The request, as protobuf.

    Raises:
        OSError: There is no answer.
    """
    headers = {":method": "POST", ":scheme": "http", ":path": f"/controller.RPCService/{method}", ":authority": "node"}
    headers |= {"content-type": "application/grpc", "te": "trailers"}
    block = b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in headers.items()
    )
    body = b"\0" + struct.pack(">I", len(message)) + message
    with socket.create_connection((host, port), timeout=_TIMEOUT) as connection:
        connection.sendall(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
            + _frame(_SETTINGS, 0, 0)
            + _frame(_HEADERS, _END_HEADERS, 1, block)
            + _frame(_DATA, _END_STREAM, 1, body)
        )
        answer = b"".join(_answer(connection.makefile("rb").read))
    if not answer:
        raise OSError(f"{method} is refused")
    return answer[5:]


def _frame(kind: int, flags: int, stream: int, content: bytes = b"") -> bytes:
    return len(content).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + content


def _answer(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """What is in the frames of the call, up to its last one."""
    while len(head := read(9)) == 9:
        content = read(int.from_bytes(head[:3]))
        kind, flags, stream = head[3], head[4], int.from_bytes(head[5:])
        if stream and kind == _DATA:
            yield content
        if stream and flags & _END_STREAM and kind in (_DATA, _HEADERS):
            return


def number(message: bytes) -> int:
    """A message whose only field is a number."""
    return sum((byte & 127) << 7 * place for place, byte in enumerate(message[1:]))
