"""Which chain a stack's objects in its cluster belong to: they outlast the outputs in which it is recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from archipelago.chains.contract import Genesis
from archipelago.settings.read import Settings

_FILE = "network.genesisFile"


@dataclass(frozen=True, slots=True)
class Trace:
    """An object of the cluster that tells a genesis.

    Args:
        owner: Whose object it is.
        namespace: Where it stands.
        node: The node whose claim it is; empty for the ConfigMap of all nodes.
        genesis: The hash that a claim has as its annotation, or the text in the ConfigMap.
    """

    owner: str
    namespace: str
    node: str
    genesis: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What a stack's own objects tell.

    Args:
        text: The genesis that its nodes mount; empty where there is none.
        claims: The hash of the genesis whose chain a claim holds, by namespace and node.
    """

    text: str = ""
    claims: Mapping[tuple[str, str], str] = field(default_factory=dict)


NOTHING_STANDS = Standing()


def missing(last: Mapping[str, Any], settings: Settings) -> bool:
    """Whether the cluster has to be asked: outputs name no genesis, or a file may contradict them.

    Args:
        last: The stack's own outputs of the last run.
        settings: Ours.
    """
    recorded = (last.get("network") or {}).get("genesis")
    return not recorded or bool(getattr(settings.network, "genesis_file", None))


def of(traces: Iterable[Trace], owner: str, home: str, nodes: Iterable[str]) -> Standing:
    """What the traces of one owner tell.

    Args:
        traces: What stands in the cluster.
        owner: Ours.
        home: The stack's own namespace: of several ConfigMaps that one counts.
        nodes: Names of own nodes: what a node that was taken out has left decides nothing.
    """
    ours = [each for each in traces if each.owner == owner]
    texts = sorted((each for each in ours if not each.node), key=lambda each: (each.namespace != home, each.namespace))
    known = frozenset(nodes)
    claims = {(each.namespace, each.node): each.genesis for each in ours if each.node in known}
    return Standing(texts[0].genesis if texts else "", claims)


def outweighs(file: Genesis, recorded: Genesis, there: Standing) -> str:
    """Why a file goes before another genesis that was recorded: every claim holds the chain of the file.

    Args:
        file: The genesis of `genesisFile`.
        recorded: What the outputs, or the ConfigMap, say.
        there: What the stack's own objects tell.

    Returns:
        A warning; empty where the record holds.
    """
    if file.hash == recorded.hash or set(there.claims.values()) != {file.hash}:
        return ""
    return (
        f"This stack recorded the genesis {recorded.hash}, and the volumes of its nodes hold the chain of "
        f"{file.hash}, which archipelago:{_FILE} names: the file is taken."
    )
