"""Images as their makers publish them, pulled outside the clusters, whose network has no way out.

Format: an OCI image layout in a tar file, which containerd imports. Nothing is kept that is not what its digest says.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import tarfile
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx2

from lab.files import cache_folder, used
from lab.nodes.distribution import ARCHITECTURE, DIGEST, INDEX, RegistryError, Repository, trust
from lab.say import Say
from lab.tools.cache import Cache
from lab.tools.vendor import CONNECT_WITHIN

MIRROR = "ARCHIPELAGO_REGISTRY"
"""The variable with the address of a mirror of docker.io to pull from instead, such as https://mirror.example."""

_HOME = "https://registry-1.docker.io"
_ARCHIVE = "image.tar"
_TELL_EVERY = 10.0  # seconds


@dataclass(frozen=True)
class Published:
    """An image that docker.io has.

    Args:
        repository: without the registry.
        tag: of a release, which is not expected to change.
        aliases: full references that it gets as well.
    """

    repository: str
    tag: str
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All references; the first is its own."""
        return (f"docker.io/{self.repository}:{self.tag}", *self.aliases)

    @property
    def entry(self) -> str:
        """What its archives in the cache are called, before the digest."""
        references = hashlib.sha256(json.dumps(self.names).encode()).hexdigest()[:8]
        return f"{self.repository.replace('/', '-')}-{self.tag}-{ARCHITECTURE}-{references}"


def kept(image: Published) -> Path | None:
    """The archive of an image that has been pulled, by whatever run."""
    return next(iter(sorted(_cache().root.glob(f"{image.entry}-*/{_ARCHIVE}"))), None)


def pull(images: Sequence[Published], say: Say) -> None:
    """Pull what is not kept yet; what cannot be pulled is told, and is no error.

    Args:
        images: what is wanted.
        say: told what happens, a line at a time.
    """
    entries = {image: kept(image) for image in images}
    for archive in entries.values():
        if archive is not None:
            used(archive.parent)
    missing = [image for image, archive in entries.items() if archive is None]
    if not missing:
        return
    listed = ", ".join(image.names[0] for image in missing)
    base = (os.environ.get(MIRROR) or _HOME).rstrip("/")
    if reason := obstacle(base):
        say(f"images: {base} {reason}; what the lab makes itself takes the place of {listed}")
        return
    with _cache().lock(lambda: say("Another process is pulling images; waiting for it …")):
        for image in missing:
            if kept(image) is not None:  # by the process that was waited for
                continue
            try:
                _pull(image, base, say)
            except RegistryError as error:
                words = f"{image.names[0]} is not pulled: {error}"
                say(f"images: {words}; what the lab makes itself takes its place")


def obstacle(base: str) -> str | None:
    """Why a registry cannot be used, as the rest of a sentence; None if it answers. Asked once by each process.

    Args:
        base: its address.
    """
    if os.environ.get("ARCHIPELAGO_OFFLINE"):
        return "is not asked (ARCHIPELAGO_OFFLINE is set)"
    return _asked(base)


@functools.cache
def _asked(base: str) -> str | None:
    found: list[str | None] = []
    trusted = trust()  # here, for it is read from files: the limit is the registry's

    def ask() -> None:
        try:
            code = httpx2.get(f"{base}/v2/", timeout=CONNECT_WITHIN, verify=trusted).status_code
        except httpx2.TimeoutException:
            pass  # the limit below is the same, and may be over a moment later
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            found.append(f"is not reachable ({error})")
        else:
            found.append(None if code in (httpx2.codes.OK, httpx2.codes.UNAUTHORIZED) else f"answers {code}")

    # a name look-up knows no time limit, so the question has a thread that is not waited for longer than the limit
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(CONNECT_WITHIN)
    return found[0] if found else f"gives no answer within {CONNECT_WITHIN:g} s"


def _cache() -> Cache:
    return Cache(cache_folder() / "images")


def _pull(image: Published, base: str, say: Say) -> None:
    began = time.monotonic()
    try:
        with closing(Repository(base, image.repository)) as repository:
            media, manifest = repository.manifest(image.tag)
            digest = hashlib.sha256(manifest).hexdigest()
            with _cache().making(image.entry, digest[:16]) as folder, tarfile.open(folder / _ARCHIVE, "w") as tar:
                _add(tar, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
                _add(tar, "index.json", _index(image.names, media, digest, len(manifest)))
                _add(tar, f"blobs/sha256/{digest}", manifest)
                _add_blobs(tar, repository, _blobs(manifest), folder / "blob", image.names[0], say)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, tarfile.TarError) as error:
        raise RegistryError(str(error) or type(error).__name__) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise RegistryError(f"the registry's answer makes no sense ({type(error).__name__}: {error})") from error
    say(f"images: {image.names[0]} pulled after {time.monotonic() - began:.1f} s, digest sha256:{digest[:16]}…")


def _add_blobs(
    tar: tarfile.TarFile, repository: Repository, blobs: dict[str, int], file: Path, name: str, say: Say
) -> None:
    told = _Progress(name, sum(blobs.values()), say)
    for place, (digest, size) in enumerate(blobs.items()):
        repository.blob(digest, size, file, told)
        if place == 0:
            _fits(json.loads(file.read_bytes()))
        with file.open("rb") as stream:
            _add_stream(tar, f"blobs/{digest.replace(':', '/')}", stream, size)
        file.unlink()


def _blobs(manifest: bytes) -> dict[str, int]:
    """The sizes of all that an image is made of by digest; its configuration comes first."""
    content = json.loads(manifest)
    found = {each["digest"]: each["size"] for each in (content["config"], *content["layers"])}
    for digest, size in found.items():
        if not DIGEST.fullmatch(digest) or not isinstance(size, int):
            raise RegistryError(f"its manifest names {digest!r} with the size {size!r}")
    return found


def _index(names: Sequence[str], media: str, digest: str, size: int) -> bytes:
    manifest = {"mediaType": media, "digest": f"sha256:{digest}", "size": size}
    listed = [{**manifest, "annotations": {"io.containerd.image.name": name}} for name in names]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}).encode()


def _fits(configuration: dict[str, Any]) -> None:
    made_for = f"{configuration['os']}/{configuration['architecture']}"
    if made_for != f"linux/{ARCHITECTURE}":
        raise RegistryError(f"it is made for {made_for}, this machine is linux/{ARCHITECTURE}")


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    _add_stream(tar, name, io.BytesIO(content), len(content))


def _add_stream(tar: tarfile.TarFile, name: str, stream: IO[bytes], size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size = size
    tar.addfile(info, stream)


class _Progress:
    """Tells how far a download is, now and then."""

    def __init__(self, name: str, size: int, say: Say) -> None:
        self._name, self._size, self._say = name, size, say
        self._done, self._told = 0, time.monotonic()
        say(f"images: pulling {name}, {size / 1e6:.0f} MB …")

    def __call__(self, more: int) -> None:
        self._done += more
        if time.monotonic() - self._told >= _TELL_EVERY:
            self._told = time.monotonic()
            self._say(f"images: {self._name}: {self._done / 1e6:.0f} of {self._size / 1e6:.0f} MB")
