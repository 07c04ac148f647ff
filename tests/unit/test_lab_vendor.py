"""Tools that a vendor publishes: taken with the right checksum, passed over quickly where nobody answers."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import tarfile
import time
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from lab.tools.definitions import Download
from tests.unit import loopback
from tests.unit.toolbox import PROGRAM, Run, etcd

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARCHIPELAGO_OFFLINE", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def serving(content: dict[str, bytes]) -> AbstractContextManager[str]:
    """The address of a vendor who has these files."""

    def answer(request: BaseHTTPRequestHandler) -> loopback.Answer:
        body = content.get(request.path.lstrip("/"))
        return (404, {}, b"") if body is None else (200, {}, body)

    return loopback.serving(answer)


def archive() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        entry = tarfile.TarInfo("etcd-v3/etcd")
        entry.size = len(PROGRAM)
        tar.addfile(entry, io.BytesIO(PROGRAM))
    return stream.getvalue()


def test_a_download_with_the_right_checksum_is_taken_and_kept(tmp_path: Path) -> None:
    content = archive()
    sums = f"{'0' * 64}  other.tar.gz\n{hashlib.sha256(content).hexdigest()} *etcd.tar.gz\n".encode()
    with serving({"etcd.tar.gz": content, "SHA256SUMS": sums}) as base:
        run = Run(tmp_path, etcd(base))
        program = run().path("etcd")
    assert program.read_bytes() == PROGRAM
    assert os.access(program, os.X_OK)
    assert run.builder.built == []
    # The server is gone: what was downloaded is used without asking anybody.
    again = Run(tmp_path, etcd(base))
    assert again().path("etcd") == program
    assert "downloaded by an earlier run" in again.told.lines[-1]


def test_a_single_file_may_come_with_nothing_but_its_sum(tmp_path: Path) -> None:
    with serving({"kubectl": PROGRAM, "kubectl.sha256": hashlib.sha256(PROGRAM).hexdigest().encode()}) as base:
        download = Download(f"{base}/kubectl", f"{base}/kubectl.sha256", {"etcd": ""})
        run = Run(tmp_path, etcd(downloads=(download,)))
        assert run().path("etcd").read_bytes() == PROGRAM


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"etcd.tar.gz": b"tampered", "SHA256SUMS": b"0" * 64 + b"  etcd.tar.gz\n"}, "its vendor says 000000000000…"),
        ({"etcd.tar.gz": b"x", "SHA256SUMS": b"0" * 64 + b"  other.tar.gz\n"}, "does not name etcd.tar.gz"),
        ({"SHA256SUMS": b"0" * 64 + b"  etcd.tar.gz\n"}, "404"),
        ({"etcd.tar.gz": b"x"}, "404"),
        (
            {"etcd.tar.gz": b"x", "SHA256SUMS": hashlib.sha256(b"x").hexdigest().encode() + b"  etcd.tar.gz\n"},
            "etcd.tar.gz: ",
        ),
    ],
)
def test_a_download_that_is_not_right_is_refused_and_built_instead(
    tmp_path: Path, files: dict[str, bytes], why: str
) -> None:
    with serving(files) as base:
        run = Run(tmp_path, etcd(base))
        assert run().path("etcd").read_bytes() == b"built"
    assert any(why in line for line in run.told.lines), run.told.lines
    assert [entry.name for entry in run.cache.root.iterdir() if entry.name.startswith("etcd")] == ["etcd-key-of-etcd"]


def test_an_unreachable_vendor_is_passed_over_quickly_and_asked_once(tmp_path: Path) -> None:
    began = time.monotonic()
    run = Run(tmp_path, etcd(), etcd(name="two", title="two", programs=("etcdctl",)))
    run()
    assert time.monotonic() - began < 2
    assert "+ two: built in 0 s" in run.told.lines
    assert sum("not reachable" in line for line in run.told.lines) == 2


def test_a_vendor_that_accepts_and_says_nothing_costs_no_more_than_the_limit(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        began = time.monotonic()
        run = Run(tmp_path, etcd(f"http://127.0.0.1:{silent.getsockname()[1]}"))
        run()
    assert time.monotonic() - began < 3
    assert run.builder.built == ["etcd"]


def test_offline_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHIPELAGO_OFFLINE", "1")
    run = Run(tmp_path, etcd())
    run()
    assert "ARCHIPELAGO_OFFLINE is set" in run.told.lines[1]
