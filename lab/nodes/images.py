"""The lab's images: pulled where their registry answers, else made of the toolchain's programs, without a build engine.

Format: the archive that `docker save` writes (a layer, a configuration, `manifest.json`), which containerd imports.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.files import cache_folder
from lab.nodes import registry
from lab.nodes.distribution import ARCHITECTURE
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
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Image:
    """What an image is made of.

    Args:
        names: full references.
        files: absolute path in the image by the file that is copied there.
        links: absolute path in the image by what it points to.
        entrypoint: what a container runs that does not say it.
        pulled: its archive, where it is none of ours.
    """

    names: tuple[str, ...]
    files: Mapping[str, Path] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    pulled: Path | None = None


def pull(say: Say) -> None:
    """Get the images that a registry has; those that cannot be had are made, or have a stand-in.

    Args:
        say: told what happens, a line at a time.
    """
    registry.pull((_GOQUORUM, *_TESSERAS), say)


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
    for published in (_GOQUORUM, *_TESSERAS):
        if (pulled := registry.kept(published)) is not None:
            yield Image(published.names, pulled=pulled)


def archive(image: Image) -> Path:
    """An image as a file in the cache, made where it is not there yet."""
    if image.pulled is not None:
        return image.pulled
    key = hashlib.sha256(json.dumps([image.names, dict(image.links), image.entrypoint]).encode())
    for target, source in sorted(image.files.items()):
        key.update(target.encode() + hashlib.sha256(source.read_bytes()).digest())
    file = cache_folder() / "images" / f"{key.hexdigest()[:16]}.tar"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(f".{file.name}-{id(image)}")
        _write(image, fresh)
        fresh.replace(file)
    return file


def _write(image: Image, file: Path) -> None:
    layer = _layer(image)
    configuration = json.dumps(
        {
            "architecture": ARCHITECTURE,
            "os": "linux",
            "config": {"Env": [_PATH], "Entrypoint": list(image.entrypoint) or None},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        }
    ).encode()
    manifest = [{"Config": "config.json", "RepoTags": list(image.names), "Layers": ["layer.tar"]}]
    with tarfile.open(file, "w") as tar:
        for name, content in (
            ("layer.tar", layer),
            ("config.json", configuration),
            ("manifest.json", json.dumps(manifest).encode()),
        ):
            _add(tar, name, content, 0o644)


def _layer(image: Image) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for folder in ("tmp", "etc", "proc", "sys", "dev"):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(info)
        for target, source in sorted(image.files.items()):
            _add(tar, target.lstrip("/"), source.read_bytes(), 0o755)
        for target, points_to in sorted(image.links.items()):
            info = tarfile.TarInfo(target.lstrip("/"))
            info.type, info.linkname = tarfile.SYMTYPE, points_to
            tar.addfile(info)
    return stream.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    tar.addfile(info, io.BytesIO(content))


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
    for image in images(toolchain):
        if not set(image.names) <= there:
            run(*ctr, "import", str(archive(image)))
