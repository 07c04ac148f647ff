"""geth's command line by release, from 2.7.0 on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archipelago.chains.goquorum.settings import Api, GoQuorumNode
from archipelago.chains.goquorum.versions import HTTP_FLAGS, WS_FLAGS, Release
from archipelago.chains.peer_limits import PeerLimits

DATA = "/data/dd"
GIVEN = f"{DATA}/genesis.json"  # what it was given last: rules may change where block 0 stays
IPC = "/run/archipelago/geth.ipc"
PTM_SOCKET = "/run/archipelago/tm.ipc"
KEYSTORE = "/run/archipelago/keystore"
P2P, RPC, WS = 30303, 8545, 8546
# geth opens a third of them itself and takes the others from outside (p2p/server.go). By default they are 50, and from
# 34 nodes on a full mesh is impossible. A fixed number, above any address book: a partner's node restarts no other.
MAX_PEERS = 1000
PEER_LIMITS = PeerLimits("geth", MAX_PEERS, of_one=300, of_all=600, of_many=60)

# What the program decides; in extraArgs they would be given twice, and geth takes the last one without a word.
OWNED = frozenset(
    [
        "datadir",
        "nodekey",
        "nodekeyhex",
        "keystore",
        "ipcpath",
        "ipcdisable",
        "networkid",
        "permissioned",
        "nodiscover",
        "nat",
        "maxpeers",
        "port",
        "mine",
        "syncmode",
        "gcmode",
        "password",
        "unlock",
        "ptm.socket",
        "ptm.url",
        "http",
        "http.addr",
        "http.port",
        "http.api",
        "http.vhosts",
        "rpcvhosts",
        "istanbul.blockperiod",
        "istanbul.requesttimeout",
        "rpc",
        "rpcaddr",
        "rpcport",
        "rpcapi",
        "ws",
        "ws.addr",
        "ws.port",
        "ws.api",
        "wsaddr",
        "wsport",
        "wsapi",
        "verbosity",
        "raft",
        "allow-insecure-unlock",
    ]
)


@dataclass(frozen=True, slots=True)
class Times:
    """The engine's times: seconds between two blocks, milliseconds before a round is given up."""

    block_period: int
    request_timeout: int


@dataclass(frozen=True, slots=True)
class Process:
    """What geth has to know to run one node.

    Args:
        release: Its release.
        chain_id: Chain and network id.
        times: Where geth does not read them in the genesis (one for releases before 22.4.2); else None.
        tessera: Whether a Tessera runs beside it.
    """

    release: Release
    chain_id: int
    times: Times | None
    tessera: bool


def arguments(process: Process, node: GoQuorumNode) -> tuple[str, ...]:
    """Geth's arguments, in the spelling of the node's release."""
    return (
        *_base(process, node),
        *_mining(process, node),
        *_http(process, node.api),
        *_ws(process, node.api),
        *node.extra_args,
    )


def environment(process: Process) -> dict[str, str]:
    """Where releases before 21.4 look for their transaction manager; later ones only for that there is none."""
    if not process.tessera:
        return {"PRIVATE_CONFIG": "ignore"}
    return {} if process.release >= HTTP_FLAGS else {"PRIVATE_CONFIG": PTM_SOCKET}


def _base(process: Process, node: GoQuorumNode) -> Iterator[str]:
    yield from ("--datadir", DATA, "--nodekey", "/identity/nodekey", "--keystore", KEYSTORE, "--ipcpath", IPC)
    yield from (
        "--networkid",
        str(process.chain_id),
        "--port",
        str(P2P),
        "--nat",
        "none",
        "--nodiscover",
        "--permissioned",
        "--maxpeers",
        str(MAX_PEERS),
    )
    # archive: a full node keeps private state in memory only and loses it on a crash
    yield from ("--syncmode", "full", "--gcmode", "archive", "--verbosity", str(node.verbosity))
    if process.tessera and process.release >= HTTP_FLAGS:
        yield from ("--ptm.socket", PTM_SOCKET)
    if node.unlock:
        yield from ("--unlock", "0", "--password", "/identity/password", "--allow-insecure-unlock")


def _mining(process: Process, node: GoQuorumNode) -> Iterator[str]:
    if times := process.times:
        yield from ("--istanbul.blockperiod", str(times.block_period))
        yield from ("--istanbul.requesttimeout", str(times.request_timeout))
    if node.validator:
        yield from ("--mine", "--miner.threads", "1", "--miner.gasprice", "0")


def _http(process: Process, api: Api) -> Iterator[str]:
    """JSON-RPC for clients; while it is closed for loopback only, where readiness is asked."""
    host, names, hosts = ("0.0.0.0", ",".join(api.namespaces), "*") if api.rpc else ("127.0.0.1", "eth", "localhost")
    if process.release >= HTTP_FLAGS:
        yield from ("--http", "--http.addr", host, "--http.port", str(RPC), "--http.api", names)
        yield from ("--http.vhosts", hosts)
    else:
        yield from ("--rpc", "--rpcaddr", host, "--rpcport", str(RPC), "--rpcapi", names, "--rpcvhosts", hosts)


def _ws(process: Process, api: Api) -> Iterator[str]:
    if not api.websocket:
        return
    names = ",".join(api.namespaces)
    if process.release >= WS_FLAGS:
        yield from ("--ws", "--ws.addr", "0.0.0.0", "--ws.port", str(WS), "--ws.api", names)
    else:
        yield from ("--ws", "--wsaddr", "0.0.0.0", "--wsport", str(WS), "--wsapi", names)
