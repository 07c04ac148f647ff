"""The lab's images: pulled where their registry answers, else made of the toolchain's programs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from lab.nodes import more, registry
from lab.nodes.archive import Image, archive
from lab.nodes.registry import Published
from lab.nodes.run import run
from lab.say import Say
from lab.tools import Toolchain
from lab.tools.node_tools import COREDNS as COREDNS_RELEASE
from lab.tools.node_tools import GOQUORUM

PAUSE = "lab.local/pause:1"
COREDNS = f"lab.local/coredns:{COREDNS_RELEASE}"
SHELL = "lab.local/shell:1"
TESSERA_STAND_IN = "lab.local/tessera-stand-in"
"""Repository of what stands for Tessera; its tags are Tessera's releases."""
GOQUORUM_COPY = "lab.local/goquorum"
"""Repository with GoQuorum's image under another name, for a change of image that changes nothing else."""

_TESSERA = "quorumengineering/tessera"
_TESSERA_TAGS = ("22.1.7",)
_GOQUORUM = Published("quorumengineering/quorum", GOQUORUM, (f"{GOQUORUM_COPY}:{GOQUORUM}",))
_TESSERAS = tuple(Published(_TESSERA, tag) for tag in _TESSERA_TAGS)


def pull(say: Say, besides: Sequence[str] = ()) -> None:
    """Get the images that a registry has; those that cannot be had are made, or have a stand-in.

    Args:
        say: told what happens, a line at a time.
        besides: what of `more.MORE` the lab is to have.

    Raises:
        LabError: there is no such thing.
    """
    registry.pull((_GOQUORUM, *_TESSERAS, *more.published(besides)), say)


def tessera() -> str:
    """The repository of the Tessera that a lab has which is up: Tessera's own, or `TESSERA_STAND_IN`."""
    return _TESSERA if all(registry.kept(each) for each in _TESSERAS) else TESSERA_STAND_IN


def images(toolchain: Toolchain) -> Iterator[Image]:
    """Every image of the lab."""
    shell, links = _shell()
    yield Image((PAUSE,), {"/busybox": shell["/bin/busybox"]}, entrypoint=("/busybox", "sleep", "infinity"))
    yield Image((SHELL,), shell, links)
    yield Image((COREDNS,), {"/coredns": toolchain.path("coredns")}, entrypoint=("/coredns",))
    if registry.kept(_GOQUORUM) is None:
        quorum = {**shell, "/usr/local/bin/geth": toolchain.path("geth")}
        yield Image(_GOQUORUM.names, quorum, links, ("geth",))
    # also where Tessera itself is there: a network that runs with the stand-in goes on
    stand_in = {**shell, "/tessera/bin/tessera": toolchain.path("tessera")}
    yield Image(tuple(f"{TESSERA_STAND_IN}:{tag}" for tag in _TESSERA_TAGS), stand_in, links)
    yield from more.images(toolchain, shell, links)
    for published in (_GOQUORUM, *_TESSERAS):
        if (pulled := registry.kept(published)) is not None:
            yield Image(published.names, pulled=pulled)


def _shell() -> tuple[dict[str, Path], dict[str, str]]:
    """Busybox, and the C library that even a static one loads when it looks a name up; links for all that it can."""
    busybox = Path(shutil.which("busybox") or "/bin/busybox")
    files = {"/bin/busybox": busybox}
    for line in run("ldconfig", "-p").splitlines():
        name, _, place = line.strip().partition(" ")
        if name in ("libc.so.6", "libresolv.so.2", "libnss_dns.so.2", "libnss_files.so.2") and "x32" not in line:
            library = Path(place.rpartition("=> ")[2])
            files.setdefault(str(library), library.resolve())
    for loader in (*Path("/lib64").glob("ld-linux-*"), *Path("/lib").glob("ld-linux-*")):
        files[str(loader)] = loader.resolve()
    links = {f"/bin/{name}": "busybox" for name in run(str(busybox), "--list").split() if name != "busybox"}
    return files, links


def load(toolchain: Toolchain, socket: str) -> None:
    """Give containerd the images that it has not.

    Args:
        toolchain: where the programs are.
        socket: where containerd listens.

    Raises:
        LabError: containerd does not answer, or refuses.
    """
    ctr = (str(toolchain.path("ctr")), "--address", socket, "-n", "k8s.io", "images")
    there = set(run(*ctr, "list", "-q").split())
    for _, group in groupby(images(toolchain), lambda image: image.layer):
        together = tuple(group)
        if not {name for image in together for name in image.names} <= there:
            run(*ctr, "import", str(archive(together)))
