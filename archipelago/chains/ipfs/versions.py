"""Releases of kubo (go-ipfs before 0.14), and what each needs in a private swarm."""

from __future__ import annotations

from collections.abc import Iterator

from archipelago.settings.images import tagged

Release = tuple[int, ...]

OLDEST = (0, 8, 0)  # that of cluster-discovery
NEWEST = (0, 42, 99)  # the last one that this program was tried with
NAMED_KUBO = (0, 14, 0)  # until then the image is ipfs/go-ipfs, whose later tags only say that it has moved
BROKEN = {(0, 10, 0): "go-ipfs 0.10.0 drops the connections of private swarms right after their handshake"}

RELAY_CLIENT = (0, 11, 0)  # Swarm.RelayClient and EnableHolePunching; before it EnableAutoRelay and EnableRelayHop
OPTIONAL_MDNS_INTERVAL = (0, 12, 0)  # Discovery.MDNS has no interval any more
RESOURCE_MANAGER = (0, 19, 0)  # Swarm.ResourceMgr.MaxMemory, else a share of the whole machine's memory
API_AUTHORIZATIONS = (0, 25, 0)  # API.Authorizations: the RPC asks for a token
AUTO_TLS = (0, 32, 0)  # asks a public authority for a certificate and tells it the PeerID
HTTP_RETRIEVAL = (0, 35, 0)  # fetches blocks from gateways on the Internet
AUTO_CONF = (0, 37, 0)  # takes its settings from the Internet, and refuses to start in a private swarm
SHUTDOWN_TIMEOUT = (0, 42, 0)  # half a day unless told otherwise


def release(version: str) -> Release:
    """A version that settings have accepted: three numbers."""
    return tuple(int(part) for part in version.split("."))


def repository(version: str, kubo: str, go_ipfs: str) -> str:
    """Which of two repositories has the image of a release; arguments as those of `image`."""
    return kubo if release(version) >= NAMED_KUBO else go_ipfs


def image(version: str, kubo: str, go_ipfs: str) -> str:
    """The image of a release; a digest in the repository wins.

    Args:
        version: As `0.42.0`.
        kubo: Repository of the images since 0.14.
        go_ipfs: Repository of those before.
    """
    return tagged(repository(version, kubo, go_ipfs), f"v{version}")


def architecture(version: str) -> str:
    """Of the machines that the image of a release runs on; empty where there are several."""
    return "" if release(version) >= NAMED_KUBO else "amd64"


def doubts(version: str) -> Iterator[str]:
    """What a reader of the preview should know of a release."""
    if release(version) > NEWEST:
        yield f"kubo {version} is newer than this program knows: what it needs beyond 0.42 is not set."
