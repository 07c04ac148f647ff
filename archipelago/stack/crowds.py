"""A partner may not grow until its nodes take the places, or the bytes, of others; what was taken before stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from archipelago.chains.peer_limits import PeerLimits
from archipelago.model.record import ExternalNode
from archipelago.problems import Problem
from archipelago.settings.read import Settings
from archipelago.stack import accepted
from archipelago.stack.partners import Import


def problems(limits: PeerLimits, imports: Mapping[str, Import], last: Mapping[str, Any]) -> Iterator[Problem]:
    """Partners that have grown beyond the places that a node has for them.

    Nobody is refused for what it had in the last run, whatever the limits of this release are. Where all together are
    too many, the one that has grown most has to stay as it was.

    Args:
        limits: Those of the protocol.
        imports: What each partner gives.
        last: The stack's own last outputs.
    """
    counts = {name: len(given.nodes) for name, given in imports.items()}
    had = last.get("partners") or {}
    growth = {name: count - int((had.get(name) or {}).get("nodes") or 0) for name, count in counts.items()}
    grown = {name for name, more in growth.items() if more > 0}
    total = sum(counts.values())
    beyond = {name: limits.of_one for name in grown if counts[name] > limits.of_one}
    if total > limits.of_all and not beyond:
        large = sorted(name for name in grown if counts[name] > limits.of_many)
        beyond = dict.fromkeys(sorted(large, key=lambda name: -growth[name])[:1], limits.of_many)
    for name, most in sorted(beyond.items()):
        together = f" where all partners give more than {limits.of_all}" if most == limits.of_many else ""
        words = (
            f"a partner must give at most {most} nodes{together}, as {limits.program} takes {limits.places} peers; "
            f"got {counts[name]} of {name}, and {total} of all."
        )
        yield Problem(imports[name].path, words, f"Ask {name} for fewer nodes, or take a partner out.")


def most_grown(imports: Mapping[str, Import], settings: Settings, last: Mapping[str, Any]) -> str:
    """The partner whose nodes say more than in the last run by the most characters; empty where none has grown.

    Args:
        imports: What each partner gives.
        settings: Ours.
        last: The stack's own last outputs.
    """
    before = accepted.read(last, settings)
    grown = {
        name: _size(given.nodes) - _size(before[name].nodes if name in before else ())
        for name, given in imports.items()
        if settings.sources[name].nodes is None
    }
    most = max(sorted(grown), key=lambda name: grown[name], default="")
    return most if most and grown[most] > 0 else ""


def _size(nodes: Iterable[ExternalNode]) -> int:
    """What the nodes of a partner say of themselves, in characters."""
    return sum(len(f"{node}{node.node_id}") + sum(len(str(end)) for end in node.endpoints.values()) for node in nodes)
