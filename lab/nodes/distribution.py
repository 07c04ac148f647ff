"""A registry's side of images: manifests and blobs by HTTP, each held against its digest.

Protocol: the pull half of the OCI distribution specification, with the tokens of its distribution/registry.
"""

from __future__ import annotations

import functools
import hashlib
import json
import platform
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
"""This machine's, in the words of images."""

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
INDEX = "application/vnd.oci.image.index.v1+json"

_LISTS = (INDEX, "application/vnd.docker.distribution.manifest.list.v2+json")
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_STALLED_AFTER = 15.0  # seconds without a byte
_BLOCK = 1 << 18
_LONGEST_MANIFEST = 4 << 20  # bytes; what the specification has every registry bear


class RegistryError(Exception):
    """Why an image cannot be pulled, as half a sentence."""


@functools.cache  # reading all authorities of the machine takes 20 ms, and each client would do it
def trust() -> ssl.SSLContext:
    """Whom this machine trusts."""
    return httpx2.create_ssl_context()


class Repository:
    """What a registry has under one name, asked with a token where it wants one.

    Args:
        base: the registry's address.
        name: the repository.
    """

    def __init__(self, base: str, name: str) -> None:
        # A blob is often elsewhere; the client takes care that no other host sees the token.
        self._client = httpx2.Client(timeout=_STALLED_AFTER, follow_redirects=True, verify=trust())
        self._base, self._name, self._token = base, name, ""

    def close(self) -> None:
        """Ask no more."""
        self._client.close()

    def manifest(self, reference: str) -> tuple[str, bytes]:
        """The media type and the manifest of an image for this machine.

        Raises:
            RegistryError: there is none, or it is not what its digest says.
        """
        with self._get(f"manifests/{reference}", ", ".join((*_LISTS, *_MANIFESTS))) as answer:
            text = b""
            for block in answer.iter_raw(_BLOCK):
                text += block
                if len(text) > _LONGEST_MANIFEST:
                    raise RegistryError("its manifest is longer than a manifest can be")
            media = answer.headers.get("content-type", "").partition(";")[0].strip()
        if DIGEST.fullmatch(reference):
            _same(reference, hashlib.sha256(text).hexdigest())
        elif media in _LISTS:
            for each in json.loads(text)["manifests"]:
                place = each.get("platform") or {}
                if (place.get("os"), place.get("architecture")) == ("linux", ARCHITECTURE):
                    return self.manifest(each["digest"])
            raise RegistryError(f"there is none for linux/{ARCHITECTURE}")
        if media not in _MANIFESTS:
            raise RegistryError(f"its manifest is of the unknown kind {media!r}")
        return media, text

    def blob(self, digest: str, size: int, file: Path, told: Callable[[int], None]) -> None:
        """Download a configuration or a layer.

        Raises:
            RegistryError: it is not what its digest says.
        """
        actual, done = hashlib.sha256(), 0
        with self._get(f"blobs/{digest}", "*/*") as answer, file.open("wb") as stream:
            for block in answer.iter_raw(_BLOCK):
                done += len(block)
                if done > size:
                    break
                stream.write(block)
                actual.update(block)
                told(len(block))
        if done != size:
            raise RegistryError(f"{digest[:19]}… has {'more' if done > size else done} than its {size} bytes")
        _same(digest, actual.hexdigest())

    @contextmanager
    def _get(self, path: str, accept: str) -> Iterator[httpx2.Response]:
        url = f"{self._base}/v2/{self._name}/{path}"
        for last in (False, True):
            headers = {"Accept": accept, "Accept-Encoding": "identity"}
            if self._token:
                headers["Authorization"] = f"Bearer {self._token}"
            with self._client.stream("GET", url, headers=headers) as answer:
                if answer.status_code == httpx2.codes.OK:
                    yield answer
                    return
                if answer.status_code != httpx2.codes.UNAUTHORIZED or last:
                    raise RegistryError(f"{path} is answered with {answer.status_code}")
                challenge = answer.headers.get("www-authenticate", "")
            self._token = self._new_token(challenge)  # also where the old one has become too old

    def _new_token(self, challenge: str) -> str:
        """A token for anybody, as the registry's refusal says where to get it."""
        said = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        if not challenge.lower().startswith("bearer ") or "realm" not in said:
            raise RegistryError(f"it wants to know who asks, and not by a token ({challenge or 'it does not say how'})")
        asked = {"service": said.get("service", ""), "scope": said.get("scope") or f"repository:{self._name}:pull"}
        answer = self._client.get(said["realm"], params=asked)
        if answer.status_code != httpx2.codes.OK:
            raise RegistryError(f"its tokens are not to be had ({answer.status_code})")
        content = answer.json()
        return str(content.get("token") or content["access_token"])


def _same(digest: str, actual: str) -> None:
    if digest != f"sha256:{actual}":
        raise RegistryError(f"{digest[:19]}… has another content, sha256:{actual[:12]}…")
