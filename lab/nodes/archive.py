"""An image as a file that containerd imports, made without a build engine.

Format: the archive that `docker save` writes (layers, a configuration for each image, `manifest.json`).
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.files import cache_folder, make_room, used
from lab.nodes.distribution import ARCHITECTURE

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LAYER = "layer.tar"


@dataclass(frozen=True)
class Image:
    """What an image is made of.

    Args:
        names: full references.
        files: absolute path in the image by the file that is copied there.
        links: absolute path in the image by what it points to.
        entrypoint: what a container runs that does not say it.
        environment: variables as NAME=value, beside PATH.
        pulled: its archive, where it is none of ours.
        labels: what it says of itself.
    """

    names: tuple[str, ...]
    files: Mapping[str, Path] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    pulled: Path | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def layer(self) -> object:
        """Equal for images that differ in nothing but how they are started."""
        return (self.files, self.links, self.pulled)


def archive(images: Sequence[Image]) -> Path:
    """Images of one layer as a file in the cache, made where it is not there yet.

    Args:
        images: at least one.
    """
    first = images[0]
    if first.pulled is not None:
        return first.pulled
    started = [[image.names, image.entrypoint, image.environment, *image.labels.items()] for image in images]
    key = hashlib.sha256(json.dumps([started, dict(first.links)]).encode())
    for target, source in sorted(first.files.items()):
        key.update(target.encode() + hashlib.sha256(source.read_bytes()).digest())
    file = cache_folder() / "images" / f"{key.hexdigest()[:16]}.tar"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(f".{file.name}-{id(images)}")
        _write(images, fresh)
        fresh.replace(file)
        make_room(file.parent, "*.tar")
    used(file)
    return file


def _write(images: Sequence[Image], file: Path) -> None:
    layer = _layer(images[0])
    digest = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    manifest = []
    with tarfile.open(file, "w") as tar:
        _add(tar, _LAYER, layer, 0o644)
        for number, image in enumerate(images):
            name = f"config-{number}.json"
            _add(tar, name, _configuration(image, digest), 0o644)
            manifest.append({"Config": name, "RepoTags": list(image.names), "Layers": [_LAYER]})
        _add(tar, "manifest.json", json.dumps(manifest).encode(), 0o644)


def _configuration(image: Image, layer: str) -> bytes:
    return json.dumps(
        {
            "architecture": ARCHITECTURE,
            "os": "linux",
            "config": {
                "Env": [_PATH, *image.environment],
                "Entrypoint": list(image.entrypoint) or None,
                "Labels": dict(image.labels) or None,
            },
            "rootfs": {"type": "layers", "diff_ids": [layer]},
        }
    ).encode()


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
