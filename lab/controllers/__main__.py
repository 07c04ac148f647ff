"""The process that runs the lab's own controllers for one cluster; ends when it is told to."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from lightkube import Client, KubeConfig
from lightkube.resources.core_v1 import PersistentVolume, PersistentVolumeClaim, Service

from lab.controllers.following import follow
from lab.controllers.loadbalancer import LoadBalancers
from lab.controllers.volumes import Claims, Volumes


def main() -> None:
    """Parse the arguments and run every controller in a thread of its own."""
    parser = argparse.ArgumentParser(prog="lab.controllers", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument(
        "--addresses", type=ipaddress.IPv4Network, required=True, help="network of load-balancer addresses"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpx2").setLevel(logging.WARNING)

    def client() -> Client:
        # One for each thread; without the environment, whose proxies know nothing of loopback.
        return Client(config=KubeConfig.from_file(arguments.kubeconfig).get(), trust_env=False)

    def services() -> None:
        api = client()
        follow(api, Service, LoadBalancers(api, arguments.addresses))

    def claims() -> None:
        api = client()
        follow(api, PersistentVolumeClaim, Claims(api))

    def volumes() -> None:
        api = client()
        follow(api, PersistentVolume, Volumes(api))

    controllers: tuple[Callable[[], None], ...] = (services, claims, volumes)
    threads = [threading.Thread(target=controller, daemon=True) for controller in controllers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
