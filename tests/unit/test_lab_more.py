"""What a lab can have besides: images that are there where they were asked for, and say what they are made of."""

from __future__ import annotations

import io
import json
import platform
import tarfile
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.lab import Lab
from lab.nodes import more, python
from lab.nodes.archive import Image, archive
from lab.profiles import BESIDES, PROFILES, asked_for, tools
from lab.tools import Toolchain
from lab.tools.catalogue import catalogue
from lab.tools.toolchain import PULUMI_TOOLS

pytestmark = pytest.mark.unit

NODES = PROFILES["nodes"]
SHELL = {"/bin/busybox": Path("/bin/sh")}


@pytest.fixture(autouse=True)
def _nothing_was_pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def made(*programs: str) -> dict[str, Image]:
    """By reference, the images of a toolchain that has some programs."""
    toolchain = Toolchain({name: Path("/bin/sh") for name in programs}, {})
    return {name: image for image in more.images(toolchain, SHELL, {"/bin/sh": "busybox"}) for name in image.names}


def test_a_lab_that_asks_for_nothing_builds_nothing_more() -> None:
    asked = {program for each in NODES.more.values() for program in each}
    assert asked == {"cita", "ipfs", "traefik", "prometheus"}
    assert not asked & set(tools(NODES))
    assert made() == {}


@pytest.mark.parametrize("name", NODES.more)
def test_what_is_asked_for_has_its_tools_in_the_catalogue(name: str) -> None:
    known = {tool.name for tool in catalogue()}
    assert set(tools(NODES, [name])) <= known
    assert made(*NODES.more[name])


@pytest.mark.parametrize("profile", PROFILES)
def test_what_clusters_cannot_have_is_refused(profile: str, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=f"profile {profile} cannot have kubo"):
        Lab(tmp_path / "lab").equip(profile, print, ["kubo"])


def test_without_names_the_tools_are_what_profiles_need_and_what_is_asked_for_besides() -> None:
    every = asked_for()
    assert set(every) == {*PULUMI_TOOLS, *(tool for profile in PROFILES.values() for tool in profile.tools)}
    assert len(set(every)) == len(every)
    assert not set(every) & {tool for tools in BESIDES.values() for tool in tools}
    assert set(asked_for(besides=["ipfs"])) - set(every) == {"ipfs"}
    assert asked_for(["etcd"], ["traefik"]) == ("etcd", "traefik")
    with pytest.raises(LabError, match="nothing called kubo to have besides"):
        asked_for(besides=["kubo"])


def test_kubo_stands_under_its_own_name_with_a_shell() -> None:
    image = made("ipfs")["docker.io/ipfs/kubo:v0.42.0"]
    assert image.files["/usr/local/bin/ipfs"] == Path("/bin/sh")
    assert "/bin/sh" in image.links and "/bin/busybox" in image.files
    assert f"{more.KUBO_COPY}:v0.42.0" in image.names


def test_python_is_whole_and_says_what_it_is() -> None:
    image = made("ipfs")["docker.io/library/python:3.13-slim"]
    assert f"lab.local/python:{platform.python_version()}" in image.names
    assert image.labels["lab.local/stands-for"] == "docker.io/library/python:3.13-slim"
    assert platform.python_version() in image.labels["lab.local/made-of"]
    release = ".".join(platform.python_version_tuple()[:2])
    assert image.links["/usr/local/bin/python3"] == f"python{release}"
    library = f"/usr/local/lib/python{release}"
    assert {f"{library}/{name}" for name in ("os.py", "http/server.py", "ssl.py", "json/__init__.py")} <= set(
        image.files
    )
    assert not [path for path in image.files if "/site-packages/" in path or "__pycache__" in path]
    assert any("ld-linux" in path for path in image.files), "what its programs load is with them"
    assert not [path for path in image.files if ".." in path]


def test_labels_are_in_the_configuration() -> None:
    image = Image(("lab.local/x:1",), {"/x": Path("/bin/sh")}, labels={"lab.local/made-of": "nothing"})
    with tarfile.open(archive([image])) as tar:
        found = {each.name: (tar.extractfile(each) or io.BytesIO()).read() for each in tar.getmembers()}
    (manifest,) = json.loads(found["manifest.json"])
    assert json.loads(found[manifest["Config"]])["config"]["Labels"] == {"lab.local/made-of": "nothing"}


def test_the_python_that_runs_this_is_the_one_in_the_image() -> None:
    assert python.OWN.endswith(platform.python_version())
