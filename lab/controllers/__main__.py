"""The process that runs the lab's own controllers for one cluster; ends when it is told to."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import logging
import sys
from pathlib import Path

from lightkube import AsyncClient, KubeConfig
from lightkube.resources.core_v1 import Namespace, PersistentVolume, PersistentVolumeClaim, Pod, Service
from lightkube.resources.networking_v1 import NetworkPolicy

from lab.controllers.following import follow
from lab.controllers.loadbalancer import LoadBalancers
from lab.controllers.policies import Policies
from lab.controllers.volumes import Claims, Volumes


def main() -> None:
    """Parse the arguments and run every controller."""
    parser = argparse.ArgumentParser(prog="lab.controllers", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument(
        "--addresses", type=ipaddress.IPv4Network, required=True, help="network of load-balancer addresses"
    )
    parser.add_argument(
        "--volumes", type=Path, metavar="DIR", help="give each volume a directory in DIR; without it none is stored"
    )
    parser.add_argument(
        "--policies",
        action="store_true",
        help="enforce NetworkPolicies with nftables in the network namespace that this process runs in; needs root",
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpx2").setLevel(logging.WARNING)

    asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> None:
    # Without the environment, whose proxies know nothing of loopback.
    client = AsyncClient(config=KubeConfig.from_file(arguments.kubeconfig).get(), trust_env=False)
    # Kubelet needs a path that holds wherever it runs.
    volumes = arguments.volumes.absolute() if arguments.volumes else None
    tasks = [
        follow(client, Service, LoadBalancers(client, arguments.addresses)),
        follow(client, PersistentVolumeClaim, Claims(client, volumes)),
        follow(client, PersistentVolume, Volumes(client, volumes)),
    ]
    if arguments.policies:
        policies = Policies()
        tasks += [
            follow(client, Pod, policies.pods),
            follow(client, Namespace, policies.namespaces),
            follow(client, NetworkPolicy, policies.policies),
        ]
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    main()
