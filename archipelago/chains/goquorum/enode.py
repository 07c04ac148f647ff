"""enode URLs (devp2p enode-url-format), and the Qubernetes spelling of an external node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from eth_utils.address import is_address, to_checksum_address

from archipelago.identity.secp256k1 import address_of, check_node_id
from archipelago.model.endpoint import Endpoint
from archipelago.model.record import ExternalNode

RAFT_PORT = (
    50401  # nobody listens there; with it geth keeps a host name and looks it up at each dial, without it drops it
)
_KEYS = ("Node_UserIdent", "Enode_Url", "Tm_Url", "Node_Acct_Addr")


@dataclass(frozen=True, slots=True)
class Enode:
    """One p2p address.

    Args:
        node_id: 128 hex characters.
        host: IP address or DNS name.
        port: TCP port of devp2p.
    """

    node_id: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"enode://{self.node_id}@{host}:{self.port}?discport=0&raftport={RAFT_PORT}"


def parse(url: str) -> Enode:
    """Read an enode URL.

    Raises:
        ValueError: It is none, its node id is no point on secp256k1, or it names no host or port.
    """
    parts = urlsplit(url)
    if parts.scheme != "enode" or "@" not in parts.netloc or parts.password is not None:
        raise ValueError("an enode is written enode://<node id>@<host>:<port>?discport=0")
    try:
        port = parts.port
    except ValueError:
        port = None
    if not parts.hostname or not port:
        raise ValueError("the enode names no host and port")
    unknown = sorted(set(parse_qs(parts.query, keep_blank_values=True)) - {"discport", "raftport"})
    if unknown or parts.path or parts.fragment:
        raise ValueError("after host and port an enode has discport and raftport at most")
    return Enode(check_node_id(parts.username or ""), parts.hostname, port)


def is_qubernetes(raw: Mapping[str, Any]) -> bool:
    """Whether an entry uses the keys of Qubernetes' `external_nodes`."""
    return any(key in raw for key in _KEYS)


def from_qubernetes(raw: Mapping[str, Any], network: str, organisation: str) -> ExternalNode:
    """Read an entry of Qubernetes' `external_nodes`, as `qctl ls nodes --asexternal` prints it.

    Raises:
        ValueError: Something is missing or malformed; Qubernetes itself took anything and died later.
    """
    if unknown := sorted(set(raw) - set(_KEYS)):
        raise ValueError(f"unknown key {unknown[0]}; known here: {', '.join(_KEYS)}")
    if missing := [key for key in ("Node_UserIdent", "Enode_Url") if not raw.get(key)]:
        raise ValueError(f"{missing[0]} is missing")
    enode = parse(str(raw["Enode_Url"]))
    endpoints = {"p2p": Endpoint(host=enode.host, port=enode.port)}
    if raw.get("Tm_Url"):
        endpoints["tessera"] = _tessera_endpoint(str(raw["Tm_Url"]))
    return ExternalNode(
        network=network,
        organisation=organisation,
        name=str(raw["Node_UserIdent"]),
        node_id=enode.node_id,
        address=_address(raw.get("Node_Acct_Addr"), enode.node_id),
        endpoints=endpoints,
    )


def to_qubernetes(node: ExternalNode) -> str:
    """One node as `qctl ls nodes --asexternal` prints it, spaces included; no Tm_Url where it has no Tessera."""
    p2p = node.endpoints["p2p"]
    lines = [
        f"- Node_UserIdent:  {node.name}",
        f'  Enode_Url: "{Enode(node.node_id, p2p.host, p2p.port)}"',
    ]
    if "tessera" in node.endpoints:
        url = str(node.endpoints["tessera"])
        # an IPv6 address begins with a bracket, which opens a list in YAML
        lines.append(f'  Tm_Url:  "{url}"' if url.startswith("[") else f"  Tm_Url:  {url}")
    lines.append(f"  Node_Acct_Addr: {node.address}")
    return "\n".join(lines)


def _tessera_endpoint(text: str) -> Endpoint:
    parts = urlsplit(text if "://" in text else f"http://{text}")
    try:
        port = parts.port
    except ValueError:
        port = None
    if "://" in text or not parts.hostname or not port or parts.path:
        raise ValueError(f"Tm_Url is written host:port without http://, not {text}")
    return Endpoint(host=parts.hostname, port=port)


def _address(given: Any, node_id: str) -> str:
    """The validator address; it follows from the node id, so a given one is only compared."""
    derived = address_of(node_id)
    if given is None:
        return derived
    text = f"0x{given:040x}" if isinstance(given, int) else str(given)  # YAML reads an unquoted one as a number
    if not is_address(text.lower()) or to_checksum_address(text.lower()) != derived:
        raise ValueError(f"Node_Acct_Addr {text} is not the address of the enode's key, {derived}")
    return derived
