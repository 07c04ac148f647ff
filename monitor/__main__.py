"""Run the monitor until the pod ends."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from pathlib import Path

from monitor.access import Access
from monitor.kubernetes import Kubernetes
from monitor.rounds import Rounds
from monitor.server import Pages, Server
from monitor.settings import read

_PORT = 8443
_CERTIFICATE = Path("/tls")


def main() -> None:
    """Watch and serve."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())  # as the pod's first process it would not hear them otherwise
    kubernetes = Kubernetes.around()
    rounds = Rounds(read(Path(__file__).with_name("settings.json")), kubernetes)
    pages = Pages(Access(kubernetes), rounds.metrics, rounds.healthy)
    everywhere = "::" if socket.has_dualstack_ipv6() else "0.0.0.0"  # noqa: S104 - the Service decides who reaches it
    with Server((everywhere, _PORT), _CERTIFICATE, pages) as server:
        threading.Thread(target=server.serve_forever, name="server", daemon=True).start()
        rounds.run(stop)
        server.shutdown()


if __name__ == "__main__":
    main()
