"""Images that only some networks ask for, and the tests of them: CITA-Cloud's, kubo and Python, Traefik, Prometheus.

A lab has those that its `up` is told to have (`archipelago lab up --with ipfs`); nothing of the others is built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.nodes import cita, python, registry
from lab.nodes.archive import Image
from lab.nodes.registry import Published
from lab.tools import Toolchain
from lab.tools.node_tools import KUBO, PROMETHEUS, TRAEFIK

KUBO_COPY = "lab.local/kubo"
"""Repository with kubo's image under another name, for a change of image that changes nothing else."""

_KUBO = Published("ipfs/kubo", f"v{KUBO}", (f"{KUBO_COPY}:v{KUBO}",))
_PYTHON = Published("library/python", python.TAG)
_TRAEFIK = Published("library/traefik", f"v{TRAEFIK}")
_PROMETHEUS = Published("prom/prometheus", f"v{PROMETHEUS}")


@dataclass(frozen=True)
class More:
    """What a lab can have besides.

    Args:
        program: of the toolchain, by the name of its tool. The images are there where it is.
        published: the references of images that a registry may have.
    """

    program: str
    published: tuple[Published, ...]


MORE: Mapping[str, More] = {
    "cita": More("cita", ()),
    "ipfs": More("ipfs", (_KUBO, _PYTHON)),
    "traefik": More("traefik", (_TRAEFIK,)),
    "prometheus": More("prometheus", (_PROMETHEUS,)),
}
"""What there is, by the word for it."""


def published(names: Sequence[str]) -> tuple[Published, ...]:
    """The images of some of it.

    Raises:
        LabError: there is no such thing.
    """
    for name in names:
        if name not in MORE:
            raise LabError(f"There is nothing called {name} to have besides. Take: {', '.join(MORE)}")
    return tuple(image for name in names for image in MORE[name].published)


def images(toolchain: Toolchain, shell: Mapping[str, Path], links: Mapping[str, str]) -> Iterator[Image]:
    """The images of what the toolchain has.

    Args:
        toolchain: where the programs are.
        shell: busybox and what it loads, by path in the image.
        links: what busybox can, by path in the image.
    """
    for name, more in MORE.items():
        if more.program not in toolchain.programs:
            continue
        program = toolchain.path(more.program)
        if name == "cita":
            yield from cita.images(shell, links, program)
        for image in more.published:
            if (pulled := registry.kept(image)) is not None:
                yield Image(image.names, pulled=pulled)
            elif image is _KUBO:
                files = {**shell, "/usr/local/bin/ipfs": program}
                yield Image(image.names, files, links, ("ipfs",), ("IPFS_PATH=/data/ipfs",))
            elif image is _PYTHON:
                yield python.image(image.names, shell, links)
            elif image is _TRAEFIK:
                yield Image(image.names, {"/usr/local/bin/traefik": program}, entrypoint=("traefik",))
            else:
                yield Image(image.names, {"/bin/prometheus": program}, entrypoint=("/bin/prometheus",))
