"""The process that runs the lab's own controllers for one cluster; ends when it is told to."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import logging
import sys
from pathlib import Path

from lightkube import AsyncClient, KubeConfig
from lightkube.resources.core_v1 import PersistentVolume, PersistentVolumeClaim, Service

from lab.controllers.following import follow
from lab.controllers.loadbalancer import LoadBalancers
from lab.controllers.volumes import Claims, Volumes


def main() -> None:
    """Parse the arguments and run every controller."""
    parser = argparse.ArgumentParser(prog="lab.controllers", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument(
        "--addresses", type=ipaddress.IPv4Network, required=True, help="network of load-balancer addresses"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpx2").setLevel(logging.WARNING)

    asyncio.run(_run(arguments.kubeconfig, arguments.addresses))


async def _run(kubeconfig: Path, addresses: ipaddress.IPv4Network) -> None:
    # Without the environment, whose proxies know nothing of loopback.
    client = AsyncClient(config=KubeConfig.from_file(kubeconfig).get(), trust_env=False)
    await asyncio.gather(
        follow(client, Service, LoadBalancers(client, addresses)),
        follow(client, PersistentVolumeClaim, Claims(client)),
        follow(client, PersistentVolume, Volumes(client)),
    )


if __name__ == "__main__":
    main()
