"""The genesis of a GoQuorum network: made once, and compared with the settings ever after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archipelago.chains.contract import Genesis
from archipelago.chains.goquorum.genesis import CODE_SIZE, GenesisFile, Rules, build
from archipelago.chains.goquorum.geth import Times
from archipelago.chains.goquorum.settings import KIB, LONGEST_PERIOD, GenesisSettings, GoQuorumNetwork
from archipelago.chains.goquorum.versions import PRIVACY_ENHANCEMENTS, QBFT_BLOCKS_NAMED, release
from archipelago.chains.node import Node
from archipelago.model.record import ExternalNode
from archipelago.problems import Problem
from archipelago.settings.read import Settings

PERIOD = "blockPeriod"
BLOCK_PERIOD, _EPOCH, _REQUEST_TIMEOUT, _GAS_LIMIT = 3, 30_000, 10_000, 0xE0000000
_BALANCE = 10**27  # wei; gas is free, but some tools refuse an account without any
Known = Mapping[str, ExternalNode]


def found(settings: Settings, nodes: Mapping[str, Node[Any]], book: Known) -> GenesisFile | list[str]:
    """Make the genesis, or name the validators that nobody knows yet."""
    network: GoQuorumNetwork = settings.network
    chosen = network.genesis or GenesisSettings()
    validators = resolve(validator_names(settings), nodes, book)
    if missing := [name for name, address in validators.items() if not address]:
        return missing
    if chosen.alloc is None:
        alloc = {nodes[name].record.account: _BALANCE for name in settings.nodes}
    else:
        alloc = dict(chosen.alloc)
    return build(_rules(network, chosen), validators.values(), alloc)


def beside(file: GenesisFile, network: GoQuorumNetwork, known: Mapping[str, int]) -> dict[str, int]:
    """The block period that the settings say, else the known one, where the genesis (of another tool) has none.

    0 where neither says one.
    """
    if file.tells_geth_the_times or file.engine.get(PERIOD):
        return {}
    written = network.genesis.block_period if network.genesis else None
    period = written or known.get(PERIOD)
    return {PERIOD: period if period and period <= LONGEST_PERIOD else 0}


def times(file: GenesisFile, network: GoQuorumNetwork, genesis: Genesis) -> Times:
    """What the genesis says, else (one of another tool may not) what is known beside it, or the default."""
    chosen, said = network.genesis or GenesisSettings(), file.engine
    return Times(
        block_period=said.get(PERIOD) or genesis.beside.get(PERIOD) or BLOCK_PERIOD,
        request_timeout=said.get("requestTimeout") or chosen.request_timeout or _REQUEST_TIMEOUT,
    )


def validator_names(settings: Settings) -> tuple[str, ...]:
    """The first validators by name, as the founder wrote them or as its nodes say."""
    written: tuple[str, ...] = settings.network.genesis.validators if settings.network.genesis else ()
    return written or tuple(name for name, node in settings.nodes.items() if node.validator)


def resolve(validators: tuple[str, ...], nodes: Mapping[str, Node[Any]], book: Known) -> dict[str, str]:
    """Their addresses by name; empty for a node that is not known (any more)."""
    records = {**book, **{name: node.record for name, node in nodes.items()}}
    return {name: records[name].address if name in records else "" for name in validators}


def differences(
    settings: Settings, genesis: GenesisFile, nodes: Mapping[str, Node[Any]], book: Known
) -> Iterator[Problem]:
    """Where the settings contradict a frozen genesis; what they leave open never does."""
    network: GoQuorumNetwork = settings.network
    chosen = network.genesis or GenesisSettings()
    frozen = f"the genesis of {network.name} is frozen (block 0 is {genesis.hash})"

    def differ(path: str, wanted: object, there: object) -> Problem:
        cure = f"Set archipelago:{path} to {there}, or leave it out; another genesis is a network with another name."
        return Problem(path, f"{wanted}, but {frozen} with {there}.", cure)

    pairs: list[tuple[str, object, object]] = [
        ("network.chainId", network.chain_id, genesis.chain_id),
        ("network.consensus", network.consensus, genesis.consensus),
        ("network.genesis.blockPeriod", chosen.block_period, genesis.engine.get(PERIOD)),
        ("network.genesis.epoch", chosen.epoch, genesis.engine.get("epoch")),
        ("network.genesis.requestTimeout", chosen.request_timeout, genesis.engine.get("requestTimeout")),
        ("network.genesis.gasLimit", chosen.gas_limit, genesis.gas_limit),
        ("network.genesis.maxCodeSize", chosen.max_code_size, genesis.sizes.get("maxCodeSize", 24 * KIB)),
        ("network.genesis.txnSizeLimit", chosen.txn_size_limit, genesis.sizes.get("txnSizeLimit", 64 * KIB)),
        ("network.genesis.alloc", chosen.alloc, genesis.alloc),
    ]
    for path, wanted, there in pairs:
        if wanted is not None and there is not None and wanted != there:
            yield differ(path, wanted, there)
    # a validator that can no longer be resolved (it was removed, its organisation has left) proves nothing
    resolved = resolve(chosen.validators, nodes, book)
    # a partner may give its nodes other keys; what is frozen does not change by that
    ours = {address for name, address in resolved.items() if name not in book}
    count = len(resolved) == len(genesis.validators)
    if resolved and all(resolved.values()) and not (count and ours <= set(genesis.validators)):
        by_address = {record.address: name for name, record in book.items()}
        by_address |= {node.record.address: name for name, node in nodes.items()}
        there = ", ".join(by_address.get(address, address) for address in genesis.validators)
        cure = (
            f"Set archipelago:network.genesis.validators to [{there}]. To change the running set, write validator: "
            "true at the node and vote it in."
        )
        yield Problem("network.genesis.validators", f"[{', '.join(resolved)}], but {frozen} with [{there}].", cure)
    if genesis.tells_geth_the_times or genesis.document["config"].get("transitions"):
        yield from _cannot_read(settings)
    if "privacyEnhancementsBlock" in genesis.document["config"]:
        yield from _not_enhanced(settings)


def _cannot_read(settings: Settings) -> Iterator[Problem]:
    """Nodes whose release does not know config.qbft, config.ibft and config.transitions.

    Without the first two it would stop with "Consensus not specified", and the last it would pass over.
    """
    least = ".".join(map(str, QBFT_BLOCKS_NAMED))
    for name, node in settings.nodes.items():
        version = node.version or settings.network.version
        if release(version) < QBFT_BLOCKS_NAMED:
            path = f"nodes.{name}.version" if node.version else "network.version"
            words = f"GoQuorum {version} cannot read this network's genesis, which was written for {least} or later."
            cure = f"Take {least} or later; for older nodes a network is founded with an older network.version."
            yield Problem(path, words, cure)


def _not_enhanced(settings: Settings) -> Iterator[Problem]:
    """Nodes whose Tessera lacks what the genesis turns on: geth asks it at start, and stops."""
    least = ".".join(map(str, PRIVACY_ENHANCEMENTS))
    privacy = settings.network.privacy
    words = "but this network's genesis turns its privacy enhancements on, and geth does not start without them."
    if privacy.manager == "none":
        cure = f"Set archipelago:network.privacy to {{manager: tessera}} with a version from {least} on."
        yield Problem("network.privacy", f"there is no Tessera, {words}", cure)
        return
    for name, node in settings.nodes.items():
        version = node.privacy_version or privacy.version
        if release(version) < PRIVACY_ENHANCEMENTS:
            path = f"nodes.{name}.privacyVersion" if node.privacy_version else "network.privacy.version"
            yield Problem(path, f"Tessera {version} is too old, {words}", f"Take {least} or later.")


def _rules(network: GoQuorumNetwork, chosen: GenesisSettings) -> Rules:
    assert network.chain_id is not None  # noqa: S101 - checks.problems refuses a founder without one
    privacy = network.privacy
    return Rules(
        chain_id=network.chain_id,
        consensus=network.consensus or "qbft",
        block_period=chosen.block_period or BLOCK_PERIOD,
        epoch=chosen.epoch or _EPOCH,
        request_timeout=chosen.request_timeout or _REQUEST_TIMEOUT,
        gas_limit=chosen.gas_limit or _GAS_LIMIT,
        private_transactions=privacy.manager == "tessera" and release(privacy.version) >= PRIVACY_ENHANCEMENTS,
        release=release(network.version),
        max_code_size=(chosen.max_code_size or CODE_SIZE * KIB) // KIB,
        txn_size_limit=chosen.txn_size_limit and chosen.txn_size_limit // KIB,
    )
