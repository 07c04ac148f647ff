"""Questions over HTTP are bounded in seconds and bytes, whatever the other side does."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.exchange import Answer, Bounds, Failed, Server
from monitor.published import document, swarms

pytestmark = pytest.mark.unit

SHORT = Bounds(seconds=0.5, size=1000)


@contextmanager
def saying(speak: Callable[[socket.socket], None]) -> Iterator[Server]:
    """A server that does this with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, suppress(OSError):
                        connection.recv(4096)
                        speak(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Server("127.0.0.1", listening.getsockname()[1])
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def drip(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def drip_a_header(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    drip(connection)


def drip_a_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
    drip(connection)


def say_nothing(connection: socket.socket) -> None:
    connection.recv(1)  # until the other side has left


def flood(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: y\r\n" * 1000)


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 10000)


@pytest.mark.parametrize("speak", [drip, drip_a_header, drip_a_body, say_nothing])
def test_whoever_is_slow_is_left_when_the_time_is_over(speak: Callable[[socket.socket], None]) -> None:
    with saying(speak) as server:
        began = time.monotonic()
        with pytest.raises(Failed):
            server.ask("GET", "/", SHORT)
        assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("speak", [flood, endless])
def test_whoever_says_too_much_is_left_before_the_memory_is_full(speak: Callable[[socket.socket], None]) -> None:
    with saying(speak) as server, pytest.raises(Failed, match=r"bytes|no HTTP"):
        server.ask("GET", "/", Bounds(seconds=10, size=1000))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"", "no HTTP"),
        (b"hello\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 OK\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "cut off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 99 + b"\r\n\r\nab", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\nab", "more than 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "pieces"),
    ],
)
def test_what_is_no_answer_is_none(said: bytes, why: str) -> None:
    with saying(lambda connection: connection.sendall(said)) as server, pytest.raises(Failed, match=why):
        server.ask("GET", "/", SHORT)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.0 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length:2\r\nConnection: keep-alive\r\n\r\n{}and more",
        b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_an_answer_ends_with_its_length_or_with_its_connection(said: bytes) -> None:
    with saying(lambda connection: connection.sendall(said)) as server:
        assert server.ask("GET", "/", SHORT) == Answer(200, b"{}")
        assert server.ask("GET", "/", SHORT).json() == {}


def test_nobody_there_and_no_such_name_are_failures() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for host in ("127.0.0.1", "no-such-name.invalid", "a" * 300, ""):
        with pytest.raises(Failed):
            Server(host, port).ask("GET", "/", SHORT)


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=12)
            | st.sampled_from(["profiles", "taken", "organisation", "identity", "revision", "publishedTo", "id"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(NESTED)
def test_whatever_others_publish_is_read_as_something_or_as_nothing(raw: object) -> None:
    document(raw)
    swarms(raw)
