"""The lab's images of CITA-Cloud: every one that a stack can ask for, and one layer for all of them."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from archipelago.chains.cita_cloud import services
from archipelago.chains.cita_cloud.settings import HelperImages
from lab.nodes import cita
from lab.nodes.archive import Image, archive
from lab.tools.definitions import MODULES
from tests.cita import local, plan_of

pytestmark = pytest.mark.unit

EVERYTHING = {
    "network.monitor": True,
    "network.debug": True,
    "network.services.executor": "executor_chaincode_ext",
    "network.services.kms": "kms_eth",
}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Image]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    images = cita.images({"/bin/busybox": program}, {"/bin/sh": "busybox"}, program)
    return {name: image for image in images for name in image.names}


def test_every_image_that_a_stack_can_ask_for_is_there(made: dict[str, Image]) -> None:
    kinds = [kind for offered in services._SETS.values() for key in ("defaults", "more") for kind in offered[key]]
    asked = {services._image(images, kind) for images in services._SETS for kind in [*kinds, *services._ODD_TAGS]} - {
        ""
    }
    assert {f"docker.io/{each}" for each in asked} <= made.keys()
    helpers = (each if "/" in each else f"library/{each}" for each in HelperImages().model_dump().values())
    assert {f"docker.io/{each}" for each in helpers} <= made.keys()


def test_an_image_says_which_of_all_it_stands_for(made: dict[str, Image]) -> None:
    for container in plan_of(local(EVERYTHING)).nodes[0].containers:
        reference = container.image if "/" in container.image else f"library/{container.image}"
        image = made[f"docker.io/{reference}"]
        assert f"CITA_STAND_IN={container.image.rpartition('/')[2]}" in image.environment
        assert f"{cita.STAND_IN}/{container.image.rpartition('/')[2]}" in image.names
        if container.name in ("debug", "peers"):
            continue  # a shell of its own
        started = container.command[-1].removeprefix("exec ").split()[0] if container.command else image.entrypoint[0]
        assert image.links[f"/usr/bin/{started}"] == "cita-stand-in"
        assert f'"{started}":' in (MODULES / "cita-stand-in" / "main.go").read_text()


def test_images_that_differ_in_their_start_share_a_layer(made: dict[str, Image]) -> None:
    images = list({id(each): each for each in made.values()}.values())
    assert all(each.layer == images[0].layer for each in images)
    with tarfile.open(archive(images)) as tar:
        found = {each.name: (tar.extractfile(each) or io.BytesIO()).read() for each in tar.getmembers()}
    manifest = json.loads(found["manifest.json"])
    assert sorted(name for each in manifest for name in each["RepoTags"]) == sorted(made)
    assert {name for each in manifest for name in each["Layers"]} == {"layer.tar"}
    for each in manifest:
        config = json.loads(found[each["Config"]])["config"]
        image = made[each["RepoTags"][0]]
        assert (tuple(config["Env"][1:]), tuple(config["Entrypoint"])) == (image.environment, image.entrypoint)
