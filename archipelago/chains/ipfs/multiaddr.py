"""The multiaddrs that a private swarm has: a host, a TCP port, and whose they are (multiformats/multiaddr)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from archipelago.identity.peer_id import check_peer_id
from archipelago.model.endpoint import Endpoint

_PART = r"[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_PART}(\.{_PART})*\.?")
_HOSTS = ("ip4", "ip6", "dns", "dns4", "dns6")
_NOT_TCP = (
    "udp",
    "quic",
    "quic-v1",
    "webtransport",
    "webrtc",
    "webrtc-direct",
    "ws",
    "wss",
    "tls",
    "p2p-circuit",
    "http",
)
_PORTS = range(1, 65536)


@dataclass(frozen=True, slots=True)
class Multiaddr:
    """Where one member is dialled.

    Args:
        kind: Of the host: ip4, ip6, dns, dns4 or dns6.
        host: Address or name.
        port: TCP port.
        peer_id: Whose it is, in base58; empty where nobody said.
    """

    kind: str
    host: str
    port: int
    peer_id: str = ""

    def __str__(self) -> str:
        owner = f"/p2p/{self.peer_id}" if self.peer_id else ""
        return f"/{self.kind}/{self.host}/tcp/{self.port}{owner}"


def of_endpoint(endpoint: Endpoint, peer_id: str = "") -> Multiaddr:
    """An endpoint as a multiaddr; a name is looked up for IPv4, which every release does."""
    try:
        address = ipaddress.ip_address(endpoint.host)
    except ValueError:
        return Multiaddr("dns4", endpoint.host, endpoint.port, peer_id)
    return Multiaddr(f"ip{address.version}", str(address), endpoint.port, peer_id)


def parsed(text: str) -> Multiaddr:
    """Read `/ip4/203.0.113.7/tcp/4001/p2p/12D3KooW…`; `/ipfs/` in the place of `/p2p/` is the former spelling.

    Raises:
        ValueError: It is none, or not one that a private swarm can dial; the message says which part.
    """
    start, *parts = text.split("/")
    if start or len(parts) not in (4, 6):
        raise ValueError(_why(parts))
    kind, host, transport, port, *owner = parts
    if kind not in _HOSTS or transport != "tcp" or (owner and owner[0] not in ("p2p", "ipfs")):
        raise ValueError(_why(parts))
    if not port.isascii() or not port.isdigit() or int(port) not in _PORTS:
        raise ValueError(f"{port!r} is no port")
    return Multiaddr(kind, _host(kind, host), int(port), check_peer_id(owner[1]) if owner else "")


def _why(parts: list[str]) -> str:
    if found := next((each for each in parts if each in _NOT_TCP), ""):
        return f"members of a private swarm speak plain TCP, and {found} is in it"
    if parts[:1] == ["dnsaddr"]:
        return "dnsaddr stands for a list that somebody else keeps"
    return "it is not /ip4, /ip6 or /dns4, a host, /tcp and a port"


def _host(kind: str, text: str) -> str:
    if kind.startswith("dns"):
        if not _NAME.fullmatch(text) or text.rpartition(".")[2].isdigit():
            raise ValueError(f"{text!r} is no host name")
        return text
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if address is None or kind != f"ip{address.version}" or "%" in text:
        raise ValueError(f"{text!r} is no {kind} address")
    if address.is_unspecified or address.is_multicast:
        raise ValueError(f"nobody is dialled at {text}")
    return str(address)
