"""What a running member is asked, and how its answers are read: kubo's API on the pod's own loopback."""

from __future__ import annotations

import json
from typing import Any

from archipelago.chains.ipfs.places import FINGERPRINT, KUBO, MARK, REPOSITORY, TOOLS
from archipelago.chains.ipfs.ports import SWARM
from archipelago.chains.ipfs.shell import ASK
from archipelago.chains.running import Command, Console, Knock, Lack, State, Unanswered
from archipelago.identity.peer_id import check_peer_id
from archipelago.model.record import ExternalNode

_ANSWERS = 4  # lines: whose repository it is, fingerprint of the key, who it is, who is there
# The config that is there tells the port. A start of ipfs would cost a tenth of a second for each question.
_LOOK = f"""set -eu
{ASK}port=$(sed -n 's|^ *"API": "/ip4/[0-9.]*/tcp/\\([0-9]*\\)",*$|\\1|p' {REPOSITORY}/config)
printf '%s\\n' "$(cat {MARK})" "$(cat {FINGERPRINT})"
for path in id swarm/peers; do
  printf '%s\\n' "$(ask $path 20)"
done
"""
_LINE = f'ipfs() {{ sh {TOOLS}/ipfs "$@"; }}\neval "ipfs $1"'


class Kubo:
    """A daemon of kubo."""

    container = main = KUBO
    workload = "statefulset"
    blocks = Lack(
        "a swarm has no blocks that all agree on.",
        "Who is connected, and with which key, tells whether it works.",
    )
    given = None
    private_keys = None
    among_siblings: frozenset[str] = frozenset()
    admission = Lack(
        "a swarm keeps no list of whom it lets in: whoever has its key is in.",
        "Another key shuts somebody out: count keyGeneration up, and leave him out of shareKeyWith.",
    )
    votes = Lack("members of a swarm do not vote.", "Whoever has the key is a member.")
    trials = Lack(
        "no file was added: in a swarm it could not be taken back.",
        "Add one with `archipelago attach`: echo it | ipfs add -q, and ipfs cat /ipfs/<CID> on another member.",
    )

    @property
    def console(self) -> Console:
        """The program ipfs."""
        return self

    def attach(self) -> Command:
        """A shell in which `ipfs` knows the API and its token."""
        return ("sh",)

    def evaluate(self, expression: str) -> Command:
        """What stands after `ipfs`, as `swarm peers` or `cat /ipfs/<CID>`."""
        return ("sh", "-c", _LINE, "ipfs", expression)

    def answer(self, printed: str) -> str:
        """What it printed; a failed command has failed already."""
        return printed.strip()

    def look(self, height: int | None = None) -> Command:  # noqa: ARG002 - there are no blocks
        """Ask whose repository it is, with which key it started, who it is and with whom it is connected."""
        return ("sh", "-c", _LOOK)

    def state(self, printed: str) -> State:
        """The answer to `look`."""
        lines = printed.strip().splitlines()
        if len(lines) != _ANSWERS:
            raise Unanswered("its API gave something else than was asked for")
        _, fingerprint, who, swarm = lines
        try:
            peers = _json(swarm).get("Peers") or []
            return State(
                height=0,
                genesis_hash="",
                node_id=check_peer_id(str(_json(who)["ID"])),
                peers={check_peer_id(str(each["Peer"])): str(each["Addr"]) for each in peers},
                fingerprint=fingerprint,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Unanswered(f"its API gave something else than was asked for: {error}") from None

    def knocks(self, node: ExternalNode) -> tuple[Knock, ...]:
        """A connection to the swarm port, closed at once."""
        end = node.endpoints.get(SWARM)
        return (Knock(SWARM, end, ("nc", "-w", "3", end.host, str(end.port), "-e", "true")),) if end else ()

    def quorum(self, validators: int) -> int:  # noqa: ARG002
        """Each member serves by itself."""
        return 1


def _json(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError("no JSON object")
    return found
