"""A registry on loopback that has one small image."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler

from lab.nodes.distribution import ARCHITECTURE
from lab.nodes.registry import Published
from tests.unit import loopback

IMAGE = Published("makers/program", "1.2.3", ("lab.local/program:1.2.3",))
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def layer(name: str, content: bytes) -> tuple[bytes, str]:
    """A compressed layer with one file, and the digest that it has when it is not compressed."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(content), 0o755
        tar.addfile(info, io.BytesIO(content))
    return gzip.compress(stream.getvalue()), digest(stream.getvalue())


class Fake:
    """A registry with one image of two layers, which wants a token and has its blobs on another host."""

    def __init__(
        self, architecture: str = ARCHITECTURE, tag: str = IMAGE.tag, repository: str = IMAGE.repository
    ) -> None:
        self.asked: list[str] = []
        self.tokens: set[str] = set()
        self.answers = {"/v2/": (200, "application/json", b"{}")}
        self.wants_token = True
        layers = [layer("bin/one", b"first"), layer("bin/two", b"second" * 100_000)]
        self.configuration = json.dumps(
            {
                "os": "linux",
                "architecture": architecture,
                "config": {"Entrypoint": ["/bin/one"]},
                "rootfs": {"type": "layers", "diff_ids": [plain for _, plain in layers]},
            }
        ).encode()
        self.blobs = {digest(content): content for content in (self.configuration, *(packed for packed, _ in layers))}
        kind = "application/vnd.docker.image.rootfs.diff.tar.gzip"
        described = [{"mediaType": kind, "digest": digest(packed), "size": len(packed)} for packed, _ in layers]
        config = {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "digest": digest(self.configuration),
            "size": len(self.configuration),
        }
        self.manifest = json.dumps(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": described}
        ).encode()
        others = [{"digest": digest(b"other"), "platform": {"os": "linux", "architecture": "s390x"}}, {"digest": "?"}]
        ours = {"digest": digest(self.manifest), "platform": {"os": "linux", "architecture": architecture}}
        listed = json.dumps({"schemaVersion": 2, "mediaType": LIST, "manifests": [*others, ours]}).encode()
        self.path = f"/v2/{repository}"
        self.answers[f"{self.path}/manifests/{tag}"] = (200, LIST, listed)
        self.answers[f"{self.path}/manifests/{digest(self.manifest)}"] = (200, MANIFEST, self.manifest)

    def answer(self, request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        path, _, query = request.path.partition("?")
        self.asked.append(request.path)
        host, given = request.headers["Host"], request.headers.get("Authorization", "")
        if path == "/token":
            assert query == f"service=fake&scope=repository%3A{self.path[4:].replace('/', '%2F')}%3Apull", query
            self.tokens.add(f"Bearer token-{len(self.tokens)}")
            return 200, {}, json.dumps({"token": f"token-{len(self.tokens) - 1}"}).encode()
        if path.startswith("/elsewhere/"):  # as object stores do: one who brings a token is turned away
            return (400, {}, b"") if given else (200, {}, self.blobs[path.removeprefix("/elsewhere/")])
        if self.wants_token and given not in self.tokens:
            where = f'Bearer realm="http://{host}/token",service="fake",scope="repository:{self.path[4:]}:pull"'
            return 401, {"WWW-Authenticate": where}, b""
        if path.startswith(f"{self.path}/blobs/"):
            place = f"http://{host.replace('127.0.0.1', 'localhost')}/elsewhere/{path.rpartition('/')[2]}"
            return 307, {"Location": place}, b""
        status, media, body = self.answers.get(path, (404, "text/plain", b""))
        return status, {"Content-Type": media}, body


def serving(fake: Fake) -> AbstractContextManager[str]:
    """The address at which a fake answers."""
    return loopback.serving(lambda request: fake.answer(request))  # noqa: PLW0108 - looked up anew: tests replace it
