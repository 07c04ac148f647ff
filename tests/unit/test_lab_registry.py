"""Images from a registry (a server on loopback here): what is kept is whole and right, or nothing is."""

from __future__ import annotations

import io
import json
import socket
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from lab.nodes import images, registry
from lab.nodes.archive import archive
from lab.nodes.registry import Published
from lab.tools import Toolchain
from tests.unit.fake_registry import IMAGE, MANIFEST, Fake, digest, serving

pytestmark = pytest.mark.unit


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[Fake], str]]:
    """Lets a fake be the registry of this test, whose cache is empty."""
    for name in ("ARCHIPELAGO_OFFLINE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    with ExitStack() as running:

        def start(fake: Fake) -> str:
            base = running.enter_context(serving(fake))
            monkeypatch.setenv(registry.MIRROR, base)
            return base

        yield start


def pulled(image: Published = IMAGE) -> list[str]:
    """Pulls, and gives what was told."""
    told: list[str] = []
    registry.pull((image,), told.append)
    return told


def nothing_is_kept(tmp_path: Path) -> bool:
    left = {file.name for file in (tmp_path / "archipelago" / "images").rglob("*")}
    return registry.kept(IMAGE) is None and left <= {"lock"}


def read(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {each.name: (tar.extractfile(each) or io.BytesIO()).read() for each in tar.getmembers()}


def test_an_image_is_kept_whole_as_a_layout_that_can_be_imported(serve: Callable[[Fake], str]) -> None:
    fake = Fake()
    serve(fake)
    told = pulled()
    assert "pulling docker.io/makers/program:1.2.3" in told[0] and "pulled after" in told[-1], told
    file = registry.kept(IMAGE)
    assert file is not None and digest(fake.manifest).removeprefix("sha256:")[:16] in str(file)
    found = read(file)
    assert json.loads(found.pop("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    listed = json.loads(found.pop("index.json"))["manifests"]
    assert {each["annotations"]["io.containerd.image.name"] for each in listed} == set(IMAGE.names)
    assert {each["digest"] for each in listed} == {digest(fake.manifest)}
    assert {each["mediaType"] for each in listed} == {MANIFEST}
    assert found == {f"blobs/sha256/{digest(each)[7:]}": each for each in (fake.manifest, *fake.blobs.values())}


def test_what_is_kept_is_not_asked_for_again(serve: Callable[[Fake], str], monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake()
    serve(fake)
    pulled()
    fake.asked.clear()
    assert pulled() == [] and fake.asked == []
    monkeypatch.setenv("ARCHIPELAGO_OFFLINE", "1")
    assert registry.kept(IMAGE) is not None


def test_a_token_that_has_become_too_old_is_replaced(serve: Callable[[Fake], str]) -> None:
    fake = Fake()
    serve(fake)
    ask = fake.answer

    def forgetful(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        answer = ask(request)
        if answer[0] == 307:
            fake.tokens = {f"{each} no more" for each in fake.tokens}
        return answer

    fake.answer = forgetful  # type: ignore[method-assign]
    pulled()
    assert registry.kept(IMAGE) is not None
    assert sum(path.startswith("/token") for path in fake.asked) == 3


def test_a_registry_without_tokens_and_lists_serves_as_well(serve: Callable[[Fake], str]) -> None:
    fake = Fake()
    fake.wants_token = False
    fake.answers[f"{fake.path}/manifests/{IMAGE.tag}"] = (200, f"{MANIFEST}; charset=utf-8", fake.manifest)
    serve(fake)
    pulled()
    assert registry.kept(IMAGE) is not None


def _other_layer(fake: Fake) -> None:
    name, content = list(fake.blobs.items())[-1]
    fake.blobs[name] = content[:-1] + b"!"


def _short_layer(fake: Fake) -> None:
    name, content = list(fake.blobs.items())[-1]
    fake.blobs[name] = content[:-1]


def _long_layer(fake: Fake) -> None:
    name, content = list(fake.blobs.items())[-1]
    fake.blobs[name] = content + b"!"


def _other_manifest(fake: Fake) -> None:
    fake.answers[f"{fake.path}/manifests/{digest(fake.manifest)}"] = (200, MANIFEST, fake.manifest + b" ")


def _gone(fake: Fake) -> None:
    fake.answers.clear()


def _too_often(fake: Fake) -> None:
    fake.answers[f"{fake.path}/manifests/{IMAGE.tag}"] = (429, "text/plain", b"")


def _old_kind(fake: Fake) -> None:
    media = "application/vnd.docker.distribution.manifest.v1+prettyjws"
    fake.answers[f"{fake.path}/manifests/{IMAGE.tag}"] = (200, media, b"{}")


def _nonsense(fake: Fake) -> None:
    fake.answers[f"{fake.path}/manifests/{IMAGE.tag}"] = (200, MANIFEST, b"<html>")


def _way_out(fake: Fake) -> None:
    blob = {"digest": "sha256:../../../escape", "size": 1}
    manifest = json.dumps({"config": blob, "layers": []}).encode()
    fake.answers[f"{fake.path}/manifests/{IMAGE.tag}"] = (200, MANIFEST, manifest)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_other_layer, "has another content"),
        (_short_layer, "bytes"),
        (_long_layer, "has more than its"),
        (_other_manifest, "has another content"),
        (_gone, "is answered with 404"),
        (_too_often, "is answered with 429"),
        (_old_kind, "of the unknown kind"),
        (_nonsense, "makes no sense"),
        (_way_out, "names 'sha256:../../../escape'"),
    ],
)
def test_what_is_not_right_is_refused_and_leaves_nothing(
    serve: Callable[[Fake], str], tmp_path: Path, spoil: Callable[[Fake], None], why: str
) -> None:
    fake = Fake()
    spoil(fake)
    serve(fake)
    told = pulled()
    assert why in told[-1] and "what the lab makes itself takes its place" in told[-1], told
    assert nothing_is_kept(tmp_path)


@pytest.mark.parametrize("listed", [True, False])
def test_an_image_for_other_machines_is_refused(serve: Callable[[Fake], str], tmp_path: Path, listed: bool) -> None:
    fake = Fake(architecture="s390x")
    if not listed:
        fake.answers[f"{fake.path}/manifests/{IMAGE.tag}"] = (200, MANIFEST, fake.manifest)
    serve(fake)
    told = pulled()
    assert ("there is none for linux/" if listed else "it is made for linux/s390x") in told[-1], told
    assert nothing_is_kept(tmp_path)


def test_offline_nobody_is_asked(serve: Callable[[Fake], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake()
    serve(fake)
    monkeypatch.setenv("ARCHIPELAGO_OFFLINE", "1")
    (told,) = pulled()
    assert "ARCHIPELAGO_OFFLINE is set" in told and fake.asked == []
    assert nothing_is_kept(tmp_path)


def test_a_registry_is_asked_once_whether_it_is_there(serve: Callable[[Fake], str]) -> None:
    fake = Fake()
    base = serve(fake)
    assert registry.obstacle(base) is None and registry.obstacle(base) is None
    assert fake.asked == ["/v2/"]


def test_a_registry_that_is_silent_costs_no_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "CONNECT_WITHIN", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        assert "within 0.3 s" in str(registry.obstacle(f"http://127.0.0.1:{silent.getsockname()[1]}"))


def test_a_registry_that_is_away_is_not_reachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "is not reachable" in str(registry.obstacle(f"http://127.0.0.1:{port}"))


# What the lab makes of it


@pytest.fixture
def programs(tmp_path: Path) -> Toolchain:
    file = tmp_path / "program"
    file.write_text("#!/bin/sh\n")
    return Toolchain(dict.fromkeys(("coredns", "geth", "tessera", "cita"), file), {})


def test_without_a_registry_goquorum_is_built_and_tessera_has_a_stand_in(
    serve: Callable[[Fake], str], programs: Toolchain
) -> None:
    assert images.tessera() == images.TESSERA_STAND_IN
    made = {name: each for each in images.images(programs) for name in each.names}
    assert made["docker.io/quorumengineering/quorum:22.7.4"].pulled is None
    assert made[f"{images.GOQUORUM_COPY}:22.7.4"].pulled is None
    assert "docker.io/quorumengineering/tessera:22.1.7" not in made


def test_with_a_registry_the_lab_has_both_images_under_all_their_names(
    serve: Callable[[Fake], str], programs: Toolchain
) -> None:
    for repository, tag in (("quorumengineering/quorum", "22.7.4"), ("quorumengineering/tessera", "22.1.7")):
        serve(Fake(repository=repository, tag=tag))
        images.pull(lambda _line: None)  # each fake has one of the two, and the other is then no error
    assert images.tessera() == "quorumengineering/tessera"
    made = [each for each in images.images(programs) if each.pulled]
    assert [each.names for each in made] == [
        ("docker.io/quorumengineering/quorum:22.7.4", f"{images.GOQUORUM_COPY}:22.7.4"),
        ("docker.io/quorumengineering/tessera:22.1.7",),
    ]
    assert [archive((each,)) for each in made] == [each.pulled for each in made]
    names = [name for each in images.images(programs) for name in each.names]
    assert len(names) == len(set(names)) and f"{images.TESSERA_STAND_IN}:22.1.7" in names
