"""CITA-Cloud in the lab: all of its images, and those beside them, are one program of ours and busybox.

None is pulled: they are some twenty, of 2021, and a node of which one service is real would understand nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from lab.nodes.archive import Image

STAND_IN = "lab.local/cita-stand-in"
"""Folder of repositories in which every image of the stand-in stands once more, under a name that says what it is."""

_ROLES = {
    "network": ("network_p2p", "network_direct"),
    "consensus": ("consensus_raft", "consensus_bft"),
    "executor": ("executor_evm", "executor_poc", "executor_chaincode", "executor_chaincode_ext"),
    "storage": ("storage_sqlite", "storage_rocksdb", "storage_tikv"),
    "controller": ("controller", "controller_poc"),
    "kms": ("kms_sm", "kms_eth"),
}
_RELEASES = ("v4.0.0", "v5.0.0")
# what was only published under tags of its own
_ODD_RELEASES = {
    "executor_poc": ("v0.1.0",),
    "executor_chaincode": ("v0.2.0",),
    "executor_chaincode_ext": ("v3.0.0",),
    "storage_tikv": ("4.0.0",),
}
_EXPORTERS = (("monitor-process-exporter", "0.4.1"), ("monitor-citacloud-exporter", "0.1.1"))
_PROGRAMS = (*_ROLES, "syncthing", "couchdb", "exporter")
_FOLDER = "/usr/bin"


def images(shell: Mapping[str, Path], links: Mapping[str, str], program: Path) -> Iterator[Image]:
    """The images, which share one layer.

    Args:
        shell: busybox and what it loads, by path in the image.
        links: what busybox can, by path in the image.
        program: the stand-in.
    """
    files = {**shell, f"{_FOLDER}/cita-stand-in": program}
    every = {**links, **{f"{_FOLDER}/{name}": "cita-stand-in" for name in _PROGRAMS}}

    def image(repository: str, tag: str, entrypoint: tuple[str, ...], *environment: str) -> Image:
        folder, _, kind = repository.rpartition("/")
        published = f"docker.io/{folder or 'library'}/{kind}:{tag}"
        variables = (f"CITA_STAND_IN={kind}:{tag}", *environment)
        return Image((published, f"{STAND_IN}/{kind}:{tag}"), files, every, entrypoint, variables)

    for role, kinds in _ROLES.items():
        for kind in kinds:
            for tag in (*_ODD_RELEASES.get(kind, ()), *_RELEASES):
                yield image(f"citacloud/{kind}", tag, (role,))
    for kind, tag in _EXPORTERS:
        yield image(f"citacloud/{kind}", tag, ("exporter",))
    home = "/var/syncthing/config"
    yield image("syncthing/syncthing", "1.16", ("syncthing", "-home", home), "STGUIADDRESS=0.0.0.0:8384")
    yield image("couchdb", "3.1.1", ("couchdb",))
    yield image("busybox", "1.36.1", ("sh",))
