"""What runs for one GoQuorum node: an init step, geth, and Tessera where privacy is on."""

from __future__ import annotations

from collections.abc import Iterator

from archipelago.chains.goquorum import geth, tessera
from archipelago.chains.goquorum.identity import KEYSTORE, NODE_KEY, PASSWORD, TESSERA_KEY
from archipelago.chains.goquorum.settings import GoQuorumNetwork, GoQuorumNode
from archipelago.chains.goquorum.versions import release
from archipelago.model.plan import Container, Mount, Probe, Resources, Source

_GENESIS = "/genesis/genesis.json"
_RUN = Mount(Source.RUN, "/run/archipelago", writable=True)
_TMP = Mount(Source.TMP, "/tmp", writable=True)  # noqa: S108 - a volume of the pod's own
_DATA = Mount(Source.DATA, "/data", writable=True)
_LIVE = Mount(Source.LIVE, "/peers")

# geth reads both lists from its data directory; as links they follow the mounted ConfigMap, which changes under it.
# Kubernetes mounts a Secret's files as links too, and geth's keystore skips links: hence the copy into memory.
_PREPARE = f"""set -eu
mkdir -p {geth.DATA} {geth.KEYSTORE}
cp /identity/{KEYSTORE} {geth.KEYSTORE}/account.json
chmod 600 {geth.KEYSTORE}/account.json
ln -sfn /peers/permissioned-nodes.json {geth.DATA}/permissioned-nodes.json
ln -sfn /peers/static-nodes.json {geth.DATA}/static-nodes.json
geth --datadir {geth.DATA} init {_GENESIS}
"""
_WAIT_FOR_TESSERA = f"while [ ! -S {geth.PTM_SOCKET} ]; do sleep 1; done\n"
# geth exits 0 whatever the expression gives, so the text is compared
_IS_SYNCED = f"""[ "$(geth --exec eth.syncing --datadir /tmp attach {geth.IPC})" = false ]"""


def init(network: GoQuorumNetwork, node: GoQuorumNode) -> Container:
    """The init step: idempotent, and it fails where the volume holds another chain."""
    mounts = (
        _DATA,
        _RUN,
        _TMP,
        _LIVE,
        Mount(Source.IDENTITY, "/identity", files=(KEYSTORE,)),
        Mount(Source.SHARED, "/genesis"),
    )
    return Container("init", _image(network, node), ("sh", "-c", _PREPARE), mounts)


def containers(network: GoQuorumNetwork, node: GoQuorumNode, process: geth.Process) -> Iterator[Container]:
    """The node's processes, geth first."""
    wait = _WAIT_FOR_TESSERA if process.tessera else ""
    private = (NODE_KEY, PASSWORD) if node.unlock else (NODE_KEY,)
    ports = ["p2p"] + ["rpc"] * node.api.rpc + ["ws"] * node.api.websocket
    yield Container(
        name="quorum",
        image=_image(network, node),
        command=("sh", "-c", f'set -eu\n{wait}exec geth "$@"\n', "geth", *geth.arguments(process, node)),
        mounts=(_DATA, _RUN, _TMP, _LIVE, Mount(Source.IDENTITY, "/identity", files=private)),
        ports=tuple(ports),
        env=geth.environment(process),
        readiness=Probe(command=("sh", "-c", _IS_SYNCED), period=10, timeout=10),
        liveness=Probe(port="p2p", period=20),
        startup=Probe(port="p2p", period=5, failures=720),  # an hour to open a large database
        resources=Resources(node.resources.cpu, node.resources.memory, node.resources.memory_limit),
    )
    if process.tessera:
        yield _tessera(network, node)


def _tessera(network: GoQuorumNetwork, node: GoQuorumNode) -> Container:
    version = node.privacy_version or network.privacy.version
    return Container(
        name="tessera",
        image=f"{network.images.tessera}:{version}",
        command=("sh", "-c", tessera.start_script(release(version))),
        mounts=(
            _DATA,
            _RUN,
            _TMP,
            _LIVE,
            Mount(Source.CONFIG, "/config"),
            Mount(Source.IDENTITY, "/identity", files=(TESSERA_KEY,)),
        ),
        ports=("tessera", *(["third-party"] if node.api.third_party else [])),
        readiness=Probe(port="tessera"),
        liveness=Probe(port="tessera", period=20),
        startup=Probe(port="tessera", period=5, failures=120),
        resources=Resources("100m", "512Mi", "2Gi"),
    )


def _image(network: GoQuorumNetwork, node: GoQuorumNode) -> str:
    return f"{network.images.goquorum}:{node.version or network.version}"
