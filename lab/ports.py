"""Ports on loopback: chosen free once, then kept, and who holds one that was wanted."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Collection, Sequence
from pathlib import Path

LOOPBACK = "127.0.0.1"

RANGE = range(20000, 30000)
"""Below the node ports of Kubernetes (30000-32767) and the ports of outgoing connections on Linux (32768 up)."""

_LISTENING = "0A"
"""TCP_LISTEN in the fourth column of /proc/net/tcp."""


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        # As Go's servers do: connections that linger after an earlier server are no obstacle.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((LOOPBACK, port))
            server.listen(1)
        except OSError:
            return False
    return True


def choose(names: Sequence[str], seed: str, taken: Collection[int] = ()) -> dict[str, int]:
    """A free port for each name.

    The search starts at a place that depends on the seed, so two labs that start at the same moment do not meet.

    Args:
        names: what the ports are for.
        seed: for example the lab's folder.
        taken: ports that must not be chosen although they are free now.

    Raises:
        OSError: there are not enough free ports in `RANGE`.
    """
    offset = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4]) % len(RANGE)
    chosen: dict[str, int] = {}
    candidates = iter([*RANGE[offset:], *RANGE[:offset]])
    for name in names:
        for port in candidates:
            if port not in taken and is_free(port):
                chosen[name] = port
                break
        else:
            raise OSError(f"no free port between {RANGE.start} and {RANGE.stop - 1}")
    return chosen


def holder(port: int) -> str:
    """Who listens on a port, for an error message: `pid 4711 (nginx)`, or `another process`."""
    sockets = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[3] == _LISTENING and int(columns[1].rsplit(":", 1)[1], 16) == port:
                sockets.add(f"socket:[{columns[9]}]")
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(link.readlink()) in sockets for link in (folder / "fd").iterdir()):
                return f"pid {folder.name} ({(folder / 'comm').read_text().strip()})"
        except OSError:
            continue
    return "another process"
