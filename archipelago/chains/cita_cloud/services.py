"""The microservices of a node: which implementations there are, in which image, and what starts them.

Sources: service-config.toml of runner_k8s at its tags v4.0.0 and v5.0.0. From release 6 on the services take other
arguments and files, so `latest` is never a choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archipelago.chains.cita_cloud.files import GRPC, ROLES
from archipelago.chains.cita_cloud.shell_command import TIKV, endpoints, executed, joined, without_endpoints

if TYPE_CHECKING:
    from archipelago.chains.cita_cloud.settings import CitaNetwork

KMS_FOLDER, NETWORK_FOLDER = "/kms", "/network"
KEY_FILE, NETWORK_KEY = "key_file", "network-key"
# Tags of implementations that a set of images does not have itself; no tag at all: name an image.
_ODD_TAGS = {
    "executor_chaincode": "v0.2.0",
    "executor_chaincode_ext": "v3.0.0",
    "executor_poc": "v0.1.0",
    "storage_tikv": "4.0.0",
}
_SETS = {
    "v4.0.0": {
        "defaults": ("network_p2p", "consensus_raft", "executor_evm", "storage_sqlite", "controller_poc", "kms_sm"),
        "more": ("kms_eth",),
        "absent": ("executor_evm",),
    },
    "v5.0.0": {
        "defaults": ("network_direct", "consensus_bft", "executor_evm", "storage_rocksdb", "controller", "kms_sm"),
        "more": (
            "network_p2p",
            "consensus_raft",
            "executor_poc",
            "executor_chaincode_ext",
            "storage_sqlite",
            "kms_eth",
        ),
        "absent": (),
    },
}
IMAGES = ("v5.0.0", "v4.0.0")
"""Sets of images, the latest first."""
_RENAMED = {"v4.0.0": {"controller": "controller_poc"}, "v5.0.0": {"controller_poc": "controller"}}


@dataclass(frozen=True, slots=True)
class Chosen:
    """One service of a network.

    Args:
        role: What it is there for.
        kind: Implementation, as `consensus_raft`.
        image: With its tag; empty where nobody published one for this set of images.
        command: What the shell runs.
        endpoints: Placement drivers of a TiKV that the command named; the program gives each node its own.
    """

    role: str
    kind: str
    image: str
    command: str
    endpoints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stack:
    """The services of a network, and what follows from their choice."""

    services: tuple[Chosen, ...]

    def __getitem__(self, role: str) -> Chosen:
        return self.services[ROLES.index(role)]

    @property
    def bft(self) -> bool:
        """Whether nodes sign with an SM2 key of their own, which no kms keeps."""
        return self["consensus"].kind == "consensus_bft"

    @property
    def chaincode(self) -> bool:
        """Whether Fabric's chaincode and its events have ports."""
        return self["executor"].kind.startswith("executor_chaincode")

    @property
    def couchdb(self) -> bool:
        """Whether the executor keeps its state in CouchDB."""
        return self["executor"].kind == "executor_chaincode_ext"


def stack(network: CitaNetwork) -> Stack:
    """The services that a network's settings choose, completed by its set of images."""
    found = []
    for role, usual in zip(ROLES, _SETS[network.images]["defaults"], strict=True):
        given = getattr(network.services, role)
        kind = given.kind if given else usual
        image = (given.image if given else None) or _image(network.images, kind)
        written = joined((given.command if given else None) or _command(role, kind))
        drivers = endpoints(written) if kind == TIKV else ()
        # names and a service-config.toml come to the same
        command = executed(without_endpoints(written) if drivers else written)
        found.append(Chosen(role, kind, image, command, drivers))
    return Stack(tuple(found))


def usual(images: str, role: str, kind: str) -> Chosen:
    """An implementation as a set of images has it, with the command that runner_k8s gives it."""
    return Chosen(role, kind, _image(images, kind), _command(role, kind))


def called(images: str, kind: str) -> str:
    """What a set of images calls an implementation: release 5 has given one of release 4 another name."""
    return _RENAMED[images].get(kind, kind)


def _image(images: str, written: str) -> str:
    offered, kind = _SETS[images], called(images, written)
    if kind in (*offered["defaults"], *offered["more"]) and kind not in offered["absent"]:
        return f"citacloud/{kind}:{images}"
    return f"citacloud/{kind}:{_ODD_TAGS[kind]}" if kind in _ODD_TAGS else ""


def _command(role: str, kind: str) -> str:
    command = f"{role} run -p {GRPC[role]}"
    if kind == "network_p2p":
        return f"{command} -k {NETWORK_FOLDER}/{NETWORK_KEY}"
    return f"{command} -k {KMS_FOLDER}/{KEY_FILE}" if role == "kms" else command
