"""Gives every Service of type LoadBalancer an address, as a cloud's controller does: a loopback address of its own."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from collections.abc import Collection, Sequence

from lightkube import AsyncClient
from lightkube.resources.core_v1 import Service
from lightkube.types import PatchType

_log = logging.getLogger(__name__)


def choose_address(network: ipaddress.IPv4Network, service: str, taken: Collection[str]) -> str:
    """The address of a Service: the same whenever it is made anew, unless another one has it by then.

    Args:
        network: where addresses come from; its first and last are never given.
        service: `<namespace>/<name>`.
        taken: addresses of other Services.

    Raises:
        ValueError: the network has no address left.
    """
    hosts = network.num_addresses - 2
    start = int.from_bytes(hashlib.sha256(service.encode()).digest()[:8]) % hosts
    for step in range(hosts):
        address = str(network.network_address + 1 + (start + step) % hosts)
        if address not in taken:
            return address
    raise ValueError(f"no address is left in {network}")


class LoadBalancers:
    """Follows Services. Their own status is the only record of who has which address.

    Args:
        client: how the API server is reached.
        network: where addresses come from.
    """

    def __init__(self, client: AsyncClient, network: ipaddress.IPv4Network) -> None:
        self._client = client
        self._network = network
        self._addresses: dict[str, str] = {}

    def start(self, present: Sequence[Service]) -> None:
        """See `Follower.start`: addresses that are given must be known before the first new one is."""
        self._addresses = {_key(service): address for service in present if (address := _address(service))}

    async def change(self, thing: Service, *, deleted: bool) -> None:
        """See `Follower.change`."""
        key, address = _key(thing), _address(thing)
        # A Service with a class belongs to the load balancer of that class.
        wanted = (
            not deleted
            and thing.spec is not None
            and thing.spec.type == "LoadBalancer"
            and not thing.spec.loadBalancerClass
        )
        requested = (thing.spec.loadBalancerIP if thing.spec else None) or address
        if wanted and (address is None or address != requested):
            address = self._free(key, requested)
            await self._publish(thing, [{"ip": address, "ipMode": "VIP"}] if address else [])
            _log.info("%s has %s", key, address or f"no address: {requested} is not to be had")
        elif (
            not wanted
            and address is not None
            and not deleted
            and thing.spec is not None
            and not thing.spec.loadBalancerClass
        ):
            await self._publish(thing, [])
            address = None
        if address is None or deleted:
            self._addresses.pop(key, None)
        else:
            self._addresses[key] = address

    def _free(self, key: str, requested: str | None) -> str | None:
        """The requested address, or one of ours where none is; None if another Service has it, or it is not ours."""
        others = {given for service, given in self._addresses.items() if service != key}
        if requested is None:
            return choose_address(self._network, key, others)
        return requested if ipaddress.ip_address(requested) in self._network and requested not in others else None

    async def _publish(self, service: Service, ingress: list[dict[str, str]]) -> None:
        assert service.metadata is not None and service.metadata.name is not None  # noqa: S101 - the server gives both
        await self._client.patch(
            Service.Status,
            service.metadata.name,
            {"status": {"loadBalancer": {"ingress": ingress}}},
            namespace=service.metadata.namespace,
            patch_type=PatchType.MERGE,
        )


def _key(service: Service) -> str:
    metadata = service.metadata
    return f"{metadata.namespace}/{metadata.name}" if metadata else ""


def _address(service: Service) -> str | None:
    status = service.status.loadBalancer if service.status else None
    ingress = (status.ingress if status else None) or []
    return ingress[0].ip if ingress else None
