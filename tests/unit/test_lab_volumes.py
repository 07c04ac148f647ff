"""Volumes of the lab: a directory each where pods really run, and nothing at all where they are simulated."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from lightkube.resources.core_v1 import PersistentVolume, PersistentVolumeClaim

from lab.controllers.volumes import Claims, Volumes

pytestmark = pytest.mark.unit

NAME = "pvc-0f0f"


class Server:
    """Keeps the volumes that are made, and notes whether their directory was there by then."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.made: list[PersistentVolume] = []
        self.deleted: list[str] = []
        self.ready = False

    async def create(self, volume: PersistentVolume) -> None:
        self.ready = self.folder is not None and (self.folder / NAME).is_dir()
        self.made.append(volume)

    async def delete(self, _kind: type, name: str) -> None:
        assert self.folder is None or not (self.folder / name).exists(), "the data goes first"
        self.deleted.append(name)


def claimed(folder: Path | None, server: Server) -> PersistentVolume:
    """The volume of a new claim."""
    plain: dict[str, Any] = {
        "metadata": {"namespace": "n", "name": "data", "uid": "0f0f"},
        "spec": {"storageClassName": "standard", "resources": {"requests": {"storage": "1Gi"}}},
    }
    claim = cast("PersistentVolumeClaim", PersistentVolumeClaim.from_dict(plain))
    asyncio.run(Claims(server, folder).change(claim, deleted=False))  # type: ignore[arg-type]
    return server.made[-1]


def tell(folder: Path | None, server: Server, volume: PersistentVolume, phase: str, deleted: bool = False) -> None:
    plain = {**volume.to_dict(), "status": {"phase": phase}}
    told = cast("PersistentVolume", PersistentVolume.from_dict(plain))
    asyncio.run(Volumes(server, folder).change(told, deleted=deleted))  # type: ignore[arg-type]


def path_of(volume: PersistentVolume) -> Path:
    assert volume.spec
    assert volume.spec.hostPath
    return Path(volume.spec.hostPath.path)


def test_without_a_folder_nothing_is_made() -> None:
    server = Server()
    volume = claimed(None, server)
    assert path_of(volume) == Path("/nonexistent") / NAME
    tell(None, server, volume, "Released")
    assert server.deleted == [NAME]


def test_a_volume_has_a_directory_for_everybody_before_it_exists(tmp_path: Path) -> None:
    folder = tmp_path / "volumes"
    server = Server(folder)
    path = path_of(claimed(folder, server))
    assert server.ready
    assert path == folder / NAME
    assert path.stat().st_mode & 0o777 == 0o777


@pytest.mark.parametrize(("phase", "deleted"), [("Released", False), ("Available", True)])
def test_the_directory_goes_with_its_volume(tmp_path: Path, phase: str, deleted: bool) -> None:
    server = Server(tmp_path)
    volume = claimed(tmp_path, server)
    (path_of(volume) / "chaindata").mkdir()
    tell(tmp_path, server, volume, phase, deleted)
    assert not path_of(volume).exists()
    assert server.deleted == ([] if deleted else [NAME])


@pytest.mark.parametrize("deleted", [False, True])
def test_the_directory_of_a_bound_or_retained_volume_stays(tmp_path: Path, deleted: bool) -> None:
    server = Server(tmp_path)
    volume = claimed(tmp_path, server)
    tell(tmp_path, server, volume, "Bound")
    assert volume.spec
    volume.spec.persistentVolumeReclaimPolicy = "Retain"
    tell(tmp_path, server, volume, "Released", deleted)
    assert path_of(volume).is_dir()
    assert server.deleted == []
