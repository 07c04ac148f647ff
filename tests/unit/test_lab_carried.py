"""Finished tools in an archive: taken whole where they are used, and refused where the archive is not what it says."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from lab.errors import LabError
from lab.profiles import asked_for
from lab.tools.cache import Cache
from lab.tools.carried import Carrier
from lab.tools.definitions import Build, GoCommand
from lab.tools.resolver import key
from tests.unit.toolbox import FakeBuilder, Run, etcd, put

pytestmark = pytest.mark.unit

CONTENT = b"#!/bin/sh\necho etcd Version: 3.6.8\n"
LINKED = Build("plane", "plane", (GoCommand("plane", {".": "plane"}, links={"server": "plane"}),), 30)
TOOLS = (etcd(), etcd(name="plane", title="plane", programs=("plane", "server"), build=LINKED, downloads=()))

Members = dict[str, tarfile.TarInfo | bytes]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHIPELAGO_OFFLINE", "1")


def carrier(cache: Path) -> Carrier:
    return Carrier(TOOLS, Cache(cache), FakeBuilder())


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A cache with one finished tool, a second one whose programs are links, and what another checkout left."""
    cache = tmp_path / "there"
    for folder, name in (("etcd-key-of-etcd", "etcd"), ("plane-key-of-plane", "plane"), ("etcd-old-key", "etcd")):
        put(cache / folder, name, "echo etcd Version: 3.6.8")
    (cache / "plane-key-of-plane" / "server").symlink_to("plane")
    return cache


@pytest.fixture
def archive(there: Path, tmp_path: Path) -> Path:
    carrier(there).export(tmp_path / "tools.tar.gz")
    return tmp_path / "tools.tar.gz"


def test_what_was_exported_runs_where_it_is_imported(archive: Path, tmp_path: Path) -> None:
    carried = carrier(tmp_path / "cache").take(archive)
    assert carried.taken == ["etcd-key-of-etcd", "plane-key-of-plane"]
    run = Run(tmp_path, *TOOLS)
    toolchain = run()
    assert run.builder.built == []
    assert toolchain.path("etcd").read_bytes() == CONTENT
    assert toolchain.path("server").readlink() == Path("plane")
    assert not list((tmp_path / "cache").glob(".making-*"))


def test_only_what_this_checkout_uses_is_in_the_archive(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    assert names[0] == "manifest.json"
    assert set(names[1:]) == {"etcd-key-of-etcd/etcd", "plane-key-of-plane/plane", "plane-key-of-plane/server"}


def test_what_is_there_and_what_is_of_no_use_is_left_alone(archive: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    carrier(cache).take(archive)
    before = (cache / "etcd-key-of-etcd" / "etcd").stat().st_ino
    assert carrier(cache).take(archive).there == ["etcd-key-of-etcd", "plane-key-of-plane"]
    assert (cache / "etcd-key-of-etcd" / "etcd").stat().st_ino == before
    other = Carrier(TOOLS[:1], Cache(tmp_path / "other"), FakeBuilder()).take(archive)
    assert (other.taken, other.foreign) == (["etcd-key-of-etcd"], ["plane-key-of-plane"])


def test_a_damaged_entry_of_the_cache_is_mended(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "cache" / "etcd-key-of-etcd").mkdir(parents=True)
    assert "etcd-key-of-etcd" in carrier(tmp_path / "cache").take(archive).taken


def test_an_empty_cache_has_nothing_to_export(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="archipelago lab tools"):
        carrier(tmp_path / "cache").export(tmp_path / "tools.tar.gz")
    assert not list(tmp_path.glob("*tools*"))


# Archives that are not what they should be


def packed(file: Path, members: Members) -> Path:
    with tarfile.open(file, "w:gz") as tar:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
            else:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return file


def manifest(**changes: Any) -> dict[str, Any]:
    """A manifest of one right entry."""
    system = os.uname()
    files = {"etcd": {"size": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}}
    entries = [{"name": "etcd", "key": "key-of-etcd", "files": files}]
    return {"version": 1, "system": system.sysname, "machine": system.machine, "entries": entries} | changes


def entry(name: str = "etcd", key: str = "key-of-etcd", **files: Any) -> dict[str, Any]:
    return {"name": name, "key": key, "files": files}


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


SUM = hashlib.sha256(CONTENT).hexdigest()
RIGHT = {"size": len(CONTENT), "sha256": SUM}
PLACE = "etcd-key-of-etcd/etcd"


def hostile() -> Iterator[tuple[str, dict[str, Any] | None, Members, str]]:
    """What is wrong, the manifest, what follows it, and the words of the refusal."""
    yield "no manifest", None, {PLACE: CONTENT}, "no manifest"
    yield "another version", manifest(version=2), {PLACE: CONTENT}, "not of this version"
    yield "more words", manifest(run="sh"), {PLACE: CONTENT}, "not of this version"
    yield "another machine", manifest(machine="sparc"), {PLACE: CONTENT}, "made for Linux sparc"
    yield "another system", manifest(system="Plan9"), {PLACE: CONTENT}, "made for Plan9"
    yield "changed", manifest(), {PLACE: CONTENT.replace(b"3.6.8", b"6.6.6")}, "changed after it was packed"
    yield "longer", manifest(), {PLACE: CONTENT + b"rm"}, "not what its manifest says"
    yield "missing", manifest(), {}, "not in both"
    yield "more", manifest(), {PLACE: CONTENT, "etcd-key-of-etcd/more": b"x"}, "not in both"
    yield "a path out", manifest(), {PLACE: CONTENT, "../../etcd": b"x"}, "not in both"
    yield "an absolute path", manifest(), {PLACE: CONTENT, "/tmp/etcd": b"x"}, "not in both"
    yield "a device", manifest(), {PLACE: link(PLACE, "", tarfile.CHRTYPE)}, "neither a file nor a link"
    yield "a hard link", manifest(), {PLACE: link(PLACE, "/etc/passwd", tarfile.LNKTYPE)}, "neither a file nor a link"
    yield "a folder", manifest(), {PLACE: link(PLACE, "", tarfile.DIRTYPE)}, "neither a file nor a link"
    yield "a link for a file", manifest(), {PLACE: link(PLACE, "/bin/sh")}, "not what its manifest says"
    for name in ("../etcd", "a/etcd", ".etcd", ""):
        files = manifest(entries=[entry() | {"files": {"etcd": RIGHT, name: RIGHT}}])
        yield f"named {name!r}", files, {PLACE: CONTENT, f"etcd-key-of-etcd/{name}": CONTENT}, "cannot name a program"
    for target in ("../../bin/sh", "/bin/sh", "nothing", "again"):
        files = manifest(entries=[entry(etcd=RIGHT, again={"link": target})])
        yield (
            f"linked to {target}",
            files,
            {PLACE: CONTENT, "again": link("etcd-key-of-etcd/again", target)},
            "no file beside it|not of this version",
        )
    for name in ("..", "a/b", "", "-x"):
        yield f"an entry {name!r}", manifest(entries=[entry(name, etcd=RIGHT)]), {PLACE: CONTENT}, "not of this version"
        yield f"a key {name!r}", manifest(entries=[entry(key=name, etcd=RIGHT)]), {}, "not of this version"
    short = manifest(entries=[entry(more=RIGHT)])
    yield "incomplete", short, {"etcd-key-of-etcd/more": CONTENT}, "lacks etcd"
    large = manifest(entries=[entry(etcd=RIGHT | {"size": 9 << 30})])
    yield "too large", large, {PLACE: CONTENT}, "more than 8 GiB"


@pytest.mark.parametrize(("said", "members", "why"), [case[1:] for case in hostile()], ids=[c[0] for c in hostile()])
def test_an_archive_that_is_not_what_it_says_is_refused(
    said: dict[str, Any] | None, members: Members, why: str, tmp_path: Path
) -> None:
    first: Members = {} if said is None else {"manifest.json": json.dumps(said).encode()}
    file = packed(tmp_path / "tools.tar.gz", first | members)
    with pytest.raises(LabError, match=why):
        carrier(tmp_path / "cache").take(file)
    left = {path.name for path in (tmp_path / "cache").glob("*")} | {path.name for path in tmp_path.iterdir()}
    assert left <= {"tools.tar.gz", "cache", "lock"}


def test_a_name_that_is_in_an_archive_twice_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "tools.tar.gz", "w:gz") as tar:
        for _ in range(2):
            tar.addfile(link(PLACE, "etcd"))
    with pytest.raises(LabError, match="in it twice"):
        carrier(tmp_path / "cache").take(tmp_path / "tools.tar.gz")


@pytest.mark.parametrize("damage", [lambda whole: whole[:-100], lambda _: b"nothing", lambda _: b""])
def test_an_archive_that_was_cut_short_is_refused(
    damage: Callable[[bytes], bytes], archive: Path, tmp_path: Path
) -> None:
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(LabError, match="cannot be read"):
        carrier(tmp_path / "cache").take(archive)


# On the command line


def test_the_command_line_says_what_it_took_and_what_to_type_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    run = CliRunner()
    empty = run.invoke(app, ["lab", "toolchain", "export", str(tmp_path / "x.tar.gz")])
    assert empty.exit_code == 1
    assert "archipelago lab tools" in empty.output
    real = Carrier()
    (name, build_key), programs = next(iter(real._programs.items()))
    for program in programs:
        put(tmp_path / "archipelago" / "toolchain" / f"{name}-{build_key}", program, "true")
    out = run.invoke(app, ["lab", "toolchain", "export", str(tmp_path / "x.tar.gz")])
    assert f"{name}-{build_key}" in out.output
    assert "archipelago lab toolchain import x.tar.gz" in out.output
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    taken = run.invoke(app, ["lab", "toolchain", "import", str(tmp_path / "x.tar.gz")])
    assert f"✓ {name}-{build_key}" in taken.output
    assert taken.output.endswith("Next: archipelago lab up\n")
    again = run.invoke(app, ["lab", "toolchain", "import", str(tmp_path / "x.tar.gz")])
    assert "is there already" in again.output


def test_the_key_of_a_cache_is_one_line_that_follows_what_is_asked_for() -> None:
    out = CliRunner().invoke(app, ["lab", "toolchain", "key"])
    assert out.output == f"{key(asked_for())}\n"
    assert out.output.strip().replace("-", "").replace("_", "").isalnum(), "it can name a cache anywhere"
    assert len({key(asked_for()), key(asked_for(besides=["ipfs"])), key(["etcd"])}) == 3
    assert key(["etcd"]) == key(["kubectl"]), "they come out of one build"
