"""Rules that the hash of block 0 does not cover: those of later blocks, and what nodes are told beside the genesis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from archipelago.chains.contract import Chain, Genesis
from archipelago.foreign_text import quoted
from archipelago.model.record import NetworkRecord
from archipelago.problems import Problem
from archipelago.settings.read import Settings
from archipelago.stack.partners import Import

_FILE = "network.genesisFile"


def parting(one: Genesis, other: Genesis) -> tuple[tuple[int, str], ...]:
    """The rules of later blocks that only one of two has, sorted by block."""
    return tuple(sorted(set(one.later) ^ set(other.later)))


def taken(running: Genesis, file: Genesis) -> tuple[Genesis, list[Problem], list[str]]:
    """What a file makes of a genesis that runs already.

    Args:
        running: The recorded one.
        file: Of the same block 0.

    Returns:
        The genesis to go on with, why the file is refused, and what its reader should know.
    """
    apart = parting(running, file)
    cure = (
        "Take the running genesis (its text is in the output network), and add to its config only what begins at a "
        "later block."
    )
    if file.rules != running.rules:
        words = "it has the block 0 of the genesis that runs, and other rules from block 0 on."
        return running, [Problem(_FILE, words, cure)], []
    if not apart:
        return running, [], []
    begins = apart[0][0]
    return (
        file,
        [],
        [
            f"archipelago:{_FILE} brings other rules from block {begins} on: {listed(apart)}. All nodes restart in "
            f"turn to take them, and all organisations have to run with this file before block {begins}: archipelago "
            "status shows the height. If that block has passed, do not go on: name the running genesis, whose text is "
            "in the output network. A run that finds a node of ours above it is refused."
        ],
    )


def before(chain: Chain, running: Genesis, decided: Genesis, standing: str) -> Genesis | None:
    """The genesis that nodes may run with, where the one that is decided on has other rules of later blocks.

    A run that was killed has no outputs, and may have given its rules to some nodes: the ConfigMap has them by then.

    Args:
        chain: Reads a genesis.
        running: What this stack recorded.
        decided: With what the nodes would go on.
        standing: The text in the stack's ConfigMap; empty where it was not asked for, or is not there.

    Returns:
        None where nothing says that the rules change.
    """
    if parting(running, decided):
        return running
    try:
        there = chain.read_genesis(standing) if standing else running
    except ValueError:  # of somebody who changed it by hand: this run writes it again
        return None
    return there if there.hash == decided.hash and parting(there, decided) else None


def partners(genesis: Genesis, theirs: Genesis, title: str) -> str:
    """What to know of a partner with other rules of later blocks."""
    begins = parting(genesis, theirs)[0][0]
    return (
        f"{title} and this stack have other rules from block {begins} on, and part there. Compare the two files "
        f"(the output network of both); the one that lacks what was agreed names it in archipelago:{_FILE} before "
        f"block {begins}. archipelago status shows the height."
    )


def beside(
    settings: Settings, chain: Chain, genesis: Genesis, imports: Mapping[str, Import], recorded: NetworkRecord | None
) -> tuple[Genesis, list[str]]:
    """A genesis with what its nodes are told beside it, and what is uncertain there.

    What the settings say goes first, then what this stack recorded, then its founder's word: a founder that says
    another thing later restarts no node of ours.
    """
    said = _founders(settings, imports)
    if recorded and recorded.genesis_hash:  # its nodes run with that, or with the default
        said = recorded.beside_genesis
    known = chain.beside(settings, genesis, said or {})
    return replace(genesis, beside={key: value for key, value in known.items() if value}), [
        *_unknown(known),
        *_others(settings, known, imports),
    ]


def awaited(
    settings: Settings, chain: Chain, genesis: Genesis, imports: Mapping[str, Import], recorded: NetworkRecord | None
) -> list[str]:
    """For whom a stack waits whose nodes run, and whose record of what stands beside the genesis is lost.

    The cluster has the genesis alone. With the default the nodes would restart, might part from the others' chain, and
    the default would be recorded as what they run with.

    Args:
        settings: Ours.
        chain: Knows what stands beside a genesis.
        genesis: What the nodes mount.
        imports: What partners gave.
        recorded: What our outputs say; of nothing that they tell it waits.
    """
    founder = founders(settings, imports)
    if (recorded and recorded.genesis_hash) or founder is None or (founder.network and founder.network.genesis):
        return []
    if all(chain.beside(settings, genesis, _founders(settings, imports) or {}).values()):
        return []
    if not founder.absent and founder.network is None and getattr(settings.network, "genesis_file", None):
        return []  # pasted nodes never tell one: ours have run with the default
    return [f"{founder.name}: {founder.absent or 'its genesis'}"]


def founders(settings: Settings, imports: Mapping[str, Import]) -> Import | None:
    """What the founder of the network gave; where that is our own organisation, the sibling that knows the genesis.

    Args:
        settings: Ours.
        imports: What each partner and sibling gave.
    """
    if settings.network.joins != settings.organisation:
        return imports.get(settings.network.joins or "")
    ours = [given for _, given in sorted(imports.items()) if given.sibling]
    return next((each for each in ours if each.network and each.network.genesis), next(iter(ours), None))


def _founders(settings: Settings, imports: Mapping[str, Import]) -> Mapping[str, int] | None:
    """What the founder's nodes are told beside the genesis, by its word; None where it says nothing."""
    founder = founders(settings, imports)
    return founder.network.beside_genesis if founder and founder.network else None


def _unknown(known: Mapping[str, int]) -> Iterator[str]:
    for key, value in known.items():
        if not value:
            yield (
                f"The genesis has no {key}, and nothing else says which one the network's nodes have: ours take the "
                f"default. Set archipelago:network.genesis.{key} to what the other nodes were started with."
            )


def _others(settings: Settings, known: Mapping[str, int], imports: Mapping[str, Import]) -> Iterator[str]:
    own = {field.alias for field in type(settings.network).model_fields.values()}  # else they are about the genesis
    for given in imports.values():
        theirs = (given.network and given.network.beside_genesis) or {}
        for key, value in known.items():
            if value and theirs.get(key) not in (None, value):
                apart = f"the {key} {theirs[key]}, those of this stack {value}"
                path = f"network.genesis.{key}"
                if key in own:  # there the numbers are a code
                    apart, path = f"another {key} than those of this stack", f"network.{key}"
                yield (
                    f"The nodes of {given.called} have {apart}: they may not connect, or refuse each "
                    f"other's blocks. Set archipelago:{path} alike in both stacks."
                )


def listed(later: tuple[tuple[int, str], ...]) -> str:
    """Rules of later blocks in words."""
    return "; ".join(f"block {block}: {quoted(what, 200)}" for block, what in later)
