"""Whether partners run the genesis that this stack runs, and what block 0 and their word say of single nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from archipelago.chains.contract import Chain, Genesis
from archipelago.foreign_text import quoted
from archipelago.model.record import VALIDATOR, ExternalNode
from archipelago.model.texts import LONGEST
from archipelago.problems import Problem
from archipelago.stack import rules
from archipelago.stack.partners import Import


def with_partners(
    chain: Chain, genesis: Genesis, imports: Mapping[str, Import], *, certain: bool
) -> tuple[list[Problem], list[str]]:
    """Every partner that runs a genesis runs ours, by its hash and by the rules that no hash covers.

    Args:
        chain: Reads theirs.
        genesis: Ours.
        imports: What partners gave.
        certain: Whether it is the network's. A founder that is about to make it does not go on without the word of a
            partner that runs another one: its nodes may have blocks.

    Returns:
        Why the run is refused, and what its reader should know.
    """
    problems: list[Problem] = []
    warnings: list[str] = []
    for name, given in imports.items():
        theirs = given.network
        if theirs is None or not theirs.genesis_hash:
            continue
        read, path = _readable(chain, theirs.genesis), given.path if certain else "network"
        if (theirs.chain_id, theirs.genesis_hash) != (genesis.chain_id, genesis.hash):
            words = (
                f"{name} is on chain {theirs.chain_id} (genesis {theirs.genesis_hash[:6]}…{theirs.genesis_hash[-4:]}), "
                f"this stack on {genesis.chain_id} ({genesis.hash[:6]}…{genesis.hash[-4:]})."
            )
            cure = (
                f"They can never share blocks. Let one of them join the other's network, or remove the partner {name}."
            )
            problems.append(Problem(path, words, cure))
        elif read and read.rules != genesis.rules:
            words = (
                f"{name} has the same block 0 but another config in its genesis: they would part at some later block."
            )
            cure = f"Compare the two files (its output `network`, and yours), and let {name} or you take the founder's."
            problems.append(Problem(path, words, cure))
        elif read and rules.parting(genesis, read):
            warnings.append(rules.partners(genesis, read, given.title))
    return problems, warnings


def of_settings(agreed: Genesis, imports: Mapping[str, Import]) -> Iterator[Problem]:
    """Every partner is in the network that our settings mean.

    Args:
        agreed: What all agree on by their settings alone.
        imports: What partners gave.
    """
    for name, given in imports.items():
        theirs = given.network
        if theirs and theirs.genesis_hash not in ("", agreed.hash):
            other = quoted(theirs.genesis.strip() or "another network", LONGEST)
            words = f"{name} is in {other}, this stack in {agreed.text.strip()}."
            cure = (
                "Write the one founder in archipelago:network.joins of every stack but his own, and one "
                f"archipelago:network.name in all of them; or remove the partner {name}."
            )
            yield Problem(given.path, words, cure)


def _readable(chain: Chain, text: str) -> Genesis | None:
    """A partner's genesis; None where it gave no file, or none that can be read: its hash was compared."""
    try:
        return chain.read_genesis(text) if text else None
    except ValueError:
        return None


def unproven(genesis: Genesis, imports: Mapping[str, Import]) -> Iterator[str]:
    """Nodes that a partner has as members, and that block 0 has as validators, without a proof that it has the keys.

    Args:
        genesis: Ours.
        imports: What partners gave.
    """
    for name, given in imports.items():
        for node in given.nodes if given.network else ():
            if node.role != VALIDATOR and not node.proof and node.address in genesis.addresses:
                yield (
                    f"{node} is a validator of block 0 and a member by {name}'s word, which does not prove that it has "
                    f"the key: no vote against it follows. Ask {name} to run pulumi up with this version, and the "
                    "other organisations whose node it is."
                )


def other_keys(genesis: Genesis, named: Iterable[str], book: Mapping[str, ExternalNode]) -> Iterator[str]:
    """Partners' nodes that block 0 was made with, by the settings, and that have other keys now.

    Args:
        genesis: Ours.
        named: The validators that the settings name, those of partners as `organisation/name`.
        book: Partners' nodes by `organisation/name`.
    """
    for name in named:
        node = book.get(name)
        if node and node.address and node.address not in genesis.addresses:
            yield (
                f"{name} is among the validators that the genesis was made of, and has the address {node.address} now, "
                f"which is not among them: {node.organisation} has given it other keys. If it is to validate, it has "
                "to be voted in, and its old address out."
            )
