"""The folder `cita-cloud/<chain>`: what one node has in it, and whether everything in it fits together.

The layout is that of create_k8s_config.py at commit e11dcf4 and tag v5.0.0. With multi_cluster people copied accounts
and certificates by hand, each to its own nodes, so that those of other nodes are missing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from archipelago.chains.cita_cloud import files
from archipelago.chains.cita_cloud.accounts import SM, Suite, opened
from archipelago.chains.cita_cloud.device import belong_together, check_device_id, device_id
from archipelago.chains.cita_cloud.files import ADDRESS_FILE, DATABASE, KEY_ID_FILE
from archipelago.chains.cita_cloud.identity import NODE_KEY
from archipelago.chains.cita_cloud.runner_k8s.command import Command, Place
from archipelago.chains.cita_cloud.services import KEY_FILE
from archipelago.problems import Problem

GENESIS, SYSTEM = "genesis.toml", "init_sys_config.toml"
CONTROLLER, CONSENSUS = "controller-config.toml", "consensus-config.toml"
XML, CERT, CERT_KEY = "config/config.xml", "config/cert.pem", "config/key.pem"
_SHARED = (files.NETWORK_CONFIG, CONTROLLER, CONSENSUS, GENESIS, SYSTEM, XML)
WANTED = tuple(
    f"{at}{name}" for at in ("", "node*/") for name in (ADDRESS_FILE, KEY_ID_FILE, DATABASE, NODE_KEY, KEY_FILE)
)
WANTED += tuple(f"node*/{name}" for name in (*_SHARED, CERT, CERT_KEY))
_NODE = re.compile(r"node(0|[1-9][0-9]*)")
_COPY = "Copy the folder again from the node's volume, whole."


@dataclass(frozen=True, slots=True)
class NodeFolder:
    """One node's part of the folder.

    Args:
        index: Of the node.
        place: What the command line says of it.
        files: Content by path in it.
    """

    index: int
    place: Place
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def name(self) -> str:
        """Name of the folder, and of the node."""
        return f"node{self.index}"

    @property
    def has_keys(self) -> bool:
        """Whether it is a node whose keys somebody put here."""
        return any(name in self.files for name in (ADDRESS_FILE, DATABASE, NODE_KEY, CERT, CERT_KEY))

    def text(self, name: str) -> str:
        """A file's text, without white space at its ends."""
        return self.files.get(name, b"").decode(errors="replace").strip()

    def toml(self, name: str) -> dict[str, Any]:
        """A TOML file's content; empty where it is none."""
        try:
            return tomllib.loads(self.text(name))
        except tomllib.TOMLDecodeError:
            return {}

    def problem(self, name: str, message: str, cure: str = _COPY) -> Problem:
        """What is wrong with one of its files."""
        return Problem("", f"{self.name}/{name}: {message}", cure)


def nodes_of(content: Mapping[str, bytes], command: Command) -> tuple[NodeFolder, ...]:
    """The folders of all nodes that the command line made."""
    return tuple(
        NodeFolder(
            index,
            place,
            {
                path.removeprefix(f"node{index}/"): data
                for path, data in content.items()
                if path.startswith(f"node{index}/")
            },
        )
        for index, place in enumerate(command.nodes)
    )


def strangers(names: frozenset[str], count: int) -> Iterator[Problem]:
    """Folders of nodes that the command line did not make."""
    for name in sorted(names):
        known = _NODE.fullmatch(name)
        ours = name in (ADDRESS_FILE, NODE_KEY) or (known and int(known[1]) < count)
        if name.startswith("node") and not ours:
            words = f"{name}: the command line made node0 to node{count - 1}, and not this."
            yield Problem("", words, "Give the line that made the folder, or move what is not of the chain away.")


def repeated(nodes: tuple[NodeFolder, ...], command: Command) -> Iterator[Problem]:
    """What two nodes cannot share, and device ids that are none."""
    ends = [f"{host}:{port}" for host, port in (_end(command, node.index) for node in nodes)]
    devices = _devices(nodes[0].files.get(XML, b"")) if nodes else []
    for words, values in (("address", ends), ("device id", devices)):
        if twice := next((each for at, each in enumerate(values) if each in values[:at]), None):
            yield Problem(
                "", f"two nodes have the {words} {twice}.", "Every node has one of its own: bring both apart."
            )
    for device in devices:
        try:
            check_device_id(device)
        except ValueError as error:
            yield Problem("", f"{XML}: {device!r}: {error}.", _COPY)


def shared(node: NodeFolder, command: Command) -> Iterator[Problem]:
    """What every node has, whoever runs it, against the command line."""
    if missing := [name for name in _SHARED if name not in node.files]:
        yield Problem("", f"{node.name}: there is no {', '.join(missing)}.", _COPY)
        return
    if node.toml(CONSENSUS).get("node_id") != node.index:
        yield node.problem(CONSENSUS, f"its node_id is not {node.index}: two folders were swapped.")
    if node.toml(CONTROLLER).get("block_delay_number") != command.block_delay:
        cure = "Give --block_delay_number in the command line as it is there."
        yield node.problem(CONTROLLER, f"its block_delay_number is not {command.block_delay}.", cure)
    wanted = [_end(command, at) for at in range(len(command.nodes)) if at != node.index]
    if sorted(map(str, _peers(node))) != sorted(map(str, wanted)):
        cure = "Give --nodes, --node_ports, --peers_count and --chain_name as they were."
        yield node.problem(files.NETWORK_CONFIG, "its peers are not those of the command line.", cure)
    listed = _devices(node.files[XML])
    if len(listed) != len(command.nodes):
        yield node.problem(XML, f"it has {len(listed)} devices, and the command line {len(command.nodes)} nodes.")
    elif command.multi and listed != [each.device for each in command.nodes]:
        yield node.problem(XML, "its devices are not those of --sync_device_ids.", "Give them as they were.")


def _peers(node: NodeFolder) -> list[object]:
    """Host and port of each; anything else as it is there."""
    listed = node.toml(files.NETWORK_CONFIG).get("peers", [])
    peers = listed if isinstance(listed, list) else [listed]
    return [(each.get("ip"), each.get("port")) if isinstance(each, dict) else each for each in peers]


def _end(command: Command, index: int) -> tuple[str, int]:
    place = command.nodes[index]
    return (place.host, place.base) if command.multi else (f"{command.chain}-{index}", files.P2P)


def _devices(text: bytes) -> list[str]:
    """The device ids of a config.xml, in the order of the nodes; none where it is broken."""
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - a file of the user's own chain
    except ElementTree.ParseError:
        return []
    return [each.get("id", "") for each in root.findall("device")]


def keys(node: NodeFolder, suite: Suite, bft: bool, validators: list[str]) -> Iterator[Problem]:
    """The account and the certificate of a node of ours, against everything that names them.

    Args:
        node: Its folder.
        suite: Of the chain's kms.
        bft: Whether it signs with a node key.
        validators: Addresses by index.
    """
    wanted = (ADDRESS_FILE, KEY_ID_FILE, NODE_KEY if bft else DATABASE, CERT, CERT_KEY)
    if missing := [name for name in wanted if not node.files.get(name)]:
        cure = "Copy it from the node's volume, or from where its account and certificate were made."
        yield Problem("", f"{node.name}: there is no {', '.join(missing)}.", cure)
        return
    address = node.text(ADDRESS_FILE)
    yield from _address(node, address, validators)
    yield from _signer(node, suite, bft, address)
    try:
        device = device_id(node.text(CERT))
    except ValueError:
        yield node.problem(CERT, "it is no certificate.")
        return
    listed = _devices(node.files.get(XML, b""))
    if listed[node.index : node.index + 1] != [device]:
        words = f"its device id {device} is not the one of {node.name} in config.xml: syncthing would stay silent."
        yield node.problem(CERT, words, "Bring the certificate back that was there when the chain was made.")
    if not belong_together(node.text(CERT), node.text(CERT_KEY)):
        yield node.problem(CERT_KEY, "it is not the key of cert.pem.", "Take both from one folder config.")


def _address(node: NodeFolder, address: str, validators: list[str]) -> Iterator[Problem]:
    if validators[node.index : node.index + 1] != [address]:
        there = validators[node.index] if node.index < len(validators) else "nobody"
        words = f"it is {address}, and {SYSTEM} has {there} as validator {node.index}."
        yield node.problem(ADDRESS_FILE, words, "Put every account into the folder of its place among the validators.")


def _signer(node: NodeFolder, suite: Suite, bft: bool, address: str) -> Iterator[Problem]:
    """The private key, and that it is the one of the address."""
    try:
        if bft:
            kind, key = SM, bytes.fromhex(node.text(NODE_KEY).removeprefix("0x"))
            if len(key) != 32 or not kind.has(key):  # noqa: PLR2004 - bytes of a key
                raise ValueError
        else:
            kind, key = opened(node.files[DATABASE], node.place.password, key_id(node))
    except ValueError as error:
        message = "it is no key of SM2" if bft else str(error)
        yield node.problem(NODE_KEY if bft else DATABASE, f"{message}.", _cure_of(message))
        return
    if kind is not suite and not bft:
        words = f"kms_{kind.name} made it, and the services name kms_{suite.name}."
        yield node.problem(DATABASE, words, "Give the service-config.toml that the chain was made with.")
    elif kind.address(key) != address:
        words = f"its account is {kind.address(key)}, and {ADDRESS_FILE} says {address}."
        yield node.problem(NODE_KEY if bft else DATABASE, words, "Take all files of the account from one folder.")


def _cure_of(message: str) -> str:
    if "password" in message:
        return "Give the command line with the password that it was made with; kms itself would panic with another."
    return "Copy it again from the node's volume, while the node is down."


def key_id(node: NodeFolder) -> int:
    """The account's row in kms.db; 0, which nothing has, where the file says no number."""
    text = node.text(KEY_ID_FILE)
    return int(text) if text.isascii() and text.isdigit() else 0


def enables_tls(nodes: tuple[NodeFolder, ...]) -> bool | None:
    """What network-config.toml says; None where it is of a release that did not know it."""
    found = nodes[0].toml(files.NETWORK_CONFIG).get("enable_tls")
    return found if isinstance(found, bool) else None
