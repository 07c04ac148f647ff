"""gRPC without a connection: the bytes that ask several questions at once, and what the bytes that came back say.

They are carried by a shell in the node's pod, whose images have no client of gRPC. Sources: RFC 9113 for the frames,
which `h2` makes and reads; grpc/doc/PROTOCOL-HTTP2.md for what is in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import unquote

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from h2.exceptions import ProtocolError

_PREFIX = 5  # bytes before a message: whether it is compressed, and its length

Value = TypeVar("Value", int, bytes)


@dataclass(frozen=True, slots=True)
class Call:
    """One question.

    Args:
        method: As `controller.RPCService/GetBlockNumber`.
        message: Its argument, as protobuf writes it.
    """

    method: str
    message: bytes = b""


@dataclass(slots=True)
class Reply:
    """One answer.

    Args:
        body: The message and its prefix.
        headers: Those before and those after it.
        ended: Whether it has come to its end.
    """

    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    ended: bool = False

    def message(self) -> bytes:
        """The message.

        Raises:
            ValueError: It is an error, or not whole.
        """
        if not self.ended:
            raise ValueError("the answer breaks off")
        status = self.headers.get("grpc-status", f"none, HTTP {self.headers.get(':status', 'reset')}")
        if status != "0":
            raise ValueError(unquote(self.headers.get("grpc-message", "")) or f"gRPC status {status}")
        if self.body[:1] != b"\0" or len(self.body) != _PREFIX + int.from_bytes(self.body[1:_PREFIX]):
            raise ValueError("the answer is no gRPC message")
        return self.body[_PREFIX:]


def request(calls: Sequence[Call], authority: str) -> bytes:
    """What a client sends that asks everything at once and listens.

    Args:
        calls: The questions.
        authority: Host and port that are asked.
    """
    return _asked(calls, authority).data_to_send()


def replies(received: bytes, calls: int) -> list[Reply]:
    """What a server sent back, a reply a call; they may come in any order and break off anywhere.

    Args:
        received: Everything from the connection's beginning.
        calls: How many were asked at most; a call that was not asked has no reply, which has not ended.

    Raises:
        ValueError: This is no HTTP/2.
    """
    connection = _asked([Call("")] * calls, "")
    found = [Reply() for _ in range(calls)]
    try:
        for event in connection.receive_data(received):
            match event:
                case ResponseReceived(stream_id=stream) | TrailersReceived(stream_id=stream):
                    found[stream // 2].headers |= {str(name): str(value) for name, value in event.headers or ()}
                case DataReceived(stream_id=stream):
                    found[stream // 2].body += event.data or b""
                case StreamEnded(stream_id=stream) | StreamReset(stream_id=stream):
                    found[stream // 2].ended = True
    except ProtocolError as error:
        raise ValueError(f"it speaks no HTTP/2: {error}") from None
    return found


def fields(message: bytes, kind: type[Value]) -> dict[int, list[Value]]:
    """A protobuf message's fields of one kind: by number, every value that a field has.

    Args:
        message: Of any type.
        kind: int for numbers, bytes for texts, bytes and messages; a field of another kind is passed over.

    Raises:
        ValueError: It is no message.
    """
    found: dict[int, list[Value]] = {}
    anything = Empty()  # every field is unknown to it
    try:
        anything.ParseFromString(message)
    except DecodeError:
        raise ValueError("the answer is no protobuf message") from None
    for each in UnknownFieldSet(anything):
        if isinstance(each.data, kind):
            found.setdefault(each.field_number, []).append(each.data)
    return found


def _asked(calls: Sequence[Call], authority: str) -> H2Connection:
    """A connection on which the questions were put and nothing was heard yet."""
    connection = H2Connection(H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    for call in calls:
        stream = connection.get_next_available_stream_id()
        headers = {
            ":method": "POST",
            ":scheme": "http",
            ":authority": authority,
            ":path": f"/{call.method}",
            "te": "trailers",
            "content-type": "application/grpc",
        }
        connection.send_headers(stream, list(headers.items()))
        connection.send_data(stream, b"\0" + len(call.message).to_bytes(4) + call.message, end_stream=True)
    return connection
