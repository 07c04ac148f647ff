"""What is wrong with a GoQuorum stack's settings beyond single fields."""

from __future__ import annotations

from collections.abc import Iterator

from archipelago.chains.goquorum import geth, openings
from archipelago.chains.goquorum.founding import validator_names
from archipelago.chains.goquorum.settings import GoQuorumNetwork, GoQuorumNode
from archipelago.chains.goquorum.versions import OLDEST, OLDEST_TESSERA, QBFT_EXISTS, Release, release
from archipelago.problems import Problem
from archipelago.settings.images import one_release
from archipelago.settings.read import Settings

_LEAST = 4  # validators of IBFT and QBFT, of whom one may be away


def problems(settings: Settings) -> Iterator[Problem]:
    """Every problem, in no order."""
    network: GoQuorumNetwork = settings.network
    if not network.founder:
        yield from _joiner(network)
    yield from _releases(settings)
    for name, node in settings.nodes.items():
        yield from _node(f"nodes.{name}", node, network)
        yield from openings.problems(f"nodes.{name}", node, settings.cluster.network_policies)


def doubts(settings: Settings) -> Iterator[str]:
    """What works and is seldom meant."""
    network: GoQuorumNetwork = settings.network
    count = len(validator_names(settings)) if network.founder and not network.genesis_file else 0
    if 0 < count < _LEAST:
        some = "1 validator" if count == 1 else f"{count} validators"
        yield (
            f"A network of {some} makes no block when one of them is away: {_LEAST} are the least that bear that. More "
            "can be voted in later."
        )
    for name, node in settings.nodes.items():
        yield from openings.doubts(f"nodes.{name}", node)


def unfoundable(settings: Settings) -> Iterator[Problem]:
    """Why no genesis can be made of these settings; once there is one, none of it matters."""
    network: GoQuorumNetwork = settings.network
    if network.chain_id is None:
        cure = "Add archipelago:network.chainId, a number that no other chain of yours has."
        yield Problem("network.chainId", "is missing, and the founder chooses it.", cure)
    path = "network.genesis.validators"
    validators = validator_names(settings)
    if not validators:
        yield Problem(path, "no node is a validator, so nobody could make a block.", "Write validator: true at a node.")
    for index, name in enumerate(validators):
        partner, _, node = name.rpartition("/")
        if partner and (not settings.knows(partner, node)):
            words = f"{name!r} is no node of a partner: {partner!r} is not under archipelago:partners."
            yield Problem(f"{path}[{index}]", words, "Write partner/node with the partner's name as it stands there.")
        elif not partner and name not in settings.nodes:
            known = ", ".join(settings.nodes)
            yield Problem(
                f"{path}[{index}]", f"{name!r} is no node of this stack.", f"Name one of {known}, or partner/node."
            )
        if name in validators[:index]:
            yield Problem(f"{path}[{index}]", f"{name!r} stands there twice.", "Take one of them out.")


def _joiner(network: GoQuorumNetwork) -> Iterator[Problem]:
    if network.genesis is not None and not network.genesis.model_fields_set <= {"block_period"}:
        words = "a stack that joins takes the genesis from its founder, and only blockPeriod may stand here."
        yield Problem(
            "network.genesis", words, "Remove the section; pin the founder's with archipelago:network.genesisHash."
        )


def _releases(settings: Settings) -> Iterator[Problem]:
    network: GoQuorumNetwork = settings.network
    quorum = {"network.version": network.version}
    quorum |= {f"nodes.{name}.version": node.version for name, node in settings.nodes.items() if node.version}
    for path, version in quorum.items():
        yield from _oldest(path, version, OLDEST, "GoQuorum")
        if network.consensus == "qbft" and OLDEST <= release(version) < QBFT_EXISTS:
            cure = "Take 21.7.0 or later, or archipelago:network.consensus: istanbul."
            yield Problem(path, f"GoQuorum {version} has no QBFT.", cure)
    if network.privacy.manager == "tessera":
        tessera = {"network.privacy.version": network.privacy.version}
        nodes = settings.nodes.items()
        tessera |= {
            f"nodes.{name}.privacyVersion": node.privacy_version for name, node in nodes if node.privacy_version
        }
        for path, version in tessera.items():
            yield from _oldest(path, version, OLDEST_TESSERA, "Tessera")


def _oldest(path: str, version: str, oldest: Release, product: str) -> Iterator[Problem]:
    if release(version) < oldest:
        text = ".".join(map(str, oldest))
        yield Problem(path, f"{product} {version} is older than {text}.", f"Take {text} or later.")


def _node(path: str, node: GoQuorumNode, network: GoQuorumNetwork) -> Iterator[Problem]:
    for index, argument in enumerate(node.extra_args):
        flag = argument.lstrip("-").partition("=")[0]
        if argument.startswith("-") and flag in geth.OWNED:
            cure = "Take it out: the key of docs/stack-files.md that means the same decides it, where there is one."
            yield Problem(f"{path}.extraArgs[{index}]", f"--{flag} is set by this program.", cure)
    yield from node.privacy_resources.problems(f"{path}.privacyResources")
    images, place = network.images, "network.images"
    yield from one_release(f"{path}.version", node.version, network.version, f"{place}.goquorum", images.goquorum)
    yield from one_release(
        f"{path}.privacyVersion", node.privacy_version, network.privacy.version, f"{place}.tessera", images.tessera
    )
    if node.api.third_party and network.privacy.manager == "none":
        words = "there is no third-party API without Tessera."
        yield Problem(f"{path}.api.thirdParty", words, "Take it out, or set archipelago:network.privacy to tessera.")
