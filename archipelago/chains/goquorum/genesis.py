"""genesis.json of GoQuorum: made, hashed as geth hashes it, and read back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import rlp
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address
from trie import HexaryTrie

from archipelago.chains.goquorum import config, extra_data
from archipelago.chains.goquorum.versions import QBFT_BLOCKS_NAMED, QBFT_EXISTS, Release
from archipelago.foreign_text import shown
from archipelago.model import foreign

ISTANBUL_DIGEST = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365"
CODE_SIZE = 32  # KiB
_ZERO_HASH = "0x" + "00" * 32
_FORKS = ("homestead", "byzantium", "constantinople", "petersburg", "istanbul", "eip150", "eip155", "eip158")
_REQUIRED = ("gasLimit", "difficulty", "alloc")
_NO_CODE = keccak(b"")
_EMPTY_TRIE = keccak(rlp.encode(b""))
_NO_UNCLES = keccak(rlp.encode([]))


@dataclass(frozen=True)
class Rules:
    """The parameters of a genesis that an organisation may choose.

    Args:
        chain_id: Chain id.
        consensus: `istanbul` (IBFT 1) or `qbft`.
        block_period: Seconds between blocks.
        epoch: Blocks between two checkpoints; open votes are dropped there.
        request_timeout: Milliseconds before a round is given up.
        gas_limit: Of the first block.
        max_code_size: KiB of a contract.
        txn_size_limit: KiB of a transaction; None for the release's own.
        private_transactions: Whether Tessera 1.0 or later runs beside the nodes.
        release: GoQuorum release whose spelling the config block uses.
    """

    chain_id: int
    consensus: str
    block_period: int
    epoch: int
    request_timeout: int
    gas_limit: int
    private_transactions: bool
    release: Release
    max_code_size: int = CODE_SIZE
    txn_size_limit: int | None = None


@dataclass(frozen=True)
class GenesisFile:
    """A genesis, frozen: its text never changes once it was exported.

    Args:
        text: The file's text, byte for byte.
    """

    text: str

    @cached_property
    def document(self) -> dict[str, Any]:
        """The parsed file, with keys in lower case (geth's reader does not mind, and raft's spelling differs)."""
        try:
            parsed = foreign.parsed(self.text)
        except ValueError as error:
            raise ValueError(f"it is no genesis: {error}") from None
        if not isinstance(parsed, dict) or not isinstance(parsed.get("config"), dict):
            raise ValueError("it is no genesis: it has no config")
        return {key.lower(): value for key, value in parsed.items()}

    @cached_property
    def hash(self) -> str:
        """The hash of block 0, as geth prints it."""
        return _block_hash(self.document)

    @property
    def chain_id(self) -> int:
        """Chain id."""
        return int(self.document["config"].get("chainId", 0))

    @cached_property
    def validators(self) -> tuple[str, ...]:
        """Addresses of the first validators, checksummed."""
        return extra_data.validators_in(str(self.document.get("extradata", "")))

    @property
    def consensus(self) -> str:
        """`istanbul` or `qbft`."""
        config = self.document["config"]
        if "qbft" in config or "testQBFTBlock" in config.get("istanbul", {}):
            return "qbft"
        if "ibft" in config or "istanbul" in config:
            return "istanbul"
        raise ValueError("its config names neither istanbul, ibft nor qbft")

    @property
    def tells_geth_the_times(self) -> bool:
        """Whether geth reads block period and request time-out here, or has to be told by arguments."""
        return bool({"ibft", "qbft"} & self.document["config"].keys())

    @property
    def engine(self) -> dict[str, int]:
        """The engine's parameters, in our names whatever release spelled them; what it did not write is absent."""
        config = self.document["config"]
        block = config.get("qbft") or config.get("ibft") or config.get("istanbul") or {}
        names = {"epoch": "epoch", "epochlength": "epoch", "blockperiodseconds": "blockPeriod"}
        names |= {"requesttimeoutseconds": "requestTimeout"}
        found = {names[key]: int(value) for key, value in block.items() if key in names}
        if "requestTimeout" in found:
            found["requestTimeout"] *= 1000
        return found

    @property
    def gas_limit(self) -> int:
        """Of the first block."""
        return _number(self.document.get("gaslimit", 0))

    @cached_property
    def alloc(self) -> dict[str, int]:
        """Balances in wei by checksummed address."""
        return {
            _address(address): _number(account.get("balance", 0))
            for address, account in self.document.get("alloc", {}).items()
        }

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes of a contract from block 0 on, and of a transaction, by our names; what it does not say is absent."""
        config = self.document["config"]
        first = [each["size"] for each in config.get("maxCodeSizeConfig") or [] if not each["block"] > 0]
        found = {"maxCodeSize": first[-1] if first else config.get("maxCodeSize")}
        found |= {"txnSizeLimit": config.get("txnSizeLimit")}
        return {key: 1024 * int(size) for key, size in found.items() if size}


def unreadable(file: GenesisFile) -> str:
    """Why geth would not start with a genesis, or not go on; empty where it would.

    Its numbers are 64 bits wide, gas limits 63 (core/genesis.go, consensus/misc), and a GoQuorum refuses chain id 1
    (eth/backend.go).
    """
    if wrong := config.fault(file.document["config"]):
        return wrong
    if file.chain_id == 1:
        return "its chain id is 1, with which GoQuorum does not start"
    document = file.document
    if missing := [name for name in _REQUIRED if name.lower() not in document]:
        return f"it has no {' and no '.join(missing)}, without which geth does not read it"
    bits = {"gaslimit": 63, "gasused": 64, "number": 64, "timestamp": 64, "nonce": 64, "difficulty": 256}
    numbers = {key: _number(document.get(key, 0)) for key in bits}
    numbers |= {f"config {key}": value for key, value in file.engine.items()}
    for key, number in numbers.items():
        if not 0 <= number < 2 ** bits.get(key, 64):
            return f"its {key} {number} must be a number of {bits.get(key, 64)} bits"
    return ""


@lru_cache(maxsize=8)
def parsed(text: str) -> GenesisFile:
    """A genesis, read once however many nodes ask: it names them all, so that every reading costs as many."""
    return GenesisFile(text)


def build(rules: Rules, validators: Iterable[str], alloc: Mapping[str, int]) -> GenesisFile:
    """Make a genesis.

    Args:
        rules: What was chosen.
        validators: Addresses; sorted here, so that the order of a list never makes two organisations disagree.
        alloc: Balances in wei by address.

    Returns:
        The genesis, with sorted keys and two spaces of indentation.
    """
    ordered = sorted(validators, key=str.lower)
    config: dict[str, Any] = {f"{fork}Block": 0 for fork in _FORKS}
    config |= {"eip150Hash": _ZERO_HASH, "chainId": rules.chain_id, "isQuorum": True}
    config |= {"maxCodeSizeConfig": [{"block": 0, "size": rules.max_code_size}], **_engine_block(rules)}
    if rules.txn_size_limit:
        config["txnSizeLimit"] = rules.txn_size_limit
    if rules.private_transactions:
        config["privacyEnhancementsBlock"] = 0
    document = {
        "alloc": {address: {"balance": str(balance)} for address, balance in alloc.items()},
        "coinbase": "0x" + "00" * 20,
        "config": config,
        "difficulty": "0x1",
        "extraData": (extra_data.qbft if rules.consensus == "qbft" else extra_data.ibft)(ordered),
        "gasLimit": hex(rules.gas_limit),
        "mixHash": ISTANBUL_DIGEST,
        "nonce": "0x0",
        "parentHash": _ZERO_HASH,
        "timestamp": "0x00",
    }
    return GenesisFile(json.dumps(document, indent=2, sort_keys=True) + "\n")


def _engine_block(rules: Rules) -> dict[str, Any]:
    """The engine's block in the spelling of the release (GoQuorum params/config.go)."""
    common = {"policy": 0, "ceil2Nby3Block": 0}
    if rules.release >= QBFT_BLOCKS_NAMED:
        block = common | {
            "epochlength": rules.epoch,
            "blockperiodseconds": rules.block_period,
            "emptyblockperiodseconds": rules.block_period,
            "requesttimeoutseconds": rules.request_timeout // 1000,
        }
        return {"qbft" if rules.consensus == "qbft" else "ibft": block}
    # These releases ignore period and time-out here and take them as arguments. They stand here for those who join: a
    # node with another period refuses the blocks of the others.
    block = common | {
        "epoch": rules.epoch,
        "blockperiodseconds": rules.block_period,
        "requesttimeoutseconds": rules.request_timeout // 1000,
    }
    if rules.consensus == "qbft":
        assert rules.release >= QBFT_EXISTS  # noqa: S101 - settings refuse it with the YAML path
        block["testQBFTBlock"] = 0
    return {"istanbul": block}


def _block_hash(document: Mapping[str, Any]) -> str:
    header = [
        _bytes(document.get("parenthash", _ZERO_HASH), 32),
        _NO_UNCLES,
        _bytes(document.get("coinbase", "0x"), 20),
        _state_root(document.get("alloc", {})),
        _EMPTY_TRIE,  # transactions
        _EMPTY_TRIE,  # receipts
        bytes(256),
        _number(document.get("difficulty", 0)),
        _number(document.get("number", 0)),
        _number(document.get("gaslimit", 0)),
        _number(document.get("gasused", 0)),
        _number(document.get("timestamp", 0)),
        _bytes(document.get("extradata", "0x")),
        _bytes(document.get("mixhash", _ZERO_HASH), 32),
        _number(document.get("nonce", 0)).to_bytes(8),
    ]
    return "0x" + keccak(rlp.encode(header)).hex()


def _state_root(alloc: Mapping[str, Mapping[str, Any]]) -> bytes:
    trie = HexaryTrie({})
    for address, account in alloc.items():
        code = _bytes(account.get("code", "0x"))
        body = [
            _number(account.get("nonce", 0)),
            _number(account.get("balance", 0)),
            _storage_root(account.get("storage", {})),
            keccak(code) if code else _NO_CODE,
        ]
        trie[keccak(_bytes(address, 20))] = rlp.encode(body)
    return bytes(trie.root_hash)


def _storage_root(storage: Mapping[str, str]) -> bytes:
    trie = HexaryTrie({})
    for slot, value in storage.items():
        if number := _number(value if str(value).startswith("0x") else f"0x{value}"):
            trie[keccak(_bytes(slot, 32))] = rlp.encode(number)
    return bytes(trie.root_hash)


def _address(text: str) -> str:
    """An address as geth reads it here: 40 hex characters, with or without 0x."""
    try:
        return str(to_checksum_address(text))
    except ValueError:
        raise ValueError(f"its alloc must name addresses of 40 hex characters, got {shown(text)}") from None


def _bytes(text: str, length: int = 0) -> bytes:
    return bytes.fromhex(str(text).removeprefix("0x")).rjust(length, b"\0")


def _number(value: str | int | float) -> int:
    if isinstance(value, str):
        return int(value or "0", 16 if value.lower().startswith("0x") else 10)
    return int(value)
