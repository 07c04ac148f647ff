"""A build in which a file of a dependency is replaced, with the real Go and a module of the test's own."""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from lab.tools import golang
from lab.tools.builder import GoBuilder
from lab.tools.definitions import Build, GoCommand

pytestmark = pytest.mark.unit

SAYS = 'package says\n\n// Word is said.\nconst Word = "{}"\n'
MAIN = 'package main\n\nimport "example.com/dependency/says"\n\nfunc main() { println(says.Word) }\n'


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the module `spoken`, whose dependency is in a proxy beside it."""
    proxy = tmp_path / "proxy" / "example.com" / "dependency" / "@v"
    proxy.mkdir(parents=True)
    (proxy / "v1.0.0.mod").write_text("module example.com/dependency\n\ngo 1.26\n")
    (proxy / "v1.0.0.info").write_text('{"Version": "v1.0.0"}')
    with zipfile.ZipFile(proxy / "v1.0.0.zip", "w") as packed:
        for name, text in (("go.mod", (proxy / "v1.0.0.mod").read_text()), ("says/word.go", SAYS.format("theirs"))):
            packed.writestr(f"example.com/dependency@v1.0.0/{name}", text)
    spoken = tmp_path / "modules" / "spoken"
    spoken.mkdir(parents=True)
    (spoken / "go.mod").write_text("module spoken\n\ngo 1.26\n\nrequire example.com/dependency v1.0.0\n")
    (spoken / "main.go").write_text(MAIN)
    for name, value in {"GOPROXY": f"file://{tmp_path / 'proxy'}", "GONOSUMDB": "*", "GOFLAGS": "-modcacherw"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "cache"))
    command = (str(golang.locate().program), "mod", "tidy")
    subprocess.run(command, cwd=spoken, check=True, capture_output=True, env={**os.environ, "GOTOOLCHAIN": "local"})
    for inside in (tmp_path / "cache" / "example.com").rglob("*/"):
        inside.chmod(0o555)  # as Go leaves it
    return spoken.parent


def built(modules: Path, folder: Path) -> str:
    """What the program says."""
    folder.mkdir()
    build = Build("spoken", "spoken", (GoCommand("spoken", {".": "spoken"}),), 1)
    GoBuilder(modules).run(build, folder, folder.parent / "log", lambda _: None, None, lambda: None)
    return subprocess.run([folder / "spoken"], capture_output=True, text=True, check=True).stderr.strip()


def test_a_file_below_replaced_is_built_instead_of_the_dependencys(modules: Path, tmp_path: Path) -> None:
    assert built(modules, tmp_path / "first") == "theirs"
    ours = modules / "spoken" / "replaced" / "example.com" / "dependency" / "says" / "word.go"
    ours.parent.mkdir(parents=True)
    ours.write_text(SAYS.format("ours"))
    before = (modules / "spoken" / "go.mod").read_text()
    assert built(modules, tmp_path / "second") == "ours"
    assert (modules / "spoken" / "go.mod").read_text() == before
    kept = tmp_path / "cache" / "example.com" / "dependency@v1.0.0" / "says" / "word.go"
    assert kept.read_text() == SAYS.format("theirs")
    for inside in (tmp_path / "cache").rglob("*/"):
        inside.chmod(0o755)
