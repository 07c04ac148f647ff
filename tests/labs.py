"""Labs that all workers of a test run share: whichever worker comes first starts one, and it ends with the run."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from lab.lab import Lab
from lab.tools import Toolchain

_FOLDER = "ARCHIPELAGO_TEST_LABS"
_WORKER = "PYTEST_XDIST_WORKER"


def prepare() -> None:
    """Name the folder of this run's labs; workers inherit the name."""
    if _WORKER not in os.environ:
        os.environ[_FOLDER] = tempfile.mkdtemp(prefix="archipelago-")


def clear() -> None:
    """End the labs, and delete their folder."""
    if _WORKER not in os.environ:
        folder = Path(os.environ.pop(_FOLDER))
        for each in folder.iterdir():
            Lab(each).down(purge=True)
        shutil.rmtree(folder)


def shared(toolchain: Toolchain, profile: str, clusters: int) -> Lab:
    """The running lab of a profile."""
    lab = Lab(Path(os.environ[_FOLDER]) / profile)
    # a worker's parent is the process that ends last
    lab.up(toolchain, clusters=clusters, profile=profile, owner=os.getppid() if _WORKER in os.environ else os.getpid())
    return lab


def worker() -> int:
    """This worker's number, from 0."""
    return int(os.environ.get(_WORKER, "gw0").removeprefix("gw"))
