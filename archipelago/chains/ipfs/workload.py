"""What runs for one member: a step that prepares its volume, the daemon, and the container beside it."""

from __future__ import annotations

from collections.abc import Iterator

from archipelago.chains.ipfs import peers, ports, start, versions
from archipelago.chains.ipfs.keys import source_of
from archipelago.chains.ipfs.places import (
    API_TOKEN,
    KUBO,
    PEERS,
    READY,
    REPOSITORY,
    RUN,
    STATUS_PORT,
    TOOLS,
)
from archipelago.chains.ipfs.settings import IpfsStack, Member
from archipelago.chains.node import Node
from archipelago.model.plan import Container, Mount, Probe, Resources, Source
from archipelago.settings.types import quantity

_DATA = Mount(Source.DATA, "/data", writable=True)
_RUN = Mount(Source.RUN, RUN, writable=True)
_TMP = Mount(Source.TMP, "/tmp", writable=True)  # noqa: S108 - a volume of the pod's own
_CONFIG = Mount(Source.CONFIG, "/config")
_LIVE = Mount(Source.LIVE, "/peers")
_PATH = f"{TOOLS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def containers(settings: IpfsStack, node: Node[Member]) -> tuple[Container, ...]:
    """The daemon, and what keeps its lists and tells how it is."""
    member = node.settings
    image = _image(settings, member)
    private = tuple(node.private_files)
    return (
        Container(
            name=KUBO,
            image=image,
            command=("sh", "-c", start.DAEMON, "daemon", *_arguments(settings, node), *_flags(member)),
            mounts=(_DATA, _RUN, _TMP, _CONFIG, _LIVE, Mount(Source.IDENTITY, "/identity", files=private)),
            resources=member.resources.given,
            ports=tuple(port.name for port in ports.opened(settings, member)),
            env=_environment(member) | {"PATH": _PATH},
            # the kernel accepts while the daemon is busy: only a process that is gone fails
            liveness=Probe(port=ports.SWARM, period=20),
            startup=Probe(
                port=ports.SWARM, period=5, failures=720
            ),  # an hour to open a large repository, or migrate it
        ),
        Container(
            name=PEERS,
            image=image,
            command=("sh", "-c", peers.SCRIPT, "peers", *_peers_arguments(settings, node)),
            mounts=(
                _RUN,
                _TMP,
                _CONFIG,
                _LIVE,
                *((Mount(Source.IDENTITY, "/identity", files=(API_TOKEN,)),) if API_TOKEN in private else ()),
            ),
            resources=Resources("10m", "64Mi", "256Mi"),  # in a console ipfs takes 60 MiB for the moment that it runs
            ports=(STATUS_PORT.name,),
            # it asks the daemon beside it, so that Kubernetes has to start no process for each question
            readiness=Probe(port=STATUS_PORT.name, path=f"/{READY}", period=5),
            env=_environment(member) | {"PATH": _PATH},
        ),
    )


def init(settings: IpfsStack, node: Node[Member]) -> Container:
    """The step before all others: idempotent, and it fails where the volume is another member's."""
    return Container(
        name="init",
        image=_image(settings, node.settings),
        command=("sh", "-c", start.PREPARE, "init", *_arguments(settings, node)),
        mounts=(
            _DATA,
            _RUN,
            _TMP,
            _CONFIG,
            _LIVE,
            Mount(Source.IDENTITY, "/identity", files=tuple(node.private_files)),
        ),
        resources=node.settings.resources.given,  # costs nothing more: it has ended before the others start
        env=_environment(node.settings),
    )


def first_of(settings: IpfsStack, member: Member) -> str:
    """The organisation whose members are dialled first: whoever gave the key; `-` where the swarm is ours."""
    source = source_of(settings, member)
    return source.partner or (settings.network.joins if source.secret else None) or "-"


def _arguments(settings: IpfsStack, node: Node[Member]) -> tuple[str, ...]:
    record, member = node.record, node.settings
    return (
        settings.network.name,
        record.swarm or "",
        record.node_id,
        first_of(settings, member),
        f"/ip4/127.0.0.1/tcp/{member.api_port}",
        record.fingerprint or "",
    )


def _peers_arguments(settings: IpfsStack, node: Node[Member]) -> tuple[str, ...]:
    record, member = node.record, node.settings
    return (record.swarm or "", record.node_id, first_of(settings, member), str(member.api_port), node.name)


def _flags(member: Member) -> Iterator[str]:
    yield "--migrate=false"  # done before, where a failure is seen as such
    if member.garbage_collection.enabled:
        yield "--enable-gc"


def _environment(member: Member) -> dict[str, str]:
    limit = int(quantity(member.resources.memory_limit))
    return {
        "IPFS_PATH": REPOSITORY,
        "HOME": "/tmp",  # noqa: S108 - a volume of the pod's own
        "LIBP2P_FORCE_PNET": "1",  # no daemon of ours ever starts without a swarm key
        "IPFS_TELEMETRY": "off",
        "GOLOG_LOG_LEVEL": member.log_level,
        "GOMEMLIMIT": str(limit * 8 // 10),
    }


def _image(settings: IpfsStack, member: Member) -> str:
    images = settings.network.images
    return versions.image(member.version or settings.network.version, images.kubo, images.go_ipfs)
