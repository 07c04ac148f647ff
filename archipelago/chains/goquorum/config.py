"""What GoQuorum 22.7.4 refuses in the config of a genesis, and what this program does not know how to run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archipelago.foreign_text import shown

# CheckConfigForkOrder in params/config.go; those with True may be left out
_ORDER = (
    ("homesteadBlock", False),
    ("daoForkBlock", True),
    ("eip150Block", False),
    ("eip155Block", False),
    ("eip158Block", False),
    ("byzantiumBlock", False),
    ("constantinopleBlock", False),
    ("petersburgBlock", False),
    ("istanbulBlock", False),
    ("muirGlacierBlock", True),
    ("berlinBlock", False),
)
_BFT = ("istanbul", "ibft", "qbft")
_LIMITS = {"txnSizeLimit": (32, 128), "maxCodeSize": (24, 128)}  # KiB; IsValid in params/config.go
_TRANSITION_LIMITS = {"transactionSizeLimit": "txnSizeLimit", "contractSizeLimit": "maxCodeSize"}


def fault(config: Mapping[str, Any]) -> str:
    """Why a GoQuorum would not start with a config, or run otherwise than is meant; empty where it would not.

    Args:
        config: The section `config`, with the keys of the release.
    """
    checks = (_chain_id(config), *_forks(config), _engine(config), *_sizes(config), *_transitions(config))
    return next(filter(None, checks), "")


def _chain_id(config: Mapping[str, Any]) -> str:
    chain_id = config.get("chainId")
    if isinstance(chain_id, int) and not isinstance(chain_id, bool):
        return ""
    return f"its config chainId must be a number without quotes, got {shown(chain_id)}"


def _forks(config: Mapping[str, Any]) -> Iterator[str]:
    last: tuple[str, int | None] | None = None
    for name, optional in _ORDER:
        block = config.get(name)
        if block is not None and (not isinstance(block, int) or isinstance(block, bool)):
            yield f"its config {name} must be a number without quotes, got {shown(block)}"
            return
        if last and block is not None and (last[1] is None or last[1] > block):
            yield f"its config must have {last[0]} at or before {name} {block}, got {shown(last[1])}"
        if block is not None or not optional:
            last = (name, block)


def _engine(config: Mapping[str, Any]) -> str:
    named = [name for name in (*_BFT, "clique") if name in config]
    # a network that went over from one to the other has both, and says when
    if len(named) > 1 and ("clique" in named or not config.get("transitions")):
        return f"its config must name one engine, got {' and '.join(named)}"
    selected = [config, *(config.get("transitions") or ()), *(config[name] for name in _BFT if name in config)]
    if any(_by_contract(each) for each in selected if isinstance(each, Mapping)):
        return "a contract selects its validators, and this program counts those that vote each other in"
    return ""


def _by_contract(section: Mapping[str, Any]) -> bool:
    found = {key.lower(): value for key, value in section.items()}
    address = str(found.get("validatorcontractaddress") or "").removeprefix("0x").strip("0")
    return bool(address) or found.get("validatorselectionmode") == "contract"


def _sizes(config: Mapping[str, Any]) -> Iterator[str]:
    found = [(name, name, config[name]) for name in _LIMITS if config.get(name)]
    entries = [each for each in config.get("maxCodeSizeConfig") or () if isinstance(each, Mapping)]
    found += [("maxCodeSizeConfig", "maxCodeSize", each.get("size")) for each in entries]
    changes = [each for each in config.get("transitions") or () if isinstance(each, Mapping)]
    for mine, limit in _TRANSITION_LIMITS.items():
        found += [(f"transitions {mine}", limit, each[mine]) for each in changes if each.get(mine)]
    for name, limit, size in found:
        least, most = _LIMITS[limit]
        if not isinstance(size, int) or not least <= size <= most:
            yield f"its {name} must be from {least} to {most} KiB, got {shown(size)}"


def _transitions(config: Mapping[str, Any]) -> Iterator[str]:
    """CheckTransitionsData in params/config.go."""
    before, qbft = 0, "qbft" in config
    for entry in config.get("transitions") or ():
        block, algorithm = entry.get("block"), str(entry.get("algorithm") or "").lower()
        if not isinstance(block, int) or isinstance(block, bool) or block < before:
            yield f"its transitions must each have a block, in order, got {shown(block)} after {before}"
            return
        if algorithm not in ("", "ibft", "qbft"):
            yield f"its transitions must name ibft or qbft as algorithm, got {shown(entry['algorithm'])}"
        if qbft and algorithm == "ibft":
            yield "its transitions must not go from qbft back to ibft"
        before, qbft = block, qbft or algorithm == "qbft"
