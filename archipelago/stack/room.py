"""The ConfigMap of peers is one for all: what grows in it takes nothing from what stood there in the last run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from archipelago.problems import Problem
from archipelago.profiles.entries import Place
from archipelago.settings.read import Settings
from archipelago.stack import crowds
from archipelago.stack.partners import Import


def had(relayed: Iterable[tuple[Place, Mapping[str, Any]]], nodes: int) -> dict[Place, int]:
    """Bytes that each profile of others took in the last run; see `lines`.

    Args:
        relayed: Profiles that were exported last.
        nodes: How many nodes tell of them now.
    """
    found = {}
    for place, profile in relayed:
        told = [each for each in profile.get("publishedTo") or () if isinstance(each, Mapping)]
        published = ((str(each.get("swarm")), str(each.get("peerId"))) for each in told)
        shown = not profile.get("withdrawn")
        found[place] = lines("/".join(place), int(profile.get("revision") or 0), published, nodes) if shown else 0
    return found


def lines(name: str, revision: int, published: Iterable[tuple[str, str]], nodes: int) -> int:
    """Bytes that one profile of others takes in the ConfigMap of peers.

    Args:
        name: Its organisation and identity.
        revision: Its own.
        published: Swarm and PeerID of each member that publishes it.
        nodes: How many own nodes tell that they have heard it.
    """
    return len(f'"{name}":{revision},') * nodes + sum(len(f"{swarm} {peer}\n".encode()) for swarm, peer in published)


def taken(imports: Mapping[str, Import], settings: Settings, last: Mapping[str, Any], lost: int) -> Iterator[Problem]:
    """The partner whose nodes have taken the room of Peers that stood here; none where it was no partner.

    Args:
        imports: What each partner gives.
        settings: Ours.
        last: The stack's own last outputs.
        lost: Bytes that are missing.
    """
    if most := crowds.most_grown(imports, settings, last):
        words = (
            f"its {len(imports[most].nodes)} nodes take the room of Peers of others in the ConfigMap of peers, which "
            f"lacks {lost} bytes for them; no other partner's nodes have grown as much since the last run."
        )
        yield Problem(f"partners.{most}", words, f"Ask {most} for fewer nodes, or for shorter host names.")
