"""The configuration files of one node, byte for byte as runner_k8s writes them (commit e11dcf4 and tag v5.0.0).

The services read them in their working directory. The controller trims nothing: `key_id` and `node_address` end without
a newline.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

ROLES = ("network", "consensus", "executor", "storage", "controller", "kms")
P2P = 40000
GRPC = {role: 50000 + number for number, role in enumerate(ROLES)}
NO_PARENT = "0x" + "00" * 32  # prevhash of block 0
NETWORK_CONFIG = "network-config.toml"
DATABASE, ADDRESS_FILE, KEY_ID_FILE = "kms.db", "node_address", "key_id"  # of an account
_LOG_FILES = 50  # megabytes of one file


def network_head(tls: bool) -> str:
    """The part of `network-config.toml` that is a node's own.

    Args:
        tls: Needed from release 5 on; earlier ones pass it over.
    """
    return f"enable_tls = {str(tls).lower()}\nport = {P2P}\n"


def network_peers(peers: Iterable[tuple[str, int]]) -> str:
    """The rest of `network-config.toml`. The services look the names up once, when they start.

    Args:
        peers: Host and port of every other node.
    """
    listed = [f"[[peers]]\nip = {_text(host)}\nport = {port}\n" for host, port in peers]
    return "\n".join([*listed, ""]) if listed else "peers = []\n"


def consensus_config(index: int) -> str:
    """`consensus-config.toml`: raft's and bft's alike."""
    return f"network_port = {GRPC['network']}\ncontroller_port = {GRPC['controller']}\nnode_id = {index}\n"


def controller_config(block_delay: int) -> str:
    """`controller-config.toml`.

    Args:
        block_delay: After how many blocks a block counts as final.
    """
    ports = [f"{role}_port = {GRPC[role]}" for role in ("network", "consensus", "storage", "kms", "executor")]
    return "\n".join([*ports, f"block_delay_number = {block_delay}", ""])


def genesis(timestamp: int) -> str:
    """`genesis.toml`.

    Args:
        timestamp: Of block 0, in milliseconds since 1970.
    """
    return f'timestamp = {timestamp}\nprevhash = "{NO_PARENT}"\n'


def init_sys_config(chain_id: str, admin: str, block_interval: int, validators: Sequence[str]) -> str:
    """`init_sys_config.toml`. The controller drops the first two characters of every value without looking at them.

    Args:
        chain_id: 0x and 64 hex characters.
        admin: Address of the account that governs the chain.
        block_interval: Seconds.
        validators: Addresses, in the order of the nodes' indices.
    """
    listed = "".join(f" {_text(each)}," for each in validators)
    return (
        f'version = 0\nchain_id = "{chain_id}"\nadmin = "{admin}"\n'
        f"block_interval = {block_interval}\nvalidators = [{listed}]\n"
    )


def log_config(role: str, level: str, stdout: bool) -> str:
    """`<role>-log4rs.yaml`. consensus_raft and executor_evm have loggers of their own and pass it over.

    Args:
        role: Of the service.
        level: warn, info, debug or trace.
        stdout: Whether the log goes where `kubectl logs` finds it, and not to five files of 50 MB.
    """
    path = f"logs/{role}-service"
    rolling = {
        "kind": "rolling_file",
        "path": f"{path}.log",
        "policy": {
            "kind": "compound",
            "trigger": {"kind": "size", "limit": f"{_LOG_FILES}mb"},
            "roller": {"kind": "fixed_window", "base": 1, "count": 5, "pattern": f"{path}.{{}}.gz"},
        },
    }
    document: Mapping[str, Any] = {
        "refresh_rate": "30 seconds",
        "appenders": {"stdout": {"kind": "console"}, "journey-service": rolling},
        "root": {"level": level, "appenders": ["stdout" if stdout else "journey-service"]},
    }
    return json.dumps(document, indent=2) + "\n"  # JSON is YAML, and needs no library to write it


def _text(value: str) -> str:
    """A TOML string; JSON's escapes are TOML's."""
    return json.dumps(value)
