"""What geth's console is asked, and how its answers are read. Over IPC in the pod: RPC ports are closed by default."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from eth_utils.address import to_checksum_address

from archipelago.chains.goquorum import enode, tessera, trial
from archipelago.chains.goquorum.geth import GIVEN, IPC
from archipelago.chains.goquorum.identity import NODE_KEY
from archipelago.chains.running import (
    Admission,
    Ballot,
    Command,
    Console,
    Knock,
    PrivateKeys,
    State,
    Step,
    Trials,
    Unanswered,
    Votes,
)
from archipelago.identity.secp256k1 import node_id
from archipelago.model.record import ExternalNode, NetworkRecord

_LISTED = "permissioned-nodes.json"
_ERROR = "@archipelago error@ "  # geth exits 0 whatever an expression gives: an error has to be told in the text
_VERSION = re.compile(r"\d+(\.\d+)+\S*")
_WITHIN = ("timeout", "3")  # not wget's own -T: with it some builds of busybox crash
_MAJORITY_OF = 2  # a vote passes with more than half of the validators (GoQuorum consensus/istanbul/backend/snapshot)
_STATE = """(function(at){
function hash(n){var b=eth.getBlock(n);return b?b.hash:""}
var s=istanbul.getSnapshot();
return {id:admin.nodeInfo.enode,height:eth.blockNumber,syncing:eth.syncing!==false,genesis:hash(0),
block:at===null?"":hash(at),address:istanbul.nodeAddress||"",validators:s.validators||[],
pending:istanbul.candidates||{},votes:s.votes||[],
peers:admin.peers.map(function(p){return [p.enode,p.network.remoteAddress]})}})""".replace("\n", "")
_VOTE = """(function(cast,drop){var wrong=[];
drop.forEach(function(a){try{istanbul.discard(a)}catch(e){wrong.push(a+": "+e)}});
Object.keys(cast).forEach(function(a){try{istanbul.propose(a,cast[a])}catch(e){wrong.push(a+": "+e)}});
return wrong})""".replace("\n", "")


class GethConsole:
    """GoQuorum with IBFT or QBFT; both have geth's `istanbul` namespace."""

    container = main = "quorum"
    workload = "statefulset"
    blocks = None
    given = ("cat", GIVEN)
    among_siblings = frozenset({"tessera"})

    @property
    def console(self) -> Console:
        """JavaScript, over a socket."""
        return self

    @property
    def admission(self) -> Admission:
        """The list permissioned-nodes.json."""
        return self

    @property
    def votes(self) -> Votes:
        """Those of Istanbul."""
        return self

    @property
    def trials(self) -> Trials:
        """Gas costs nothing."""
        return self

    @property
    def private_keys(self) -> PrivateKeys:
        """What Tessera knows."""
        return self

    def asked(self) -> Command:
        """Tessera's list of keys; it and geth share a pod, and so 127.0.0.1."""
        return (*_WITHIN, "wget", "-q", "-O", "-", f"http://127.0.0.1:{tessera.P2P}/partyinfo")

    def known(self, printed: str) -> frozenset[str]:
        """The keys in it."""
        try:
            return frozenset(str(each["key"]) for each in json.loads(printed)["keys"])
        except (ValueError, KeyError, TypeError):
            raise Unanswered("its Tessera gave something else than its list of keys") from None

    def attach(self) -> Command:
        """The JavaScript console."""
        return ("geth", "--datadir", "/tmp", "attach", IPC)  # noqa: S108 - a volume of the pod's own

    def evaluate(self, expression: str) -> Command:
        """A line of JavaScript; what it throws is marked, for geth exits 0 all the same."""
        return _line(_guarded(f"(0,eval)({json.dumps(expression)})"))

    def answer(self, printed: str) -> str:
        """What a line gave, as the console shows it; a single text without its quotes."""
        text = printed.strip()
        value = _text(text)
        if value is None:
            return text
        if value.startswith(_ERROR):
            raise Unanswered(value.removeprefix(_ERROR))
        return value

    def look(self, height: int | None = None) -> Command:
        """Ask for everything at once: each start of geth costs a tenth of a second."""
        return _line(_read(f"{_STATE}({json.dumps(height)})"))

    def state(self, printed: str) -> State:
        """The answer to `look`."""
        found = self._json(printed)
        try:
            return State(
                node_id=_node_id(found["id"]),
                height=int(found["height"]),
                syncing=bool(found["syncing"]),
                genesis_hash=str(found["genesis"]),
                block_hash=str(found["block"]),
                peers={_node_id(url): str(remote) for url, remote in found["peers"]},
                address=_address(found["address"]),
                validators=tuple(_address(each) for each in found["validators"]),
                pending={_address(address): bool(add) for address, add in found["pending"].items()},
                ballots=tuple(
                    sorted(
                        Ballot(_address(each["address"]), bool(each["authorize"]), _address(each["validator"]))
                        for each in found["votes"]
                    )
                ),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unanswered(f"its console gave something else than was asked for: {error}") from None

    def listed(self) -> Command:
        """The list that geth reads at each handshake, as it is mounted now."""
        return ("cat", f"/peers/{_LISTED}")

    def entries(self, text: str) -> dict[str, str]:
        """Enode URLs by node id."""
        try:
            return {enode.parse(url).node_id: url for url in json.loads(text)}
        except (ValueError, TypeError) as error:
            raise Unanswered(f"{_LISTED} is no list of enodes: {error}") from None

    def expected(self, live_files: Mapping[str, str]) -> str:
        """The same list as the stack would write it."""
        return live_files[_LISTED]

    def holder(self, private_files: Mapping[str, bytes]) -> str:
        """That of the node key."""
        try:
            return node_id(bytes.fromhex(private_files[NODE_KEY].decode()))
        except (KeyError, ValueError):
            return ""

    def knocks(self, node: ExternalNode) -> tuple[Knock, ...]:
        """A connection to geth's port, a question to Tessera's."""
        found = []
        if p2p := node.endpoints.get("p2p"):
            found.append(Knock("p2p", p2p, ("nc", "-w", "3", p2p.host, str(p2p.port))))
        if manager := node.endpoints.get("tessera"):
            url = f"http://{manager}/upcheck"
            found.append(Knock("tessera", manager, (*_WITHIN, "wget", "-q", "-O", "-", url)))
        return tuple(found)

    def needed(self, validators: int) -> int:
        """More than half of them."""
        return validators // _MAJORITY_OF + 1

    def quorum(self, validators: int) -> int:
        """Two thirds of them, rounded up."""
        return -(-2 * validators // 3)

    def vote(self, cast: Mapping[str, bool], drop: Sequence[str]) -> Command:
        """`istanbul.propose` and `istanbul.discard`, in one line."""
        return _line(_read(f"{_VOTE}({json.dumps(dict(cast))},{json.dumps(list(drop))})"))

    def trial(self, network: NetworkRecord) -> tuple[Step, ...]:
        """A contract made, read, changed and read again."""
        deploy, change = trial.raw(network.chain_id)
        return (
            Step(
                f"a contract that holds {trial.FIRST}",
                _line(_guarded(f"eth.sendRawTransaction({json.dumps(deploy)})")),
                str(trial.FIRST),
            ),
            Step(
                f"a transaction that makes it {trial.SECOND}",
                _line(_guarded(f"eth.sendRawTransaction({json.dumps(change)})")),
                str(trial.SECOND),
            ),
        )

    def privacy(self) -> Command:
        """Tessera's version; it and geth share a pod, and so 127.0.0.1."""
        return (*_WITHIN, "wget", "-q", "-O", "-", f"http://127.0.0.1:{tessera.P2P}/version")

    def is_private(self, printed: str) -> bool:
        """Tessera answers with its version and nothing else; a stand-in that keeps nothing has none."""
        return _VERSION.fullmatch(printed.strip()) is not None and not printed.startswith("0.0.0-")

    def private_trial(self, sender: ExternalNode, receiver: ExternalNode) -> tuple[Step, ...]:
        """A private contract that two nodes can read."""
        sent = {
            "from": sender.account,
            "data": "0x" + trial.creation(trial.FIRST).hex(),
            "gas": hex(trial.GAS),
            "gasPrice": "0x0",
            "privateFor": [receiver.privacy_key],
        }
        submit = _line(_guarded(f"eth.sendTransaction({json.dumps(sent)})"))
        return (Step(f"a private contract for {receiver}", submit, str(trial.FIRST), others="nothing"),)

    def is_locked(self, reason: str) -> bool:
        """Geth's word for it (accounts/keystore ErrLocked)."""
        return "authentication needed" in reason

    def mined(self, transaction: str) -> Command:
        """Whether there is a receipt, and what it says."""
        receipt = f"eth.getTransactionReceipt({json.dumps(transaction)})"
        return _line(_guarded(f'(function(r){{return !r?"false":Number(r.status)===1?"true":"failed"}})({receipt})'))

    def read(self, transaction: str) -> Command:
        """The number in the contract that a transaction made or called."""
        script = """(function(r){if(!r)return "no such block yet";
var d=eth.call({to:r.contractAddress||r.to},"latest");
return d&&d.length>2?String(parseInt(d,16)):"nothing"})"""
        return _line(_guarded(f"{script}(eth.getTransactionReceipt({json.dumps(transaction)}))".replace("\n", "")))

    def _json(self, printed: str) -> dict[str, Any]:
        try:
            found = json.loads(self.answer(printed))
        except ValueError:
            raise Unanswered(_first_line(printed)) from None
        if not isinstance(found, dict):
            raise Unanswered(_first_line(printed))
        return found


def _line(script: str) -> Command:
    return ("geth", "--exec", script, "--datadir", "/tmp", "attach", IPC)  # noqa: S108 - as above


def _guarded(expression: str) -> str:
    return "(function(){try{return " + expression + "}catch(e){return " + json.dumps(_ERROR) + "+e}})()"


def _read(expression: str) -> str:
    return _guarded(f"JSON.stringify({expression})")


def _text(printed: str) -> str | None:
    """A text as the console prints it, in quotes; None for anything else."""
    try:
        value = json.loads(printed)
    except ValueError:
        return None
    return value if isinstance(value, str) else None


def _first_line(printed: str) -> str:
    return (printed.strip().splitlines() or ["it printed nothing"])[0][:200]


def _node_id(url: str) -> str:
    """The node id of an enode URL; geth's own may name an address that no other node could dial."""
    return str(url).removeprefix("enode://").partition("@")[0].lower()


def _address(text: str) -> str:
    return str(to_checksum_address(text)) if text else ""
