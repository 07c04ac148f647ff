"""What runs for one GoQuorum node: an init step, geth, its peers' keeper, and Tessera where privacy is on."""

from __future__ import annotations

from collections.abc import Iterator

from archipelago.chains.goquorum import geth, introduce, peers, readiness, tessera
from archipelago.chains.goquorum.identity import KEYSTORE, NODE_KEY, PASSWORD, TESSERA_KEY
from archipelago.chains.goquorum.settings import GoQuorumNetwork, GoQuorumNode
from archipelago.chains.goquorum.versions import release
from archipelago.chains.process import STAY
from archipelago.model.plan import Container, Mount, Probe, Resources, Source
from archipelago.settings.images import tagged
from archipelago.settings.types import quantity

# geth starts to sync 10 s after its start where it has fewer than 5 peers (eth/sync.go, forceSyncCycle), and until then
# it says that it is not syncing. A "syncing" is seen 4 s later, so a node that is ready for so long has looked for a
# higher peer.
MIN_READY = 15

_GENESIS = "/genesis/genesis.json"
_MARKER = f"{geth.DATA}/genesis-hash"  # the chain whose blocks the volume holds
_RUN = Mount(Source.RUN, "/run/archipelago", writable=True)
_TMP = Mount(Source.TMP, "/tmp", writable=True)  # noqa: S108 - a volume of the pod's own
_DATA = Mount(Source.DATA, "/data", writable=True)
_LIVE = Mount(Source.LIVE, "/peers")

# geth reads both lists from its data directory; as links they follow the mounted ConfigMap, which changes under it.
# Kubernetes mounts a Secret's files as links too, and geth's keystore skips links: hence the copy into memory.
# The marker is written after geth has succeeded, and is whole or not there. Chain data without one (a crash in between,
# or a volume made by something else) goes through `geth init`, which does nothing to its own chain and refuses another.
_PREPARE = f"""set -eu
if [ -e {_MARKER} ] && [ "$(cat {_MARKER})" != "$1" ]; then
  echo "This volume holds the chain of genesis $(cat {_MARKER}), but this network's genesis is $1." >&2
  echo "Nothing was touched. Name the old genesis in archipelago:network.genesisFile (each partner's output network" >&2
  echo "has its text), then run pulumi up again. A new chain is a network of another name." >&2
  exit 1
fi
mkdir -p {geth.DATA} {geth.KEYSTORE}
cp /identity/{KEYSTORE} {geth.KEYSTORE}/account.json
chmod 600 {geth.KEYSTORE}/account.json
ln -sfn /peers/permissioned-nodes.json {geth.DATA}/permissioned-nodes.json
ln -sfn {peers.LIST} {geth.DATA}/static-nodes.json
cp {peers.LIST} {peers.APPLIED}
if [ -e {_MARKER} ] && [ -d {geth.DATA}/geth/chaindata ] && cmp -s {_GENESIS} {geth.GIVEN}; then exit 0; fi
geth --datadir {geth.DATA} init {_GENESIS}
cp {_GENESIS} {geth.GIVEN}
echo "$1" > {_MARKER}.new
sync
mv {_MARKER}.new {_MARKER}
"""
# geth asks Tessera as it starts, and ends with 112 where a private transaction finds none for 5 seconds. The socket may
# be a killed one's, and is there before Tessera answers; the port opens last.
# A shell that is process 1 ignores SIGTERM without a trap.
_WAIT_FOR_TESSERA = f"""trap 'exit 0' TERM
until [ -S {geth.PTM_SOCKET} ] && timeout 5 wget -q -O /dev/null http://127.0.0.1:{tessera.P2P}/upcheck 2>/dev/null
do sleep 1; done
"""


def init(network: GoQuorumNetwork, node: GoQuorumNode, genesis_hash: str) -> Container:
    """The init step: idempotent, and it fails where the volume holds another chain."""
    return Container(
        name="init",
        image=_image(network, node),
        command=("sh", "-c", _PREPARE, "init", genesis_hash),
        mounts=(
            _DATA,
            _RUN,
            _TMP,
            _LIVE,
            Mount(Source.IDENTITY, "/identity", files=(KEYSTORE,)),
            Mount(Source.SHARED, "/genesis"),
        ),
        resources=node.resources.given,  # costs nothing more: it has ended before the others start
    )


def containers(
    network: GoQuorumNetwork, node: GoQuorumNode, process: geth.Process, object_name: str
) -> Iterator[Container]:
    """The node's processes, geth first."""
    own_url = tessera.own_url(object_name)
    wait = _WAIT_FOR_TESSERA if process.tessera else ""
    private = (NODE_KEY, PASSWORD) if node.unlock else (NODE_KEY,)
    ports = ["p2p", readiness.PORT.name] + ["rpc"] * node.api.rpc + ["ws"] * node.api.websocket
    yield Container(
        name="quorum",
        image=_image(network, node),
        command=("sh", "-c", f'set -eu\n{wait}{STAY}stay geth "$@"\n', "geth", *geth.arguments(process, node)),
        mounts=(_DATA, _RUN, _TMP, _LIVE, Mount(Source.IDENTITY, "/identity", files=private)),
        resources=node.resources.given,
        ports=tuple(ports),
        env=geth.environment(process),
        readiness=readiness.PROBE,
        # the kernel accepts while geth is busy with its database: only a process that is gone fails
        liveness=Probe(port="p2p", period=20),
        startup=Probe(port="p2p", period=5, failures=720),  # an hour to open a large database
    )
    yield Container(
        name="peers",
        image=_image(network, node),
        command=_keeper(node, own_url if process.tessera else ""),
        mounts=(_RUN, _TMP, _LIVE, *([Mount(Source.CONFIG, "/config", files=(tessera.PUBLIC_KEY,))] * process.tessera)),
        resources=Resources("10m", "64Mi", "256Mi"),  # geth's console takes 44 MiB for the moment that it runs
    )
    if process.tessera:
        yield _tessera(network, node, own_url)


def _keeper(node: GoQuorumNode, own_url: str) -> tuple[str, ...]:
    """What runs beside geth, and Tessera where there is one: its peers' list names this node `own_url`."""
    if own_url:
        return ("sh", "-c", readiness.script(node) + introduce.SCRIPT + peers.BESIDE_TESSERA, "peers", own_url)
    return ("sh", "-c", readiness.script(node) + peers.SCRIPT)


def _tessera(network: GoQuorumNetwork, node: GoQuorumNode, own_url: str) -> Container:
    version = node.privacy_version or network.privacy.version
    limit = int(quantity(node.privacy_resources.memory_limit))
    return Container(
        name="tessera",
        image=tagged(network.images.tessera, version),
        command=("sh", "-c", tessera.start_script(release(version), limit), "tessera", own_url),
        mounts=(
            _DATA,
            _RUN,
            _TMP,
            _LIVE,
            Mount(Source.CONFIG, "/config"),
            Mount(Source.IDENTITY, "/identity", files=(TESSERA_KEY,)),
        ),
        resources=node.privacy_resources.given,
        ports=("tessera", *(["third-party"] if node.api.third_party else [])),
        readiness=Probe(port="tessera"),
        liveness=Probe(port="tessera", period=20),
        startup=Probe(port="tessera", period=5, failures=120),
    )


def _image(network: GoQuorumNetwork, node: GoQuorumNode) -> str:
    return tagged(network.images.goquorum, node.version or network.version)
