"""What a running CITA-Cloud node is asked, and how its answers are read: the controller's gRPC, from inside the pod.

Source: cita_cloud_proto of May 2021, protos/controller.proto.
"""

from __future__ import annotations

import base64

from google.protobuf.wrappers_pb2 import UInt64Value

from archipelago.chains.cita_cloud import files, ports
from archipelago.chains.cita_cloud.grpc import Call, Reply, fields, replies, request
from archipelago.chains.running import Command, Knock, Lack, State, Unanswered
from archipelago.model.record import ExternalNode

CONTAINER, CONTROLLER = "peers", "controller"
ADDRESS = f"/config/{files.ADDRESS_FILE}"
_PORT = ports.RPC.number
_SERVICE = "controller.RPCService"
_NUMBER, _GENESIS, _CONFIG, _PEERS, _BLOCK = range(5)  # the questions, in the order in which they are put
_QUESTIONS = 5
_VALUE, _VALIDATORS = 1, 5  # fields: the only one of most messages, and one of SystemConfig

# Run by nc with the connection as standard input and output. A server keeps a connection open when it has answered, and
# some give up what they are doing when it is closed on one side; so frames are read one by one until every question has
# its answer: 9 bytes (length, type, flags, stream), then so many. HEADERS (1) or DATA (0) with the flag 1 end a stream,
# RST_STREAM (3) does, GOAWAY (7) ends everything. Whoever reads more than a frame at once would wait for ever. For a
# server that says nothing there is an end, too: what kubectl runs is a process group with all that it starts. `timeout`
# would kill one process of it, and keep the output open as long as it lives.
_READ = """{ sleep 30; kill -9 -$$; } <&- >/dev/null 2>&1 3>&- &
printf %s "$1" | base64 -d
left=$2
while [ "$left" -gt 0 ]; do
  set -- $(dd bs=1 count=9 2>/dev/null | od -An -v -tx1)
  [ $# = 9 ] || break
  echo "$*" >&3
  size=$((0x$1$2$3))
  [ $size = 0 ] || dd bs=1 count=$size 2>/dev/null | od -An -v -tx1 >&3
  case $4 in
    00|01) left=$((left - (0x$5 & 1))) ;;
    03) left=$((left - 1)) ;;
    07) break ;;
  esac
done
"""
_ASK = f'cat {ADDRESS}; echo; exec nc -w 3 127.0.0.1 {_PORT} -e sh -c "$1" sh "$2" "$3" 3>&1'


class Controller:
    """The controller's gRPC, asked by the shell of the container beside it; the services' images have no client."""

    container = CONTAINER
    main = CONTROLLER
    workload = "statefulset"
    blocks = None
    given = None
    private_keys = None
    among_siblings: frozenset[str] = frozenset()
    console = Lack(
        "CITA-Cloud has no console.",
        "Ask its rpc port with a gRPC client of yours; archipelago urls tells where it is.",
    )
    admission = Lack(
        "the network service keeps no list of whom it lets in.",
        "A firewall, or the network policy <network>-peers, decides who reaches a node.",
    )
    votes = Lack(
        "validators of CITA-Cloud do not vote: the super admin names them.",
        "Let the super admin send a transaction that sets the new list.",
    )
    trials = Lack(
        "no transaction was tried: it has to be signed by an account that the chain's executor knows.",
        "Send one with a client of yours; archipelago urls tells where the rpc port is.",
    )

    def look(self, height: int | None = None) -> Command:
        """All questions at once; and the node's address, which it does not tell itself."""
        calls = [
            Call(f"{_SERVICE}/GetBlockNumber"),  # without the flag that asks for one that is not final
            Call(f"{_SERVICE}/GetBlockHash"),  # of block 0
            Call(f"{_SERVICE}/GetSystemConfig"),
            Call(f"{_SERVICE}/GetPeerCount"),
        ]
        if height is not None:
            calls.append(Call(f"{_SERVICE}/GetBlockHash", UInt64Value(value=height).SerializeToString()))
        asked = base64.b64encode(request(calls, f"127.0.0.1:{_PORT}")).decode()
        return ("sh", "-c", _ASK, "ask", _READ, asked, str(len(calls)))

    def state(self, printed: str) -> State:
        """The answer to `look`."""
        address, _, frames = printed.partition("\n")
        try:
            heard = replies(bytes.fromhex(frames), _QUESTIONS)
            validators = fields(_message("GetSystemConfig", heard[_CONFIG]), bytes).get(_VALIDATORS, [])
            return State(
                height=_number("GetBlockNumber", heard[_NUMBER]),
                genesis_hash=_hash(_message("GetBlockHash", heard[_GENESIS])),
                block_hash=_block(heard[_BLOCK]),
                counted=_number("GetPeerCount", heard[_PEERS]),
                address=address.strip(),
                validators=tuple(f"0x{each.hex()}" for each in validators),
            )
        except ValueError as error:
            raise Unanswered(f"its controller: {error}") from None

    def knocks(self, node: ExternalNode) -> tuple[Knock, ...]:
        """A connection to the network service and one to syncthing, closed at once."""
        wanted = (ports.NETWORK.name, ports.SYNC.name)
        ends = {name: node.endpoints[name] for name in wanted if name in node.endpoints}
        return tuple(
            Knock(name, end, ("nc", "-w", "3", end.host, str(end.port), "-e", "true")) for name, end in ends.items()
        )

    def quorum(self, validators: int) -> int:
        """More than two thirds of them; raft makes do with more than half."""
        return 2 * validators // 3 + 1


def _message(method: str, reply: Reply) -> bytes:
    try:
        return reply.message()
    except ValueError as error:
        raise ValueError(f"{method}: {error}") from None


def _number(method: str, reply: Reply) -> int:
    return fields(_message(method, reply), int).get(_VALUE, [0])[0]  # protobuf leaves a zero out


def _hash(message: bytes) -> str:
    found = fields(message, bytes).get(_VALUE)
    return f"0x{found[0].hex()}" if found else ""


def _block(reply: Reply) -> str:
    """The hash of a block; empty where none was asked for, and where the node has none."""
    try:
        return _hash(reply.message())
    except ValueError:
        return ""
